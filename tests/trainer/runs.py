"""Tiny run directories of conversations and of pairs, with the tokenizer of `write_run`; English and Chinese.

What is to be learnt: the answer repeats the question's words (better), and does not (worse).
"""

import random
import shutil
from pathlib import Path

import numpy as np

from gristmill.tokenizer.chat.render import render
from gristmill.tokenizer.chat.turns import Turn
from gristmill.tokenizer.encode import Encoder
from gristmill.tokenizer.shards.format import Header, Shard, token_batch, write_shard
from gristmill.tokenizer.shards.index import Index, ShardEntry, SplitEntry, read_index, write_index
from gristmill.tokenizer.shards.packing import pack
from gristmill.tokenizer.special_ids import SPECIAL_IDS

WORDS = {"en": "mill river dog grain sun sacks sleeps".split(), "zh": list("磨坊河狗谷物水车")}  # noqa: SIM905


def said(rng: random.Random, lang: str) -> str:
    return ("", " ")[lang == "en"].join(rng.choice(WORDS[lang]) for _ in range(rng.randrange(1, 5)))


def conversation(rng: random.Random, lang: str, turns: int = 2) -> list[Turn]:
    made = [Turn("system", "be brief")] if rng.random() < 0.3 else []
    for _ in range(turns):
        question = said(rng, lang)
        made += [Turn("user", question), Turn("assistant", question)]
    return made


def row_of(rng: random.Random, kind: str, lang: str, encoder: Encoder) -> dict:
    """tokens, loss_mask, and of pairs rejected and margin."""
    turns = conversation(rng, lang, rng.randrange(1, 3) if kind == "chat" else 1)
    first = render(encoder, turns)
    if kind == "chat":
        return {"tokens": first.ids, "loss_mask": first.mask}
    other = said(rng, lang)
    while other == turns[-1].content:
        other = said(rng, lang)
    second = render(encoder, [*turns[:-1], Turn("assistant", other)])
    return {
        "tokens": np.concatenate([first.ids, second.ids]),
        "loss_mask": np.concatenate([first.mask, second.mask]),
        "rejected": len(first.ids),
        "margin": rng.choice([0.0, 0.5]),
    }


def write_aligned(
    folder: Path, text_run: Path, kind: str, *, rows: int = 160, length: int = 128, seed: int = 0
) -> Path:
    """A run of `chat` or `pairs` with the tokenizer of a run of texts."""
    shutil.copytree(text_run / "tokenizer", folder / "tokenizer")
    encoder, rng = Encoder(folder / "tokenizer"), random.Random(seed)
    info = read_index(text_run / "tokens" / "index.json").tokenizer
    header = Header(info["sha256"], encoder.vocabulary, SPECIAL_IDS, "test")
    made = [(("en", "zh")[n % 2], row_of(rng, kind, ("en", "zh")[n % 2], encoder)) for n in range(rows)]
    splits = {
        name: _write_split(folder / "tokens", name, part, header, length)
        for name, part in (("train", made[16:]), ("validation", made[:16]))
    }
    write_index(folder / "tokens" / "index.json", Index(length, info, splits, kind))
    return folder


def _write_split(folder: Path, split: str, made: list, header: Header, length: int) -> SplitEntry:
    (folder / split).mkdir(parents=True)
    (folder / "plan").mkdir(exist_ok=True)
    entries = []
    for number, part in enumerate((made[::2], made[1::2])):
        ids = [f"{split}{number}-{n}" for n in range(len(part))]
        offsets = np.concatenate([[0], np.cumsum([len(row["tokens"]) for _, row in part])])
        columns = {"doc_id": ids, "source": [lang for lang, _ in part], "lang": [lang for lang, _ in part]}
        columns |= {"cluster": ids, "bytes": [len(row["tokens"]) for _, row in part]}
        columns["loss_mask"] = np.concatenate([row["loss_mask"] for _, row in part])
        if "rejected" in part[0][1]:
            columns |= {name: [row[name] for _, row in part] for name in ("rejected", "margin")}
        path = f"{split}/{number:05d}.arrow"
        tokens = np.concatenate([row["tokens"] for _, row in part])
        done = write_shard(folder / path, [token_batch(tokens, offsets, columns, header)])
        entries.append(ShardEntry(path, done.rows, done.tokens, done.bytes, done.file_bytes, done.sha256))
    plan = pack([Shard(folder / entry.path) for entry in entries], length, whole=True)
    plan.write(folder / "plan" / f"{split}-{length}.arrow")
    total = sum(entry.tokens for entry in entries)
    return SplitEntry(tuple(entries), f"plan/{split}-{length}.arrow", len(plan), total, plan.figures.padding)
