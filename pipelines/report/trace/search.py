"""Who holds a passage: candidates from the index, verified on their texts, with what the ledger says of them."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gristmill.filters.dedup.substrings import Query
from gristmill.pipelines.errors import InputError, RecipeError
from gristmill.pipelines.records.accounts import KEPT
from gristmill.pipelines.report.excerpts import Excerpts
from gristmill.pipelines.report.trace.index import FOLDER, LENGTH, look_up, missing, searched_parts, texts_at
from gristmill.pipelines.report.trace.spans import Passage, Span
from gristmill.pipelines.storage.layout import MANIFEST, is_ours, stem_of
from gristmill.pipelines.storage.store import Store

MOST_READ = 500
"""Documents whose text is read, those with most fingerprints of the passage first: of one that stands in a million, the
others are counted and not read."""
FIELDS = ("row", "doc_id", "id", "url", "source", "lang", "verdict", "step", "rules", "duplicate_of", "unit", "edits")


@dataclass(frozen=True)
class FoundSpan:
    """A maximal verbatim span. `begin`, `end`: bytes of the text that was searched; `at`, `characters`: characters of
    the passage; `text`: scrubbed. `gone`: edits of a kept document that lie in it, kind -> bytes: not in `text/`."""

    begin: int
    end: int
    at: int
    characters: int
    tokens: int
    text: str
    gone: dict[str, int]


@dataclass(frozen=True)
class FoundDocument:
    """A document that holds some of the passage: as in the ledger, scrubbed. `searched`: its text as `extracted`, or as
    `delivered`."""

    doc_id: str
    id: str | None
    url: str | None
    source: str
    lang: str | None
    unit: str
    row: int
    verdict: str
    step: str | None
    rules: list[str]
    duplicate_of: str | None
    searched: str
    spans: list[FoundSpan]


@dataclass(frozen=True)
class Trace:
    """The answer.

    `found` documents hold some of the passage, `kept` of them are in `text/`, `delivered` with some of it; `listed` are
    the first, those with most of it in `text/` before those that only held it. `unread`: further documents that may
    hold it. `least`: tokens from which on all is found.
    """

    characters: int
    tokens: int
    least: int
    found: int
    kept: int
    delivered: int
    unread: int
    listed: list[FoundDocument]

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)


@dataclass(frozen=True)
class _Hit:
    part: str
    doc_id: str
    row: int | None
    text: str
    spans: list[Span]

    @property
    def extracted(self) -> bool:
        """Whether its text is as extracted, which the ledger's edits are about."""
        return not self.part.startswith("text/")

    def delivered(self, row: dict[str, Any]) -> int:
        """How many bytes of its spans are in `text/`. row: of the ledger."""
        size = sum(span.end - span.begin - sum(_gone(span, self.edits(row)).values()) for span in self.spans)
        return size if row["verdict"] == KEPT else 0

    def edits(self, row: dict[str, Any]) -> list[dict[str, Any]]:
        """Those of the text that was searched."""
        return (row["edits"] or []) if self.extracted else []


def indexed_parts(store: Store) -> list[str]:
    """The parts that are searched. Raises RecipeError where the run has none, or no index of one."""
    if not store.exists(MANIFEST):
        fix = "finish it: the same `gristmill run` goes on from there"
        raise RecipeError("the run is not finished", where=store.url(MANIFEST), fix=fix)
    parts = searched_parts(store)
    lacking = missing(store, parts)
    if lacking:
        what = "the run has no index of its passages"
        if len(lacking) < len(parts):
            what = f"the index lacks {len(lacking):,} of {len(parts):,} parts: the run has changed since"
        fix = "gristmill trace RUN --index makes what is missing"
        raise RecipeError(what, where=store.url(FOLDER), fix=fix)
    return parts


def trace(store: Store, excerpts: Excerpts, text: str, listed: int, characters: int) -> Trace:
    """Which documents hold at least LENGTH tokens in a row of a text. Of each span so many characters are quoted.

    Raises InputError for a text that is shorter or not UTF-8, RecipeError where there is no index.
    """
    try:
        query = Query.of(text, LENGTH)
    except UnicodeEncodeError:
        raise InputError("the passage is not UTF-8", where="gristmill trace", fix="give UTF-8 text") from None
    if len(query.begin) < LENGTH:
        what = f"the passage has {len(query.begin)} tokens: the index finds {LENGTH} or more in a row"
        fix = "give a longer one; words, marks and characters of scripts without spaces are tokens"
        raise InputError(what, where="gristmill trace", fix=fix)
    parts = indexed_parts(store)
    hits, unread = _hits(store, parts, query)
    rows = _ledger_rows(store, hits)
    found = sorted(
        (-hit.delivered(row), -sum(span.tokens for span in hit.spans), hit.doc_id, at)
        for at, hit in enumerate(hits)
        if (row := rows.get(_key(hit))) is not None
    )
    first = [hits[at] for *_, at in found[:listed]]
    quoted = cache(lambda one: _quoted(excerpts, one, characters))  # many hold the same
    documents = [_document(hit, rows[_key(hit)], query, excerpts, quoted) for hit in first]
    kept = sum(rows[_key(hits[at])]["verdict"] == KEPT for *_, at in found)
    delivered = sum(size < 0 for size, *_ in found)
    return Trace(len(text), len(query.begin), LENGTH, len(found), kept, delivered, unread, documents)


def _hits(store: Store, parts: list[str], query: Query) -> tuple[list[_Hit], int]:
    """(documents that hold some of the query, candidates that were not read)."""
    keys = np.array(sorted(query.anchors), np.uint64)
    looked_up = [look_up(store, part, keys) for part in parts]
    part_C = np.repeat(np.arange(len(parts)), [len(documents) for documents, _ in looked_up])
    document_C = np.concatenate([np.empty(0, np.int64), *(documents for documents, _ in looked_up)])
    count_C = np.concatenate([np.empty(0, np.int64), *(counts for _, counts in looked_up)])
    chosen = np.sort(np.argsort(-count_C, kind="stable")[:MOST_READ])
    hits, passage = [], Passage(query, LENGTH)
    for number in np.unique(part_C[chosen]).tolist():
        part = parts[number]
        for one in texts_at(store, part, document_C[chosen[part_C[chosen] == number]]):
            if spans := passage.maximal_spans(one.text.encode()):
                hits.append(_Hit(part, one.doc_id, one.row, one.text, spans))
    return hits, len(count_C) - len(chosen)


def _key(hit: _Hit) -> tuple[str, str, int | None]:
    return hit.part, hit.doc_id, hit.row


def _ledger_rows(store: Store, hits: Iterable[_Hit]) -> dict[tuple[str, str, int | None], dict[str, Any]]:
    """The row of the ledger of each document."""
    by_unit: dict[str, list[_Hit]] = defaultdict(list)
    for hit in hits:
        by_unit[stem_of(hit.part.rpartition("/")[2])].append(hit)
    found: dict[tuple[str, str, int | None], dict[str, Any]] = {}
    names = store.names("ledger")
    for stem, mine in by_unit.items():
        wanted = pa.array({hit.doc_id for hit in mine}, pa.string())
        paths = (f"ledger/{name}" for name in names if name.startswith(stem))
        rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for path in filter(is_ours, paths):
            with store.open(path) as file:
                table = pq.read_table(file, columns=list(FIELDS), filters=pa.compute.field("doc_id").isin(wanted))
            for row in table.to_pylist():
                rows[row["doc_id"]].append(row)
        for hit in mine:
            row = _row_of(hit, rows[hit.doc_id])
            if row is not None:
                found[_key(hit)] = row
    return found


def _row_of(hit: _Hit, rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Of rows with the document's doc_id, which repeats where a record was read twice."""
    if hit.row is not None:
        return next((row for row in rows if row["row"] == hit.row), None)
    return next((row for row in rows if (row["verdict"] == KEPT) != hit.extracted), None)


def _document(
    hit: _Hit, row: dict[str, Any], query: Query, excerpts: Excerpts, quoted: Callable[[str], str]
) -> FoundDocument:
    edits, spans = hit.edits(row), []
    for span in hit.spans:
        text = query.data[span.at : span.at + span.end - span.begin].decode()
        at = len(query.data[: span.at].decode())
        spans.append(FoundSpan(
            span.begin, span.end, at, len(text), span.tokens, quoted(text), _gone(span, edits)
        ))  # fmt: skip
    return FoundDocument(
        doc_id=row["doc_id"],
        id=excerpts.optional(row["id"]),
        url=excerpts.optional(row["url"]),
        source=row["source"],
        lang=row["lang"],
        unit=row["unit"],
        row=row["row"],
        verdict=row["verdict"],
        step=row["step"],
        rules=row["rules"] or [],
        duplicate_of=row["duplicate_of"],
        searched="extracted" if hit.extracted else "delivered",
        spans=spans,
    )


def _quoted(excerpts: Excerpts, text: str, characters: int) -> str:
    shown, more = excerpts.excerpt(text, characters)
    return f"{shown} …" if more else shown


def _gone(span: Span, edits: list[dict[str, Any]]) -> dict[str, int]:
    gone: dict[str, int] = defaultdict(int)
    for edit in edits:
        overlap = min(span.end, edit["end"]) - max(span.begin, edit["start"])
        if overlap > 0:
            gone[edit["kind"]] += overlap
    return dict(gone)
