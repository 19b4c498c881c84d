"""The documents of one or several runs, as one corpus.

Letters: D documents, S shards.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from gristmill.tokenizer.mixing.errors import MixError
from gristmill.tokenizer.sampling import TEST, VALIDATION, derived_key, keyed_hash
from gristmill.tokenizer.shards.format import Shard
from gristmill.tokenizer.shards.index import Index, read_index
from gristmill.tokenizer.shards.packing import ORDER_SALT, Documents, all_documents

INDEX, MANIFEST = "tokens/index.json", "manifest.json"
HELD_OUT = (VALIDATION, TEST)


@dataclass(frozen=True)
class Run:
    """A finished run, as a mixture sees it."""

    path: Path
    index: Index
    index_sha256: str
    manifest_sha256: str | None
    """None where the shards are not a run's."""
    manifest: dict[str, Any]

    @property
    def name(self) -> str:
        """Of its folder."""
        return self.path.resolve().name

    @property
    def sample(self) -> float:
        """Share of the input that it has read."""
        return float(self.manifest.get("sample") or 1.0)


def open_runs(paths: Sequence[Path]) -> list[Run]:
    """The runs, in an order that does not depend on how they are named. Raises MixError where one has no token shards,
    or they do not fit together."""
    runs = sorted((_open(path) for path in paths), key=lambda run: run.index_sha256)
    first = runs[0]
    for before, run in pairwise(runs):
        if run.index_sha256 == before.index_sha256:
            raise MixError(
                "the same tokens are named twice", where=f"{before.path} and {run.path}", fix="name a run once"
            )
        if run.index.tokenizer["sha256"] != first.index.tokenizer["sha256"]:
            raise MixError(
                f"the runs have different tokenizers: {first.path} {first.index.tokenizer['sha256'][:12]}, "
                f"{run.path} {run.index.tokenizer['sha256'][:12]}",
                where=str(run.path),
                fix=f"make one again with `tokenizer: {{from: {first.path}}}` in its recipe",
            )
        if run.index.kind != first.index.kind:
            raise MixError(
                f"{first.path} holds {first.index.kind}, {run.path} {run.index.kind}",
                where=str(run.path),
                fix="train on runs of one kind, one after the other",
            )
    return runs


def _open(path: Path) -> Run:
    index, manifest = path / INDEX, path / MANIFEST
    try:
        raw = manifest.read_bytes() if manifest.exists() else None
        found = Run(
            path,
            read_index(index),
            hashlib.sha256(index.read_bytes()).hexdigest(),
            None if raw is None else hashlib.sha256(raw).hexdigest(),
            {} if raw is None else json.loads(raw),
        )
    except FileNotFoundError as error:
        raise MixError("there are no token shards", where=str(index), fix="make them: gristmill run RECIPE") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MixError(f"the run cannot be read: {error}", where=str(path), fix="run `gristmill run` again") from error
    return found


def sequence_length(runs: Sequence[Run], asked: int) -> int:
    """Tokens of a row. Raises MixError where the runs differ and nobody says."""
    lengths = {run.index.sequence_length for run in runs}
    if asked:
        return asked
    if len(lengths) > 1:
        said = ", ".join(f"{run.path}: {run.index.sequence_length}" for run in runs)
        raise MixError(f"the runs have rows of different lengths: {said}", where="mix.sequence_length", fix="say one")
    return lengths.pop()


@dataclass
class Pool:
    """The documents of one split of several runs."""

    runs: Sequence[Run]
    split: str
    shards: list[Shard] = field(init=False)
    run_of_S: list[int] = field(init=False)
    """Number of each shard's run."""
    documents: Documents = field(init=False)
    """In the order of the shards; shard numbers are those of all runs together."""

    def __post_init__(self) -> None:
        self.shards, self.run_of_S = [], []
        for number, run in enumerate(self.runs):
            for entry in run.index.splits[self.split].shards if self.split in run.index.splits else ():
                try:
                    shard = Shard(run.path / "tokens" / entry.path)
                except (OSError, ValueError, KeyError) as error:
                    raise MixError(
                        f"a shard cannot be read: {error}", where=str(run.path), fix="run `gristmill run` again"
                    ) from error
                self._check(run, shard)
                self.shards.append(shard)
                self.run_of_S.append(number)
        self.documents = all_documents(self.shards, derived_key(ORDER_SALT, 0, 0))

    def _check(self, run: Run, shard: Shard) -> None:
        if shard.header.tokenizer_sha256 != run.index.tokenizer["sha256"]:
            raise MixError(
                "a shard was encoded with another tokenizer than its run names",
                where=str(shard.path),
                fix="run `gristmill run` again",
            )
        vocabulary = int(run.index.tokenizer["vocabulary"])
        if len(shard.tokens) and (most := int(shard.tokens.max())) >= vocabulary:
            raise MixError(
                f"the id {most} is outside the vocabulary of {vocabulary}",
                where=str(shard.path),
                fix="the file is damaged, or of another tokenizer: run `gristmill run` again",
            )

    def __len__(self) -> int:
        return len(self.documents)

    def hashes(self, column: str, key: int) -> np.ndarray:
        """uint64 (D,): keyed hash of each document's value in a column of strings of the shards."""
        parts = [keyed_hash(shard.unmapped(column), key) for shard in self.shards]
        return np.concatenate([np.zeros(0, np.uint64), *parts])

    def run_numbers(self) -> np.ndarray:
        """int32 (D,): number of each document's run."""
        return np.array(self.run_of_S, np.int32)[self.documents.shard_D]
