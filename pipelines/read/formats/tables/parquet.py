"""Parquet, by row group."""

import re
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from gristmill.pipelines.errors import BadRecordError
from gristmill.pipelines.read.batches import MAX_ROWS, MAX_TEXT_BYTES
from gristmill.pipelines.read.context import Context
from gristmill.pipelines.read.files import File, open_arrow
from gristmill.pipelines.read.formats.tables.columnar import Columns
from gristmill.pipelines.read.formats.tables.layout import nested_names
from gristmill.pipelines.read.reader import Piece, Reader, Seen, neighbours, split_of
from gristmill.pipelines.recipe.sources import Source
from gristmill.pipelines.records.dead_letters import describe, unreadable
from gristmill.pipelines.records.elements import Records, Split

DAMAGE = (OSError, pa.ArrowException, ValueError, LookupError, NotImplementedError, RecursionError)
"""What reading a damaged or lying file may raise; of pyarrow's own, and of Python's where names are not UTF-8."""
BUFFER_BYTES = 1 << 20
"""Read ahead per column where a file is not memory-mapped; without it pyarrow loads whole column chunks."""
DECODED_BYTES = 1 << 30
"""What the longest value of a dictionary page may grow to in one batch: it may stand in every row."""
FEWER = 16
"""Rows are read so many times fewer at a time where they are too large for pyarrow together."""
SIZES = re.compile(rb"\x15[\x80-\xff]*[\x00-\x7f]\x15([\x80-\xff]*[\x00-\x7f])")
"""How a page header begins (Thrift's compact protocol): its type, its uncompressed size."""


class ParquetFile(pq.ParquetFile):
    """pyarrow's, which also opens a file with column names that are not UTF-8: it wants them only to choose columns
    by name."""

    def _build_nested_paths(self) -> dict[str, list[int]]:
        return {}


def open_parquet(source: pa.NativeFile, path: str) -> pq.ParquetFile:
    """The file behind its footer. Raises one of DAMAGE.

    INT96 times (Spark, Impala) are read as microseconds: as nanoseconds, years beyond 2262 would be others.
    """
    buffer = 0 if "://" not in path else BUFFER_BYTES
    return ParquetFile(source, pre_buffer=False, buffer_size=buffer, coerce_int96_timestamp_unit="us")


def row_groups(path: str) -> list[int]:
    """Uncompressed bytes of each row group; [] for a file without a readable footer (reading it says what is wrong)."""
    try:
        with open_parquet(open_arrow(path), path) as file:
            return [max(0, file.metadata.row_group(i).total_byte_size) for i in range(file.num_row_groups)]
    except DAMAGE:
        return []


def read_parquet(split: Split, context: Context) -> Iterator[Records]:
    """Every row of the split's row groups. A schema that cannot serve is said once, by the split that begins the file;
    every split says for itself that it cannot be read."""
    if split.size == 0:
        return
    try:
        source = open_arrow(split.path)
        with open_parquet(source, split.path) as file:
            columns = Columns(file.schema_arrow, split.path, context)
            first = sum(file.metadata.row_group(i).num_rows for i in range(split.start))
            for group in range(split.start, split.end):
                yield from _row_group(file, group, source, first, columns)
                first += file.metadata.row_group(group).num_rows
    except MemoryError:  # also one of ArrowException; it says nothing about the file
        raise
    except DAMAGE as error:
        if split.start == 0 or not isinstance(error, BadRecordError):
            yield context.only_dead(unreadable(context.next_row(), split, said(error)))


def _row_group(
    file: pq.ParquetFile, group: int, source: pa.NativeFile, first: int, columns: Columns
) -> Iterator[Records]:
    about = file.metadata.row_group(group)
    done = 0
    try:
        rows = min(MAX_ROWS, MAX_TEXT_BYTES * about.num_rows // max(1, about.total_byte_size))
        rows = min(rows, DECODED_BYTES // max(1, _longest_value(about, source)))
        for batch in _batches(file, group, max(1, rows)):
            yield from columns.records(batch, first + done)
            done += batch.num_rows
    except MemoryError:  # also one of ArrowException; it says nothing about the file
        raise
    except DAMAGE as error:
        yield columns.lost(first + done, about.total_byte_size, f"{said(error)} (rest of row group {group})")


def _batches(file: pq.ParquetFile, group: int, rows: int) -> Iterator[pa.RecordBatch]:
    """The row group in batches; in smaller ones from where a batch would not fit into Arrow's 32-bit offsets."""
    done = 0
    while True:
        seen = 0
        try:
            for batch in file.iter_batches(rows, row_groups=[group], use_threads=False):
                seen += batch.num_rows
                if seen > done:
                    yield batch.slice(max(0, batch.num_rows - (seen - done)))
                    done = seen
            return
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowCapacityError) as error:
            if rows == 1 or not any(word in str(error) for word in ("overflow", "chunked array", "capacity")):
                raise
            rows = max(1, rows // FEWER)


def _longest_value(about: pq.RowGroupMetaData, source: pa.NativeFile) -> int:
    """Bytes that no value of a dictionary page is longer than: those of the largest page, as its header has it.

    The row group's own size says nothing: it counts a value once that stands in every row.
    """
    longest = 0
    for i in range(about.num_columns):
        column = about.column(i)
        if column.dictionary_page_offset and column.total_uncompressed_size > DECODED_BYTES // MAX_ROWS:
            found = SIZES.match(source.read_at(16, column.dictionary_page_offset))
            zigzag = sum((byte & 0x7F) << 7 * place for place, byte in enumerate(found[1])) if found else 0
            longest = max(longest, zigzag >> 1)
    return longest


def said(error: Exception) -> str:
    """pyarrow's words for a damaged file: they name magic bytes, footers and codecs, never values."""
    if isinstance(error, (BadRecordError, OSError)) and describe(error) != "OSError":
        return describe(error)
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:200]}"


def cut(file: File, unit_bytes: int, source: Source) -> Iterator[Piece]:
    """By row group."""
    groups = row_groups(file.path)
    for start, end in neighbours(groups, unit_bytes):
        yield split_of(file, start, end), sum(groups[start:end])
    if not groups:
        yield split_of(file, 0, 0), file.size


def look(split: Split, records: int, source: Source) -> Seen:
    """The columns of the file; they are those of every record."""
    try:
        with open_parquet(open_arrow(split.path), split.path) as file:
            return Seen(nested_names(file.schema_arrow), min(1, file.metadata.num_rows), True)
    except DAMAGE:
        return Seen(set(), 0, True)


READER = Reader(suffixes=(".parquet", ".pq"), cut=cut, batches=read_parquet, look=look, holds_fields=True)
