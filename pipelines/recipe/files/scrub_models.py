"""Models that `scrub.models` names: found, and told by the content of their files. They stay where they are."""

import hashlib
import os
from importlib.util import find_spec
from pathlib import Path

from gristmill.filters.names import nearest
from gristmill.filters.pii.entities import ENTITIES
from gristmill.filters.pii.models.named import NamedModel, missing_package
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.recipe.files.named_files import Fetch, ProblemError, file_sha256, near_files
from gristmill.pipelines.recipe.languages.codes import wrong_language
from gristmill.pipelines.recipe.scrubbing import ScrubModel
from gristmill.pipelines.recipe.wording import RecipePath

MAIN: dict[str, tuple[str, ...]] = {
    "spacy": ("meta.json", "config.cfg"),
    "transformers": ("config.json", "model.safetensors", "tokenizer.json"),
    "gliner": ("gliner_config.json",),
    "stanza": (),
}
"""What the folder of a model holds at least."""


def read_scrub_models(
    recipe: schema.Recipe, folder: Path, fetch: Fetch | None
) -> tuple[tuple[NamedModel, ...], list[tuple[RecipePath, str]]]:
    """The models, and what is wrong with others: where, and what to do."""
    found: list[NamedModel] = []
    problems: list[tuple[RecipePath, str]] = []
    for number, asked in enumerate(recipe.scrub.models if recipe.scrub else ()):
        try:
            found.append(_read(asked, folder))
        except ProblemError as problem:
            problems.append((("scrub", "models", number, *([problem.key] if problem.key else [])), problem.text))
    return tuple(found), problems


def _read(asked: ScrubModel, folder: Path) -> NamedModel:
    if install := missing_package(asked.engine):
        raise ProblemError("engine", f"{asked.engine} is not installed; pip install '{install}'")
    for name in asked.entities.values():
        if name not in ENTITIES:
            raise ProblemError("entities", f"unknown type of personal data '{name}'; {nearest(name, [*ENTITIES])}")
    for code in asked.lang:
        if wrong := wrong_language(code):
            raise ProblemError("lang", wrong)
    place = _place(asked, folder)
    where, content = (asked.model, _package(asked.model)) if place is None else (str(place), place)
    entities = tuple(sorted(asked.entities.items()))
    return NamedModel(asked.engine, where, tuple(dict.fromkeys(asked.lang)), entities, _content(content))


def _place(asked: ScrubModel, folder: Path) -> Path | None:
    """The folder of a model; None: an installed spaCy package."""
    at = Path(os.path.abspath(folder / Path(asked.model).expanduser()))
    if at.is_dir():
        lacking = [name for name in MAIN[asked.engine] if not (at / name).is_file()]
        if lacking:
            raise ProblemError("model", f"'{asked.model}' is no model of {asked.engine}: it has no {lacking[0]}")
        return at
    if asked.engine == "spacy" and asked.model.isidentifier() and find_spec(asked.model) is not None:
        return None
    package = ", nor an installed package" if asked.engine == "spacy" else ""
    what = f"'{asked.model}' is no folder{package}; nothing is downloaded: save the model to disk and name its folder"
    raise ProblemError("model", what + near_files(at))


def _package(name: str) -> Path:
    spec = find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def _content(folder: Path) -> str:
    """sha256 of the files of a folder: names and bytes."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file() and file.suffix != ".pyc"]
    whole = hashlib.sha256()
    for file in files:
        whole.update(f"{file.relative_to(folder)}\n{file_sha256(file)}\n".encode())
    return whole.hexdigest()
