"""Columns of documents by name: of the token shards, of the ledger, of the text; joined by doc_id.

Letters: D documents of a pool.
"""

import difflib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import ipc

from gristmill.tokenizer.mixing.errors import MixError
from gristmill.tokenizer.mixing.pool import Pool, Run
from gristmill.tokenizer.sampling import keyed_hash

OF_SHARDS = ("source", "lang")
RUN, CLUSTER_SIZE, NONE = "run", "cluster_size", "(none)"
MOST_VALUES = 2_000
"""Values of a column whose values are groups."""
TABLES = ("ledger", "text")
"""Where a column is looked for, in this order."""
JOIN_KEY = 0x6A_6F_69_6E  # "join"


def labels(pool: Pool, column: str) -> tuple[np.ndarray, list[str]]:
    """(int32 (D,): number of each document's value, the values as texts, sorted). Raises MixError for a column that
    there is not, or one of too many values."""
    if column == RUN:
        names = [run.name for run in pool.runs]
        texts: pa.Array = pa.array(names).take(pa.array(pool.run_numbers()))
    elif column in OF_SHARDS:
        texts = _joined_parts([shard.column(column).cast(pa.string()) for shard in pool.shards])
    else:
        texts = _as_texts(_value(pool, column))
    encoded = texts.dictionary_encode()
    names = [NONE if name is None else name for name in encoded.dictionary.to_pylist()]
    if len(names) > MOST_VALUES:
        raise MixError(
            f"the column {column!r} has {len(names):,} values, a group each",
            where="mix.by",
            fix=f"{{column: {column}, quantiles: 4}}, or another column",
        )
    number_D = encoded.indices.fill_null(len(names)).to_numpy(zero_copy_only=False)
    known = sorted({*names, *([NONE] if texts.null_count else [])})
    place = np.array([known.index(name) for name in [*names, NONE] if name in known], np.int32)
    return place[number_D], known


def numbers(pool: Pool, column: str) -> np.ndarray:
    """float64 (D,): each document's value, NaN where it has none. Raises MixError for a column that there is not, or
    that holds no numbers."""
    found = _value(pool, column)
    kind = found.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
        raise MixError(f"the column {column!r} holds no numbers", where="mix", fix="name a signal, a score or a label")
    return found.cast(pa.float64()).fill_null(np.nan).to_numpy(zero_copy_only=False)


def _value(pool: Pool, column: str) -> pa.Array:
    """The column, a value per document in the pool's order; null where a document has none."""
    parts, run_D = [], pool.run_numbers()
    hash_D = pool.hashes("doc_id", JOIN_KEY)
    for number, run in enumerate(pool.runs):
        mine_D = hash_D[run_D == number]
        parts.append(_of_run(run, pool, number, column, mine_D))
    return _joined_parts(parts)


def _of_run(run: Run, pool: Pool, number: int, column: str, hash_D: np.ndarray) -> pa.Array:
    mine = [shard for shard, of in zip(pool.shards, pool.run_of_S, strict=True) if of == number]
    if mine and all(shard.has(column) for shard in mine):
        return _joined_parts([shard.column(column) for shard in mine])
    if column == CLUSTER_SIZE and not any(column in _schema(run, name) for name in TABLES):
        return _cluster_sizes(run, mine)
    for name in TABLES:
        if column in _schema(run, name):
            found = [_read(path, ["doc_id", column]) for path in _files(run, name)]
            table = pa.concat_tables(found) if found else None
            return pa.nulls(len(hash_D)) if table is None else _join(table, column, hash_D)
    known = sorted({*OF_SHARDS, RUN, CLUSTER_SIZE, *(c for name in TABLES for c in _schema(run, name))})
    near = difflib.get_close_matches(column, known, 3, 0.5)
    fix = f"did you mean {' or '.join(near)}?" if near else f"one of: {', '.join(known)}"
    raise MixError(f"there is no column {column!r}", where=str(run.path), fix=fix)


def _join(table: pa.Table, column: str, hash_D: np.ndarray) -> pa.Array:
    """The column at the documents of these hashes: of a doc_id that repeats, the first row that has a value."""
    table = table.filter(pc.and_(pc.is_valid(table["doc_id"]), pc.is_valid(table[column])))
    hash_N = keyed_hash(table["doc_id"], JOIN_KEY)
    order = np.argsort(hash_N, kind="stable")
    at = np.searchsorted(hash_N[order], hash_D)
    found = at < len(order)
    found[found] = hash_N[order[at[found]]] == hash_D[found]
    place = np.where(found, order[np.minimum(at, max(0, len(order) - 1))], 0) if len(order) else np.zeros(len(hash_D))
    taken = table[column].combine_chunks().take(pa.array(place, pa.int64(), mask=~found))
    return taken.combine_chunks() if isinstance(taken, pa.ChunkedArray) else taken


def _cluster_sizes(run: Run, shards: list) -> pa.Array:
    """Members of each document's duplicate cluster, those that were dropped too; 1 where it has no duplicate."""
    files = _files(run, "clusters")
    if not files and "clusters" not in run.manifest.get("datasets", {}):
        raise MixError(
            "the run has no clusters/, so nobody knows how many duplicates a document had",
            where=str(run.path),
            fix="leave cluster_size out, or run the recipe with `deduplicate`",
        )
    clusters = [_read(path, ["cluster"])["cluster"] for path in files]
    hash_N = np.sort(np.concatenate([np.zeros(0, np.uint64), *(keyed_hash(one, JOIN_KEY) for one in clusters)]))
    sizes = []
    for shard in shards:
        hash_D = keyed_hash(shard.column("cluster"), JOIN_KEY)
        sizes.append(np.searchsorted(hash_N, hash_D, "right") - np.searchsorted(hash_N, hash_D, "left"))
    return pa.array(np.maximum(np.concatenate([np.zeros(0, np.int64), *sizes]), 1))


def _files(run: Run, dataset: str) -> list[Path]:
    """Those that the manifest lists."""
    return [run.path / part["path"] for part in run.manifest.get("datasets", {}).get(dataset, {}).get("shards", [])]


def _schema(run: Run, dataset: str) -> list[str]:
    files = _files(run, dataset)
    if not files:
        return []
    try:
        if files[0].suffix == ".parquet":
            return list(pq.read_schema(files[0]).names)
        with pa.memory_map(str(files[0])) as file:
            return list(ipc.open_file(file).schema.names)
    except (OSError, pa.ArrowInvalid) as error:
        raise _unreadable(files[0], error) from error


def _read(path: Path, columns: list[str]) -> pa.Table:
    try:
        if path.suffix == ".parquet":
            return pq.read_table(path, columns=columns, partitioning=None)
        with pa.memory_map(str(path)) as file:
            names = ipc.open_file(file).schema.names
            options = ipc.IpcReadOptions(included_fields=[names.index(name) for name in columns])
            return ipc.open_file(file, options=options).read_all().select(columns)
    except (OSError, pa.ArrowInvalid) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> MixError:
    return MixError(f"a file of the run cannot be read: {error}", where=str(path), fix="run `gristmill run` again")


def _as_texts(values: pa.Array) -> pa.Array:
    """Numbers as people write them: 3, not 3.0."""
    if pa.types.is_floating(values.type):
        return pa.array([None if v is None or v != v else f"{v:g}" for v in values.to_pylist()], pa.string())
    return values.cast(pa.string())


def _joined_parts(parts: list[pa.Array]) -> pa.Array:
    """One array; nulls of no type and numbers of several become what the others are."""
    tables = [pa.table({"v": part}) for part in parts]
    if not tables:
        return pa.array([], pa.string())
    column = pa.concat_tables(tables, promote_options="permissive")["v"].combine_chunks()
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
