"""A run that is asked what it would keep under a changed recipe."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from gristmill.filters.judge import LackingError
from gristmill.filters.measured import Measured
from gristmill.pipelines.errors import DamageError, RecipeError
from gristmill.pipelines.recipe.check import check
from gristmill.pipelines.recipe.entries import judge_of
from gristmill.pipelines.recipe.files.classifiers import Fetch
from gristmill.pipelines.recipe.load import LoadedRecipe, dotted, load
from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.records.sealed import MAKE_AGAIN
from gristmill.pipelines.run.job import make_job
from gristmill.pipelines.storage.layout import MODELS, PLUGINS, RECIPE, REPORT, STATE
from gristmill.pipelines.storage.plan_file import read_plan
from gristmill.pipelines.storage.store import Store
from gristmill.pipelines.whatif.answer import Answer, Counted
from gristmill.pipelines.whatif.changes import Changes, edits_of
from gristmill.pipelines.whatif.duplicates import outcome
from gristmill.pipelines.whatif.margin import samples
from gristmill.pipelines.whatif.recipe_text import Edit, edited, flow, put
from gristmill.pipelines.whatif.verdicts import judge_ledger

TEXTS = ("sources", "plugins", "seed", "read", "extract", "language", "deduplicate", "decontaminate")
"""Keys of a recipe that say what is decided about, and how documents are compared."""


@dataclass(frozen=True)
class Before:
    """What the run did: its recipe, and what its numbers are."""

    recipe: Recipe
    measured: Measured
    rules: list[str]


def ask(store: Store, changes: Changes, other: Path | None = None, fetch: Fetch | None = None) -> Answer:
    """What the run would keep with these changes of its recipe, or of the recipe `other`.

    Raises RecipeError for a change that cannot be made, or whose numbers the run has not stored.
    """
    began = time.perf_counter()
    with _recipe(store) as file:
        loaded = load(file)
        judge = judge_of(loaded.recipe)
        before = Before(loaded.recipe, judge.measured, judge.all_rules[:-1])
        base = load(other, fetch) if other is not None else loaded
        after, edits = _changed(base, changes, fetch)
        _check_same_texts(before.recipe, after)
        new = judge_of(after.recipe)
    units = read_plan(store)
    numbers = {unit.key[:16]: number for number, unit in enumerate(units)}
    parts = [(numbers[path.rpartition("/")[2][:16]], path) for path in store.parts("ledger")]
    try:
        documents, names = judge_ledger(store, parts, new, before.measured)
    except LackingError as error:
        raise _lacking(error) from None
    decided = outcome(store, before.recipe, [unit.key for unit in units], documents)
    per_byte = _tokens_per_byte(store, names.langs)
    tokens = None if per_byte is None else documents.size * per_byte[documents.lang]
    counted = Counted(documents, names, decided.kept, tokens)
    return Answer(
        changes=[_said(edit, base.recipe) for edit in edits] or [f"the recipe {other}"],
        total=counted.total(),
        sources=counted.sources(),
        languages=counted.languages(),
        rules=counted.rules(before.rules, new.all_rules[:-1]),
        duplicates=decided.how,
        notes=[*_by_other_code(store, before.recipe), *decided.notes, *_by_others(counted)],
        samples=samples(store, counted, new, [unit.key for unit in units]),
        seconds=round(time.perf_counter() - began, 3),
    )


def write(run: Store, changes: Changes, other: Path | None, target: Path, fetch: Fetch | None = None) -> str:
    """Write the changed recipe, as its author wrote it where that can be; a note where not.

    It is `other`, or the file that the run was made from. Raises RecipeError where that has changed since, where
    something stands at `target`, or where relative paths would mean something else there.
    """
    base = other or _written_from(run, fetch)
    if target.exists():
        raise RecipeError(f"'{target}' is there already", where="--write", fix="name a file that is not there yet")
    if target.parent.resolve() != base.parent.resolve():
        what = "the paths of a recipe start from its folder, so it cannot be written into another one"
        raise RecipeError(what, where="--write", fix=f"write it beside {base}: --write {base.parent / target.name}")
    loaded, _ = _changed(load(base, fetch), changes, fetch)
    text = base.read_text(encoding="utf-8-sig")
    new = edited(text, edits_of(load(base, fetch).recipe, changes))
    note = "" if new is not None else "its comments could not be kept"
    target.write_text(new if new is not None else _anew(text, loaded.recipe), encoding="utf-8")
    return note


def _anew(text: str, recipe: Recipe) -> str:
    """The author's keys with the changed decisions, without comments."""
    data = yaml.safe_load(text)
    now = recipe.model_dump(mode="json")
    for key in ("decide", "otherwise", "language"):
        data[key] = now[key]
    return yaml.safe_dump(data, allow_unicode=True, sort_keys=False)


def _written_from(run: Store, fetch: Fetch | None) -> Path:
    state = run.read_sealed(STATE) or {}
    file = Path(state.get("recipe_file") or "")
    fix = "give the recipe with --recipe FILE: the change is made in it"
    if not file.is_file():
        raise RecipeError("the recipe that the run was made from is not there any more", where=str(file), fix=fix)
    with _recipe(run) as kept:
        before = _content(load(kept).recipe)
    if _content(load(file, fetch).recipe) != before:
        raise RecipeError("the recipe has changed since the run", where=str(file), fix=fix)
    return file


def _content(recipe: Recipe) -> list[Any]:
    """What a recipe says, wherever the files lie that it names."""
    named = {"plugins", "classifiers", "language_models", "lists", "labels"}
    values = _by_content(recipe.model_dump(exclude=named), recipe)
    return [values, [one.sha256 for one in recipe.plugins], recipe.file_keys()]


def _by_content(values: dict[str, Any], recipe: Recipe) -> dict[str, Any]:
    """A recipe's values, with the content of indexes and evaluation sets in place of their paths."""
    if values["deduplicate"]:
        values["deduplicate"]["against"] = recipe.index_keys
    if values["scrub"]:
        values["scrub"]["models"] = [model.key for model in recipe.scrub_models]
    if values["decontaminate"] and recipe.read_evaluations is not None:
        values["decontaminate"] |= {"sets": recipe.read_evaluations.key, "kept": None}
    return values


@contextmanager
def _recipe(store: Store) -> Iterator[Path]:
    """The run's recipe, beside its plugins and models."""
    with store.folder_on_disk(RECIPE, PLUGINS, MODELS) as folder:
        if not (folder / RECIPE).exists():
            raise DamageError("the run has no recipe", where=store.url(RECIPE), fix=MAKE_AGAIN)
        yield folder / RECIPE


def _changed(base: LoadedRecipe, changes: Changes, fetch: Fetch | None) -> tuple[LoadedRecipe, list[Edit]]:
    """The recipe with the changes, read and checked like any other, and the values that make them."""
    edits = edits_of(base.recipe, changes)
    if not edits:
        check(base)
        return base, []
    data = yaml.safe_load(base.file.read_text(encoding="utf-8-sig"))
    for path, value in edits:
        put(data, path, value)
    loaded = load(base.file, fetch, text=yaml.safe_dump(data, allow_unicode=True, sort_keys=False))
    check(loaded)
    return loaded, edits


def _check_same_texts(before: Recipe, after: LoadedRecipe) -> None:
    """Raises RecipeError for a recipe that reads, cuts out or compares something else."""
    old, new = (_reading(recipe) for recipe in (before, after.recipe))
    different = [key for key in old if old[key] != new[key]]
    if different:
        what = f"'{different[0]}' is another one: what-if turns decisions, and this changes what they are about"
        raise RecipeError(
            what, where=after.where(different[0]), fix="`gristmill run` it: only what changes is done again"
        )


def _reading(recipe: Recipe) -> dict[str, Any]:
    values = _by_content(recipe.model_dump(mode="json"), recipe)
    for source in values["sources"].values():
        source["paths"] = None
    values["language"]["threshold"] = None
    values["plugins"] = [plugin.sha256 for plugin in recipe.plugins]
    return {key: values[key] for key in TEXTS}


def _by_other_code(store: Store, recipe: Recipe) -> list[str]:
    """That the run scored with another version of Gristmill or of its libraries: its step key would be another one."""
    state = store.read_sealed(STATE) or {}
    scored = (state.get("books") or {}).get("score")
    if scored is None or scored == make_job(recipe, [], store, state["sample"], state["until"]).books["score"].folder:
        return []
    return [
        "the code has changed since the run scored: these are the numbers that it stored, and `gristmill run` measures "
        "all of them again"
    ]


def _by_others(counted: Counted) -> list[str]:
    """What deduplication changes by itself."""
    documents = counted.documents
    freed = int((counted.gained & documents.passed & documents.passes).sum())
    beaten = int((counted.lost & documents.passes).sum())
    notes = []
    if freed:
        notes.append(f"{freed:,} of those that come in repeat a document that goes out")
    if beaten:
        notes.append(f"{beaten:,} of those that go out repeat a document that comes in")
    return notes


def _lacking(error: LackingError) -> RecipeError:
    """Which numbers nobody has, and who measures them."""
    names = ", ".join(dict.fromkeys(name for name, _ in error.lacking))
    after = [steps[-1] for _, steps in error.lacking if steps]
    what = f"the run has not stored {names} of all documents that these rules judge"
    if after:
        what = f"{after[-1]} edits the text, and what later rules see of it the run has not stored: {names}"
    fix = "`gristmill run` with the changed recipe measures it from the stored texts, and reads no input"
    return RecipeError(what, where="the ledger", fix=fix)


def _said(edit: Edit, recipe: Recipe) -> str:
    """decide[0].change.gopher@paper/words_min: 50 -> 30"""
    path, value = edit
    before: Any = recipe.model_dump(mode="json")
    for key in path:
        before = before.get(key) if isinstance(before, dict) else before[key] if before is not None else None
    if before is None and len(path) > 2 and path[2] == "change":
        before = next(
            (rule.threshold for _, name, _, rule in judge_of(recipe).placed_rules() if name == path[-1]), None
        )
    return f"{dotted(path)}: {flow(before)} -> {flow(value)}"


def _tokens_per_byte(store: Store, langs: list[str]) -> np.ndarray | None:
    """float64 by language, as the run's shards have it; of a language that they lack, that of all. None: no tokens."""
    report = store.read_json(REPORT) if store.exists(REPORT) else None
    tokens = (report or {}).get("tokens")
    if not tokens or not (groups := [one for one in tokens["languages"] if one["bytes"]]):
        return None
    of = {one["name"]: one["tokens"] / one["bytes"] for one in groups}
    every = sum(one["tokens"] for one in groups) / sum(one["bytes"] for one in groups)
    return np.array([of.get(lang, every) for lang in langs])
