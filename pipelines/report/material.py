"""What a report is made from: the files of a run directory, opened once."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from gristmill.pipelines.errors import InputError
from gristmill.pipelines.records.accounts import Accounts
from gristmill.pipelines.report.excerpts import Excerpts
from gristmill.pipelines.storage.store import Store

if TYPE_CHECKING:  # DuckDB, and whoever only shows a finished report does without
    from gristmill.pipelines.storage.ledger import Ledger


@dataclass(frozen=True)
class Material:
    """A run directory as the sections of a report read it."""

    run: Path
    """The run directory; of a run on an object store a copy of some of its files (build.copied)."""
    store: Store
    manifest: dict[str, Any]
    state: dict[str, Any]
    recipe: dict[str, Any]
    recipe_text: str
    ledger: "Ledger"
    excerpts: Excerpts

    @cached_property
    def accounts(self) -> Accounts:
        """What happened to every record, from the manifest."""
        return Accounts.from_json(self.manifest["accounts"])

    @property
    def steps(self) -> list[str]:
        """The accounting steps of the run, in order: what one keeps enters the next."""
        return self.manifest["reconciled_steps"]

    def json(self, path: str) -> Any:
        """A JSON file of the run; None when there is none."""
        return read_json(self.run / path)


def open_material(run: Path, store: Store, excerpts: Excerpts) -> Material:
    """Reads manifest.json, run.json and recipe.yaml and opens the ledger.

    Raises InputError when the run directory or its manifest is missing or not valid JSON.
    """
    from gristmill.pipelines.storage.ledger import Ledger

    ledger = Ledger(store, run)
    manifest = read_json(run / "manifest.json")
    if manifest is None:
        raise InputError(
            "the run has no manifest yet, so there is nothing to report",
            where=str(run / "manifest.json"),
            fix="finish the run: `gristmill run` with the same recipe and --out resumes it",
        )
    recipe_file = run / "recipe.yaml"
    recipe_text = recipe_file.read_text(encoding="utf-8") if recipe_file.exists() else ""
    recipe = yaml.safe_load(recipe_text) or {}
    return Material(run, store, manifest, read_json(run / "run.json") or {}, recipe, recipe_text, ledger, excerpts)


def read_json(file: Path) -> Any:
    """Parse a JSON file; None when there is none. Raises InputError when it is not JSON."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise InputError(
            f"the file is not valid JSON ({type(error).__name__})",
            where=str(file),
            fix="run the recipe again: files of a run are written whole or not at all, so something else changed it",
        ) from error
