"""Runs for the proof, made without a corpus: a tokenizer, and shards of conversations, pairs or prompts."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gristmill.tokenizer.chat.render import Rendered, render_all
from gristmill.tokenizer.chat.turns import parse
from gristmill.tokenizer.encode import Encoder
from gristmill.tokenizer.shards.format import Header, Shard, token_batch, write_shard
from gristmill.tokenizer.shards.index import Index, ShardEntry, SplitEntry, write_index
from gristmill.tokenizer.shards.packing import pack
from gristmill.tokenizer.special_ids import BOS, EOS, SPECIAL_IDS
from gristmill.tokenizer.train import TokenizerOptions, TooLargeError, train
from gristmill.trainer.tasks.registry import open_task

LANGUAGES = ("en", "zh")
Messages = list[dict[str, Any]]


def make_tokenizer(folder: Path, texts: Sequence[str], vocabulary: int = 512) -> Path:
    """folder/tokenizer, of the vocabulary or of as many pieces as the texts hold."""
    try:
        train(texts, TokenizerOptions(vocabulary=vocabulary), folder / "tokenizer")
    except TooLargeError as error:
        train(texts, TokenizerOptions(vocabulary=error.largest), folder / "tokenizer")
    return folder / "tokenizer"


def task_talks(tasks: Sequence[str], seed: int, count: int) -> list[Messages]:
    """Questions with right answers, `count` of each task and language, in turns."""
    kinds = [(open_task(task), lang) for task in tasks for lang in LANGUAGES]
    made = [task.examples(seed, count, lang) for task, lang in kinds]
    return [
        [*one.messages, {"role": "assistant", "content": one.response}]
        for row in zip(*made, strict=True)
        for one in row
    ]


def write_talks(run: Path, tokenizer: Path, splits: dict[str, list[Messages]], length: int, **render: Any) -> Path:
    """A run of conversations. `render`: options of the renderer (ghost, learn)."""
    encoder = _tokenizer_into(run, tokenizer)
    made = {name: _rendered(encoder, talks, length, **render) for name, talks in splits.items()}
    columns = {name: {"loss_mask": np.concatenate([one.mask for one in some])} for name, some in made.items()}
    return _write(run, encoder, "chat", {n: [one.ids for one in some] for n, some in made.items()}, columns, length)


def write_texts(run: Path, tokenizer: Path, splits: dict[str, list[str]], length: int) -> Path:
    """A run of texts."""
    encoder = _tokenizer_into(run, tokenizer)
    ids = {name: [np.array([BOS, *encoder.ids(text), EOS]) for text in texts] for name, texts in splits.items()}
    return _write(run, encoder, "text", ids, {name: {} for name in splits}, length)


def write_pairs(run: Path, tokenizer: Path, splits: dict[str, list[tuple[Messages, Messages]]], length: int) -> Path:
    """A run of pairs: (better, worse) conversations."""
    encoder = _tokenizer_into(run, tokenizer)
    ids: dict[str, list[np.ndarray]] = {}
    columns: dict[str, dict[str, Any]] = {}
    for name, pairs in splits.items():
        both = [
            (_rendered(encoder, [better], length)[0], _rendered(encoder, [worse], length)[0]) for better, worse in pairs
        ]
        ids[name] = [np.concatenate([better.ids, worse.ids]) for better, worse in both]
        masks = np.concatenate([one.mask for pair in both for one in pair])
        columns[name] = {"loss_mask": masks, "rejected": [len(better.ids) for better, _ in both]}
        columns[name]["margin"] = [0.0] * len(both)
    return _write(run, encoder, "pairs", ids, columns, length)


def _tokenizer_into(run: Path, tokenizer: Path) -> Encoder:
    (run / "tokenizer").mkdir(parents=True)
    for path in tokenizer.iterdir():
        (run / "tokenizer" / path.name).write_bytes(path.read_bytes())
    return Encoder(run / "tokenizer")


def _rendered(encoder: Encoder, talks: list[Messages], most: int, **options: Any) -> list[Rendered]:
    found = render_all(encoder, [parse(talk) for talk in talks], most=most, **options)
    return [one for one in found if one is not None]


def _write(
    run: Path,
    encoder: Encoder,
    kind: str,
    ids: dict[str, list[np.ndarray]],
    columns: dict[str, dict[str, Any]],
    length: int,
) -> Path:
    info = json.loads((run / "tokenizer" / "info.json").read_text(encoding="utf-8"))
    header = Header(info["sha256"], encoder.vocabulary, SPECIAL_IDS, "proof")
    entries = {}
    for split, documents in ids.items():
        names = [f"{split}-{number}" for number in range(len(documents))]
        own = {"doc_id": names, "source": ["task"] * len(names), "lang": ["en"] * len(names), "cluster": names}
        offsets = np.cumsum([0, *(len(one) for one in documents)])
        batch = token_batch(
            np.concatenate(documents), offsets, own | {"bytes": [1] * len(names)} | columns[split], header
        )  # fmt: skip
        (run / "tokens" / split).mkdir(parents=True)
        (run / "tokens" / "plan").mkdir(exist_ok=True)
        path = f"{split}/00000.arrow"
        written = write_shard(run / "tokens" / path, [batch])
        entry = ShardEntry(path, written.rows, written.tokens, written.bytes, written.file_bytes, written.sha256)
        plan = pack([Shard(run / "tokens" / path)], length, whole=True)
        plan.write(run / "tokens" / "plan" / f"{split}-{length}.arrow")
        entries[split] = SplitEntry(
            (entry,), f"plan/{split}-{length}.arrow", len(plan), entry.tokens, plan.figures.padding
        )  # fmt: skip
    write_index(run / "tokens" / "index.json", Index(length, info, entries, kind))
    return run
