"""YAML -> typed recipe. Every error names file, line, key and the nearest valid name; all are shown at once."""

import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gristmill.filters.by_language import ANY
from gristmill.filters.names import LISTED, near_file, nearest
from gristmill.filters.quality.classifier import Model
from gristmill.filters.quality.network import Network
from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.recipe.decisions import percents
from gristmill.pipelines.recipe.files.classifiers import read_classifiers
from gristmill.pipelines.recipe.files.evaluations import read_evaluations
from gristmill.pipelines.recipe.files.indexes import read_indexes
from gristmill.pipelines.recipe.files.labels import read_labels
from gristmill.pipelines.recipe.files.language_models import kept_paths, read_language_models
from gristmill.pipelines.recipe.files.lists import read_lists
from gristmill.pipelines.recipe.files.named_files import Fetch
from gristmill.pipelines.recipe.files.plugins import declare_plugins, read_plugin
from gristmill.pipelines.recipe.files.scrub_models import read_scrub_models
from gristmill.pipelines.recipe.files.tokenizers import read_tokenizer
from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.recipe.wording import (
    Place,
    RecipePath,
    defaults,
    expected,
    is_open,
    may_be_null,
    meant,
    number_meant,
    place_of,
    slip,
    values_of,
)
from gristmill.pipelines.recipe.yaml import plain as plain_yaml
from gristmill.pipelines.recipe.yaml.faults import full_width
from gristmill.pipelines.recipe.yaml.plain import short

NEWLINE = b"\n"
FILES: dict[str, Callable[..., tuple[tuple[Any, ...], list[tuple[RecipePath, str]]]]] = {
    "classifiers": read_classifiers,
    "language_models": read_language_models,
    "lists": read_lists,
    "labels": read_labels,
}
"""Sections of a recipe that name files -> what reads them, in the order in which `Recipe.declare` takes them."""
MAX_SHOWN = 50
"""Problems listed in one error."""


@dataclass(frozen=True)
class LoadedRecipe:
    """A valid recipe, and where each of its values stands."""

    recipe: Recipe
    file: Path
    lines: dict[RecipePath, int]
    sha256: str
    """Of the resolved recipe, all defaults filled in: what the run depends on."""
    percents: tuple[RecipePath, ...] = ()
    """Where bounds of rules are written as 70%: `check` knows whether their signals are shares."""

    @property
    def folder(self) -> Path:
        """What relative paths of the recipe start from."""
        return self.file.parent

    def where(self, *path: str | int) -> str:
        """`recipe.yaml:14, decide[0].presets` for an error message; the nearest line above for a default."""
        return f"{self.file}:{line_of(self.lines, path)}, {dotted(path)}"


def load(file: Path, fetch: Fetch | None = None, models: bool = True, text: str | None = None) -> LoadedRecipe:
    """Read and validate one recipe. Raises RecipeError that lists every problem.

    fetch: gets a classifier's model from an object store. models: whether to look at models at all; without them the
    recipe can be read, not run. text: of the recipe, instead of the file's; its paths start from there.
    """
    file = Path(os.path.expanduser(file))
    node, data = _parse(_text(file) if text is None else text, file)
    lines = dict(lines_of(node))
    if not isinstance(data, dict):
        raise RecipeError("the recipe is not a mapping of keys and values", where=f"{file}:1", fix=_as_mapping(data))
    _add_plugins(data, file, lines)
    try:
        recipe = Recipe.model_validate(data)
    except ValidationError as error:
        raise report(file, list(islice(_problems(error.errors(), data, lines), MAX_SHOWN + 1))) from None
    _add_files(recipe, file, lines, fetch if models else None, models)
    written = tuple(("decide", *path) for path in percents(data.get("decide") or ()))
    return LoadedRecipe(recipe, file, lines, fingerprint(recipe), written)


def _as_mapping(data: Any) -> str:
    """How the keys of a recipe are written."""
    if isinstance(data, list):
        return "write `key: value` lines, without the '- ' before them"
    return full_width(str(data)) or "write `key: value` lines, with a space behind the colon; or `gristmill init`"


def _add_plugins(data: dict[str, Any], file: Path, lines: dict[RecipePath, int]) -> None:
    """Read and declare what `plugins` names, so that the rest of the recipe can use it."""
    names = data.get("plugins") or []
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        line = line_of(lines, ("plugins",))
        raise report(file, [(line, f"line {line}  plugins: expected a list of file names, such as [my_filters.py]")])
    plugins = [read_plugin(name, file.parent) for name in names]
    declare_plugins(plugins)
    data["plugins"] = plugins


def _add_files(recipe: Recipe, file: Path, lines: dict[RecipePath, int], fetch: Fetch | None, models: bool) -> None:
    """Read the files that the recipe's models, lists and labels name, and declare their signals for rules."""
    found: list[tuple[Any, ...]] = [()] * len(FILES)
    problems: list[tuple[RecipePath, str]] = []
    for number, read in enumerate(FILES.values() if models else ()):
        found[number], wrong = read(recipe, file.parent, fetch)
        problems += wrong
    if models:
        taken, wrong = read_tokenizer(recipe, file.parent, fetch)
        recipe.take_tokenizer(taken)
        problems += wrong
        indexes, wrong = read_indexes(recipe, file.parent, fetch)
        recipe.take_indexes(indexes)
        problems += wrong
        scrub_models, wrong = read_scrub_models(recipe, file.parent, fetch)
        recipe.take_scrub_models(scrub_models)
        problems += wrong
        evaluations, wrong = read_evaluations(recipe, file.parent, fetch)
        recipe.take_evaluations(evaluations)
        problems += wrong
    if not problems:
        try:
            recipe.declare(*found)
        except ValueError as error:
            named = [name for name in FILES if getattr(recipe, name)]
            problems = [((named[0],), str(error))]
    if problems:
        told = [(line_of(lines, path), path, text) for path, text in problems]
        raise report(
            file, [(line, f"line {line}  {dotted(path)}: {text}") for line, path, text in sorted(told, key=str)]
        )


def fingerprint(recipe: Recipe) -> str:
    """sha256 of the resolved recipe, and of the files that it names: its classifiers' models, lists, labels."""
    named = recipe.file_keys() + ([recipe.taken_tokenizer.key] if recipe.taken_tokenizer else [])
    named += recipe.index_keys
    named += [recipe.read_evaluations.key] if recipe.read_evaluations else []
    named += [model.key for model in recipe.scrub_models]
    return hashlib.sha256((recipe.model_dump_json() + (json.dumps(named) if named else "")).encode()).hexdigest()


def dump(recipe: Recipe) -> str:
    """The recipe as YAML with all defaults filled in, as a run directory keeps it."""
    values = recipe.model_dump(mode="json")
    values["plugins"] = [plugin.kept_as for plugin in recipe.plugins]
    for classifier in recipe.read_classifiers:
        kept = {language: model.kept_as for language, model in classifier.models}
        languages = sorted(classifier.languages) if classifier.languages and ANY in kept else None
        values["classifiers"][classifier.name] |= {
            "model": kept.get(ANY, kept),
            "positive": dict(classifier.signals).get(classifier.name),
            "languages": languages,
            **_read_as(classifier.models[0][1]),
        }
    for one in recipe.read_language_models:
        values["language_models"][one.name] |= kept_paths(one)
    values["lists"] = {one.name: {"kept": one.kept_as} for one in recipe.read_lists}
    values["labels"] = {one.name: {"kept": one.kept_as} for one in recipe.read_labels}
    if recipe.read_evaluations is not None:
        values["decontaminate"] |= {"sets": {}, "kept": recipe.read_evaluations.kept_as}
    if recipe.taken_tokenizer is not None:
        taken = recipe.taken_tokenizer
        kept_as = {"from": taken.kept_as} if taken.ends is None else {"path": taken.files[0].kept_as}
        values["tokenizer"] |= kept_as
    for number, model in enumerate(recipe.scrub_models):  # as indexes, they stay where they are
        values["scrub"]["models"][number]["model"] = model.place
    if recipe.taken_indexes:  # they stay where they are: an index may be larger than a run
        values["deduplicate"]["against"] = [index.place for index in recipe.taken_indexes]
    return yaml.safe_dump(values, allow_unicode=True, sort_keys=False)


def _read_as(model: Model | Network) -> dict[str, Any]:
    """How a model is given a text, by the recipe's keys."""
    if isinstance(model, Network):
        return {"max_tokens": model.max_tokens, "feeding": None}
    return {"feeding": model.feeding}


def lines_of(node: yaml.Node, path: RecipePath = ()) -> Iterator[tuple[RecipePath, int]]:
    """(('sources', 'web', 'paths'), 14), ...: the line of every value of a recipe, by path."""
    yield path, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*path, key.value), key.start_mark.line + 1
            for inner, line in lines_of(value, (*path, key.value)):
                if inner != (*path, key.value):
                    yield inner, line
    elif isinstance(node, yaml.SequenceNode):
        for i, item in enumerate(node.value):
            yield from lines_of(item, (*path, i))


def line_of(lines: dict[RecipePath, int], path: RecipePath) -> int:
    """The line of a path, or of its nearest parent that the recipe spells out."""
    while path not in lines:
        path = path[:-1]
    return lines[path]


def dotted(path: RecipePath) -> str:
    """('decide', 0, 'presets') -> decide[0].presets"""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{short(part)}" for part in path)
    return text.removeprefix(".") or "the recipe"


def _text(file: Path) -> str:
    """The file's text. Nothing but a file is opened: a FIFO would wait for ever."""
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode):
            raise RecipeError("the recipe is not a file", where=str(file), fix="name the YAML file itself")
        if status.st_size > plain_yaml.MAX_BYTES:
            what = f"the recipe has {status.st_size:,} bytes, and {plain_yaml.MAX_BYTES:,} are the most"
            raise RecipeError(what, where=str(file), fix="name folders or patterns in `paths` instead of single files")
        raw = file.read_bytes()
    except FileNotFoundError:
        raise RecipeError(f"no recipe '{file.name}'", where=str(file), fix=_nearest_file(file)) from None
    except OSError as error:
        what = f"the recipe cannot be read: {error.strerror or error}"
        raise RecipeError(what, where=str(file), fix="check the path and its rights") from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        where = f"{file}:{raw.count(NEWLINE, 0, error.start) + 1}"
        raise RecipeError("the recipe is not UTF-8", where=where, fix="write it as UTF-8 YAML") from None


def _parse(text: str, file: Path) -> tuple[yaml.Node, Any]:
    try:
        node, data = plain_yaml.parse(text)
    except plain_yaml.PlainYamlError as error:
        raise RecipeError(error.problem, where=f"{file}:{error.line}", fix=error.fix) from None
    if node is None:
        raise RecipeError("the recipe is empty", where=f"{file}:1", fix="start from `gristmill init`")
    problems = list(_duplicates(node))
    if problems:
        raise report(file, problems)
    return node, data


def _duplicates(node: yaml.Node) -> Iterator[tuple[int, str]]:
    children = [value for _, value in node.value] if isinstance(node, yaml.MappingNode) else node.value
    if isinstance(node, yaml.MappingNode):
        first: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if key.value in first:
                yield (
                    line,
                    f"line {line}  key '{short(key.value)}' stands here and at line {first[key.value]}; keep one",
                )
            first[key.value] = line
    if isinstance(node, yaml.CollectionNode):
        for child in children:
            yield from _duplicates(child)


def _problems(errors: list[ErrorDetails], data: Any, lines: dict[RecipePath, int]) -> Iterator[tuple[int, str]]:
    """(line, text) of what pydantic found, in our words: one for each place, by line."""
    found: dict[RecipePath, tuple[Place, list[ErrorDetails]]] = {}
    for error in errors:
        path, place = place_of(error["loc"])
        found.setdefault(path, (place, []))[1].append(error)
    above = {path[:length] for path in found for length in range(len(path))}
    for path in sorted(found, key=lambda path: line_of(lines, path)):
        place, of_place = found[path]
        if not (
            is_open(place) and path in above
        ):  # the value is of one of several kinds, and what is wrong lies inside
            line = line_of(lines, path)
            yield line, f"line {line}  {dotted(path)}: {_describe(path, place, of_place, _at(data, path))}"


def _at(data: Any, path: RecipePath) -> Any:
    """The value as the recipe has it, whatever a validator made of it. A single text may stand for a list."""
    for part in path:
        if isinstance(data, str):
            return data
        data = data.get(part) if isinstance(data, dict) else data[part]
    return data


def _describe(path: RecipePath, place: Place, errors: list[ErrorDetails], value: Any) -> str:
    kinds = {error["type"] for error in errors}
    if "extra_forbidden" in kinds:
        advice = meant(str(path[-1]), place_of(path[:-1])[1])
        if value is None and len(path) > 1 and advice.startswith("valid"):
            advice = f"several values stand in brackets: [a, {short(path[-1])}]"
        return f"unknown key '{short(path[-1])}'; {advice}"
    if "missing" in kinds:
        return f"this key is required: {expected(place)}"
    if own := [str(error["ctx"]["error"]) for error in errors if error["type"] == "value_error"]:
        return own[0]
    hint = nearest(value, values_of(place)) if isinstance(value, str) and values_of(place) else ""
    if "literal_error" in kinds and (len(kinds) == 1 or hint.startswith("did you mean")) and hint:
        return f"unknown value '{short(value)}'; {hint}"
    wanted = "a finite number" if "finite_number" in kinds else expected(place)
    if isinstance(value, bool) and may_be_null(place):
        return f"expected {wanted}; {defaults(place) if value else 'write `null` to turn it off'}"
    number = number_meant(value) if "number" in wanted or "share" in wanted else ""
    return f"expected {wanted}; got {_shown(value)}{slip(path, value)}{number}"


def _shown(value: Any) -> str:
    """A value as the recipe spells it."""
    spelled = {None: "nothing", True: "true", False: "false"}
    return spelled[value] if value is None or isinstance(value, bool) else short(repr(value))


def _nearest_file(file: Path) -> str:
    beside = [other.name for other in file.parent.glob("*.y*ml")] if file.parent.is_dir() else []
    if not beside:
        return "write one with `gristmill init`"
    close = near_file(file.name, beside)
    return f"did you mean '{close}'?" if close else f"there are: {', '.join(sorted(beside)[:LISTED])}"


def report(file: Path, problems: list[tuple[int, str]]) -> RecipeError:
    """One error for all problems, (line, text) each, in the order given."""
    unique = list(dict.fromkeys(text for _, text in problems))
    shown = [short(text, 1000) for text in unique[:MAX_SHOWN]]
    many = "1 problem" if len(unique) == 1 else f"{len(unique)} problems"
    if len(unique) > MAX_SHOWN:
        many = f"more than {MAX_SHOWN} problems"
    what = f"{many} in the recipe:\n    " + "\n    ".join(shown)
    fix = "correct these lines; `gristmill validate` checks without running"
    return RecipeError(what, where=f"{file}:{problems[0][0]}", fix=fix)
