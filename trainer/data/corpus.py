"""A split of a run's token shards and its pack plan, as numbers: nothing here knows torch.

Letters: R rows of one step, P segments (parts of documents) of those rows.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gristmill.tokenizer.shards.dataset import TokenShards, unigram_entropy
from gristmill.trainer.errors import InputError


@dataclass(frozen=True)
class Segment:
    """A segment of a row. `following` is the token after it in its document, or -1 where the document ends."""

    number: int
    """Of the segment, in the plan."""
    tokens: np.ndarray
    following: int
    source: int


class Corpus:
    """One split of a run's token shards, with its pack plan."""

    def __init__(self, index: Path, split: str):
        """`index`: path of index.json. Raises InputError that says how to make what is missing."""
        try:
            data = TokenShards(index, split)
            self.plan = data.plan
        except FileNotFoundError as error:
            raise InputError(
                "there are no token shards", where=str(error.filename or index), fix="make them: gristmill run RECIPE"
            ) from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"the token shards cannot be read: {error}", where=str(index), fix="run `gristmill run` again"
            ) from error
        self.sequence_length, self.plan_path, self.shards = data.sequence_length, data.plan_path, data.shards
        self.tokenizer = data.index.tokenizer
        self.split_rows = {name: entry.rows for name, entry in data.index.splits.items()}
        self.sources = data.sources
        number = {name: i for i, name in enumerate(self.sources)}
        self.source_of = [
            np.array([number[name] for name in shard.column("source").to_pylist()], np.int32) for shard in self.shards
        ]

        self.most_segments = int(np.diff(self.plan.first).max(initial=1))
        """Of a row."""

    def __len__(self) -> int:
        return len(self.plan)

    def tokens(self) -> int:
        """Tokens of all documents."""
        return self.plan.figures.tokens

    def row_segments(self, row: int) -> list[Segment]:
        """The segments of a row, views of the shards."""
        plan, segments = self.plan, []
        for p in range(*self.plan.segments(row).indices(len(plan.row))):
            shard = self.shards[plan.shard[p]]
            begin = int(shard.offsets[plan.doc[p]]) + int(plan.start[p])
            end, stop = begin + int(plan.length[p]), int(shard.offsets[plan.doc[p] + 1])
            following = int(shard.tokens[end]) if end < stop else -1
            segments.append(
                Segment(p, shard.tokens[begin:end], following, int(self.source_of[plan.shard[p]][plan.doc[p]]))
            )
        return segments

    def segment_numbers(self, index_R: np.ndarray) -> np.ndarray:
        """int64 (P,): numbers of the segments of these rows, in order."""
        first_R, count_R = self.plan.first[index_R], self.plan.first[index_R + 1] - self.plan.first[index_R]
        shift_P = np.repeat(first_R - np.concatenate([[0], np.cumsum(count_R)[:-1]]), count_R)
        return shift_P + np.arange(count_R.sum())

    def ends(self, segment_P: np.ndarray) -> np.ndarray:
        """bool (P,): whether the segment is the last of its document."""
        plan = self.plan
        return plan.start[segment_P] + plan.length[segment_P] == self.document_lengths(segment_P)

    def bytes(self, segment_P: np.ndarray) -> np.ndarray:
        """float64 (P,): UTF-8 bytes that a segment's targets stand for: the document's, by its share of the targets.

        Summed over the segments of a document this is exactly its `bytes`. A document's first token is no target.
        """
        length_P = self.document_lengths(segment_P)
        bytes_P = self._of_document(segment_P, [shard.column("bytes").to_numpy() for shard in self.shards], np.float64)
        targets_P = self.plan.length[segment_P] - self.ends(segment_P)
        return bytes_P * targets_P / np.maximum(length_P - 1, 1)

    def sources_of(self, segment_P: np.ndarray) -> np.ndarray:
        """int32 (P,): number of each segment's source in `sources`."""
        return self._of_document(segment_P, self.source_of, np.int32)

    def document_lengths(self, segment_P: np.ndarray) -> np.ndarray:
        """int64 (P,): tokens of each segment's whole document."""
        return self._of_document(segment_P, [shard.lengths for shard in self.shards], np.int64)

    def document_ids(self, segment_P: np.ndarray) -> list[str]:
        """The doc_id of each segment: what `gristmill explain` and the ledger know the document by."""
        pairs = zip(self.plan.shard[segment_P], self.plan.doc[segment_P], strict=True)
        return [str(self.shards[shard].column("doc_id")[int(doc)].as_py()) for shard, doc in pairs]

    def unigram_entropy(self, most: int = 1 << 28) -> tuple[float, float]:
        """(nats per token, bits per byte) of the best predictor without context: what a model must beat.

        Of evenly spaced shards, where all have more than `most` tokens: counting must not delay the start.
        """
        total = sum(len(shard.tokens) for shard in self.shards)
        nats, bits = unigram_entropy(self.shards[:: max(1, -(-total // most))])
        return float(nats), float(bits)

    def _of_document(self, segment_P: np.ndarray, columns: list[np.ndarray], dtype: type) -> np.ndarray:
        """A value per document (one array per shard) taken to the segments."""
        out_P: np.ndarray = np.zeros(len(segment_P), dtype)
        shard_P, doc_P = self.plan.shard[segment_P], self.plan.doc[segment_P]
        for s in np.unique(shard_P):
            mine = shard_P == s
            out_P[mine] = columns[s][doc_P[mine]]
        return out_P
