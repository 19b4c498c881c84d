"""Which documents of a run are meant, which dead letters, and where values stand."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gristmill.filters.lists.addresses import SCHEME
from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.forget.asked import Asked, Entry
from gristmill.pipelines.forget.strings import spans
from gristmill.pipelines.forget.version import DOCUMENTS, Piece, Version
from gristmill.pipelines.records.accounts import DEAD, KEPT

ENCODE = "encode"
"""The step whose dead letters name a row of `text/`, not of an input."""
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,31}://[^\s\"'<>]{1,2048}")
_LONG_ID = 8
"""A shorter id is looked for in a dead letter only where quotes stand around it."""

Place = tuple[str, int]
"""A record by the stem of its unit and its row."""


@dataclass
class Matched:
    """What goes."""

    documents: set[str] = field(default_factory=set)
    """By doc_id."""
    records: set[Place] = field(default_factory=set)
    """Of these documents, and of records that died before they had a doc_id."""
    unencoded: set[tuple[str, int]] = field(default_factory=set)
    """Dead letters of ENCODE, by part of `text/` and row."""
    entries: set[tuple[str, str]] = field(default_factory=set)
    """(kind, text) of entries that something is meant by."""
    valued: dict[str, Counter[str]] = field(default_factory=dict)
    """By dataset: values that are masked in a document that stays, by doc_id; of a dead letter by its place."""
    parts: set[str] = field(default_factory=set)
    """Paths of parts with values."""
    clusters: dict[str, str] = field(default_factory=dict)
    """A cluster that was named by a document that goes -> the document of it that stays and names it now."""

    def __bool__(self) -> bool:
        return bool(self.documents or self.records or self.valued)


def match(version: Version, asked: Asked, duplicates: bool = False) -> Matched:
    """Everything in the run that is meant. `duplicates`: and what repeats a document that goes.

    Raises RecipeError for an entry of the command line that means nothing, and where none means anything.
    """
    matched = Matched()
    for dataset in DOCUMENTS:
        for piece in version.pieces(dataset):
            for batch in version.batches(piece, ("doc_id", "id", "url")):
                _documents(batch, asked, matched)
    if duplicates:
        _add_duplicates(version, matched)
    died = _places(version, matched)
    _letters(version, asked, matched, died)
    if asked.values:
        _values(version, asked, matched)
    _check(asked, matched)
    matched.clusters = _named_anew(version, matched.documents)
    return matched


def _documents(batch: pa.RecordBatch, asked: Asked, matched: Matched) -> None:
    """Those of a batch that an entry means."""
    for kind in ("doc_id", "id"):
        _take(batch, kind, {text: [(kind, text)] for text in asked.texts(kind)}, matched)
    if not asked.texts("domain") and not asked.texts("url"):
        return
    for name in ("url", "id"):
        distinct = pc.unique(batch.column(name).drop_null()).to_pylist()
        meant = {
            text: found
            for text in distinct
            if (name == "url" or SCHEME.match(text)) and (found := list(asked.of_address(text)))
        }
        _take(batch, name, meant, matched)


def _take(batch: pa.RecordBatch, column: str, meant: dict[str, list[tuple[str, str]]], matched: Matched) -> None:
    """The rows whose column holds one of some texts, and the entries by which."""
    if not meant:
        return
    here = pc.is_in(batch.column(column), pa.array(list(meant), batch.column(column).type))
    texts, names = (batch.column(name).filter(here).to_pylist() for name in (column, "doc_id"))
    for text, doc_id in zip(texts, names, strict=True):
        if doc_id is not None:
            matched.documents.add(doc_id)
            matched.entries.update(meant[text])


def _ledger(version: Version, *columns: str) -> Iterator[tuple[str, pa.RecordBatch]]:
    """(stem of the unit, rows) of the ledger."""
    for piece in version.pieces("ledger"):
        for batch in version.batches(piece, columns):
            yield piece.stem, batch


def _add_duplicates(version: Version, matched: Matched) -> None:
    """What stands in the clusters of the documents that go."""
    held = pa.array(sorted(matched.documents), pa.string())
    named: set[str] = set()
    for _, batch in _ledger(version, "doc_id", "cluster"):
        named.update(batch.column("cluster").filter(pc.is_in(batch.column("doc_id"), held)).drop_null().to_pylist())
    clusters = pa.array(sorted(named), pa.string())
    for _, batch in _ledger(version, "doc_id", "cluster"):
        inside = pc.is_in(batch.column("cluster"), clusters)
        matched.documents.update(batch.column("doc_id").filter(inside).drop_null().to_pylist())


def _places(version: Version, matched: Matched) -> dict[Place, str | None]:
    """Notes where the documents that go stand; of every record that died, its doc_id, None where it had none."""
    held = pa.array(sorted(matched.documents), pa.string())
    died: dict[Place, str | None] = {}
    for stem, batch in _ledger(version, "doc_id", "row", "verdict"):
        gone = pc.is_in(batch.column("doc_id"), held).to_numpy(zero_copy_only=False)
        row = batch.column("row").to_numpy()
        matched.records.update((stem, number) for number in row[gone].tolist())
        dead = pc.equal(batch.column("verdict"), DEAD)
        names = batch.column("doc_id").filter(dead).to_pylist()
        died.update(
            zip(((stem, number) for number in batch.column("row").filter(dead).to_pylist()), names, strict=True)
        )
    return died


def _letters(version: Version, asked: Asked, matched: Matched, died: dict[Place, str | None]) -> None:
    """Dead letters of what goes: by the ledger, by the row of `text/`; of a record without a doc_id by its bytes."""
    texts = _texts_that_go(version, matched.documents)
    mentions = _Mentions(asked)
    for piece in version.pieces("dead"):
        for batch in version.batches(piece, ("row", "file", "step", "first_bytes")):
            for letter in batch.to_pylist():
                if letter["step"] == ENCODE:
                    if letter["row"] in texts.get(letter["file"], ()):
                        matched.unencoded.add((letter["file"], letter["row"]))
                    continue
                place = (piece.stem, letter["row"])
                if died.get(place) is None and (found := mentions.of(letter["first_bytes"] or b"")):
                    matched.records.add(place)
                    matched.entries.update(found)


def _texts_that_go(version: Version, documents: set[str]) -> dict[str, set[int]]:
    """Part of `text/` -> rows of it."""
    held, found = pa.array(sorted(documents), pa.string()), {}
    for piece in version.pieces("text"):
        rows = [pc.is_in(batch.column("doc_id"), held) for batch in version.batches(piece, ("doc_id",))]
        where = np.flatnonzero(np.concatenate([row.to_numpy(zero_copy_only=False) for row in rows]))
        if len(where):
            found[piece.path] = set(where.tolist())
    return found


class _Mentions:
    """What raw bytes of a record name. Nobody could read it, so whatever it names may be where it is from."""

    def __init__(self, asked: Asked):
        self.asked, self.ids = asked, asked.texts("id")
        self.quoted = {name: (f'"{name}"'.encode(), name.encode()) for name in self.ids}

    def of(self, data: bytes) -> set[tuple[str, str]]:
        text = data.decode("utf-8", "replace").replace("\\/", "/")
        found = {entry for address in _ADDRESS.findall(text) for entry in self.asked.of_address(address)}
        for name, (quoted, plain) in self.quoted.items():
            if quoted in data or (len(name) >= _LONG_ID and plain in data):
                found.add(("id", name))
        return found


def _values(version: Version, asked: Asked, matched: Matched) -> None:
    """Where values stand in documents that stay, and in dead letters."""
    seen: set[str] = set()
    held = pa.array(sorted(matched.documents), pa.string())
    for dataset in version.tables:
        for piece in version.pieces(dataset):
            for batch in version.batches(piece):
                count_D = spans(batch, asked.sought, seen)
                if count_D.any():
                    matched.parts.add(piece.path)
                    _count(matched, piece, batch, count_D, held)
    matched.entries.update(("value", value) for value in seen)


def _count(matched: Matched, piece: Piece, batch: pa.RecordBatch, count_D: np.ndarray, held: pa.Array) -> None:
    names = batch.column("doc_id") if "doc_id" in batch.schema.names else pa.nulls(batch.num_rows, pa.string())
    stays = count_D * ~pc.is_in(names, held).to_numpy(zero_copy_only=False)
    for place in np.flatnonzero(stays).tolist():
        counter = matched.valued.setdefault(piece.dataset, Counter())
        nameless = f"{piece.path} {batch.column('row')[place].as_py()}" if "row" in batch.schema.names else piece.path
        counter[names[place].as_py() or nameless] += int(stays[place])


def _check(asked: Asked, matched: Matched) -> None:
    """Raises RecipeError where something that was named outright is not there, or nothing is."""
    lacking = [entry for entry in asked.entries if entry.must_match and (entry.kind, entry.text) not in matched.entries]
    if lacking:
        where = ", ".join(_ordinal(entry, asked) for entry in lacking)
        fix = "look it up with `gristmill why RUN ...`; or put it into a --list, whose entries may mean nothing"
        raise RecipeError("nothing in the run is meant by this", where=where, fix=fix)
    if not matched:
        places = dict.fromkeys(entry.where.partition(":")[0] for entry in asked.entries)
        fix = "nothing has to be forgotten; `gristmill why RUN ...` finds a document by address or id"
        raise RecipeError("no entry means anything in this run", where=", ".join(places), fix=fix)


def _ordinal(entry: Entry, asked: Asked) -> str:
    """`--id (2nd)` without what it says: it may be personal."""
    same = [other for other in asked.entries if other.where == entry.where]
    return entry.where if len(same) == 1 else f"{entry.where} ({same.index(entry) + 1} of {len(same)})"


def _named_anew(version: Version, documents: set[str]) -> dict[str, str]:
    """Of clusters that lose the document by which they are named: the best one left. Kept before dropped, then the
    longer one, then by doc_id."""
    held = pa.array(sorted(documents), pa.string())
    best: dict[str, tuple[bool, int, str]] = {}
    for _, batch in _ledger(version, "doc_id", "cluster", "verdict", "bytes"):
        mine = pc.and_(pc.is_in(batch.column("cluster"), held), pc.invert(pc.is_in(batch.column("doc_id"), held)))
        for row in batch.filter(mine).to_pylist():
            rank = (row["verdict"] != KEPT, -row["bytes"], row["doc_id"])
            best[row["cluster"]] = min(best.get(row["cluster"], rank), rank)
    return {cluster: rank[2] for cluster, rank in best.items()}
