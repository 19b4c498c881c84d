"""`labels` of a recipe: its files found, read into a table of numbers by key, and told by their content."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from gristmill.filters.kept_table import hash_strings
from gristmill.filters.labels.keys import KEYS, spelt
from gristmill.filters.labels.table import VERSION, ConflictError, LabelFile, read_about, write
from gristmill.filters.placed import place
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.recipe.files.classifiers import LABEL
from gristmill.pipelines.recipe.files.label_files import BadLabelsError, LabelBatch, numbers_of, rows_of
from gristmill.pipelines.recipe.files.named_files import Fetch, ProblemError, files_at, read_named, shelf
from gristmill.pipelines.recipe.wording import RecipePath

_MEANT = {
    "doc_id": "a doc_id, which is 32 hexadecimal digits (the ledger's column); or join by `key: id` or `key: url`",
    "id": "an id",
    "url": "an address with a host; or join by `key: id`",
}


def read_labels(
    recipe: schema.Recipe, folder: Path, fetch: Fetch | None
) -> tuple[tuple[LabelFile, ...], list[tuple[RecipePath, str]]]:
    """The labels of a recipe in `folder`, and what is wrong with others: where, and what to do."""
    return read_named(recipe, "labels", lambda name, asked: _read(name, asked, recipe, folder, fetch))


def _read(name: str, asked: schema.Labels, recipe: schema.Recipe, folder: Path, fetch: Fetch | None) -> LabelFile:
    if asked.kept is not None:
        try:
            table = folder / asked.kept
            found = read_about(table, name)
        except (OSError, ValueError) as error:
            raise ProblemError("kept", f"the run's labels cannot be read: {error}") from None
    else:
        _check(asked, recipe)
        table = _table(asked, [file for path in asked.paths for file in files_at(path, "paths", folder, fetch)])
        found = read_about(table, name)
    place(found, table)
    return found


def _check(asked: schema.Labels, recipe: schema.Recipe) -> None:
    if not asked.paths:
        raise ProblemError("", "it names no files; write `paths`")
    if not asked.columns:
        raise ProblemError("", "it names no columns; write `columns`: each becomes a signal")
    for column in asked.columns:
        if not re.fullmatch(LABEL, column):
            raise ProblemError("columns", f"'{column}' is no name for a signal; rename it to letters, digits and '_'")
    if asked.key != "doc_id" and not any(getattr(source, asked.key) for source in recipe.sources.values()):
        fix = f"say which field of the records holds it: `{asked.key}: FIELD` in the source"
        raise ProblemError("key", f"no source has an {asked.key}, so nothing can match; {fix}")


def _table(asked: schema.Labels, files: Sequence[Path]) -> Path:
    """The table of these labels, built where this machine has not built it before."""
    field, columns = asked.field or asked.key, asked.columns
    digest = hashlib.sha256(repr([VERSION, KEYS, asked.key, field, columns]).encode())
    for sha256 in sorted({_sha256(file) for file in files}):
        digest.update(sha256)
    table = shelf() / f"{digest.hexdigest()}.labels"
    if table.is_file():
        return table
    try:
        write(table, asked.key, list(columns), _labels(asked, files))
    except ConflictError as error:
        documents = "a document has" if error.documents == 1 else f"{error.documents:,} documents have"
        where = " and ".join(_places(asked, files, error.first))
        what = f"{documents} several labels with different numbers ({where}); leave one for each {asked.key}"
        raise ProblemError("paths", what) from None
    except ValueError:  # no label
        empty = (
            "its files hold no row" if not _any_row(asked, files) else f"no value of '{field}' is {_MEANT[asked.key]}"
        )
        raise ProblemError("field" if asked.field else "paths", empty) from None
    return table


def _places(asked: schema.Labels, files: Sequence[Path], wanted: int) -> list[str]:
    """Where the first two labels of a document stand, by the hash of its key."""
    found = []
    for batch in _batches(asked, files):
        keys = spelt(asked.key, batch.key)
        is_it_D = (hash_strings(keys.fill_null("")) == wanted) & keys.is_valid().to_numpy(zero_copy_only=False)
        found += [batch.place(row) for row in np.flatnonzero(is_it_D).tolist()]
        if len(found) > 1:
            break
    return found[:2]


def _sha256(file: Path) -> bytes:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()


def _labels(asked: schema.Labels, files: Sequence[Path]) -> Iterator[tuple[pa.Array, list[np.ndarray]]]:
    numbered, keyed = np.zeros(len(asked.columns), bool), False
    for batch in _batches(asked, files):
        keys = spelt(asked.key, batch.key)
        known = keys.is_valid()
        columns = zip(batch.columns, asked.columns.items(), strict=True)
        try:
            numbers = [numbers_of(column, name, of, batch) for column, (name, of) in columns]
        except BadLabelsError as error:
            raise ProblemError(error.key, str(error)) from None
        known_D = known.to_numpy(zero_copy_only=False)
        numbered |= [np.isfinite(value_D[known_D]).any() for value_D in numbers]
        keyed |= known_D.any()
        yield keys.drop_null(), [value_D[known_D] for value_D in numbers]
    for name, has_number in zip(asked.columns, numbered, strict=True):
        if keyed and not has_number:
            raise ProblemError("columns", f"'{name}' holds no number for any label; leave it out, or name another one")


def _batches(asked: schema.Labels, files: Sequence[Path]) -> Iterator[LabelBatch]:
    try:
        for file in files:
            yield from rows_of(file, asked.field or asked.key, list(asked.columns))
    except BadLabelsError as error:
        raise ProblemError(error.key, str(error)) from None


def _any_row(asked: schema.Labels, files: Sequence[Path]) -> bool:
    return any(len(batch.key) for batch in _batches(asked, files))
