"""The pack plan: which pieces of which documents fill which training row. An artefact, so every run sees the same rows.

Documents come in an order keyed by (seed, epoch) and by the hash of doc_id, so the rows do not depend on how documents
were sharded. A document longer than a row is cut into rows and a rest; pieces are packed best-fit-decreasing; the rows
are permuted. Every token of every document is in exactly one row, once; conversations and pairs are never cut
(`whole`). Peers crop or split at random instead and lose 23-39 % of the tokens or pad 22 % of the cells (training.md
3.2).

The token after a cut is still in the shard, at start + length of the document: a trainer can predict it from the last
token of the piece, so that cutting loses no target either.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, get_type_hints

import numpy as np
import pyarrow as pa

from gristmill.tokenizer.sampling import derived_key, keyed_hash, shuffled
from gristmill.tokenizer.shards.arrow_file import map_batch, write_batch
from gristmill.tokenizer.shards.best_fit import best_fit_decreasing
from gristmill.tokenizer.shards.format import Shard
from gristmill.tokenizer.shards.pieces import (
    chunk_documents,
    count_chunks,
    count_pieces,
    fill_rows,
    look_up,
    order_by_row,
    row_starts,
    split_documents,
)

ORDER_SALT, ROW_SALT = 0x6F72_6465_72, 0x726F_7773  # "order", "rows"
WINDOW_TOKENS = 1 << 26
PERMUTED = 1 << 20
"""Rows that are permuted at a time."""
PACKINGS = {
    "best_fit": "rows that pieces of documents fill to the last few tokens; only a document longer than a row is cut",
    "chunks": "documents one after the other, cut wherever a row is full: no padding, most documents are cut",
    "document": "a row holds one document, or a piece of one that is longer; the rest of the row is padding",
}
"""How documents become rows: name -> what it does."""
SEGMENT_COLUMNS = ("row", "shard", "doc", "start", "length")
MEANINGS = {
    "row": "the training row that the piece stands in, from 0",
    "shard": "number of its shard in the split's list in `tokens/index.json`",
    "doc": "row of its document in that shard",
    "start": "first token of the piece in the document",
    "length": "tokens of the piece",
}
"""What each column says."""


@dataclass(frozen=True)
class PlanFigures:
    """What a plan costs, for the report; stored in its file's metadata."""

    sequence_length: int
    seed: int
    epoch: int
    rows: int
    tokens: int
    padding: float
    """Share of rows x sequence_length cells without a token."""
    documents: int
    split_documents: int
    """Documents longer than a row."""
    segments: int
    segments_per_row: float


class PackPlan:
    """Segments sorted by row: int32[P] each of row, shard, doc, start, length. Segment p is
    shards[shard[p]].document(doc[p])[start[p]:start[p] + length[p]]; row r is segments first[r] to first[r + 1]."""

    def __init__(self, segments: dict[str, np.ndarray], figures: PlanFigures):
        self.figures = figures
        self.row, self.shard, self.doc, self.start, self.length = (segments[name] for name in SEGMENT_COLUMNS)

    @cached_property
    def first(self) -> np.ndarray:
        """int64[rows + 1]: where each row's segments begin. Of a plan that is only written nobody asks."""
        first_R1 = np.zeros(self.figures.rows + 1, np.int64)
        row_starts(self.row, first_R1)
        return first_R1

    def __len__(self) -> int:
        return self.figures.rows

    def segments(self, row: int) -> slice:
        """Where the segments of a row are in the columns."""
        return slice(int(self.first[row]), int(self.first[row + 1]))

    @classmethod
    def open(cls, path: str | Path) -> "PackPlan":
        """Map a plan file; its columns are views of it. Raises ValueError when it is not a plan."""
        batch = map_batch(path)
        types = get_type_hints(PlanFigures)
        metadata = {key.decode(): value.decode() for key, value in (batch.schema.metadata or {}).items()}
        if batch.schema.names != list(SEGMENT_COLUMNS) or not set(types) <= set(metadata):
            raise ValueError(f"{path}: not a pack plan, columns are {batch.schema.names}")
        figures = PlanFigures(**{name: types[name](metadata[name]) for name in types})
        return cls({name: batch.column(name).to_numpy(zero_copy_only=True) for name in SEGMENT_COLUMNS}, figures)

    def write(self, target: str | Path | BinaryIO) -> None:
        """Write the plan as an uncompressed Arrow IPC file; equal plans give equal bytes."""
        columns = [pa.array(getattr(self, name), pa.int32()) for name in SEGMENT_COLUMNS]
        metadata = {name: repr(value) for name, value in asdict(self.figures).items()}
        schema = pa.schema([(name, pa.int32()) for name in SEGMENT_COLUMNS], metadata=metadata)
        write_batch(target, pa.RecordBatch.from_arrays(columns, schema=schema))


def pack(
    shards: Sequence[Shard],
    sequence_length: int,
    *,
    seed: int = 0,
    epoch: int = 0,
    window_tokens: int = WINDOW_TOKENS,
    whole: bool = False,
    packing: str = "best_fit",
) -> PackPlan:
    """Plan one epoch over all documents of the shards. Shard numbers of the plan are positions in `shards`.

    `whole`: no document is cut. 10 million documents take 10 s and 1 GB. Raises ValueError for a document of 2**31
    tokens or more, for one that is longer than a row where none may be cut, for `chunks` there, or sequence_length < 2.
    """
    packed = pack_documents(
        ordered(all_documents(shards, derived_key(ORDER_SALT, seed, epoch)), shards),
        sequence_length,
        derived_key(ROW_SALT, seed, epoch),
        window_tokens=window_tokens,
        whole=whole,
        packing=packing,
    )
    return PackPlan(packed.segments, packed.figures(sequence_length, seed, epoch))


@dataclass
class Documents:
    """Documents of several shards, a column each."""

    shard_D: np.ndarray
    """int32: position of its shard."""
    doc_D: np.ndarray
    """int32: its row there."""
    length_D: np.ndarray
    """int32: tokens."""
    hash_D: np.ndarray | None
    """uint64, of doc_id: the order, which does not depend on how documents were sharded; None where it is done."""

    def __len__(self) -> int:
        return len(self.doc_D)

    def take(self, order: np.ndarray) -> "Documents":
        """These documents, in this order."""
        hash_D = None if self.hash_D is None else self.hash_D[order]
        return Documents(self.shard_D[order], self.doc_D[order], self.length_D[order], hash_D)


@dataclass(frozen=True)
class Packed:
    """Rows made of documents."""

    segments: dict[str, np.ndarray]
    """Columns of a plan, sorted by row."""
    rows: int
    documents: int
    split_documents: int
    tokens: int

    def figures(self, sequence_length: int, seed: int, epoch: int) -> PlanFigures:
        """Of the plan that these rows alone make."""
        pieces, rows = len(self.segments["row"]), self.rows
        return PlanFigures(
            sequence_length=sequence_length,
            seed=seed,
            epoch=epoch,
            rows=rows,
            tokens=self.tokens,
            padding=1 - self.tokens / (rows * sequence_length) if rows else 0.0,
            documents=self.documents,
            split_documents=self.split_documents,
            segments=pieces,
            segments_per_row=pieces / rows if rows else 0.0,
        )


def pack_documents(
    documents: Documents,
    sequence_length: int,
    row_key: int,
    *,
    window_tokens: int = WINDOW_TOKENS,
    whole: bool = False,
    packing: str = "best_fit",
) -> Packed:
    """Rows of these documents, in their order; `row_key` permutes the rows. Raises ValueError as `pack`."""
    if sequence_length < 2:
        raise ValueError(f"sequence_length is {sequence_length}, a row needs at least 2 tokens")
    if packing not in PACKINGS:
        raise ValueError(f"packing is {packing!r}, expected one of {', '.join(PACKINGS)}")
    length_D = documents.length_D
    split = int(np.count_nonzero(length_D > sequence_length))
    if whole and split:
        raise ValueError(f"{split} documents are longer than a row of {sequence_length} tokens and may not be cut")
    if whole and packing == "chunks":
        raise ValueError("chunks cut documents, and these may not be cut")
    if packing == "chunks":
        pieces = count_chunks(length_D, sequence_length)
        document_P, start_P, row_P = (np.empty(pieces, np.int32) for _ in range(3))
        length_P = np.empty(pieces, _narrow(sequence_length))
        rows = chunk_documents(length_D, sequence_length, document_P, start_P, length_P, row_P)
    else:
        pieces = count_pieces(length_D, sequence_length)
        document_P, start_P, row_P = (np.empty(pieces, np.int32) for _ in range(3))
        length_P = np.empty(pieces, _narrow(sequence_length))
        split_documents(length_D, sequence_length, document_P, start_P, length_P)
        if packing == "document":
            row_P[:] = np.arange(pieces, dtype=np.int32)
            rows = pieces
        else:
            rows = best_fit_decreasing(length_P, sequence_length, window_tokens, row_P)
    tokens = int(length_D.sum(dtype=np.int64))
    documents = replace(documents, length_D=np.zeros(0, np.int32))  # pieces have theirs
    del length_D
    look_up(_permutation(rows, row_key), row_P)
    by_row_P = np.empty(pieces, np.int32)  # within a row in document order, so that length says nothing of place
    end_R = np.zeros(rows + 1, np.int32)
    order_by_row(row_P, end_R, by_row_P)
    del row_P  # end_R says it, too
    # One column after the other, and each gives back what it was made of: memory is what bounds a plan.
    start_P = start_P[by_row_P]
    length_P = length_P[by_row_P]
    document_P = document_P[by_row_P]
    del by_row_P
    row_P = np.empty(pieces, np.int32)
    fill_rows(end_R, row_P)
    del end_R
    segments = {"row": row_P, "shard": documents.shard_D[document_P]}
    look_up(documents.doc_D, document_P)
    segments |= {"doc": document_P, "start": start_P, "length": length_P.astype(np.int32)}
    return Packed(segments, rows, len(documents), split, tokens)


def _narrow(sequence_length: int) -> type[np.integer]:
    """What holds the tokens of a piece while rows are made: half of what a plan has, where that suffices."""
    return np.uint16 if sequence_length < 1 << 16 else np.int32


def _permutation(count: int, key: int) -> np.ndarray:
    """int32[count]: where each row goes."""
    place = np.empty(count, np.int32)
    for begin in range(0, count, PERMUTED):
        end = min(count, begin + PERMUTED)
        place[begin:end] = shuffled(key, 0, np.arange(begin, end), count)
    return place


def all_documents(shards: Sequence[Shard], key: int) -> Documents:
    """All documents in the order of the shards, with their keyed hashes. Raises ValueError for one of 2**31 tokens."""
    count = sum(len(shard) for shard in shards)
    hash_D, (shard_D, doc_D, length_D) = np.empty(count, np.uint64), (np.empty(count, np.int32) for _ in range(3))
    begin = 0
    for number, shard in enumerate(shards):
        mine, lengths = slice(begin, begin + len(shard)), shard.lengths
        if len(lengths) and lengths.max() >= 2**31:
            raise ValueError("a document has 2**31 tokens or more")
        hash_D[mine] = keyed_hash(shard.unmapped("doc_id"), key)
        shard_D[mine], doc_D[mine], length_D[mine] = number, np.arange(len(shard), dtype=np.int32), lengths
        begin += len(shard)
    return Documents(shard_D, doc_D, length_D, hash_D)


def ordered(documents: Documents, shards: Sequence[Shard]) -> Documents:
    """The documents in the order of their hashes, which it gives back."""
    assert documents.hash_D is not None
    order = np.argsort(documents.hash_D, kind="stable")
    hash_D = documents.hash_D[order]
    documents.hash_D = None
    for begin, end in _ties(hash_D):
        shard_D, doc_D = documents.shard_D, documents.doc_D
        order[begin:end] = sorted(
            order[begin:end], key=lambda d: shards[int(shard_D[d])].document(int(doc_D[d])).tobytes()
        )
    del hash_D
    return documents.take(order)


def _ties(ordered: np.ndarray) -> list[tuple[int, int]]:
    """Runs of equal values. A doc_id may repeat; its copies are then ordered by content, not by shard."""
    same = np.flatnonzero(ordered[1:] == ordered[:-1])
    if not len(same):
        return []
    starts = same[np.diff(same, prepend=-2) > 1]
    ends = same[np.diff(same, append=len(ordered) + 1) > 1]
    return [(int(a), int(b) + 2) for a, b in zip(starts, ends, strict=True)]
