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
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, get_type_hints

import numpy as np
import pyarrow as pa

from gristmill.tokenizer.sampling import derived_key, keyed_hash, mixed
from gristmill.tokenizer.shards.arrow_file import map_batch, write_batch
from gristmill.tokenizer.shards.best_fit import best_fit_decreasing, count_pieces, split_documents
from gristmill.tokenizer.shards.format import Shard

ORDER_SALT, ROW_SALT = 0x6F72_6465_72, 0x726F_7773  # "order", "rows"
WINDOW_TOKENS = 1 << 26
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
        self.first: np.ndarray = np.searchsorted(self.row, np.arange(figures.rows + 1)).astype(np.int64)

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
) -> PackPlan:
    """Plan one epoch over all documents of the shards. Shard numbers of the plan are positions in `shards`.

    `whole`: no document is cut. 10 million documents take 20 s and 3 GB (tests/benchmarks/bench_tokenizer.py). Raises
    ValueError for a document of 2**31 tokens or more, for one that is longer than a row where none may be cut, or
    sequence_length < 2.
    """
    if sequence_length < 2:
        raise ValueError(f"sequence_length is {sequence_length}, a row needs at least 2 tokens")
    shard_D, doc_D, length_D = _ordered_documents(shards, derived_key(ORDER_SALT, seed, epoch))
    if whole and (longer := int(np.count_nonzero(length_D > sequence_length))):
        raise ValueError(f"{longer} documents are longer than a row of {sequence_length} tokens and may not be cut")
    pieces = count_pieces(length_D, sequence_length)
    document_P, start_P, length_P, row_P = (np.empty(pieces, np.int32) for _ in range(4))
    split_documents(length_D, sequence_length, document_P, start_P, length_P)
    rows = best_fit_decreasing(length_P, sequence_length, window_tokens, row_P)
    row_P = _permutation(rows, derived_key(ROW_SALT, seed, epoch))[row_P]
    by_row_P = np.argsort(row_P, kind="stable")  # within a row in document order, so that length says nothing of place
    document_P = document_P[by_row_P]
    tokens = int(length_D.sum(dtype=np.int64))
    figures = PlanFigures(
        sequence_length=sequence_length,
        seed=seed,
        epoch=epoch,
        rows=rows,
        tokens=tokens,
        padding=1 - tokens / (rows * sequence_length) if rows else 0.0,
        documents=len(length_D),
        split_documents=int(np.count_nonzero(length_D > sequence_length)),
        segments=pieces,
        segments_per_row=pieces / rows if rows else 0.0,
    )
    segments = (row_P[by_row_P], shard_D[document_P], doc_D[document_P], start_P[by_row_P], length_P[by_row_P])
    return PackPlan(dict(zip(SEGMENT_COLUMNS, segments, strict=True)), figures)


def _permutation(count: int, key: int) -> np.ndarray:
    """int32[count]: where each row goes."""
    place = np.empty(count, np.int32)
    place[np.argsort(mixed(np.arange(count), key))] = np.arange(count, dtype=np.int32)
    return place


def _ordered_documents(shards: Sequence[Shard], key: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(shard, doc, length) of all documents, int32[D] each, in the order of the keyed hash of doc_id."""
    empty = [np.zeros(0, np.int32)]
    hashes = np.concatenate([np.zeros(0, np.uint64)] + [keyed_hash(shard.column("doc_id"), key) for shard in shards])
    lengths = np.concatenate(empty + [shard.lengths for shard in shards])
    if len(lengths) and lengths.max() >= 2**31:
        raise ValueError("a document has 2**31 tokens or more")
    shard_D = np.concatenate(empty + [np.full(len(shard), s, np.int32) for s, shard in enumerate(shards)])
    doc_D = np.concatenate(empty + [np.arange(len(shard), dtype=np.int32) for shard in shards])
    order = np.argsort(hashes, kind="stable")
    for begin, end in _ties(hashes[order]):
        order[begin:end] = sorted(
            order[begin:end], key=lambda d: shards[int(shard_D[d])].document(int(doc_D[d])).tobytes()
        )
    return shard_D[order], doc_D[order], lengths[order].astype(np.int32)


def _ties(ordered: np.ndarray) -> list[tuple[int, int]]:
    """Runs of equal values. A doc_id may repeat; its copies are then ordered by content, not by shard."""
    same = np.flatnonzero(ordered[1:] == ordered[:-1])
    if not len(same):
        return []
    starts = same[np.diff(same, prepend=-2) > 1]
    ends = same[np.diff(same, append=len(ordered) + 1) > 1]
    return [(int(a), int(b) + 2) for a, b in zip(starts, ends, strict=True)]
