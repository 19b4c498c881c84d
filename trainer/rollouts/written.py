"""Rollouts as data again: JSON lines that a recipe reads, with where each came from.

    RUN/rollouts/NAME/samples/step-000010.jsonl    every response, with its reward
                      chat/...                     of each prompt the best:                   source `chat:`
                      pairs/...                    of each prompt the best and the worst:     source `pairs:`

A file appears whole or not at all; the same rollouts give the same bytes.
"""

import json
import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from gristmill.tokenizer.chat.render import read_turns
from gristmill.tokenizer.chat.turns import Turn, calls_in
from gristmill.tokenizer.encode import Encoder
from gristmill.tokenizer.shards.arrow_file import to_disk
from gristmill.trainer.evaluate.sampling import Sampling
from gristmill.trainer.rollouts.prompts import prompt_messages
from gristmill.trainer.rollouts.rollout import Rollout

SAMPLES, CHAT, PAIRS = "samples", "chat", "pairs"


@dataclass(frozen=True)
class Source:
    """What wrote the rollouts of a step."""

    generator: str
    """sha256 of the checkpoint that they were sampled from, or that the training which samples began from."""
    step: int
    """Of the training, or the round; 0: the checkpoint itself."""
    sampling: Sampling


def write_rollouts(folder: Path, rollouts: Sequence[Rollout], encoder: Encoder, source: Source) -> None:
    """Writes the files of a step; marks the best of each prompt (`Rollout.chosen`). `folder`: RUN/rollouts/NAME. The
    rollouts of all ranks together, by one of them. Raises ValueError for a response without a reward."""
    if any(math.isnan(rollout.reward) for rollout in rollouts):
        raise ValueError("rollouts are written when they have their rewards")
    choose(rollouts, encoder)
    samples, chats, pairs = [], [], []
    for _, members in groupby(rollouts, lambda rollout: rollout.group):
        group = list(members)
        samples += [_sample(one, encoder, source) for one in group]
        best = next((one for one in group if one.chosen), None)
        worst = min((one for one in group if _said(one, encoder)), key=lambda one: one.reward, default=None)
        if best is None or worst is None:
            continue
        chats.append(_sample(best, encoder, source))
        if worst.reward < best.reward and _said(worst, encoder) != _said(best, encoder):
            pairs.append(_pair(best, worst, encoder, source))
    for name, records in ((PAIRS, pairs), (CHAT, chats), (SAMPLES, samples)):
        _write(folder / name / f"step-{source.step:06d}.jsonl", records)


def choose(rollouts: Iterable[Rollout], encoder: Encoder) -> None:
    """Marks of each group the first of those with the highest reward: of the responses that ended and say something."""
    for _, members in groupby(rollouts, lambda rollout: rollout.group):
        group = list(members)
        fit = [one for one in group if not one.truncated and _said(one, encoder)]
        best = max(fit, key=lambda one: one.reward, default=None)
        for one in group:
            one.chosen = one is best


def response_messages(encoder: Encoder, rollout: Rollout) -> list[dict[str, Any]]:
    """What was answered: turns of the policy, and of tools between."""
    turns: list[Turn] = []
    edges = np.flatnonzero(np.diff(rollout.mask.astype(np.int8))) + 1
    for ids, mask in zip(np.split(rollout.response_ids, edges), np.split(rollout.mask, edges), strict=True):
        if len(ids) and mask[0]:
            turns.append(Turn("assistant", *calls_in(encoder.decode(ids.tolist()))))
        else:
            turns += read_turns(encoder, ids.tolist())
    return [turn.message() for turn in turns]


def _said(rollout: Rollout, encoder: Encoder) -> str:
    return encoder.decode(rollout.response_ids.tolist()).strip()


def _sample(rollout: Rollout, encoder: Encoder, source: Source) -> dict[str, Any]:
    messages = prompt_messages(encoder, rollout.prompt) + response_messages(encoder, rollout)
    facts = {"reward": rollout.reward, "best": rollout.chosen, "truncated": rollout.truncated}
    return {"id": _id(rollout, source), "messages": messages} | facts | _origin(rollout, source)


def _pair(best: Rollout, worst: Rollout, encoder: Encoder, source: Source) -> dict[str, Any]:
    return {
        "id": _id(best, source),
        "prompt": prompt_messages(encoder, best.prompt),
        "chosen": response_messages(encoder, best),
        "rejected": response_messages(encoder, worst),
        "score_chosen": best.reward,
        "score_rejected": worst.reward,
    } | _origin(best, source)


def _id(rollout: Rollout, source: Source) -> str:
    return f"{source.generator[:12]}/{source.step}/{rollout.prompt.number}/{rollout.sample}"


def _origin(rollout: Rollout, source: Source) -> dict[str, Any]:
    return {
        "derived_from": rollout.prompt.doc_id or None,
        "task": rollout.prompt.task or None,
        "answer": rollout.prompt.answer or None,
        "generator": source.generator,
        "step": source.step,
        "sampling": asdict(source.sampling),
    }


def _write(path: Path, records: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    lines = (json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n" for record in records)
    partial.write_text("".join(lines), encoding="utf-8")
    to_disk(partial)
    os.replace(partial, path)
    to_disk(path.parent)
