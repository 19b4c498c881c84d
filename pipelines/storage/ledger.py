"""The tables of a run, open for questions: which verdict, by which rules, with which signals, for whom dropped.

A query names a table by its path in the run directory, as DuckDB does when it is started there:

    with Ledger(run) as ledger:
        ledger.rows("SELECT lang, count(*) AS documents FROM 'ledger/*.parquet' GROUP BY lang ORDER BY lang")

so every query that a report prints can be pasted into `duckdb` (or `duckdb.sql(...)`) inside the run directory.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from gristmill.pipelines.errors import InputError
from gristmill.pipelines.records.columns import CLUSTERS, CONTAMINATION, DEAD, DROPPED
from gristmill.pipelines.storage.sql import literal
from gristmill.pipelines.storage.store import Store

try:
    import _duckdb as engine  # without the package around it, which builds queries from Python: half of pyarrow's time
except ImportError:  # before 1.4 it lay elsewhere
    import duckdb as engine  # type: ignore[no-redef]

if TYPE_CHECKING:
    from gristmill.pipelines.storage.store_files import StoreFiles

TABLES = ("ledger", "dropped", "clusters", "contamination", "dead")
"""Datasets of a run directory that are Parquet: the ones that DuckDB opens by path."""

QueryError = engine.Error
"""What DuckDB says of a query that it cannot answer."""
Parameters = Sequence[Any] | dict[str, Any]
"""Values for the `?` of a query, or for its `$name`."""

# Nothing is downloaded at run time (design.md 11.7): Parquet and JSON are built into DuckDB.
_CONFIG: dict[str, Any] = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}


def _store_files(store: Store) -> "StoreFiles":
    from gristmill.pipelines.storage.store_files import StoreFiles  # fsspec, which a local run does without

    return StoreFiles(store)


class Ledger:
    """Read-only view of a run's ledger, dropped documents, clusters and dead letters.

    A table without files (the step did not run, nothing to write, removed by `gristmill clean`) is absent: ask `has`.
    On an object store DuckDB reads the columns that it needs where they lie, except of tables that `copy`, a folder
    on this machine, holds. Raises InputError when `run` is not a directory or a Parquet file in it cannot be read.
    """

    def __init__(self, run: Path | Store, copy: Path | None = None):
        store = Store.at(run)
        if store.local is not None and not store.local.is_dir():
            raise InputError("there is no run directory", where=str(run), fix="name the directory given to --out")
        self.store, self._here = store, copy or store.local
        self._connection = engine.connect(config=_CONFIG)
        self._remote = _store_files(store) if store.local is None else None
        if self._remote is not None:
            self._connection.register_filesystem(self._remote)
        self._columns: dict[str, list[str]] = {}
        self._files = {table: store.parts(table) for table in TABLES}
        for table, files in self._files.items():
            if files:
                self._name(table, files)

    def name_absent(self) -> None:
        """Makes tables that this run has no rows of empty ones: for queries that are not ours."""
        empty = {"dropped": DROPPED, "clusters": CLUSTERS, "contamination": CONTAMINATION, "dead": DEAD}
        for table, schema in empty.items():
            if not self.has(table):
                self._connection.register(f"{table}/*.parquet", schema.empty_table())

    def parquet(self, files: Sequence[str]) -> str:
        """SQL for the rows of Parquet files of the run; paths are relative to it."""
        # union_by_name: a unit whose documents needed fewer signals may have written fewer columns.
        return f"read_parquet([{', '.join(literal(self._full(file)) for file in files)}], union_by_name = true)"

    def _full(self, file: str) -> str:
        if self._here is not None and (self.store.local is not None or (self._here / file).exists()):
            return str((self._here / file).resolve())
        assert self._remote is not None
        return f"{self._remote.protocol}://{file}"

    def _name(self, table: str, files: Sequence[str]) -> None:
        """Makes the table's path a name: DuckDB looks a quoted path up among views before it looks on disk.

        So the printed query is the executed one, from any working directory and whatever characters `run` holds.
        """
        try:
            self._connection.execute(f'CREATE VIEW "{table}/*.parquet" AS SELECT * FROM {self.parquet(files)}')
        except QueryError as error:
            self._raise_failure()
            raise InputError(
                f"the table '{table}' cannot be read ({type(error).__name__})",
                where=self.store.url(table),
                fix="run the recipe again: finished units are not redone, broken files are replaced",
            ) from error

    def _raise_failure(self) -> None:
        if self._remote is not None and self._remote.failures:
            raise self._remote.failures[-1] from None

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()

    def has(self, table: str) -> bool:
        """Whether the table has files. Raises KeyError for a name that is not in TABLES."""
        return bool(self._files[table])

    def columns(self, table: str) -> list[str]:
        """Column names of a table, in order; empty when it is absent."""
        if table not in self._columns:
            found = self.rows(f"DESCRIBE SELECT * FROM '{table}/*.parquet'") if self.has(table) else []
            self._columns[table] = [row["column_name"] for row in found]
        return self._columns[table]

    def rows(self, sql: str, parameters: Parameters = ()) -> list[dict[str, Any]]:
        """The result of a query as one dict per row. Add ORDER BY: DuckDB's own order depends on threads."""
        return list(self.each(sql, parameters))

    def each(self, sql: str, parameters: Parameters = ()) -> Iterator[dict[str, Any]]:
        """As `rows`, one at a time: for results that hold whole texts."""
        try:
            cursor = self._connection.cursor().execute(sql, parameters)
            names = [column[0] for column in cursor.description or ()]
            while (values := cursor.fetchone()) is not None:
                yield dict(zip(names, values, strict=True))
        except QueryError:
            self._raise_failure()
            raise

    def arrays(self, sql: str) -> dict[str, np.ndarray]:
        """The columns of a query's result; NULL among numbers is NaN."""
        try:
            found = self._connection.cursor().execute(sql).fetchnumpy()
        except QueryError:
            self._raise_failure()
            raise
        return {name: _filled(values) for name, values in found.items()}

    def table(self, sql: str, parameters: Parameters = ()) -> pa.Table:
        """The result of a query as one Arrow table."""
        import duckdb  # noqa: F401 - gives connections their Python methods

        try:
            return self._connection.sql(sql, params=parameters).to_arrow_table()
        except QueryError:
            self._raise_failure()
            raise

    def row(self, sql: str, parameters: Parameters = ()) -> dict[str, Any]:
        """The single row of an aggregate. Raises ValueError when there is not exactly one."""
        (row,) = self.rows(sql, parameters)
        return row


def _filled(values: np.ndarray) -> np.ndarray:
    return np.ma.filled(values.astype(np.float64), np.nan) if np.ma.isMaskedArray(values) else values
