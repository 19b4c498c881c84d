"""Labels as a table: the hashes of their keys, sorted, beside their numbers.

The table is put together in pieces by the first bits of the hash, each sorted by itself, so that building it takes the
memory of one piece, however many labels there are. Ten million labels with one number take 160 MB on disk.
"""

import os
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from gristmill.filters import kept_table
from gristmill.filters.kept_table import hash_strings
from gristmill.filters.labels.keys import Key, spelt

KIND = "label-table"
VERSION = 2
"""Of how keys are spelt and hashed. Raise it when either changes: tables of another one are refused."""
_PIECE_BITS = 6

# Letters: D documents or labels, C columns.


class ConflictError(ValueError):
    """Labels that say different things of the same document; how many documents that is, and the hash of one's key."""

    def __init__(self, documents: int, first: int):
        super().__init__(f"{documents:,} documents have labels that differ")
        self.documents, self.first = documents, first


@dataclass(frozen=True, slots=True)
class LabelFile:
    """Labels that were read, by the content of their table."""

    name: str
    sha256: str
    bytes: int
    entries: int
    joined_by: Key
    columns: tuple[str, ...]

    @property
    def kept_as(self) -> str:
        """Where a run directory keeps the table."""
        return f"models/{self.sha256[:16]}-{self.name}.labels"

    @property
    def key(self) -> list[str]:
        """What a step key holds of them: no paths."""
        return [self.name, self.sha256]

    def values(self, column: pa.Array) -> np.ndarray:
        """float64[D, 1 + C] of a column of keys: whether there is a label, then its numbers; NaN where there is none.

        Raises KeyError where the table was not placed.
        """
        found_DC = np.full((len(column), 1 + len(self.columns)), np.nan)
        found_DC[:, 0] = 0
        keys = spelt(self.joined_by, column)
        row_D = np.flatnonzero(keys.is_valid().to_numpy(zero_copy_only=False))
        _, columns = kept_table.mapped(self.sha256, KIND)
        hash_D, hash_P = hash_strings(keys.drop_null()), columns["hash"]
        at_D = np.minimum(np.searchsorted(hash_P, hash_D), len(hash_P) - 1)
        there_D = hash_P[at_D] == hash_D
        row_D, at_D = row_D[there_D], at_D[there_D]
        found_DC[row_D, 0] = 1
        for number in range(len(self.columns)):
            found_DC[row_D, number + 1] = columns[f"c{number}"][at_D]
        return found_DC


def read_about(file: Path, name: str) -> LabelFile:
    """What a table says of itself. Raises ValueError for a file that is none."""
    about, sha256, size = kept_table.read_about(file, KIND, VERSION)
    return LabelFile(name, sha256, size, about["entries"], about["key"], tuple(about["columns"]))


def write(
    file: Path, key: Key, columns: Sequence[str], labels: Iterable[tuple[pa.Array, Sequence[np.ndarray]]]
) -> None:
    """Write the table of labels: batches of spelt keys (no nulls) and a float64 array for each column.

    A key may repeat with equal numbers. Raises ConflictError where they differ, ValueError where there is no label.
    """
    row = np.dtype([("hash", np.uint64), *((f"c{number}", np.float64) for number in range(len(columns)))])
    with tempfile.TemporaryDirectory(dir=file.parent) as scratch:
        folder = Path(scratch)
        _scatter(folder, row, labels)
        entries = _gather(folder, row)
        if not entries:
            raise ValueError("there is no label")
        about = {"version": VERSION, "key": key, "columns": list(columns), "entries": entries}
        whole = {name: np.memmap(folder / f"column-{at}", row[at], "r") for at, name in enumerate(row.names or ())}
        table = folder / "table"
        kept_table.write(table, KIND, about, whole)
        os.replace(table, file)


def _scatter(folder: Path, row: np.dtype, labels: Iterable[tuple[pa.Array, Sequence[np.ndarray]]]) -> None:
    """Rows into the piece of their hash, as they come."""
    with ExitStack() as stack:
        pieces = [stack.enter_context((folder / f"piece-{piece}").open("wb")) for piece in range(1 << _PIECE_BITS)]
        for keys, columns in labels:
            rows_D = np.empty(len(keys), row)
            rows_D["hash"] = hash_strings(keys)
            for name, value_D in zip((row.names or ())[1:], columns, strict=True):
                rows_D[name] = value_D
            piece_D = (rows_D["hash"] >> np.uint64(64 - _PIECE_BITS)).astype(np.int64)
            rows_D = rows_D[np.argsort(piece_D, kind="stable")]
            ends = np.cumsum(np.bincount(piece_D, minlength=len(pieces)))
            for file, begin, end in zip(pieces, [0, *ends[:-1]], ends, strict=True):
                file.write(rows_D[begin:end].tobytes())


def _gather(folder: Path, row: np.dtype) -> int:
    """The pieces sorted, each key once, as one file a column; gives the number of keys."""
    entries, conflicts, first = 0, 0, 0
    with ExitStack() as stack:
        files = [stack.enter_context((folder / f"column-{at}").open("wb")) for at in range(len(row.names or ()))]
        for piece in range(1 << _PIECE_BITS):
            path = folder / f"piece-{piece}"
            rows_D = np.fromfile(path, row)
            path.unlink()
            rows_D = rows_D[np.argsort(rows_D["hash"], kind="stable")]
            again_D = np.r_[False, rows_D["hash"][1:] == rows_D["hash"][:-1]] if len(rows_D) else np.zeros(0, bool)
            differs_D = np.zeros(len(rows_D), bool)
            for name in (row.names or ())[1:]:
                one_D, other_D = rows_D[name][1:], rows_D[name][:-1]
                differs_D[1:] |= (one_D != other_D) & ~(np.isnan(one_D) & np.isnan(other_D))
            differing = np.unique(rows_D["hash"][again_D & differs_D])
            first = int(differing[0]) if len(differing) and not conflicts else first
            conflicts += len(differing)
            rows_D = rows_D[~again_D]
            entries += len(rows_D)
            for file, name in zip(files, row.names or (), strict=True):
                np.ascontiguousarray(rows_D[name]).tofile(file)
    if conflicts:
        raise ConflictError(conflicts, first)
    return entries
