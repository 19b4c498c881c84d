"""Embeddings from Parquet files: keys, unit vectors, and which document stays before another.

Letters: N documents, D dimensions.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gristmill.pipelines.errors import InputError, RecipeError

ROWS = 16_384


@dataclass(frozen=True)
class Embeddings:
    """Of N documents, the one that stays before all others first."""

    keys: pa.Array
    """[N] string."""
    vectors_ND: np.ndarray
    """float32 of length 1, memory-mapped."""


def read_embeddings(files: Sequence[Path], key: str, column: str, rank: str | None, scratch: Path) -> Embeddings:
    """All rows of Parquet files, ordered by `rank` (the largest first, nulls last), then by key.

    `column` holds lists of D numbers, or fixed-size ones. `scratch`: an empty folder for the vectors, 4 D bytes a row.
    Raises RecipeError for columns that are not there or hold something else, InputError for a file that cannot be read
    and for rows without a key, with an embedding of another D, of zeros, or with numbers that are not finite, and for
    keys that stand twice: the message names file and row.
    """
    count, dimensions = _size(files, key, column, rank)
    raw_ND = np.lib.format.open_memmap(scratch / "read.npy", "w+", np.float32, (count, dimensions))
    keys, ranks, row = [], [np.zeros(0)], 0
    for file, first, batch in _batches(files, [key, column, *([rank] if rank else [])]):
        place = f"{file}, row {first:,} and after"
        keys.append(_keys(batch[key], place))
        raw_ND[row : row + len(batch)] = _vectors(batch[column], dimensions, file, first)
        ranks.append(_ranks(batch[rank], rank, place) if rank else np.zeros(len(batch)))
        row += len(batch)
    names = pa.chunked_array(keys).combine_chunks()
    order = _order(names, np.concatenate(ranks))
    vectors_ND = np.lib.format.open_memmap(scratch / "ordered.npy", "w+", np.float32, (count, dimensions))
    for start in range(0, count, ROWS):
        vectors_ND[start : start + ROWS] = raw_ND[order[start : start + ROWS]]
    (scratch / "read.npy").unlink()
    return Embeddings(names.take(pa.array(order)), vectors_ND)


def _size(files: Sequence[Path], key: str, column: str, rank: str | None) -> tuple[int, int]:
    """N and D. D is that of the first row."""
    count, dimensions = 0, 0
    for file in files:
        with _opened(file) as parquet:
            schema, count = parquet.schema_arrow, count + parquet.metadata.num_rows
            for name in filter(None, (key, column, rank)):
                if name not in schema.names:
                    fix = f"the file has: {', '.join(schema.names)}"
                    raise RecipeError(f"there is no column '{name}'", where=str(file), fix=fix)
            kind = schema.field(column).type
            if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
                fix = "--column names the one with the embeddings, a list of numbers a row"
                raise RecipeError(f"'{column}' holds {kind}, not lists of numbers", where=str(file), fix=fix)
            if not (pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type)):
                fix = "embeddings are lists of numbers"
                raise RecipeError(f"'{column}' holds lists of {kind.value_type}", where=str(file), fix=fix)
            if not dimensions and parquet.metadata.num_rows:
                first = next(_read(parquet, file, [column], 1))[column][0]
                dimensions = len(first) if first.is_valid else 0
    if not count:
        raise InputError("there is not one row", where=", ".join(map(str, files)), fix="name files with embeddings")
    if not dimensions:
        raise InputError("the first embedding is empty", where=str(files[0]), fix="leave rows without one out")
    return count, dimensions


def _opened(file: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(file)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"this is no Parquet file ({error})", where=str(file), fix="name Parquet files") from None


def _batches(files: Sequence[Path], columns: list[str]) -> Iterator[tuple[Path, int, pa.RecordBatch]]:
    for file in files:
        first = 1
        with _opened(file) as parquet:
            for batch in _read(parquet, file, list(dict.fromkeys(columns)), ROWS):
                yield file, first, batch
                first += len(batch)


def _read(parquet: pq.ParquetFile, file: Path, columns: list[str], rows: int) -> Iterator[pa.RecordBatch]:
    """Arrow reads no lists of one size, some of which are null: it raises."""
    try:
        yield from parquet.iter_batches(rows, columns=columns)
    except (pa.ArrowException, OSError) as error:
        fix = "leave rows without an embedding out, or write the file anew"
        raise InputError(f"rows cannot be read ({error})", where=str(file), fix=fix) from None


def _keys(column: pa.Array, place: str) -> pa.Array:
    if column.null_count:
        raise InputError("a row has no key", where=place, fix="leave such rows out")
    return column.cast(pa.string())


def _ranks(column: pa.Array, name: str, place: str) -> np.ndarray:
    """[rows] float64; a null is behind every number."""
    try:
        numbers = column.cast(pa.float64())
    except pa.ArrowInvalid:
        fix = "--rank names a column of numbers; the largest stays"
        raise InputError(f"'{name}' holds what is no number", where=place, fix=fix) from None
    return np.nan_to_num(numbers.to_numpy(zero_copy_only=False), nan=-np.inf)


def _vectors(column: pa.Array, dimensions: int, file: Path, first: int) -> np.ndarray:
    """[rows, D] float32 of length 1."""
    _refuse(column.is_null().to_numpy(zero_copy_only=False), "a row has no embedding", file, first)
    lengths = pc.list_value_length(column).to_numpy(zero_copy_only=False)
    _refuse(lengths != dimensions, f"an embedding has not the {dimensions} numbers of the first one", file, first)
    values = column.flatten()
    vectors = pc.fill_null(values.cast(pa.float64()), float("nan")).to_numpy(zero_copy_only=False)
    vectors = vectors.reshape(-1, dimensions)
    _refuse(~np.isfinite(vectors).all(1), "an embedding has numbers that are not finite", file, first)
    largest = np.abs(vectors).max(1)
    _refuse(largest == 0, "an embedding is all zeros: it points nowhere", file, first)
    vectors = vectors / largest[:, None]  # squares of very large or small numbers are no float64
    return vectors / np.linalg.norm(vectors, axis=1)[:, None]


def _refuse(wrong: np.ndarray, what: str, file: Path, first: int) -> None:
    if wrong.any():
        place = f"{file}, row {first + int(wrong.argmax()):,}"
        raise InputError(what, where=place, fix="leave such rows out, or make their embeddings again")


def _order(keys: pa.Array, ranks: np.ndarray) -> np.ndarray:
    """[N] int64: rows by falling rank, then by key. Raises InputError for a key that stands twice."""
    by_key = pc.array_sort_indices(keys).to_numpy()
    ordered = keys.take(pa.array(by_key))
    twice = pc.equal(ordered[1:], ordered[:-1]).to_numpy(zero_copy_only=False)
    if twice.any():
        name = ordered[int(twice.argmax())].as_py()
        raise InputError("a key stands twice", where=name, fix="one embedding a document")
    return by_key[np.argsort(-ranks[by_key], kind="stable")]
