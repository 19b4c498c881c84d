"""Arrow IPC: files by record batch, streams as a whole."""

from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pyarrow.ipc as ipc

from gristmill.pipelines.errors import BadRecordError
from gristmill.pipelines.read.context import Context
from gristmill.pipelines.read.files import File, open_arrow
from gristmill.pipelines.read.formats.tables.columnar import Columns
from gristmill.pipelines.read.formats.tables.layout import nested_names
from gristmill.pipelines.read.formats.tables.parquet import DAMAGE, said
from gristmill.pipelines.read.reader import Piece, Reader, Seen, neighbours, split_of
from gristmill.pipelines.recipe.sources import Source
from gristmill.pipelines.records.dead_letters import unreadable
from gristmill.pipelines.records.elements import Records, Split

MAGIC = b"ARROW1"
"""Begins an IPC file; a stream follows after two bytes of padding, and a footer ends it."""
OPTIONS = ipc.IpcReadOptions(use_threads=False)


def record_batches(path: str) -> int | None:
    """Number of batches of an IPC file; None for a stream, and for a file without a readable footer."""
    try:
        with ipc.open_file(open_arrow(path)) as file:
            return file.num_record_batches
    except DAMAGE:
        return None


def read_arrow(split: Split, context: Context) -> Iterator[Records]:
    """Every row of the split's batches; `split.end` = -1 reads on as a stream, to where a file is cut off."""
    if split.size == 0:
        return
    try:
        source = open_arrow(split.path)
        if split.end < 0:
            yield from _stream(source, split, context)
        else:
            yield from _file(source, split, context)
    except MemoryError:  # also one of ArrowException; it says nothing about the file
        raise
    except DAMAGE as error:
        if split.start == 0 or not isinstance(error, BadRecordError):
            yield context.only_dead(unreadable(context.next_row(), split, said(error)))


def _file(source: pa.NativeFile, split: Split, context: Context) -> Iterator[Records]:
    with ipc.open_file(source, options=OPTIONS) as file:
        columns = Columns(file.schema, split.path, context)
        first = 0  # counted from the split: the rows before it are counted only where a dead letter needs them
        for i in range(split.start, split.end):
            try:
                batch = file.get_batch(i)
                for records in columns.records(batch, first):
                    yield _placed(records, file, split.start) if records.dead else records
                first += batch.num_rows
            except MemoryError:  # also one of ArrowException; it says nothing about the file
                raise
            except DAMAGE as error:
                yield columns.lost(i, split.size // file.num_record_batches, f"{said(error)} (record batch {i})")


def _placed(records: Records, file: ipc.RecordBatchFileReader, start: int) -> Records:
    """With dead letters that name the row in the file, not in the split."""
    before = sum(file.get_batch(i).num_rows for i in range(start))
    return replace(records, dead=[replace(dead, offset=dead.offset + before) for dead in records.dead])


def _open_stream(source: pa.NativeFile) -> ipc.RecordBatchStreamReader:
    """Of a stream, or of a file that lacks its footer."""
    source.seek(len(MAGIC) + 2 if source.read(len(MAGIC)) == MAGIC else 0)
    return ipc.open_stream(source, options=OPTIONS)


def _stream(source: pa.NativeFile, split: Split, context: Context) -> Iterator[Records]:
    cut_off = source.read(len(MAGIC)) == MAGIC
    source.seek(0)
    with _open_stream(source) as stream:
        columns = Columns(stream.schema, split.path, context)
        row = 0
        try:
            for batch in stream:
                yield from columns.records(batch, row)
                row += batch.num_rows
        except MemoryError:  # also one of ArrowException; it says nothing about the file
            raise
        except DAMAGE as error:
            yield columns.lost(row, split.size, f"{said(error)} (rest of the file)")
            return
    if cut_off:
        yield columns.lost(row, 0, "EOFError: the file has no footer; whatever followed is lost")


def cut(file: File, unit_bytes: int, source: Source) -> Iterator[Piece]:
    """By record batch; a stream is one piece."""
    count = record_batches(file.path)
    if count is None:
        yield split_of(file, 0, -1), file.size
        return
    for start, end in neighbours([file.size // max(1, count)] * count, unit_bytes):
        yield split_of(file, start, end), file.size * (end - start) // count


def look(split: Split, records: int, source: Source) -> Seen:
    """The columns of the file; they are those of every record."""
    try:
        source = open_arrow(split.path)
        with ipc.open_file(source) if split.end >= 0 else _open_stream(source) as file:
            return Seen(nested_names(file.schema), 1, True)
    except DAMAGE:
        return Seen(set(), 0, True)


READER = Reader(
    suffixes=(".arrow", ".arrows", ".feather", ".ipc"), cut=cut, batches=read_arrow, look=look, holds_fields=True
)
