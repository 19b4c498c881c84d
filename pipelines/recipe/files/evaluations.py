"""`decontaminate` of a recipe: its evaluation sets found, read into an index, and told by their content."""

import hashlib
import os
import re
from pathlib import Path

from gristmill.filters.contamination.index import VERSION, EvaluationFile, read_about, write
from gristmill.filters.contamination.items import Item, Sizes
from gristmill.filters.contamination.shapes import Fields
from gristmill.filters.placed import place
from gristmill.pipelines.recipe import decontaminate, schema
from gristmill.pipelines.recipe.files.evaluation_files import BadSetError, items_of
from gristmill.pipelines.recipe.files.named_files import Fetch, ProblemError, files_at, shelf
from gristmill.pipelines.recipe.wording import RecipePath

SECTION = "decontaminate"
NAME = r"[A-Za-z0-9][\w.-]*"
"""Of a set: scores are printed beside it."""


def read_evaluations(
    recipe: schema.Recipe, folder: Path, fetch: Fetch | None
) -> tuple[EvaluationFile | None, list[tuple[RecipePath, str]]]:
    """The evaluation sets of a recipe in `folder`; or what is wrong with them: where, and what to do."""
    asked = recipe.decontaminate
    if asked is None:
        return None, []
    if asked.kept is not None:
        try:
            found = read_about(folder / asked.kept)
        except (OSError, ValueError) as error:
            return None, [((SECTION, "kept"), f"the run's evaluation sets cannot be read: {error}")]
        place(found, folder / asked.kept)
        return found, []
    if not asked.sets:
        return None, [((SECTION,), "it names no sets; write `sets: {NAME: {paths: FILE}}`")]
    files: dict[str, list[Path]] = {}
    problems: list[tuple[RecipePath, str]] = []
    for name, one in asked.sets.items():
        try:
            files[name] = _files(name, one, folder, fetch)
        except ProblemError as problem:
            problems.append(((SECTION, "sets", name, *([problem.key] if problem.key else [])), problem.text))
    if problems:
        return None, problems
    return _index(asked, files)


def _files(name: str, one: decontaminate.EvaluationSet, folder: Path, fetch: Fetch | None) -> list[Path]:
    if not re.fullmatch(NAME, name):
        raise ProblemError("", f"'{name}' is not a name for a set; use letters, digits, '.', '_' and '-'")
    if not one.paths:
        raise ProblemError("", "it names no files; write `paths`")
    found = (file for path in one.paths for file in files_at(path, "paths", folder, fetch))
    return list(dict.fromkeys(found))  # patterns may meet


def _index(
    asked: decontaminate.Decontaminate, files: dict[str, list[Path]]
) -> tuple[EvaluationFile | None, list[tuple[RecipePath, str]]]:
    """The index of these sets, built where this machine has not built it before."""
    sizes = Sizes(asked.ngram, asked.short)
    sha256 = {name: _sha256(found) for name, found in files.items()}
    fields = {name: _fields(one) for name, one in asked.sets.items()}
    told = sorted((name, sha256[name], repr(fields[name])) for name in files)
    digest = hashlib.sha256(repr([VERSION, sizes, told]).encode()).hexdigest()
    index = shelf() / f"{digest}.evaluations"
    if not index.is_file():
        sets: dict[str, list[Item]] = {}
        problems: list[tuple[RecipePath, str]] = []
        for name in files:
            try:
                sets[name] = [item for file in files[name] for item in items_of(file, fields[name])]
            except BadSetError as error:
                problems.append(((SECTION, "sets", name, error.key), str(error)))
        if problems:
            return None, problems
        scratch = index.with_name(f"{index.name}-{os.getpid()}")
        write(scratch, sets, sha256, sizes)
        os.replace(scratch, index)
    found = read_about(index)
    place(found, index)
    nothing = [name for name, items, too_short, _ in found.sets if items == too_short]
    wrong = f"every question has fewer than {asked.short // 2} words, which is too short to be found"
    return found, [((SECTION, "sets", name), wrong) for name in nothing]


def _fields(one: decontaminate.EvaluationSet) -> Fields:
    return Fields(one.question, one.answer, one.choices, one.passage, one.id)


def _sha256(files: list[Path]) -> str:
    """Of the files' bytes, in the order of the recipe."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest() if len(files) > 1 else hashlib.sha256(files[0].read_bytes()).hexdigest()
