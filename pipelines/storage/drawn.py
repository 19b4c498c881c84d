"""Texts of a run that a hash of their ids chooses: the same ones however the run was cut into units and parts."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gristmill.pipelines.storage.parts import read_part
from gristmill.pipelines.storage.store import Store
from gristmill.tokenizer.sampling import SAMPLE_SALT, derived_key, keyed_hash

BYTES_PER_ID, SMALLEST_SAMPLE, LARGEST_SAMPLE = 3_000, 25_000_000, 50_000_000
"""Of text to train a tokenizer on where nobody says. More makes no better vocabulary of its size, in English or Chinese
(docs/benchmarks.md), and nothing else can be done while one worker trains."""


def enough_to_train(vocabulary: int) -> int:
    """UTF-8 bytes of text that a tokenizer of so many ids needs."""
    return min(max(BYTES_PER_ID * vocabulary, SMALLEST_SAMPLE), LARGEST_SAMPLE)


@dataclass(frozen=True)
class Sample:
    """Documents in the order of a hash of their id: which they are does not depend on how they are cut into units."""

    texts: list[str]
    languages: list[str]
    sources: list[str]

    def per_language(self, limit: int) -> "Sample":
        """The first documents of every language, about `limit` bytes each."""
        size: dict[str, int] = defaultdict(int)
        chosen = []
        for row in zip(self.texts, self.languages, self.sources, strict=True):
            if size[row[1]] < limit:
                chosen.append(row)
                size[row[1]] += len(row[0].encode())
        return Sample(*([row[n] for row in chosen] for n in range(3)))


def draw(store: Store, parts: Sequence[str], wanted: int, seed: int) -> Sample:
    """Take documents of parts of `text/` in hash order until they make `wanted` bytes of UTF-8; reads text only of
    those."""
    key = derived_key(SAMPLE_SALT, seed)
    hashes, sizes, places = [], [], []
    for number, part in enumerate(parts):
        for place, batch in enumerate(read_part(store, part, ["doc_id", "bytes"])):
            hashes.append(keyed_hash(batch.column("doc_id"), key))
            sizes.append(batch.column("bytes").to_numpy())
            row = np.arange(batch.num_rows)
            places.append(np.stack([np.full_like(row, number), np.full_like(row, place), row], axis=1))
    if not hashes:
        return Sample([], [], [])
    order = np.argsort(np.concatenate(hashes), kind="stable")
    before = np.cumsum(np.concatenate(sizes)[order]) - np.concatenate(sizes)[order]
    return _texts(store, parts, np.concatenate(places)[order[before < wanted]])


def _texts(store: Store, parts: Sequence[str], chosen: np.ndarray) -> Sample:
    """chosen: int64[N, 3] of (part, batch, row), in the order in which the texts are wanted."""
    texts, languages, sources = ([""] * len(chosen) for _ in range(3))
    for number in np.unique(chosen[:, 0]):
        for place, batch in enumerate(read_part(store, parts[number], ["text", "lang", "source"])):
            mine = np.flatnonzero((chosen[:, 0] == number) & (chosen[:, 1] == place))
            rows = batch.take(chosen[mine, 2])
            found = (rows[name].to_pylist() for name in ("text", "lang", "source"))
            for at, text, language, source in zip(mine, *found, strict=True):
                texts[at], languages[at], sources[at] = text, language or "und", source
    return Sample(texts, languages, sources)
