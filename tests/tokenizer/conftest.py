"""Small shards with known documents, and texts in English and Chinese."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tokenizer.shards import Header, Shard, token_batch, write_shard
from tokenizer.special_ids import SPECIAL_IDS

Document = tuple[str, Sequence[int]]


@pytest.fixture(scope="session")
def header() -> Header:
    return Header("a" * 64, 60_000, SPECIAL_IDS, "step")


@pytest.fixture(scope="session")
def batch_of(header) -> Callable:
    """Documents (doc_id, ids) -> a record batch; the source is doc_id's first letter, bytes are 3 per token."""

    def build(documents: Sequence[Document], header=header, **more):
        tokens = np.array([number for _, ids in documents for number in ids], np.int64)
        offsets = np.cumsum([0] + [len(ids) for _, ids in documents]).astype(np.int64)
        names = [name for name, _ in documents]
        columns = {
            "doc_id": names,
            "source": [name[:1] for name in names],
            "lang": ["zh" if name.startswith("zh") else "en" for name in names],
            "cluster": names,
            "bytes": [3 * len(ids) for _, ids in documents],
        }
        return token_batch(tokens, offsets, columns | more, header)

    return build


@pytest.fixture(scope="session")
def make_shards(batch_of, tmp_path_factory) -> Callable:
    """Documents, cut at the given places -> opened shards."""

    def build(documents: Sequence[Document], cuts: Sequence[int] = ()) -> list[Shard]:
        folder: Path = tmp_path_factory.mktemp("shards")
        edges = [0, *cuts, len(documents)]
        paths = [folder / f"{number}.arrow" for number in range(len(edges) - 1)]
        for path, (begin, end) in zip(paths, pairwise(edges), strict=True):
            write_shard(path, [batch_of(documents[begin:end])])
        return [Shard(path) for path in paths]

    return build
