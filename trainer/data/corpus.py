"""A split of a run's token shards and its pack plan, as numbers: nothing here knows torch.

Letters: R rows of one step, P segments (parts of documents) of those rows.
"""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gristmill.tokenizer.shards.dataset import TokenShards, unigram_entropy
from gristmill.tokenizer.shards.format import Shard
from gristmill.tokenizer.shards.index import Index
from gristmill.tokenizer.shards.packing import PackPlan
from gristmill.trainer.data.fill import fill_segments, pad_rows
from gristmill.trainer.errors import InputError


@dataclass(frozen=True)
class Segments:
    """The segments of some rows, in order; each is a piece of a document."""

    shards: Sequence[Shard]
    source_of: Sequence[np.ndarray]
    """int32 of each shard: the number of each document's source."""
    row_P: np.ndarray
    """int64: a segment's row, counted among these rows."""
    slot_P: np.ndarray
    """int64: its place among the segments of its row."""
    at_P: np.ndarray
    """int64: where in its row it begins."""
    shard_P: np.ndarray
    doc_P: np.ndarray
    """int32: its document in the shard."""
    start_P: np.ndarray
    """int32: where in its document it begins."""
    length_P: np.ndarray
    end_R: np.ndarray
    """int64: tokens of each row."""

    def by_row(self) -> Iterator[tuple[int, np.ndarray]]:
        """(row, its segments' numbers among these) of every row that has any."""
        return _grouped(self.row_P)

    def tokens(self, p: int) -> np.ndarray:
        """Of segment p, a view of the shard."""
        return self.shards[self.shard_P[p]].document(self.doc_P[p])[self.start_P[p] :][: self.length_P[p]]

    def source(self, p: int) -> int:
        """Number of segment p's source."""
        return int(self.source_of[self.shard_P[p]][self.doc_P[p]])

    def target_mask(self, p: int) -> np.ndarray | None:
        """uint8, for each token of segment p: whether the next one is to be learnt, 0 for a document's last; None where
        the shard has no loss_mask: then all are."""
        shard = self.shards[self.shard_P[p]]
        if (mask := shard.mask) is None:
            return None
        begin, stop = shard.offsets[self.doc_P[p]] + self.start_P[p], shard.offsets[self.doc_P[p] + 1]
        out = np.zeros(self.length_P[p], np.uint8)
        found = mask[begin + 1 : min(begin + self.length_P[p] + 1, stop)]
        out[: len(found)] = found
        return out

    def value(self, column: str, p: int, default: float = 0.0) -> float:
        """Of segment p's document, in a column of numbers; the default where its shard has none."""
        shard = self.shards[self.shard_P[p]]
        return float(shard.column(column).to_numpy()[self.doc_P[p]]) if shard.has(column) else default

    def fill(
        self,
        ids_RT: np.ndarray,
        targets_RT: np.ndarray,
        positions_RT: np.ndarray,
        documents_RT: np.ndarray,
        sources_RT: np.ndarray,
    ) -> None:
        """Writes the rows whole (int32): ids, the next token of each document as target, positions from 0 in every
        segment, the segment's place as document, its source. The rest is padding: id PAD, document and target -1."""
        rows = (ids_RT, targets_RT, positions_RT, documents_RT, sources_RT)
        columns = (self.row_P, self.slot_P, self.at_P, self.doc_P, self.start_P, self.length_P)
        for number, mine in _grouped(self.shard_P):
            shard = self.shards[number]
            fill_segments(mine, *columns, shard.tokens, shard.offsets, self.source_of[number], *rows)
        pad_rows(self.end_R, *rows)


def _grouped(number_P: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """(number, int64 places where it stands) of every number; a blank row has none."""
    order_P = np.argsort(number_P, kind="stable")
    numbers, first = np.unique(number_P[order_P], return_index=True)
    ends = np.append(first[1:], len(order_P))[: len(first)]
    for number, begin, end in zip(numbers.tolist(), first, ends, strict=True):
        yield number, order_P[begin:end]


class Corpus:
    """One split of a run's token shards, or of several runs', with its pack plan."""

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
        self._take(data.index, data.shards, data.plan_path)

    @classmethod
    def mixed(cls, index: Index, shards: Sequence[Shard], plan: PackPlan, plan_path: Path) -> "Corpus":
        """Shards of several runs by a plan of their own. `index`: of one of the runs."""
        made = cls.__new__(cls)
        made.plan = plan
        made._take(index, shards, plan_path)
        return made

    def _take(self, index: Index, shards: Sequence[Shard], plan_path: Path) -> None:
        self.sequence_length, self.plan_path, self.shards = self.plan.figures.sequence_length, plan_path, shards
        self.tokenizer, self.kind = index.tokenizer, index.kind
        self.split_rows = {name: entry.rows for name, entry in index.splits.items()}
        self.sources = sorted({name for shard in shards for name in shard.column("source").unique().to_pylist()})
        number = {name: i for i, name in enumerate(self.sources)}
        self.source_of = [
            np.array([number[name] for name in shard.column("source").to_pylist()], np.int32) for shard in self.shards
        ]

        self.most_segments = int(np.diff(self.plan.first).max(initial=1))
        """Of a row."""

    def __len__(self) -> int:
        return len(self.plan)

    def by_language(self) -> tuple["Corpus", list[tuple[str, str]]]:
        """(the same corpus, in whose batches every source's every language is a source of its own; source and language
        of each)."""
        pairs: list[list[tuple[str, str]]] = []
        for shard in self.shards:
            languages = [lang or "" for lang in shard.column("lang").to_pylist()]
            pairs.append(list(zip(shard.column("source").to_pylist(), languages, strict=True)))
        groups = sorted({pair for mine in pairs for pair in mine})
        number = {pair: i for i, pair in enumerate(groups)}
        made = copy.copy(self)
        made.sources = [f"{source}/{lang}" for source, lang in groups]
        made.source_of = [np.array([number[pair] for pair in mine], np.int32) for mine in pairs]
        return made, groups

    def tokens(self) -> int:
        """Tokens of all documents."""
        return self.plan.figures.tokens

    def segments(self, index_R: np.ndarray) -> Segments:
        """Of these rows; a row of -1 is blank."""
        plan = self.plan
        first_R, last_R = plan.first[index_R], np.where(index_R < 0, plan.first[index_R], plan.first[index_R + 1])
        count_R = last_R - first_R
        before_R = np.cumsum(count_R) - count_R
        row_P = np.repeat(np.arange(len(index_R)), count_R)
        slot_P = np.arange(len(row_P)) - before_R[row_P]
        number_P = first_R[row_P] + slot_P
        length_P = plan.length[number_P].astype(np.int64)
        end_P = np.cumsum(length_P)
        whole_R = np.concatenate([[0], end_P])[before_R]
        return Segments(
            self.shards,
            self.source_of,
            row_P=row_P,
            slot_P=slot_P,
            at_P=end_P - length_P - whole_R[row_P],
            shard_P=plan.shard[number_P],
            doc_P=plan.doc[number_P],
            start_P=plan.start[number_P],
            length_P=length_P,
            end_R=np.concatenate([[0], end_P])[before_R + count_R] - whole_R,
        )

    def segment_numbers(self, index_R: np.ndarray) -> np.ndarray:
        """int64 (P,): numbers of the segments of these rows, in order."""
        first_R, count_R = self.plan.first[index_R], self.plan.first[index_R + 1] - self.plan.first[index_R]
        shift_P = np.repeat(first_R - np.concatenate([[0], np.cumsum(count_R)[:-1]]), count_R)
        return shift_P + np.arange(count_R.sum())

    def cut(self) -> int:
        """Segments that are not a whole document."""
        every_P = np.arange(len(self.plan.length))
        return int((self.plan.length != self.document_lengths(every_P)).sum())

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
