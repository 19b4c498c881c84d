"""What a recipe changes in a run directory that another one has filled: said before anything is done again."""

from collections.abc import Iterator
from typing import Any

import yaml

from gristmill.pipelines.recipe.load import dump
from gristmill.pipelines.run.job import Job
from gristmill.pipelines.storage.layout import RECIPE
from gristmill.pipelines.storage.store import Store

SHOWN = 12
"""Changed keys named; the rest is counted."""
SHORT = 60
"""Characters of a value."""
ABSENT = object()


def changes(store: Store, job: Job, state: dict[str, Any]) -> list[str]:
    """Lines about what differs from the recipe and the sample of the run before, whose run.json is `state`.

    Empty where nothing does, or where there was no run.
    """
    if "books" not in state or not store.exists(RECIPE):
        return []
    try:
        before = dict(_flat(yaml.safe_load(store.read_bytes(RECIPE)), ""))
    except (yaml.YAMLError, ValueError):  # damaged: nobody can tell what it was
        return []
    after = dict(_flat(yaml.safe_load(dump(job.recipe)), ""))
    before["--sample"], after["--sample"] = state.get("sample"), job.sample
    keys = [key for key in {**before, **after} if before.get(key, ABSENT) != after.get(key, ABSENT)]
    if not keys:
        return []
    said = [f"  {key}: {_shown(before.get(key, ABSENT))} -> {_shown(after.get(key, ABSENT))}" for key in keys[:SHOWN]]
    if len(keys) > SHOWN:
        said.append(f"  and {len(keys) - SHOWN} more")
    return [f"this replaces the run of {state.get('started', 'before')}; what differs:", *said, _again(job, state)]


def _again(job: Job, state: dict[str, Any]) -> str:
    """Which stages have another key, and so begin anew where no earlier receipts of that key are left."""
    changed = [stage for stage in job.stages if state["books"].get(stage) != job.books[stage].folder]
    if not changed:
        return "no stage has to be done again"
    follow = job.stages[job.stages.index(changed[0]) :]
    after = [stage for stage in follow if stage not in changed]
    said = f"to do again: {', '.join(changed)}"
    if after:
        said += f"; and {', '.join(after)} where their input changes"
    if state["books"].get("score") in {one.book.folder for one in job.earlier}:
        said += "; `score` decides from the signals that it stored, and reads no input"
    return said


def _flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """('decide[0].presets[1]', 'c4@tfds'), ...; null and an empty mapping or list say what an absent key says."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _flat(inner, f"{path}[{number}]")
    elif value is not None:
        yield path, value


def _shown(value: Any) -> str:
    if value is ABSENT:
        return "absent"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= SHORT else f"{text[:SHORT]}..."
