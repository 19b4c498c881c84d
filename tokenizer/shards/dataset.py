"""A split of token shards as one object: what a trainer opens."""

import math
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from gristmill.tokenizer.shards.format import Shard
from gristmill.tokenizer.shards.index import read_index
from gristmill.tokenizer.shards.packing import PackPlan
from gristmill.tokenizer.special_ids import BOS, EOS

COUNT_CHUNK = 1 << 22  # np.bincount widens to int64: 32 MB at a time instead of four times the shard


class TokenShards:
    """A split of tokens/index.json. Opening maps the files: nothing is read or copied until it is used."""

    def __init__(self, index: str | Path, split: str):
        path = Path(index)
        self.index = read_index(path)
        if split not in self.index.splits:
            raise ValueError(f"{path}: no split {split!r}, only {', '.join(self.index.splits)}")
        self.entry = self.index.splits[split]
        self.sequence_length = self.index.sequence_length
        self.plan_path = path.parent / self.entry.plan
        self.shards = [Shard(path.parent / shard.path) for shard in self.entry.shards]
        for shard in self.shards:
            if shard.header.tokenizer_sha256 != self.index.tokenizer["sha256"]:
                raise ValueError(f"{shard.path}: encoded with another tokenizer than {path} names")

    @cached_property
    def plan(self) -> PackPlan:
        """The plan of epoch 0, from its file. For a later epoch: packing.pack(shards, ..., epoch=n)."""
        return PackPlan.open(self.plan_path)

    @property
    def sources(self) -> list[str]:
        """Names of all sources of the split, sorted."""
        return sorted({name for shard in self.shards for name in shard.column("source").unique().to_pylist()})

    def verify(self) -> None:
        """Compare every shard with its hash and check its content. Raises ValueError naming the file."""
        for shard, entry in zip(self.shards, self.entry.shards, strict=True):
            shard.verify(entry.sha256)
            if (len(shard), len(shard.tokens)) != (entry.rows, entry.tokens):
                raise ValueError(f"{shard.path}: rows or tokens differ from the index")


def token_counts(shards: Sequence[Shard]) -> np.ndarray:
    """int64[vocabulary]: how often each id occurs."""
    counts = np.zeros(max((shard.header.vocabulary for shard in shards), default=0), np.int64)
    for shard in shards:
        for begin in range(0, len(shard.tokens), COUNT_CHUNK):
            counts += np.bincount(shard.tokens[begin : begin + COUNT_CHUNK], minlength=len(counts))
    return counts


def unigram_entropy(shards: Sequence[Shard]) -> tuple[float, float]:
    """(nats per token, bits per byte) of a model that knows how often each token occurs and nothing else.

    The baseline that a trained model must beat. BOS is left out: it is never predicted. EOS counts, as in a trainer's
    loss. Bits are divided by the UTF-8 bytes of the text. (0, 0) for an empty set.
    """
    counts = token_counts(shards).astype(np.float64)
    if counts.size:
        special = shards[0].header.special_ids
        bos = special.get("<bos>", BOS)  # where the end of a document stands before the next, it is predicted, too
        counts[bos] = counts[bos] - sum(map(len, shards)) if bos == special.get("<eos>", EOS) else 0
    total = float(counts.sum())
    if total == 0:
        return 0.0, 0.0
    occurring = counts[counts > 0]
    nats = float(-(occurring * np.log(occurring / total)).sum())
    text_bytes = sum(int(shard.column("bytes").to_numpy().sum()) for shard in shards)
    return nats / total, nats / math.log(2) / text_bytes if text_bytes else 0.0
