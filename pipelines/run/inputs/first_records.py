"""Whether the first records of every source can be read: what `validate` finds out before a run does."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice

from gristmill.pipelines.errors import utf8_text
from gristmill.pipelines.read.batches import Aside, Document
from gristmill.pipelines.read.context import Context
from gristmill.pipelines.read.formats import READERS
from gristmill.pipelines.read.kinds import mistaken, no_text
from gristmill.pipelines.read.sample import Sample
from gristmill.pipelines.recipe.load import LoadedRecipe, dotted, line_of, report
from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.recipe.sources import Source
from gristmill.pipelines.recipe.wording import RecipePath
from gristmill.pipelines.recipe.yaml.plain import short
from gristmill.pipelines.records.dead_letters import in_words
from gristmill.pipelines.records.elements import DeadLetter, Split, Unit

FILES, ITEMS = 16, 1_000
"""Looked at of a source while no document is found: its first files, and what each gives first."""


@dataclass
class _Look:
    """What the beginning of a source gave."""

    documents: int = 0
    dead: list[DeadLetter] = field(default_factory=list)
    files: list[str] = field(default_factory=list)


def check_first_records(loaded: LoadedRecipe, units: list[Unit]) -> None:
    """Raises RecipeError, with lines, for sources whose first files give no document at all, and says why."""
    problems: list[tuple[int, str]] = []
    for name, source in loaded.recipe.sources.items():
        look = _look(loaded.recipe, source, [unit for unit in units if unit.source == name])
        if look.files and (look.documents == 0 or no_text(look.files[0], source.format)):
            path: RecipePath = ("sources", name, "format" if look.dead else "paths")
            line = line_of(loaded.lines, path)
            problems.append((line, f"line {line}  {dotted(path[:2])}: {_told(source, look)}"))
    if problems:
        raise report(loaded.file, sorted(problems))


def _look(recipe: Recipe, source: Source, units: list[Unit]) -> _Look:
    look = _Look()
    reader = READERS[source.format]
    for unit in units:
        context = Context(unit.source, reader.resolve(source), recipe.read, recipe.extract, Sample(1, 0))
        for split in unit.splits:
            if look.documents or len(look.files) == FILES:
                return look
            if split.path not in look.files:
                look.files.append(split.path)
                with suppress(OSError):  # the run says so
                    _take(look, islice(_items(split, context), ITEMS))
    return look


def _items(split: Split, context: Context) -> Iterator[Document | DeadLetter | Aside | int]:
    """What a split gives; of batches how many documents."""
    reader = READERS[context.source.format]
    if reader.items is not None:
        yield from reader.items(split, context)
    elif reader.batches is not None:
        for records in reader.batches(split, context):
            yield from records.dead
            yield records.batch.num_rows


def _take(look: _Look, items: Iterator[Document | DeadLetter | Aside | int]) -> None:
    for item in items:
        if isinstance(item, DeadLetter):
            look.dead.append(item)
        elif isinstance(item, Document) or (isinstance(item, int) and item):
            look.documents += 1
            return


def _told(source: Source, look: _Look) -> str:
    more = f" and {len(look.files) - 1} more" if len(look.files) > 1 else ""
    files = f"'{short(utf8_text(look.files[0]))}'{more}"
    if wrong := mistaken(look.files[0], source.format):
        return f"{files} {wrong}"
    if look.dead:
        many = "the first record" if len(look.dead) == 1 else f"none of the first {len(look.dead):,} records"
        how = f"{many} of {files} " + ("cannot" if len(look.dead) == 1 else "can")
        return f"{how} be read as {source.format}: {short(in_words(look.dead[0].error), 300)}"
    return f"{files}: there is no record in it"
