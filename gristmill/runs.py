"""The tables of a run, open in a notebook."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds

from gristmill.pipelines.errors import InputError
from gristmill.pipelines.storage.ledger import TABLES, Ledger
from gristmill.pipelines.storage.rundir import open_run as open_store


class Run:
    """A run directory. `ledger`, `dropped`, `clusters`, `dead` are queried by path; `text`, `curated` are scanned."""

    def __init__(self, where: str | Path) -> None:
        self.store = open_store(where)
        self._ledger: Ledger | None = None

    @property
    def manifest(self) -> dict[str, Any]:
        """What the run is made of, hash by hash; empty before it has finished once."""
        return self.store.read_json("manifest.json") or {}

    @property
    def datasets(self) -> dict[str, int]:
        """Dataset -> rows."""
        return {name: about["rows"] for name, about in self.manifest.get("datasets", {}).items()}

    def query(self, sql: str, *parameters: Any) -> pa.Table:
        """The result of DuckDB's SQL over tables named by path: FROM 'ledger/*.parquet'."""
        if self._ledger is None:
            self._ledger = Ledger(self.store)
            self._ledger.name_absent()
        return self._ledger.table(sql, parameters)

    def dataset(self, name: str) -> ds.Dataset:
        """A dataset as pyarrow scans it, in the manifest's order. Raises InputError for a name that the run lacks."""
        about = self.manifest.get("datasets", {}).get(name)
        if about is None:
            known = ", ".join(self.datasets) or "none: the run has not finished"
            raise InputError(f"the run has no dataset '{name}'", where=self.store.root, fix=f"there are: {known}")
        paths = [shard["path"] for shard in about["shards"]]
        if not paths[0].endswith((".parquet", ".arrow")):
            fix = f"its files lie in {self.store.root}/{name}"
            raise InputError(f"the dataset '{name}' is no table", where=self.store.root, fix=fix)
        form = "parquet" if name in TABLES or paths[0].endswith(".parquet") else "ipc"
        if self.store.local is None:
            fix = "use query(), or copy the run"
            raise InputError("datasets are scanned on this machine only", where=self.store.root, fix=fix)
        return ds.dataset([str(self.store.local / path) for path in paths], format=form)

    def __repr__(self) -> str:
        rows = ", ".join(f"{name} {count:,}" for name, count in self.datasets.items())
        return f"Run({self.store.root!r}: {rows or 'not finished'})"


def open_run(where: str | Path) -> Run:
    """The run in a folder, or at an address. Raises RecipeError where there is none."""
    return Run(where)
