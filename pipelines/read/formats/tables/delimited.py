"""CSV and TSV: a header and rows of texts. Plain files are cut at the beginning of rows."""

import codecs
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice, pairwise
from typing import IO

from gristmill.pipelines.errors import BadRecordError, InputError
from gristmill.pipelines.read.batches import Item
from gristmill.pipelines.read.context import Context
from gristmill.pipelines.read.encodings.decoders import PYTHONS
from gristmill.pipelines.read.encodings.texts import REPLACED, check_decoded, decode_known, decode_text
from gristmill.pipelines.read.files import File, compression_of, open_file
from gristmill.pipelines.read.formats.json.reader import record_item
from gristmill.pipelines.read.formats.tables.csv_rows import ROW_BYTES, Dialect, LostRow, Row, too_long_row
from gristmill.pipelines.read.lines import lines, lines_of_split
from gristmill.pipelines.read.marks import BOM
from gristmill.pipelines.read.reader import Piece, Reader, Seen, split_of, whole
from gristmill.pipelines.read.streams import RAW_BYTES, BrokenStreamError, as_utf8, can_be_cut, pieces
from gristmill.pipelines.recipe.sources import ColumnType, Source
from gristmill.pipelines.records.dead_letters import dead_letter, describe, unreadable
from gristmill.pipelines.records.elements import Split

LOOK_BYTES = 1 << 16
"""From which the encoding and the delimiter are told."""
DELIMITERS = ",\t;|"
_SAID = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
"""A first line that tells Excel the delimiter, and is no row."""
LOOK_ALIKES = "，；｜"
"""Full-width marks that stand where a delimiter is meant."""


class Table:
    """The dialect and the names of one file's columns. Raises BadRecordError for a file that has none."""

    def __init__(self, path: str, source: Source) -> None:
        options = source.csv
        with open_file(path) as file:
            self._encoding, first_line = _beginning(file, path)
        said = _SAID.fullmatch(first_line)
        delimiter = options.delimiter or (said[1] if said else _delimiter(first_line, path))
        self.dialect = Dialect(delimiter, options.quotes, PYTHONS.get(self._encoding, self._encoding))
        self.typed = source.columns
        self._above = bool(said) + (options.header is None)
        if options.header is None:
            with open_file(path) as file:
                found = self._rows(lines(as_utf8(pieces(file, compression_of(path))), 0, ROW_BYTES))
                row = next(islice(found, self._above - 1, None), None)
            if row is None:
                raise BadRecordError("MissingHeader: the file holds no row")
            if isinstance(row, LostRow):
                raise BadRecordError(row.error)
            self.names = _unlike(self.dialect.fields(self._text(row)[0]))
        else:
            self.names = options.header

    def rows(self, file: IO[bytes], split: Split) -> Iterator[Row | LostRow]:
        """The rows that begin in the split, the header left out; blank lines are none."""
        found = self._rows(lines_of_split(file, split, compression_of(split.path), ROW_BYTES))
        return islice(found, self._above if split.start == 0 else 0, None)

    def record(self, row: Row) -> dict:
        """The fields of a row by name; typed columns as their type, where the text can be read so."""
        text, replaced = self._text(row)
        fields = self.dialect.fields(text)
        if len(fields) != len(self.names):
            raise BadRecordError(f"UnevenRow: {len(fields)} fields, and there are {len(self.names)} columns")
        record: dict = dict(zip(self.names, fields, strict=True))
        for name, kind in self.typed.items():
            if name in record:
                record[name] = _typed(record[name], kind)
        if replaced:
            record[REPLACED] = replaced
        return record

    def _rows(self, found: Iterator) -> Iterator[Row | LostRow]:
        rows = self.dialect.rows(found)
        return (row for row in rows if isinstance(row, LostRow) or row.data.removeprefix(BOM).strip(b" \r"))

    def _text(self, row: Row) -> tuple[str, int]:
        if row.is_open:
            raise BadRecordError("OpenQuote: a quotation mark is not closed; the lines behind it are read as rows")
        return decode_known(row.data.removeprefix(BOM), self._encoding)


def read_csv(split: Split, context: Context) -> Iterator[Item]:
    """Each row that begins in the split: a document, or a dead letter that names the line. What is wrong with the
    header is said once, by the split that begins the file."""
    try:
        table = Table(split.path, context.source)
        if context.source.kind == "text" and context.source.text not in table.names:
            there = ", ".join(f"'{name}'" for name in table.names[:20])
            raise BadRecordError(f"MissingColumn: no column '{context.source.text}'; the file has {there}")
    except (BadRecordError, UnicodeDecodeError, BrokenStreamError) as error:
        if split.start == 0:
            said = str(error) if isinstance(error, BrokenStreamError) else describe(error)
            yield unreadable(context.next_row(), split, said)
        return
    with open_file(split.path) as file:
        for row in table.rows(file, split):
            yield _item(row, table, split, context)


def _item(row: Row | LostRow, table: Table, split: Split, context: Context) -> Item:
    limit = context.read.max_record_bytes
    if isinstance(row, Row) and len(row.data) > limit:
        row = too_long_row(row, limit)
    if isinstance(row, LostRow):
        return row.passed.dead_letter(context.next_row(), split.path, row.offset, row.error)
    try:
        record = table.record(row)
    except (BadRecordError, UnicodeDecodeError) as error:
        said = f"{describe(error)} (line {_lines_before(split) + row.line + 1:,})"
        return dead_letter(context.next_row(), split.path, row.offset, said, row.data)
    return record_item(row.data, row.offset, split.path, context, lambda _: record)


def cut(file: File, unit_bytes: int, source: Source) -> Iterator[Piece]:
    """At the beginning of rows, found by reading where quotation marks stand. What is compressed is one piece."""
    if file.size <= unit_bytes or not _can_be_cut(file.path):
        yield from whole(file, unit_bytes, source)
        return
    parts = -(-file.size // unit_bytes)
    wanted = [file.size * i // parts for i in range(1, parts)]
    if source.csv.quotes:
        try:
            wanted = list(_row_starts(file.path, Table(file.path, source).dialect, wanted))
        except (BadRecordError, UnicodeDecodeError, BrokenStreamError, OSError):
            wanted = []  # reading says what is wrong
    for start, end in pairwise([0, *wanted, file.size]):
        yield split_of(file, start, end), end - start


def _row_starts(path: str, dialect: Dialect, wanted: list[int]) -> Iterator[int]:
    """The first row that begins at or behind each of some places, in order, each once."""
    at = 0  # where a row begins
    places = iter(wanted)
    place = next(places, None)
    with open_file(path) as file:
        while place is not None:
            file.seek(at)
            block = file.read(RAW_BYTES)
            if not block:
                return
            end = block.rfind(b"\n") + 1
            if end and b'"' not in block:  # every line is a row
                starts, after = block, at + end
                while place is not None and place < after:
                    start = at + starts.find(b"\n", max(0, place - 1 - at)) + 1
                    yield start
                    place = _next_beyond(places, start)
                at = after
                continue
            file.seek(at)
            for row in dialect.rows(lines(iter(lambda: file.read(RAW_BYTES), b""), at, ROW_BYTES)):
                if place is not None and row.offset >= place:
                    yield row.offset
                    place = _next_beyond(places, row.offset)
                if place is None or row.offset >= at + len(block):
                    at = row.offset
                    break
            else:
                return


def _next_beyond(places: Iterator[int], start: int) -> int | None:
    return next((place for place in places if place > start), None)


def look(split: Split, records: int, source: Source) -> Seen:
    """The columns of the file; they are those of every record. Raises InputError where full-width marks stand for a
    delimiter."""
    try:
        return Seen(set(Table(split.path, source).names), 1, True)
    except BadRecordError as error:
        if str(error).startswith(("WrongDelimiter", "WrongLineEnds")):
            raise InputError(str(error), where=split.path, fix="do what it says, or write the file anew") from None
    except (UnicodeDecodeError, BrokenStreamError, OSError):
        pass
    return Seen(set(), 0, True)


def _can_be_cut(path: str) -> bool:
    try:
        with open_file(path) as file:
            return can_be_cut(file, compression_of(path))
    except OSError:
        return False  # reading says what is wrong


def _beginning(file: IO[bytes], path: str) -> tuple[str, str]:
    """(encoding, the first line that is not blank)."""
    data = b""
    try:
        for piece in as_utf8(pieces(file, compression_of(path))):
            data += piece
            if len(data) >= LOOK_BYTES:
                break
    except BrokenStreamError:
        pass  # said where the rows end
    data = data[:LOOK_BYTES].removeprefix(BOM)
    try:
        text, encoding = codecs.getincrementaldecoder("utf-8")().decode(data), "utf-8"
    except UnicodeDecodeError:
        text, encoding = decode_text(data[: data.rfind(b"\n") + 1 or len(data)])
        check_decoded(text, encoding)
    text = text.lstrip("\r\n ")
    if "\n" not in text and "\r" in _unquoted(text).rstrip("\r"):
        raise BadRecordError("WrongLineEnds: lines end in CR alone; make them LF, for example: tr '\\r' '\\n'")
    return encoding, text.partition("\n")[0]


def _unquoted(text: str) -> str:
    return re.sub('"[^"]*"', "", text)


def _delimiter(line: str, path: str) -> str:
    """What stands most often outside of quotation marks in the first line; a comma where nothing does."""
    bare = _unquoted(line)
    if "\t" in bare and re.search(r"\.(tsv|tab)(\.|$)", path.lower()):
        return "\t"
    found = max(DELIMITERS, key=bare.count)
    if found not in bare:
        for mark in LOOK_ALIKES:
            if mark in bare:
                raise BadRecordError(
                    f"WrongDelimiter: '{mark}' (U+{ord(mark):04X}) stands in the first line where a delimiter is "
                    f"expected; say `csv: {{delimiter: '{mark}'}}` to read it so"
                )
        return ","
    return found


def _unlike(names: list[str]) -> list[str]:
    """The names, none twice and none empty."""
    seen: dict[str, int] = {}
    unlike = []
    for i, name in enumerate(names):
        name = name.strip() or f"column {i + 1}"
        seen[name] = seen.get(name, 0) + 1
        unlike.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return unlike


def _typed(text: str, kind: ColumnType) -> str | int | float | bool | None:
    """The value that a text stands for; the text itself where it stands for none."""
    if kind == "string":
        return text
    text = text.strip()
    if kind == "bool":
        return {"true": True, "false": False, "": None}.get(text.lower(), text)
    try:
        return None if text == "" else int(text) if kind == "int64" else float(text)
    except ValueError:
        return text


@lru_cache(1)
def _lines_before(split: Split) -> int:
    """How many lines of the file begin before the split's first."""
    count, left = 0, split.start
    with open_file(split.path) as file:
        while left > 0 and (block := file.read(min(left, RAW_BYTES))):
            count += block.count(b"\n")
            left -= len(block)
        if split.start:  # a line that began before it ends in it
            file.seek(split.start - 1)
            count += file.read(1) != b"\n"
    return count


READER = Reader(suffixes=(".csv", ".tsv", ".tab"), cut=cut, items=read_csv, look=look, holds_fields=True)
