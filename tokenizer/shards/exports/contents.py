"""What an export holds: the documents of a run's splits, or its training rows, in blocks that are read one at a time.

Letters: D documents (or rows) of a block, T tokens, S segments of a row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa

from gristmill.tokenizer.shards.dataset import TokenShards
from gristmill.tokenizer.shards.format import Shard, token_dtype
from gristmill.tokenizer.shards.packing import PackPlan

ROWS_OF_A_BLOCK = 4096


class Block(Protocol):
    """Some of what is exported, in its order."""

    size_D: np.ndarray
    """int64[D]: about how many bytes each document takes."""

    def read(self, begin: int, end: int) -> pa.RecordBatch:
        """Documents begin to end of the block."""


class Piece(NamedTuple):
    """Neighbouring documents of one block."""

    block: Block
    begin: int
    end: int

    def read(self) -> pa.RecordBatch:
        """Its documents."""
        return self.block.read(self.begin, self.end)


@dataclass(frozen=True)
class Split:
    """`train` or `validation`, or what else a run calls a part of it."""

    name: str
    blocks: Sequence[Block]
    documents: int
    tokens: int
    """0 of texts."""
    text_bytes: int
    """UTF-8 bytes of the text."""

    def pieces(self) -> list[Piece]:
        """A piece for every block that holds something."""
        return [Piece(block, 0, len(block.size_D)) for block in self.blocks if len(block.size_D)]

    def files(self, limit: int) -> list[list[Piece]]:
        """Pieces that make a file each: as many documents as `limit` bytes hold, at least one."""
        files: list[list[Piece]] = []
        left = 0
        for block in self.blocks:
            ends = np.cumsum(block.size_D)
            begin = 0
            while begin < len(ends):
                before = ends[begin - 1] if begin else 0
                end = int(np.searchsorted(ends, before + left, side="right"))
                if end == begin:  # nothing more fits
                    if left < limit:
                        files.append([])
                        left = limit
                        continue
                    end += 1
                if left == 0:
                    files.append([])
                files[-1].append(Piece(block, begin, end))
                left = max(0, left - int(ends[end - 1] - before))
                begin = end
        return files


class Documents:
    """The documents of a token shard, as it holds them."""

    def __init__(self, shard: Shard):
        self.shard = shard
        self.size_D = shard.lengths * shard.tokens.itemsize

    def read(self, begin: int, end: int) -> pa.RecordBatch:
        """All columns of the shard: tokens, doc_id, source, lang, cluster, bytes, and what its kind has."""
        return self.shard.batch.slice(begin, end - begin)


class Rows:
    """Some training rows of a pack plan, in an order: `tokens` (no padding), and `lengths`, the tokens of each document
    in a row."""

    def __init__(self, shards: Sequence[Shard], plan: PackPlan, row_D: np.ndarray, tokens_D: np.ndarray):
        """row_D: numbers of the rows; tokens_D: of each."""
        self.shards, self.plan, self.row_D = shards, plan, row_D
        self.size_D = tokens_D * token_dtype(shards[0].header.vocabulary).itemsize

    def read(self, begin: int, end: int) -> pa.RecordBatch:
        """Rows begin to end of the block."""
        plan, row_D = self.plan, self.row_D[begin:end]
        first_D, last_D = plan.first[row_D], plan.first[row_D + 1]
        numbers = [np.arange(a, b) for a, b in zip(first_D, last_D, strict=True)]
        mine = np.concatenate([np.zeros(0, np.int64), *numbers])
        segments = zip(plan.shard[mine], plan.doc[mine], plan.start[mine], plan.length[mine], strict=True)
        tokens = [self.shards[0].tokens[:0]]
        tokens += [self.shards[s].document(d)[start : start + length] for s, d, start, length in segments]
        token_S1 = np.concatenate([[0], np.cumsum(plan.length[mine], dtype=np.int64)])
        segment_D1 = np.concatenate([[0], np.cumsum(last_D - first_D)])
        columns = {
            "tokens": _lists(np.concatenate(tokens), token_S1[segment_D1]),
            "lengths": _lists(plan.length[mine], segment_D1),
        }
        return pa.record_batch(columns)


def _lists(values: np.ndarray, offsets: np.ndarray) -> pa.Array:
    return pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), pa.array(values))


def documents_of(shards: TokenShards, name: str) -> Split:
    """A split's documents, in the order of its shards."""
    rows, tokens, size = (sum(getattr(e, of) for e in shards.entry.shards) for of in ("rows", "tokens", "bytes"))
    return Split(name, [Documents(shard) for shard in shards.shards], rows, tokens, size)


def rows_of(shards: TokenShards, name: str) -> Split:
    """A split's training rows, in the order in which they are trained on."""
    text_bytes = sum(entry.bytes for entry in shards.entry.shards)
    return rows_in_order(name, shards.shards, shards.plan, np.arange(len(shards.plan)), text_bytes)


def rows_in_order(name: str, shards: Sequence[Shard], plan: PackPlan, row_R: np.ndarray, text_bytes: int) -> Split:
    """Rows of a plan by their numbers, which may repeat: `row_R`, int (R,)."""
    token_P1 = np.concatenate([[0], np.cumsum(plan.length, dtype=np.int64)])
    tokens_R = np.diff(token_P1[plan.first])[row_R]
    blocks = [
        Rows(shards, plan, row_R[first : first + ROWS_OF_A_BLOCK], tokens_R[first : first + ROWS_OF_A_BLOCK])
        for first in range(0, len(row_R), ROWS_OF_A_BLOCK)
    ]
    return Split(name, blocks, len(row_R), int(tokens_R.sum()), text_bytes)
