"""The tables of a version, without what goes. A part in which nothing changes is copied, byte for byte."""

import shutil
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gristmill.filters.pii.known.sought import FORGOTTEN
from gristmill.pipelines.forget.asked import Asked
from gristmill.pipelines.forget.match import ENCODE, Matched
from gristmill.pipelines.forget.strings import masked
from gristmill.pipelines.forget.version import Piece, Version
from gristmill.pipelines.records.columns import CONTENT, FINDINGS, SPANS
from gristmill.pipelines.records.receipts import Part
from gristmill.pipelines.storage.parts import PartWriter, row_digest
from gristmill.pipelines.storage.store import Store

LOOKED_AT = ("doc_id", "row", "unit", "cluster", "duplicate_of", "step", "file")
"""Columns that say whether a part has to be written anew."""
TURNS = ("messages", "chosen", "rejected", "answer")
"""Columns beside the text that tokens are made from."""

Shards = list[dict[str, Any]]


@dataclass
class Written:
    """A dataset of the new version."""

    shards: Shards = field(default_factory=list)
    content: int = 0
    """Its order-independent digest, of what has one."""
    changed: list[tuple[dict[str, Any], str | None]] = field(default_factory=list)
    """Shards of the old version that are not in the new one, and the sha256 of what stands in their place."""


@dataclass
class Gone:
    """What was taken out, as the accounts and the token shards ask for it."""

    ledger: list[dict[str, Any]] = field(default_factory=list)
    """Rows of the ledger."""
    sizes: dict[str, int] = field(default_factory=dict)
    """doc_id -> bytes in `text/`."""
    letters: dict[tuple[str, int], str] = field(default_factory=dict)
    """(stem of the unit, row) -> error of a dead letter."""
    unencoded: dict[str, str] = field(default_factory=dict)
    """doc_id -> error of a dead letter of ENCODE."""
    texts: list[pa.RecordBatch] = field(default_factory=list)
    """Documents of `text/` that stay, with masks: their tokens are made anew."""
    moved: dict[str, str] = field(default_factory=dict)
    """Part of `text/` -> what it is called now: dead letters of ENCODE name it."""


@dataclass
class Tables:
    """Writes the tables of a new version."""

    version: Version
    matched: Matched
    asked: Asked
    store: Store
    """Of the new version."""
    gone: Gone = field(default_factory=Gone)

    def __post_init__(self) -> None:
        self._documents = pa.array(sorted(self.matched.documents), pa.string())
        self._row_of: dict[str, dict[int, int]] = {}
        self._doc_of: dict[tuple[str, int], str] = {}
        self._extracted: dict[str, list[tuple[int, int]]] = {}

    def write(self) -> dict[str, Written]:
        """Every table that the version has, but those that were cleaned away. `curated` comes before `ledger`, which
        says what was masked in it; `text` before `dead`, which names its parts."""
        order = sorted(self.version.tables, key=lambda name: (name == "dead", name != "curated", name))
        return {dataset: self._dataset(dataset) for dataset in order if dataset not in self.version.cleaned}

    def _dataset(self, dataset: str) -> Written:
        written = Written()
        known = self.version.manifest["datasets"][dataset]["content"]
        written.content = int(known, 16) if dataset in CONTENT else 0
        for piece in self.version.pieces(dataset):
            if self._touched(piece):
                self._anew(piece, written)
            else:
                copy(self.version.store, self.store, piece.path)
                written.shards.append(piece.shard)
        return written

    def _touched(self, piece: Piece) -> bool:
        """Whether anything in a part goes or is masked."""
        if piece.path in self.matched.parts:
            return True
        for batch in self.version.batches(piece, LOOKED_AT):
            if not self._stays(piece, batch).all() or self._renamed(piece, batch) is not batch:
                return True
            if piece.dataset == "ledger" and not self._extracted.keys().isdisjoint(batch.column("doc_id").to_pylist()):
                return True
        return False

    def _anew(self, piece: Piece, written: Written) -> None:
        """One part; its number among the parts of its unit stays."""
        content, before = CONTENT.get(piece.dataset, ()), Part(piece.dataset, "", 0, 0, "")
        options: dict[str, Any] = {"format": piece.format, "content": content}
        with PartWriter(self.store, piece.dataset, piece.stem.ljust(32, "0"), **options) as writer:
            writer.parts += [before] * piece.number
            first = 0
            for batch in self.version.batches(piece):
                if content:
                    written.content -= row_digest(batch, content)
                writer.write(self._without(piece, batch, first))
                first += batch.num_rows
        made = writer.parts[piece.number :]
        written.content = (written.content + sum(int(part.content, 16) for part in made if content)) % 2**128
        written.shards += [{"path": p.path, "rows": p.rows, "bytes": p.bytes, "sha256": p.sha256} for p in made]
        written.changed.append((piece.shard, made[0].sha256 if made else None))
        if piece.dataset == "text" and made:
            self.gone.moved[piece.path] = made[0].path

    def _stays(self, piece: Piece, batch: pa.RecordBatch) -> np.ndarray:
        """bool[D]."""
        gone = np.zeros(batch.num_rows, bool)
        if "doc_id" in batch.schema.names:
            gone |= pc.is_in(batch.column("doc_id"), self._documents).to_numpy(zero_copy_only=False)
        if piece.dataset in ("ledger", "dead"):
            encode = self._encode(piece, batch)
            places = zip([piece.stem] * batch.num_rows, batch.column("row").to_pylist(), strict=True)
            gone |= np.fromiter((place in self.matched.records for place in places), bool, batch.num_rows) & ~encode
        if piece.dataset == "dead" and self.matched.unencoded:
            letters = zip(batch.column("file").to_pylist(), batch.column("row").to_pylist(), strict=True)
            gone |= np.fromiter((letter in self.matched.unencoded for letter in letters), bool, batch.num_rows) & encode
        return ~gone

    def _encode(self, piece: Piece, batch: pa.RecordBatch) -> np.ndarray:
        """bool[D]: dead letters of ENCODE, whose rows are those of a part of `text/`."""
        if piece.dataset != "dead":
            return np.zeros(batch.num_rows, bool)
        return pc.equal(batch.column("step"), ENCODE).to_numpy(zero_copy_only=False)

    def _renamed(self, piece: Piece, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The same rows; what names a document that goes names another one, or nothing."""
        clusters = self.matched.clusters
        if "cluster" in batch.schema.names and clusters:
            column = batch.column("cluster")
            if pc.any(pc.is_in(column, pa.array(list(clusters), pa.string()))).as_py():
                new = pa.array([clusters.get(name, name) for name in column.to_pylist()], column.type)
                batch = _with(batch, "cluster", new)
        if "duplicate_of" in batch.schema.names:
            lost = pc.is_in(batch.column("duplicate_of"), self._documents)
            if pc.any(lost).as_py():
                for name in ("duplicate_of", "duplicate_in", "similarity", "lost"):
                    if name in batch.schema.names:
                        null = pa.scalar(None, batch.schema.field(name).type)
                        batch = _with(batch, name, pc.if_else(lost, null, batch.column(name)))
        if piece.dataset == "dead" and self.gone.moved and "file" in batch.schema.names:
            names = batch.column("file").to_pylist()
            if any(name in self.gone.moved for name in names):
                batch = self._moved(batch, names)
        return batch

    def _moved(self, batch: pa.RecordBatch, names: list[str]) -> pa.RecordBatch:
        """Dead letters of ENCODE follow their part of `text/`, and their row in it."""
        rows = batch.column("row").to_pylist()
        rows = [self._row_of.get(name, {}).get(row, row) for name, row in zip(names, rows, strict=True)]
        batch = _with(batch, "file", pa.array([self.gone.moved.get(name, name) for name in names], pa.string()))
        return _with(batch, "row", pa.array(rows, pa.uint32()))

    def _without(self, piece: Piece, batch: pa.RecordBatch, first: int) -> pa.RecordBatch:
        """A batch without what goes; notes what that was."""
        stays = self._stays(piece, batch)
        self._note(piece, batch, first, stays)
        left = batch.filter(pa.array(stays))
        if self.asked.values and piece.path in self.matched.parts:
            left = self._masked(piece, left)
        if piece.dataset == "ledger" and self._extracted:
            left = self._explained(left)
        return self._renamed(piece, left)

    def _masked(self, piece: Piece, batch: pa.RecordBatch) -> pa.RecordBatch:
        new = masked(batch, self.asked.sought)
        if piece.dataset == "curated" and new is not batch:
            edits = self.asked.sought.edits(batch.column("text"))
            names = batch.column("doc_id")
            for doc, start, end in zip(*(p.tolist() for p in (edits.doc_E, edits.start_E, edits.end_E)), strict=True):
                self._extracted.setdefault(names[doc].as_py(), []).append((start, end))
        if piece.dataset == "text" and new is not batch:
            changed = np.zeros(batch.num_rows, bool)
            for name in ("text", *(name for name in TURNS if name in batch.schema.names)):
                same = pc.fill_null(pc.equal(new.column(name), batch.column(name)), True)
                changed |= ~same.to_numpy(zero_copy_only=False)
            self.gone.texts.append(self._renamed(piece, new).filter(pa.array(changed)))
        return new

    def _explained(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Rows of the ledger with what was masked in the extracted texts, beside their other edits."""
        names, verdicts = batch.column("doc_id").to_pylist(), batch.column("verdict").to_pylist()
        edits = batch.column("edits").to_pylist()
        for place, (name, verdict) in enumerate(zip(names, verdicts, strict=True)):
            for start, end in self._extracted.get(name, ()) if verdict == "kept" else ():
                if not any(one["start"] < end and start < one["end"] for one in edits[place]):
                    edits[place].append({"start": start, "end": end, "kind": FORGOTTEN})
            edits[place].sort(key=lambda one: one["start"])
        return self._unhashed(_with(batch, "edits", pa.array(edits, SPANS)), names)

    def _unhashed(self, batch: pa.RecordBatch, names: list[str | None]) -> pa.RecordBatch:
        """Rows of the ledger whose findings have no hash of what was masked."""
        if "findings" not in batch.schema.names:  # an earlier version wrote none
            return batch
        found = batch.column("findings").to_pylist()
        for name, mine in zip(names, found, strict=True):
            for one in mine:
                if any(one["start"] < end and start < one["end"] for start, end in self._extracted.get(name or "", ())):
                    one["hash"] = None
        return _with(batch, "findings", pa.array(found, FINDINGS))

    def _note(self, piece: Piece, batch: pa.RecordBatch, first: int, stays: np.ndarray) -> None:
        if piece.dataset == "text":
            kept = np.flatnonzero(stays) + first
            now = self._row_of.setdefault(piece.path, {})
            now.update(zip(kept.tolist(), range(len(now), len(now) + len(kept)), strict=True))
        goes = batch.filter(pa.array(~stays))
        if not goes.num_rows:
            return
        if piece.dataset == "ledger":
            known = ("doc_id", "source", "lang", "row", "bytes", "verdict", "judged", "step", "rules")
            self.gone.ledger += [{**row, "stem": piece.stem} for row in goes.select(known).to_pylist()]
        elif piece.dataset == "text":
            names = batch.column("doc_id").to_pylist()
            for row in np.flatnonzero(~stays).tolist():
                self._doc_of[piece.path, first + row] = names[row]
            self.gone.sizes.update(
                zip(goes.column("doc_id").to_pylist(), goes.column("bytes").to_pylist(), strict=True)
            )
        elif piece.dataset == "dead":
            for letter in goes.select(("row", "file", "step", "error")).to_pylist():
                if letter["step"] == ENCODE:
                    self.gone.unencoded[self._doc_of[letter["file"], letter["row"]]] = letter["error"]
                else:
                    self.gone.letters[piece.stem, letter["row"]] = letter["error"]


def _with(batch: pa.RecordBatch, name: str, column: pa.Array) -> pa.RecordBatch:
    place = batch.schema.get_field_index(name)
    return batch.set_column(place, batch.schema.field(place), column)


def copy(old: Store, new: Store, path: str) -> None:
    """A file of one version, as it is, into another one."""
    with old.on_disk(path) as file, new.temporary() as scratch:
        shutil.copyfile(file, scratch)
        new.publish(scratch, path)
