"""Labelled pages: a folder with `gold.jsonl` files, each beside the HTML that it speaks of."""

import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gristmill.pipelines.errors import InputError
from gristmill.pipelines.read.listing import files_below
from gristmill.pipelines.read.marks import GZIP

GOLD = "gold.jsonl"
SUFFIXES = (".html", ".htm", ".xhtml")
LAYOUT = (
    f'a line of {GOLD} is a page: {{"id": "a", "text": "...", "lang": "zh"}}; '
    "its HTML lies beside it, as html/a.html or html/a.html.gz"
)


@dataclass(frozen=True, slots=True)
class LabelledPage:
    """A page and what is known of its main content. A page without `text` and snippets is unlabelled."""

    name: str
    """Path of its HTML below the folder."""
    file: Path
    language: str = ""
    kind: str = ""
    """Article, forum, product ...: as the labels call it."""
    text: str | None = None
    wanted: list[str] = field(default_factory=list)
    """Snippets that belong to the main content."""
    unwanted: list[str] = field(default_factory=list)

    def html(self) -> bytes:
        """The page as it was served. Raises InputError."""
        try:
            data = self.file.read_bytes()
            return gzip.decompress(data) if data.startswith(GZIP) else data
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(
                f"the page cannot be read: {error}", where=str(self.file), fix="repair or remove it"
            ) from None


def find_pages(folder: Path) -> list[LabelledPage]:
    """The pages below a folder: labelled ones in the order of their files' paths and lines, then all others by path.

    Raises InputError for a folder without pages, and for a label that cannot be read or whose page is missing.
    """
    if not folder.is_dir():
        raise InputError("there is no such folder", where=str(folder), fix=LAYOUT)
    files = files_below(folder)
    labelled = [page for file in files if file.name == GOLD for page in _labelled(folder, file)]
    known = {page.file for page in labelled}
    others = [
        LabelledPage(path.relative_to(folder).as_posix(), path)
        for path in files
        if path.name.lower().removesuffix(".gz").endswith(SUFFIXES) and path not in known and path.is_file()
    ]
    if not labelled and not others:
        raise InputError("there is no HTML in it", where=str(folder), fix=LAYOUT)
    return labelled + others


def _labelled(folder: Path, file: Path) -> Iterator[LabelledPage]:
    with file.open(encoding="utf-8", errors="strict") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield _page(folder, file, f"{file}:{number}", line)


def _page(folder: Path, file: Path, where: str, line: str) -> LabelledPage:
    try:
        label: dict[str, Any] = json.loads(line)
        name, text = label["id"], label.get("text")
        wanted, unwanted = label.get("with") or [], label.get("without") or []
        lists = isinstance(wanted, list) and isinstance(unwanted, list)
        if not lists or not all(isinstance(item, str) for item in (name, text or "", *wanted, *unwanted)):
            raise TypeError
    except (ValueError, TypeError, KeyError, AttributeError):
        fix = f"`id` is a text, `text` a text or null, `with` and `without` are lists of texts; {LAYOUT}"
        raise InputError("the line is no label", where=where, fix=fix) from None
    places = [file.parent / "html" / f"{name}.html{end}" for end in ("", ".gz")]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise InputError(f"the page {name} has no HTML", where=where, fix=f"put it at {places[0]} or {places[1]}")
    kind, language = str(label.get("type") or ""), str(label.get("lang") or "").lower().partition("-")[0]
    return LabelledPage(found.relative_to(folder).as_posix(), found, language, kind, text, wanted, unwanted)
