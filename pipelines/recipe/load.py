"""YAML -> typed recipe. Every error names file, line, key and the nearest valid name; all are shown at once."""

import difflib
import hashlib
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pipelines.errors import RecipeError
from pipelines.recipe import plain_yaml
from pipelines.recipe.plain_yaml import short
from pipelines.recipe.plugins import declare_plugins, read_plugin
from pipelines.recipe.schema import Recipe

RecipePath = tuple[str | int, ...]
NEWLINE = b"\n"
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

    @property
    def folder(self) -> Path:
        """What relative paths of the recipe start from."""
        return self.file.parent

    def where(self, *path: str | int) -> str:
        """`recipe.yaml:14, decide[0].presets` for an error message; the nearest line above for a default."""
        return f"{self.file}:{line_of(self.lines, path)}, {dotted(path)}"


def load(file: Path) -> LoadedRecipe:
    """Read and validate one recipe. Raises RecipeError that lists every problem."""
    node, data = _parse(_text(file), file)
    lines = dict(lines_of(node))
    if not isinstance(data, dict):
        raise RecipeError("the recipe is not a mapping", where=f"{file}:1", fix="start from `gristmill init`")
    _add_plugins(data, file, lines)
    try:
        recipe = Recipe.model_validate(data)
    except ValidationError as error:
        found = sorted(((line_of(lines, _in_recipe(e["loc"], lines)), e) for e in error.errors()), key=lambda at: at[0])
        raise report(file, [(line, _describe(e, lines)) for line, e in found[: MAX_SHOWN + 1]]) from None
    return LoadedRecipe(recipe, file, lines, fingerprint(recipe))


def _add_plugins(data: dict[str, Any], file: Path, lines: dict[RecipePath, int]) -> None:
    """Read and declare what `plugins` names, so that the rest of the recipe can use it."""
    names = data.get("plugins") or []
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        line = line_of(lines, ("plugins",))
        raise report(file, [(line, f"line {line}  plugins: a list of file names is expected, such as [my_filters.py]")])
    plugins = [read_plugin(name, file.parent) for name in names]
    declare_plugins(plugins)
    data["plugins"] = plugins


def fingerprint(recipe: Recipe) -> str:
    """sha256 of the resolved recipe."""
    return hashlib.sha256(recipe.model_dump_json().encode()).hexdigest()


def dump(recipe: Recipe) -> str:
    """The recipe as YAML with all defaults filled in, as a run directory keeps it."""
    values = recipe.model_dump(mode="json")
    values["plugins"] = [plugin.kept_as for plugin in recipe.plugins]
    return yaml.safe_dump(values, allow_unicode=True, sort_keys=False)


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


def nearest(name: str, valid: Iterator[str] | list[str]) -> str:
    """ "did you mean 'x'?", or the valid names when none is near."""
    names = sorted(valid)
    close = difflib.get_close_matches(name, names, 1, 0.6)
    return f"did you mean '{close[0]}'?" if close else f"valid: {', '.join(names)}"


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
    problems = list(_duplicates(node, file))
    if problems:
        raise report(file, problems)
    return node, data


def _duplicates(node: yaml.Node, file: Path) -> Iterator[tuple[int, str]]:
    children = [value for _, value in node.value] if isinstance(node, yaml.MappingNode) else node.value
    if isinstance(node, yaml.MappingNode):
        first: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if key.value in first:
                yield (
                    line,
                    f"{file}:{line}  key '{short(key.value)}' stands here and at line {first[key.value]}; keep one",
                )
            first[key.value] = line
    if isinstance(node, yaml.CollectionNode):
        for child in children:
            yield from _duplicates(child, file)


def _in_recipe(loc: RecipePath, lines: dict[RecipePath, int]) -> RecipePath:
    """pydantic's location without the tags of union members, which are not keys of the recipe."""
    path: RecipePath = ()
    for part in loc:
        if (*path, part) in lines or part is loc[-1]:
            path = (*path, part)
    return path


def _describe(error: ErrorDetails, lines: dict[RecipePath, int]) -> str:
    path = _in_recipe(error["loc"], lines)
    at = f"line {line_of(lines, path)}  {dotted(path)}: "
    if error["type"] == "extra_forbidden":
        return f"{at}unknown key '{short(path[-1])}'; {nearest(str(path[-1]), _keys_at(path[:-1]))}"
    if error["type"] == "missing":
        return f"{at}this key is required"
    if error["type"] == "literal_error" and isinstance(error["input"], str):
        expected = error["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", ")
        return f"{at}unknown value '{short(error['input'])}'; {nearest(error['input'], expected)}"
    return f"{at}{error['msg'].removeprefix('Value error, ')}, got {short(repr(error['input']))}"


def _keys_at(path: RecipePath) -> list[str]:
    """The valid keys of the mapping at a path of the recipe."""
    model: Any = Recipe
    for part in path:
        field = model.model_fields.get(str(part)) if model else None
        # A part that names no field is a key of a dict or an index of a list: its model is the container's.
        model = _model_in(field.annotation) if field else model
    return list(model.model_fields) if model else []


def _model_in(annotation: Any) -> Any:
    """The model inside Optional[M], list[M] or dict[str, M]."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _model_in(inner)) is not None), None)


def _nearest_file(file: Path) -> str:
    beside = [other.name for other in file.parent.glob("*.y*ml")] if file.parent.is_dir() else []
    return nearest(file.name, beside) if beside else "write one with `gristmill init`"


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
