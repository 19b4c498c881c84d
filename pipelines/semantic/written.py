"""The groups of embeddings as a Parquet file that a recipe joins as labels."""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gristmill.pipelines.semantic.embeddings import read_embeddings
from gristmill.pipelines.semantic.groups import groups_of
from gristmill.pipelines.semantic.partitions import SIZE, partitions_of


@dataclass(frozen=True)
class Asked:
    """What is grouped how."""

    files: Sequence[Path]
    key: str
    """Column of the documents' names."""
    column: str
    """Column of the embeddings."""
    rank: str | None
    """Column of numbers: the largest stays. None: the first key in the order of its bytes."""
    threshold: float
    """Cosine from which a document goes, in (0, 1]."""
    partition: int = SIZE
    """Documents of a partition that are aimed at; 0: all in one, compared each with all that stay."""
    seed: int = 1


@dataclass(frozen=True)
class Summary:
    """What was found."""

    documents: int
    partitions: int
    groups: int
    """Of two documents or more."""
    duplicates: int


def write_groups(asked: Asked, out: Path) -> Summary:
    """Writes `out`, a Parquet file with a row a document, in the order of the keys, when all of it is done.

    Columns: the key (string), duplicate (bool), similarity (float32, to the winner), winner (string, the key of the
    document that stays; its own, where it stays), group_size (int32), partition (int32).
    """
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as scratch:
        found = read_embeddings(asked.files, asked.key, asked.column, asked.rank, Path(scratch))
        count = len(found.keys)
        parts_N = np.zeros(count, np.int32)
        if asked.partition:
            parts_N = partitions_of(found.vectors_ND, asked.seed, asked.partition)
        groups = groups_of(found.vectors_ND, parts_N, asked.threshold)
        sizes_N = np.bincount(groups.winners_N, minlength=count)
        table = pa.table(
            {
                asked.key: found.keys,
                "duplicate": pa.array(groups.winners_N != np.arange(count)),
                "similarity": pa.array(groups.similarity_N),
                "winner": found.keys.take(pa.array(groups.winners_N)),
                "group_size": pa.array(sizes_N[groups.winners_N].astype(np.int32)),
                "partition": pa.array(parts_N),
            }
        )
        whole = Path(scratch) / out.name
        pq.write_table(table.take(pc.sort_indices(table[asked.key])), whole, compression="zstd")
        os.replace(whole, out)
    return Summary(count, int(parts_N.max()) + 1, int((sizes_N > 1).sum()), count - int((sizes_N > 0).sum()))
