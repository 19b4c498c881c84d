"""Fields that a recipe names and no record has: a misspelt name says nothing otherwise, since any record may lack a
field."""

from collections.abc import Iterator

from gristmill.filters.names import nearest
from gristmill.pipelines.errors import utf8_text
from gristmill.pipelines.read.conversations.take import fields_needed
from gristmill.pipelines.read.formats import READERS
from gristmill.pipelines.read.kinds import mistaken
from gristmill.pipelines.read.nested import general
from gristmill.pipelines.read.reader import Seen
from gristmill.pipelines.recipe.load import LoadedRecipe, dotted, line_of, report
from gristmill.pipelines.recipe.sources import CONVERSATIONS, LanguageColumn, Source
from gristmill.pipelines.recipe.wording import RecipePath
from gristmill.pipelines.recipe.yaml.plain import short
from gristmill.pipelines.records.elements import Split, Unit

MAX_RECORDS = 1_000
MAX_FILES = 64
SHOWN = 20
"""Names that a message lists."""


def check_field_names(loaded: LoadedRecipe, units: list[Unit]) -> list[str]:
    """Notes about names that none of a source's first records has.

    Raises RecipeError, with lines, where all of a source's records were looked at and none has the name. The look ends
    as soon as every name was met: mostly at the first record.
    """
    notes: list[str] = []
    problems: list[tuple[int, str]] = []
    for name, source in loaded.recipe.sources.items():
        if source.kind != "text" and not READERS[source.format].holds_fields:
            line = line_of(loaded.lines, ("sources", name, source.kind))
            what = f"the format '{source.format}' has no fields, and so no {source.kind}; remove this key"
            problems.append((line, f"line {line}  {dotted(('sources', name, source.kind))}: {what}"))
            continue
        wanted = dict(_named(READERS[source.format].resolve(source)))
        seen = _look(source, wanted, [unit for unit in units if unit.source == name])
        for field, key in wanted.items():
            if seen.records and not {field, general(field)} & seen.names:
                path: RecipePath = ("sources", name, *key)
                first = next(split.path for unit in units if unit.source == name for split in unit.splits)
                if wrong := mistaken(first, source.format):  # its "names" may be text of documents
                    line = line_of(loaded.lines, path[:2])
                    problems.append((line, f"line {line}  {dotted(path[:2])}: '{short(utf8_text(first))}' {wrong}"))
                elif seen.whole:
                    line = line_of(loaded.lines, path)
                    problems.append((line, f"line {line}  {dotted(path)}: no record has {_told(field, seen)}"))
                else:
                    notes.append(f"{dotted(path)}: none of the first {seen.records:,} records has {_told(field, seen)}")
    if problems:
        raise report(loaded.file, sorted(problems))
    return notes


def _named(source: Source) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(field, key of the recipe) of every field that the recipe names itself, and of the text."""
    if source.kind != "text":
        yield from fields_needed(source).items()
    elif READERS[source.format].holds_fields:
        yield source.text, ("text",)
    if source.id is not None:
        yield source.id, ("id",)
    if source.url is not None and "url" in source.model_fields_set:
        yield source.url, ("url",)
    if isinstance(source.language, LanguageColumn):
        yield source.language.column, ("language", "column")
    for column in source.columns.keys() - CONVERSATIONS.get(source.kind, {}).keys():
        yield column, ("columns", column)


def _look(source: Source, wanted: dict[str, tuple[str, ...]], units: list[Unit]) -> Seen:
    """The names of the first records of the source, over its files in order."""
    names: set[str] = set()
    records, whole = 0, True
    look = READERS[source.format].look
    if look is None or not wanted:
        return Seen(names, records, whole)
    for number, split in enumerate(_beginnings(units)):
        if number == MAX_FILES or records >= MAX_RECORDS:
            return Seen(names, records, False)
        found = look(split, MAX_RECORDS - records, source)
        names |= found.names
        records += found.records
        whole &= found.whole
        if all({field, general(field)} & names for field in wanted):
            break
    return Seen(names, records, whole)


def _beginnings(units: list[Unit]) -> Iterator[Split]:
    return (split for unit in units for split in unit.splits if split.start == 0)


def _told(field: str, seen: Seen) -> str:
    names = sorted(map(short, seen.names))
    listed = ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
    close = nearest(field, names)
    hint = f"{close} " if close.startswith("did") else ""
    return f"a field '{short(field)}'; {hint}there are: {listed or 'none'}"
