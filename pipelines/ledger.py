"""The tables of a run, open for questions: which verdict, by which rules, with which signals, for whom dropped.

A query names a table by its path in the run directory, as DuckDB does when it is started there:

    with Ledger(run) as ledger:
        ledger.rows("SELECT lang, count(*) AS documents FROM 'ledger/*.parquet' GROUP BY lang ORDER BY lang")

so every query that a report prints can be pasted into `duckdb` (or `duckdb.sql(...)`) inside the run directory.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb

from pipelines.errors import InputError

TABLES = ("ledger", "dropped", "clusters", "dead")
"""Datasets of a run directory that are Parquet: the ones that DuckDB opens by path."""

# Nothing is downloaded at run time (design.md 11.7): Parquet and JSON are built into DuckDB.
_CONFIG = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}


class Ledger:
    """Read-only view of a run's ledger, dropped documents, clusters and dead letters.

    A table without files (the step did not run, nothing to write, removed by `gristmill clean`) is absent: ask `has`.
    Raises InputError when `run` is not a directory or a Parquet file in it cannot be read.
    """

    def __init__(self, run: Path):
        if not run.is_dir():
            raise InputError("there is no run directory", where=str(run), fix="name the directory given to --out")
        self.run = run
        self._files = {table: sorted((run / table).glob("*.parquet")) for table in TABLES}
        self._connection = duckdb.connect(config=_CONFIG)
        for table, files in self._files.items():
            if files:
                self._name(table, files)

    def _name(self, table: str, files: Sequence[Path]) -> None:
        """Makes the table's path a name: DuckDB looks a quoted path up among views before it looks on disk.

        So the printed query is the executed one, from any working directory and whatever characters `run` holds.
        """
        paths = ", ".join(literal(str(file.resolve())) for file in files)
        try:
            # union_by_name: a unit whose documents needed fewer signals may have written fewer columns.
            self._connection.execute(
                f'CREATE VIEW "{table}/*.parquet" AS SELECT * FROM read_parquet([{paths}], union_by_name = true)'
            )
        except duckdb.Error as error:
            raise InputError(
                f"the table '{table}' cannot be read ({type(error).__name__})",
                where=str(self.run / table),
                fix="run the recipe again: finished units are not redone, broken files are replaced",
            ) from error

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()

    def has(self, table: str) -> bool:
        """Whether the table has files. Raises KeyError for a name that is not in TABLES."""
        return bool(self._files[table])

    def columns(self, table: str) -> list[str]:
        """Column names of a table, in order; empty when it is absent."""
        if not self.has(table):
            return []
        return [row["column_name"] for row in self.rows(f"DESCRIBE SELECT * FROM '{table}/*.parquet'")]

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """The result of a query as one dict per row. Add ORDER BY: DuckDB's own order depends on threads."""
        return list(self.each(sql, parameters))

    def each(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[dict[str, Any]]:
        """As `rows`, one at a time: for results that hold whole texts."""
        cursor = self._connection.cursor().execute(sql, list(parameters))
        names = [column[0] for column in cursor.description or ()]
        while (values := cursor.fetchone()) is not None:
            yield dict(zip(names, values, strict=True))

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> dict[str, Any]:
        """The single row of an aggregate. Raises ValueError when there is not exactly one."""
        (row,) = self.rows(sql, parameters)
        return row


def identifier(name: str) -> str:
    """A column name, quoted for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str | float) -> str:
    """A text or number, quoted for SQL."""
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return repr(value)
