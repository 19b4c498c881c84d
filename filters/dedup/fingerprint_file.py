"""Fingerprints on disk: one uncompressed Arrow IPC file per unit (several for a giant one), memory-mapped when read.

Kept with a dataset it is an index: the next crawl is compared with it without reading any text again.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from gristmill.filters.dedup.fingerprints import Fingerprints, pack_ids
from gristmill.filters.dedup.mapped import contents, is_remote

HASHES = b"gristmill letters-3 affine32"
"""In the schema's metadata: files of another version of the hashes are not comparable, and are refused."""

HEAP_PER_DOCUMENT = 4 + 16 + 8 + 16 + 8 + 8
"""Bytes: the columns beside bands and shingles, which are copied where a file has several batches."""

LACKS_ROW = "fingerprint file lacks a row that its band keys named: was it replaced during the run?"

LOST, ELSEWHERE = np.uint64(1), np.uint64(2)
"""Bits of a rank in an index, below its number: the document lost against another one of the index, or against one that
the index does not hold."""
RANK_STEP = 4
"""From one document of an index to the next better one: what is below are LOST and ELSEWHERE."""

SETTLED_COLUMNS = [
    pa.field("winner", pa.binary(16), nullable=False),
    pa.field("winner_rank", pa.uint64(), nullable=False),
    pa.field("similarity", pa.float32(), nullable=False),
    pa.field("lost", pa.float32(), nullable=False),
    pa.field("cluster", pa.binary(16), nullable=False),
]
"""What an index knows beside the fingerprints: see `Settled`."""

URL_COLUMNS = [
    pa.field("url", pa.list_(pa.field("item", pa.uint64(), nullable=False), 2), nullable=False),
    pa.field("url_order", pa.uint64(), nullable=False),
]
"""Of a file whose documents are compared by their addresses, too: see `FingerprintFile`."""


def fingerprint_schema(bands: int, minhash: str) -> pa.Schema:
    """Columns of a fingerprint file with this many LSH bands, made with these options (see fingerprints.describe)."""
    return pa.schema(
        [
            pa.field("row", pa.uint32(), nullable=False),
            pa.field("doc_id", pa.binary(16), nullable=False),
            pa.field("rank", pa.uint64(), nullable=False),
            pa.field("exact", pa.list_(pa.field("item", pa.uint64(), nullable=False), 2), nullable=False),
            pa.field("bands", pa.list_(pa.field("item", pa.uint64(), nullable=False), bands), nullable=False),
            pa.field("shingles", pa.large_list(pa.field("item", pa.uint32(), nullable=False)), nullable=False),
        ],
        {b"hashes": HASHES, b"minhash": minhash.encode()},
    )


def fingerprint_batch(
    row: np.ndarray, doc_id: pa.Array | list[str], rank: np.ndarray, prints: Fingerprints
) -> pa.RecordBatch:
    """One batch of a fingerprint file; write a unit's with `pa.ipc.new_file(sink, batch.schema)`, without compression.

    row: uint32[D], position of the record in its unit, rising through the file; doc_id: in hex; rank: uint64[D].
    """
    schema = fingerprint_schema(prints.bands.shape[1], prints.minhash)
    values = [
        pa.array(row, pa.uint32()),
        pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(row), [None, pa.py_buffer(pack_ids(doc_id).tobytes())]),
        pa.array(rank, pa.uint64()),
        _fixed_lists(prints.exact, schema.field("exact").type),
        _fixed_lists(prints.bands, schema.field("bands").type),
        pa.LargeListArray.from_arrays(
            pa.array(prints.start, pa.int64()), pa.array(prints.shingles), type=schema.field("shingles").type
        ),
    ]
    return pa.record_batch(values, schema=schema)


def with_urls(prints: pa.RecordBatch, url: np.ndarray, order: np.ndarray, by: str) -> pa.RecordBatch:
    """The same batch with the addresses of its documents, instead of those that it may have.

    url: uint64[D, 2], order: uint64[D], see `FingerprintFile`; by: see urls.describe_urls.
    """
    plain = without_urls(prints)
    columns = [*plain.columns, _fixed_lists(url, URL_COLUMNS[0].type), pa.array(order, pa.uint64())]
    schema = pa.schema([*plain.schema, *URL_COLUMNS], {**(plain.schema.metadata or {}), b"urls": by.encode()})
    return pa.record_batch(columns, schema=schema)


def without_urls(prints: pa.RecordBatch) -> pa.RecordBatch:
    """The same batch without the addresses of its documents."""
    metadata = {name: value for name, value in (prints.schema.metadata or {}).items() if name != b"urls"}
    names = [name for name in prints.schema.names if name not in {field.name for field in URL_COLUMNS}]
    return prints.select(names).replace_schema_metadata(metadata)


def settled_batch(
    prints: pa.RecordBatch, row: np.ndarray, rank: np.ndarray, settled: "Settled", url_order: np.ndarray | None = None
) -> pa.RecordBatch:
    """A batch of an index: fingerprints with other rows (uint32[D]), ranks (uint64[D]) and, where they have addresses,
    another `url_order` (uint64[D]), and what was decided about them."""
    columns = dict(zip(prints.schema.names, prints.columns, strict=True))
    columns |= {"row": pa.array(row, pa.uint32()), "rank": pa.array(rank, pa.uint64())}
    columns |= {} if url_order is None else {"url_order": pa.array(url_order, pa.uint64())}
    columns |= {
        "winner": _ids(settled.winner),
        "winner_rank": pa.array(settled.winner_rank),
        "similarity": pa.array(settled.similarity),
        "lost": pa.array(settled.lost),
        "cluster": _ids(settled.cluster),
    }
    metadata = {**(prints.schema.metadata or {}), b"settled": settled.by.encode()}
    schema = pa.schema([*prints.schema, *SETTLED_COLUMNS], metadata)
    return pa.record_batch([columns[name] for name in schema.names], schema=schema)


def _ids(packed_D16: np.ndarray) -> pa.Array:
    data = pa.py_buffer(np.ascontiguousarray(packed_D16).tobytes())
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(packed_D16), [None, data])


def _fixed_lists(values_DN: np.ndarray, kind: pa.DataType) -> pa.Array:
    values = pa.array(values_DN.ravel(), pa.uint64())
    return pa.Array.from_buffers(kind, len(values_DN), [None], children=[values])


@dataclass(frozen=True)
class Settled:
    """What an earlier deduplication decided about the D documents of a file; it is not decided again."""

    winner: np.ndarray
    """uint8[D, 16]: of a document that lost, the doc_id of the one that stayed for it; else zeros."""
    winner_rank: np.ndarray
    """uint64[D]: and its rank in the index; 0 where it is no document of the index."""
    similarity: np.ndarray
    """float32[D], of the two; NaN where another one has its address: their texts were not compared."""
    lost: np.ndarray
    """float32[D]: the share of its shingles that the winner lacks; NaN as before."""
    cluster: np.ndarray
    """uint8[D, 16]: doc_id of the best document of its cluster."""
    by: str
    """The options that decided, as text: what lost by others says nothing here."""

    def part(self, some: slice | np.ndarray) -> "Settled":
        """Of some of the documents."""
        winner, rank, cluster = self.winner[some], self.winner_rank[some], self.cluster[some]
        return Settled(winner, rank, self.similarity[some], self.lost[some], cluster, self.by)


@dataclass(frozen=True)
class FingerprintFile:
    """An open fingerprint file of D documents. `hashes` views the whole file: shingles are read where they lie."""

    minhash: str
    """Files are comparable where this is equal."""
    row: np.ndarray
    """uint32[D], rising."""
    doc_id: np.ndarray
    """uint8[D, 16]"""
    rank: np.ndarray
    """uint64[D]"""
    exact: np.ndarray
    """uint64[D, 2]"""
    hashes: np.ndarray
    """uint32: document d's sorted shingle hashes are hashes[start[d]:end[d]]."""
    start: np.ndarray
    """int64[D]"""
    end: np.ndarray
    """int64[D]"""
    batches: list[pa.RecordBatch]
    """As they lie in the file, without empty ones."""
    heap_bytes: int
    """What keeping it open costs, in memory or as a temporary copy; a map of a local file costs nothing."""
    settled: Settled | None = None
    """Of a file of an index."""
    urls: str | None = None
    """Addresses are comparable where this is equal; None: the file has none."""
    url: np.ndarray = field(default_factory=lambda: np.zeros((0, 2), np.uint64))
    """uint64[D, 2]: hash of the normalised address, zeros where a document has none"""
    url_order: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint64))
    """uint64[D]: of documents of one address and equal priority the least stays; in an index, of any priority"""
    left_out: np.ndarray | None = None
    """bool[D]: documents whose address another one has; their texts are not compared"""

    def without(self, rows: np.ndarray) -> "FingerprintFile":
        """The same file, where the documents of these rows (uint32, also of other files) are left out."""
        return replace(self, left_out=np.isin(self.row, rows))

    def behind(self, documents: int) -> "FingerprintFile":
        """The same file of an index, ranked behind so many documents of others."""
        if self.settled is None:
            raise ValueError("only files of an index are ranked by number")
        more = np.uint64(RANK_STEP * documents)
        settled = replace(self.settled, winner_rank=self.settled.winner_rank + more)
        return replace(self, rank=self.rank + more, settled=settled, url_order=self.url_order + np.uint64(documents))

    def bands(self, first: int = 0, last: int | None = None) -> Iterator[tuple[slice, np.ndarray]]:
        """(some documents of first:last, their LSH keys uint64[n, bands], the band number mixed in), batch by batch."""
        done, last = 0, len(self.row) if last is None else last
        for batch in self.batches:
            some = slice(max(first, done), min(last, done + len(batch)))
            if some.start < some.stop:
                column = batch.column("bands")
                yield some, _lists(column, column.type.list_size)[some.start - done : some.stop - done]
            done += len(batch)

    @property
    def documents(self) -> int:
        """How many there are."""
        return len(self.row)

    @property
    def first_row(self) -> int:
        """Of the first document; 0 where there is none."""
        return int(self.row[0]) if len(self.row) else 0

    @property
    def touched_bytes(self) -> int:
        """Nothing beside `heap_bytes`; see fingerprint_rows.FingerprintRows."""
        return 0

    def release(self) -> None:
        """Nothing."""

    def take(self, rows: np.ndarray) -> "FingerprintFile":
        """The documents of these rows (uint32). Raises ValueError for a row that it does not hold."""
        at, settled = self.positions(rows), self.settled
        return replace(
            self,
            row=rows,
            doc_id=self.doc_id[at],
            rank=self.rank[at],
            exact=self.exact[at],
            start=read_only(self.start[at]),
            end=read_only(self.end[at]),
            batches=[],
            settled=settled and settled.part(at),
            url=self.url[at] if self.urls else self.url,
            url_order=self.url_order[at] if self.urls else self.url_order,
            left_out=None if self.left_out is None else self.left_out[at],
        )

    def positions(self, rows: np.ndarray) -> np.ndarray:
        """int64: where these rows (uint32) stand in the file. Raises ValueError for a row that it does not hold."""
        at = np.searchsorted(self.row, rows)
        if np.any(at >= len(self.row)) or np.any(self.row[at] != rows):
            raise ValueError(LACKS_ROW)
        return at


def open_fingerprints(path: str) -> FingerprintFile:
    """Opens a fingerprint file, memory-mapped: itself where it is local, else a temporary copy made through fsspec.

    Raises ValueError for a file of another kind or version, OSError where it cannot be read.
    """
    metadata, whole, filled = read_stored(path)
    hashes = np.frombuffer(whole, np.uint32, whole.size // 4)
    starts = [_shingle_starts(batch.column("shingles"), whole) for batch in filled]
    file = FingerprintFile(
        minhash=metadata[b"minhash"].decode(),
        row=_joined([_flat(b.column("row"), np.uint32, len(b)) for b in filled], np.uint32, ()),
        doc_id=_joined([_bytes(b.column("doc_id")) for b in filled], np.uint8, (16,)),
        rank=_joined([_flat(b.column("rank"), np.uint64, len(b)) for b in filled], np.uint64, ()),
        exact=_joined([_lists(b.column("exact"), 2) for b in filled], np.uint64, (2,)),
        hashes=hashes,
        start=_joined([offsets[:-1] for offsets in starts], np.int64, ()),
        end=_joined([offsets[1:] for offsets in starts], np.int64, ()),
        batches=filled,
        heap_bytes=(whole.size if is_remote(path) else 0) + HEAP_PER_DOCUMENT * sum(map(len, filled)),
        settled=_settled(filled, metadata[b"settled"].decode()) if b"settled" in metadata else None,
    )
    if b"urls" in metadata:
        file = replace(
            file,
            urls=metadata[b"urls"].decode(),
            url=_joined([_lists(b.column("url"), 2) for b in filled], np.uint64, (2,)),
            url_order=_joined([_flat(b.column("url_order"), np.uint64, len(b)) for b in filled], np.uint64, ()),
        )
    if np.any(file.row[1:] <= file.row[:-1]):
        raise ValueError(f"{path}: rows do not rise")
    return file


def _settled(batches: list[pa.RecordBatch], by: str) -> Settled:
    return Settled(
        by=by,
        winner=_joined([_bytes(b.column("winner")) for b in batches], np.uint8, (16,)),
        winner_rank=_joined([_flat(b.column("winner_rank"), np.uint64, len(b)) for b in batches], np.uint64, ()),
        similarity=_joined([_flat(b.column("similarity"), np.float32, len(b)) for b in batches], np.float32, ()),
        lost=_joined([_flat(b.column("lost"), np.float32, len(b)) for b in batches], np.float32, ()),
        cluster=_joined([_bytes(b.column("cluster")) for b in batches], np.uint8, (16,)),
    )


def read_stored(path: str, scattered: bool = False) -> tuple[dict[bytes, bytes], pa.Buffer, list[pa.RecordBatch]]:
    """(metadata, all bytes, batches that are not empty, which view them) of a fingerprint file.

    scattered: see `contents`. Raises ValueError for a file of another kind or version, OSError where it cannot be read.
    """
    whole = contents(path, scattered)
    if whole.address % 4:
        raise ValueError(f"{path}: buffer is not aligned to 4 bytes")
    with pa.ipc.open_file(pa.BufferReader(whole)) as reader:
        metadata = reader.schema.metadata or {}
        if metadata.get(b"hashes") != HASHES:
            raise ValueError(f"{path} is not a fingerprint file of this version ({HASHES.decode()})")
        batches = [reader.get_batch(i) for i in range(reader.num_record_batches)]
    return metadata, whole, [batch for batch in batches if len(batch)]


def _flat(column: pa.Array, dtype: type, count: int) -> np.ndarray:
    """The `count` values in the data buffer of a column without nulls, as they lie there."""
    buffer = column.buffers()[1]
    return np.frombuffer(buffer, dtype, count) if buffer is not None and count else np.zeros(0, dtype)


def _lists(column: pa.Array, width: int) -> np.ndarray:
    """uint64[D, width] of a fixed_size_list<uint64> column."""
    return _flat(column.values, np.uint64, len(column) * width).reshape(len(column), width)


def _bytes(column: pa.Array) -> np.ndarray:
    """uint8[D, 16] of a fixed_size_binary column."""
    return _flat(column, np.uint8, 16 * len(column)).reshape(-1, 16)


def shingle_offsets(column: pa.Array, whole: pa.Buffer) -> tuple[int, int]:
    """Where the offsets (int64) of a large_list<uint32> column begin, and its values: in uint32 from the start of the
    file."""
    offsets, values = column.buffers()[1], column.values.buffers()[1]
    return (offsets.address - whole.address) // 4, (values.address - whole.address) // 4 if values is not None else 0


def _shingle_starts(column: pa.Array, whole: pa.Buffer) -> np.ndarray:
    """int64[D + 1]: where the lists of a large_list<uint32> column lie, in uint32 from the start of the file."""
    _, base = shingle_offsets(column, whole)
    return np.frombuffer(column.buffers()[1], np.int64, len(column) + 1) + base


def _joined(parts: list[np.ndarray], dtype: type, shape: tuple[int, ...]) -> np.ndarray:
    """One read-only array (see fingerprints._read_only): of one batch, a view of the file."""
    return read_only(parts[0] if len(parts) == 1 else np.concatenate([np.zeros((0, *shape), dtype), *parts]))


def read_only(array: np.ndarray) -> np.ndarray:
    """A view that is not writeable, see fingerprints._read_only."""
    view = array.view()
    view.flags.writeable = False
    return view
