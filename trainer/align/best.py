"""Rejection sampling: of each prompt the best answer of all rounds so far is learnt (Llama 2, section 3.2.3).

    RUN/train/NAME/best/round-000003.jsonl      the best answers of a round's prompts, after it

These files are the memory of the training: it goes on from those of the rounds before, at any world size.
"""

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from gristmill.tokenizer.shards.arrow_file import to_disk
from gristmill.trainer.data.rounds import RoundRows
from gristmill.trainer.devices.world import World, barrier, gather_objects
from gristmill.trainer.rollouts.rollout import Rollout

PREFIX = "round-"


class Best:
    """A `Keep`: of each prompt of the round the answer with the highest reward, of this round and those before it."""

    def __init__(self, folder: Path, choose: Callable[[Iterable[Rollout]], None], world: World):
        """`choose` marks of each group the best of those that are fit (`Rollout.chosen`)."""
        self.folder, self.choose, self.world = folder, choose, world
        self.known: dict[int, dict[str, Any]] = {}
        """Prompt's number -> its best answer."""
        self.read = -1
        """The last round of which that is."""

    def __call__(self, rows: RoundRows, rollouts: list[Rollout]) -> list[Rollout]:
        """Of a `Keep`. All ranks must call it."""
        self._remember(rows.round)
        self.choose(rollouts)
        kept, found = [], []
        for one in (rollout for rollout in rollouts if rollout.sample == 0):
            group = [other for other in rollouts if other.group == one.group]
            best = next((other for other in group if other.chosen), None)
            number = int(rows.prompts_P[one.group])
            before = self.known.get(number)
            if best is not None and (before is None or best.reward > before["reward"]):
                before = _record(number, best, rows.round)
            if before is not None:
                found.append(before)
                kept.append(_rollout(one, before))
        self._write(rows.round, gather_objects(self.world, found))
        return kept

    def _remember(self, number: int) -> None:
        """Reads the rounds before this one, and forgets what an interrupted training found after them."""
        if number != self.read + 1:
            self.known, self.read = {}, -1
        for earlier in range(self.read + 1, number):
            for record in _records(self._path(earlier)):
                self.known[record["prompt"]] = record
        self.read = number - 1

    def _write(self, number: int, records: list[dict[str, Any]]) -> None:
        self.known |= {record["prompt"]: record for record in records}
        self.read = number
        if self.world.first:
            self.folder.mkdir(parents=True, exist_ok=True)
            path = self._path(number)
            partial = path.with_name(f".{path.name}.partial")
            records = sorted(records, key=lambda record: record["prompt"])
            partial.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
            to_disk(partial)
            os.replace(partial, path)
        barrier(self.world)

    def _path(self, number: int) -> Path:
        return self.folder / f"{PREFIX}{number:06d}.jsonl"


def _records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def _record(number: int, best: Rollout, round_number: int) -> dict[str, Any]:
    facts = {"prompt": number, "reward": best.reward, "round": round_number}
    return facts | {"response_ids": best.response_ids.tolist(), "mask": best.mask.tolist()}


def _rollout(asked: Rollout, record: dict[str, Any]) -> Rollout:
    """The remembered answer, in the place of this round's prompt."""
    ids, mask = np.array(record["response_ids"], np.int32), np.array(record["mask"], np.uint8)
    made = Rollout(asked.prompt, asked.group, 0, ids, mask, np.zeros(len(ids), np.float32), truncated=False)
    made.reward, made.chosen = float(record["reward"]), True
    return made
