"""Documents of a fingerprint file, read where they lie: no column is joined, so that a file costs nothing to keep open.

Letters in names: N batches of the file, R rows that are asked for, U numbers of 32 bits.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import pyarrow as pa

from gristmill.filters.dedup.fingerprint_file import (
    LACKS_ROW,
    FingerprintFile,
    Settled,
    read_only,
    read_stored,
    shingle_offsets,
)
from gristmill.filters.dedup.mapped import PAGE, contents, fetch, is_remote

MAP_BYTES = 32 << 10
"""What a map of a local file counts as: some kB for what is known of its batches; of 65,530 maps, which Linux gives a
process, a gigabyte is then half."""
WIDTHS = {"row": 1, "doc_id": 4, "rank": 2, "exact": 4}
SETTLED_WIDTHS = {"winner": 4, "winner_rank": 2, "similarity": 1, "lost": 1, "cluster": 4}
"""Numbers of 32 bits that a document has in a column."""
OFFSETS, SHINGLES = "offsets", "shingles"


@dataclass
class FingerprintRows:
    """An open fingerprint file, of which only the documents that are asked for are read."""

    minhash: str
    settled_by: str | None
    documents: int
    first_row: int
    """Of the first document; 0 where there is none."""
    heap_bytes: int
    """What keeping it open costs: a temporary copy of a remote file, or a map."""
    _map: Callable[[], pa.Buffer]
    _is_copy: bool
    """Of a remote file: it could not be mapped again."""
    _scattered: bool
    """Its pages are not in memory: they are fetched before they are asked for."""
    _first_N: np.ndarray
    """uint32: the row of the first document of each batch."""
    _length_N: np.ndarray
    """int64: documents of each batch."""
    _begin: dict[str, np.ndarray]
    """int64[N] of a column: where it begins in each batch, in numbers of 32 bits."""
    _behind: int = 0
    _mapped_U: np.ndarray | None = field(default=None, repr=False)
    touched_bytes: int = 0
    """Of the map at most so many lie in memory: a page for each column of a document."""

    def behind(self, documents: int) -> "FingerprintRows":
        """The same file of an index, ranked behind so many documents of others."""
        return replace(self, _behind=self._behind + documents)

    def release(self) -> None:
        """Give back the memory of what was read, but for a copy of a remote file."""
        if not self._is_copy:
            self._mapped_U = None
        self.touched_bytes = 0

    def take(self, row_R: np.ndarray) -> FingerprintFile:
        """The documents of these rising rows (uint32), copied but for their hashes.

        Raises ValueError for a row that the file does not hold.
        """
        if self._mapped_U is None:
            self._mapped_U = _numbers(self._map())
        mapped_U = self._mapped_U
        self.touched_bytes += min(PAGE * len(self._begin) * len(row_R), mapped_U.nbytes)
        batch_R = np.searchsorted(self._first_N, row_R, "right") - 1
        at_R = self._find(mapped_U, batch_R, row_R)

        def column(name: str, width: int, dtype: type, more: int = 0) -> np.ndarray:
            begin_R = self._begin[name][batch_R] + (at_R + more) * width
            return mapped_U[begin_R[:, None] + np.arange(width)].view(dtype)

        if self._scattered:
            self._fetch(mapped_U, batch_R, at_R)
        base_R = self._begin[SHINGLES][batch_R]
        start_R = base_R + column(OFFSETS, 2, np.int64).ravel()
        end_R = base_R + column(OFFSETS, 2, np.int64, 1).ravel()
        if self._scattered:
            fetch(mapped_U, start_R, end_R)
        settled = None
        if self.settled_by is not None:
            settled = Settled(
                winner=column("winner", 4, np.uint8),
                winner_rank=column("winner_rank", 2, np.uint64).ravel(),
                similarity=column("similarity", 1, np.float32).ravel(),
                lost=column("lost", 1, np.float32).ravel(),
                cluster=column("cluster", 4, np.uint8),
                by=self.settled_by,
            )
        found = FingerprintFile(
            minhash=self.minhash,
            row=row_R,
            doc_id=column("doc_id", 4, np.uint8),
            rank=column("rank", 2, np.uint64).ravel(),
            exact=column("exact", 4, np.uint64),
            hashes=mapped_U,
            start=read_only(start_R),
            end=read_only(end_R),
            batches=[],
            heap_bytes=0,
            settled=settled,
        )
        return found.behind(self._behind) if self._behind else found

    def _fetch(self, mapped_U: np.ndarray, batch_R: np.ndarray, at_R: np.ndarray) -> None:
        """What these documents, by batch and number in it, have in all columns but their hashes."""
        widths = {OFFSETS: 2} | {
            name: width for name, width in (WIDTHS | SETTLED_WIDTHS).items() if name in self._begin
        }
        begin = [self._begin[name][batch_R] + at_R * width for name, width in widths.items()]
        more = [2 * width if name == OFFSETS else width for name, width in widths.items()]
        fetch(
            mapped_U, np.concatenate(begin), np.concatenate([at + width for at, width in zip(begin, more, strict=True)])
        )

    def _find(self, mapped_U: np.ndarray, batch_R: np.ndarray, row_R: np.ndarray) -> np.ndarray:
        """int64[R]: the number of each row in its batch. Rows rise, so it is at most the distance to the first one."""
        if len(row_R) and (not self.documents or batch_R[0] < 0):
            raise ValueError(LACKS_ROW)
        begin_R = self._begin["row"][batch_R]
        distance_R = row_R.astype(np.int64) - self._first_N[batch_R]
        high_R = np.minimum(distance_R, self._length_N[batch_R] - 1)
        low_R = np.where(mapped_U[begin_R + high_R] == row_R, high_R, 0)
        while (low_R < high_R).any():
            middle_R = (low_R + high_R) // 2
            below_R = mapped_U[begin_R + middle_R] < row_R
            low_R, high_R = np.where(below_R, middle_R + 1, low_R), np.where(below_R, high_R, middle_R)
        if np.any(mapped_U[begin_R + low_R] != row_R):
            raise ValueError(LACKS_ROW)
        return low_R


def open_rows(path: str, scattered: bool = False) -> FingerprintRows:
    """Opens a fingerprint file as `open_fingerprints` does; raises the same errors, but for rows that do not rise.

    scattered: see `mapped.contents`.
    """
    metadata, whole, batches = read_stored(path, scattered)
    widths = WIDTHS | (SETTLED_WIDTHS if b"settled" in metadata else {})
    begin = {name: [_begin(_values(batch.column(name)), whole) for batch in batches] for name in widths}
    shingles = [shingle_offsets(batch.column("shingles"), whole) for batch in batches]
    begin |= {OFFSETS: [at for at, _ in shingles], SHINGLES: [base for _, base in shingles]}
    first_N = np.array([batch.column("row")[0].as_py() for batch in batches], np.uint32)
    length_N = np.array([len(batch) for batch in batches], np.int64)
    remote = is_remote(path)
    return FingerprintRows(
        minhash=metadata[b"minhash"].decode(),
        settled_by=metadata[b"settled"].decode() if b"settled" in metadata else None,
        documents=int(length_N.sum()),
        first_row=int(first_N[0]) if len(first_N) else 0,
        heap_bytes=whole.size if remote else MAP_BYTES,
        _map=partial(contents, path, scattered),
        _is_copy=remote,
        _scattered=scattered,
        _first_N=first_N,
        _length_N=length_N,
        _begin={name: np.array(column, np.int64) for name, column in begin.items()},
        _mapped_U=_numbers(whole),
    )


def _numbers(whole: pa.Buffer) -> np.ndarray:
    return np.frombuffer(whole, np.uint32, whole.size // 4)


def _values(column: pa.Array) -> pa.Buffer:
    inner = column.values if pa.types.is_fixed_size_list(column.type) else column
    return inner.buffers()[1]


def _begin(buffer: pa.Buffer, whole: pa.Buffer) -> int:
    return (buffer.address - whole.address) // 4
