"""Parquet, by row group."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.errors import BadRecordError
from pipelines.read.batches import MAX_ROWS, MAX_TEXT_BYTES
from pipelines.read.context import Context
from pipelines.read.files import File, open_arrow
from pipelines.read.formats.columnar import Columns
from pipelines.read.reader import Piece, Reader, neighbours, split_of
from pipelines.records.dead_letters import describe, unreadable
from pipelines.records.elements import Records, Split

BUFFER_BYTES = 1 << 20
"""Read ahead per column where a file is not memory-mapped; without it pyarrow loads whole column chunks."""


def open_parquet(path: str) -> pq.ParquetFile:
    """The file behind its footer. Raises OSError or pa.ArrowException."""
    return pq.ParquetFile(open_arrow(path), pre_buffer=False, buffer_size=0 if "://" not in path else BUFFER_BYTES)


def row_groups(path: str) -> list[int]:
    """Uncompressed bytes of each row group; [] for a file without a readable footer (reading it says what is wrong)."""
    try:
        with open_parquet(path) as file:
            return [file.metadata.row_group(i).total_byte_size for i in range(file.num_row_groups)]
    except (OSError, pa.ArrowException):
        return []


def read_parquet(split: Split, context: Context) -> Iterator[Records]:
    """Every row of the split's row groups. A schema that cannot serve is said once, by the split that begins the file;
    every split says for itself that it cannot be read."""
    if split.size == 0:
        return
    try:
        with open_parquet(split.path) as file:
            columns = Columns(file.schema_arrow, split.path, context)
            first = sum(file.metadata.row_group(i).num_rows for i in range(split.start))
            for group in range(split.start, split.end):
                yield from _row_group(file, group, first, columns)
                first += file.metadata.row_group(group).num_rows
    except MemoryError:  # also one of ArrowException; it says nothing about the file
        raise
    except (OSError, pa.ArrowException, BadRecordError) as error:
        if split.start == 0 or not isinstance(error, BadRecordError):
            yield context.only_dead(unreadable(context.next_row(), split, said(error)))


def _row_group(file: pq.ParquetFile, group: int, first: int, columns: Columns) -> Iterator[Records]:
    about = file.metadata.row_group(group)
    rows = max(1, min(MAX_ROWS, MAX_TEXT_BYTES * about.num_rows // max(1, about.total_byte_size)))
    done = 0
    try:
        for batch in file.iter_batches(rows, row_groups=[group], use_threads=False):
            yield from columns.records(batch, first + done)
            done += batch.num_rows
    except MemoryError:  # also one of ArrowException; it says nothing about the file
        raise
    except (OSError, pa.ArrowException, BadRecordError) as error:
        yield columns.lost(first + done, about.total_byte_size, f"{said(error)} (rest of row group {group})")


def said(error: Exception) -> str:
    """pyarrow's words for a damaged file: they name magic bytes, footers and codecs, never values."""
    if isinstance(error, (BadRecordError, OSError)) and describe(error) != "OSError":
        return describe(error)
    return f"{type(error).__name__}: {str(error).splitlines()[0][:200]}"


def cut(file: File, unit_bytes: int) -> Iterator[Piece]:
    """By row group."""
    groups = row_groups(file.path)
    for start, end in neighbours(groups, unit_bytes):
        yield split_of(file, start, end), sum(groups[start:end])
    if not groups:
        yield split_of(file, 0, 0), file.size


READER = Reader(suffixes=(".parquet", ".pq"), cut=cut, batches=read_parquet)
