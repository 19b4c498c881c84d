"""Inputs -> units: from the files and the recipe only, never from the number of workers."""

from pathlib import Path

from pipelines.elements import Unit
from pipelines.recipe import schema


def plan_source(name: str, source: schema.Source, recipe_dir: Path, unit_bytes: int) -> list[Unit]:
    """The units of one source, in the order of its paths; the same files and recipe give the same units.

    Raises InputError for a path that matches nothing or a folder that cannot be listed.
    """
    raise NotImplementedError
