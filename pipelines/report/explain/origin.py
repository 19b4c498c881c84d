"""Where a record came from: its input file, and its place in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from gristmill.pipelines.errors import DamageError, GristmillError, InputError
from gristmill.pipelines.records.elements import Unit
from gristmill.pipelines.report.excerpts import Excerpts
from gristmill.pipelines.storage.layout import PLUGINS, RECIPE
from gristmill.pipelines.storage.plan_file import read_plan
from gristmill.pipelines.storage.store import Store

FILES = 5
"""Files of a unit that are named where the one of a record is not known."""


@dataclass(frozen=True)
class Origin:
    """`file`: the input file, scrubbed like a name; `offset` counts what `counts` says, from 0.

    Where the file is gone or has changed since, `file` is empty, `files` are those of the unit, and `note` says why.
    `row`: position of the record in its unit.
    """

    unit: str
    row: int
    file: str
    offset: int | None
    counts: str
    files: list[str]
    note: str


class Origins:
    """The plan of a run, and its inputs where they still lie."""

    def __init__(self, store: Store, excerpts: Excerpts):
        self._store, self._excerpts = store, excerpts
        try:
            self.units = read_plan(store)
        except DamageError:
            self.units = []

    def of(self, row: dict[str, Any], dead: dict[str, Any] | None) -> Origin:
        """The origin of a row of the ledger; `dead` is its dead letter, which knows it."""
        unit = next((unit for unit in self.units if unit.key == row["unit"]), None)
        if dead is not None:
            file = self._excerpts.name(dead["file"] or "")
            return Origin(row["unit"], row["row"], file, dead["offset"], "byte (of tables: row)", [], "")
        if unit is None:
            return Origin(row["unit"], row["row"], "", None, "", [], "the run's plan does not name its unit")
        note = "its files hold fewer records than the run read"
        try:
            with self._inputs(unit.source) as inputs:
                place = inputs.place_of(unit, row["row"], row["doc_id"])
            if place is not None:
                return Origin(
                    row["unit"], row["row"], self._excerpts.name(place.file), place.offset, place.counts, [], ""
                )
        except GristmillError as error:
            note = error.what
        except OSError as error:
            note = (error.strerror or type(error).__name__).lower()
        names = list(dict.fromkeys(split.path for split in unit.splits))
        files = [self._excerpts.name(name) for name in names[:FILES]]
        only = files[0] if len(names) == 1 else ""
        return Origin(row["unit"], row["row"], only, None, "", files, note)

    def rows_of(self, unit: Unit, file: str) -> range:
        """The rows of a unit that stand in one of its files; none where that cannot be told any more."""
        try:
            with self._inputs(unit.source) as inputs:
                return inputs.rows_of(unit, file)
        except (GristmillError, OSError):
            return range(0)

    @contextmanager
    def _inputs(self, source: str) -> Iterator[Any]:
        """How the records of a source are read. Raises GristmillError."""
        # The recipe and the readers: a second of imports that only this question needs.
        from gristmill.pipelines.read.place import Inputs
        from gristmill.pipelines.recipe.load import load

        with self._store.folder_on_disk(RECIPE, PLUGINS) as folder:
            recipe = load(folder / RECIPE, models=False).recipe
        if source not in recipe.sources:
            raise InputError("the recipe of the run has no such source", where=source, fix="run the recipe again")
        yield Inputs(recipe.sources[source], recipe.read, recipe.extract)
