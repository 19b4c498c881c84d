"""Files of labels: Parquet, CSV and JSON lines -> batches of keys and columns, and columns -> numbers."""

import codecs
import gzip
import io
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gristmill.filters.lists.build import wide_encoding
from gristmill.filters.names import nearest
from gristmill.pipelines.recipe.files.named_files import why_unreadable

ROWS = 65_536
_NUMBER = r"(?i)^\s*([-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?|nan|[-+]?inf(inity)?)\s*$"
_NOTHING = ["", "null", "none", "na", "nan"]
"""Texts of a column of numbers that stand for no number, in any case."""


class BadLabelsError(ValueError):
    """What is wrong with a file of labels, and under which key of the recipe."""

    def __init__(self, key: str, text: str):
        super().__init__(text)
        self.key = key


@dataclass(frozen=True, slots=True)
class LabelBatch:
    """Some rows of a file: their keys as strings (null: none), the columns as the file has them."""

    file: Path
    first: int
    """Number of the first row in the file, from 1; of CSV its line."""
    key: pa.Array
    columns: list[pa.Array]

    def place(self, row: int) -> str:
        """ "'labels.parquet', row 7" for an error message."""
        return f"'{self.file.name}', row {self.first + row:,}"


def rows_of(file: Path, key: str, columns: Sequence[str]) -> Iterator[LabelBatch]:
    """The rows of a file, in batches. Raises BadLabelsError for one that cannot be read or lacks a column."""
    read = _READERS.get(_kind(file))
    if read is None:
        raise BadLabelsError("paths", f"'{file.name}' is no Parquet, CSV (.csv, .tsv) or JSON lines (.jsonl) file")
    wanted, first = list(dict.fromkeys([key, *columns])), 1
    try:
        for batch in read(file, wanted):
            yield LabelBatch(file, first, _keys(batch[key], key, file), [batch[name] for name in columns])
            first += len(batch[key])
    except (pa.ArrowInvalid, OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        why = why_unreadable(error)
        if encoding := _encoding(file):
            raise BadLabelsError("paths", f"'{file.name}' is {encoding}; write it as UTF-8") from None
        raise BadLabelsError("paths", f"'{file.name}' cannot be read ({why}); check the file") from None


def numbers_of(column: pa.Array, name: str, of_texts: Mapping[str, float] | None, batch: LabelBatch) -> np.ndarray:
    """float64 of a column; NaN for null and what is infinite. `of_texts`: the number that each text stands for.

    Raises BadLabelsError for what is no number. The message holds no value: a column named by mistake may be text.
    """
    if isinstance(column.type, pa.DictionaryType):
        column = column.dictionary_decode()
    if of_texts is not None:
        return _looked_up(column, name, of_texts, batch)
    if _is_text(column.type):
        column = _parsed(column, name, batch)
    kind = column.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        if not (pa.types.is_boolean(kind) or pa.types.is_null(kind)):
            raise BadLabelsError("columns", f"'{name}' of '{batch.file.name}' holds {kind}, not numbers")
        column = column.cast(pa.uint8())
    value_D = np.asarray(column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), np.float64)
    return np.where(np.isfinite(value_D), value_D, np.nan)


def _parsed(column: pa.Array, name: str, batch: LabelBatch) -> pa.Array:
    text = pc.utf8_trim_whitespace(column.cast(pa.large_string()))
    nothing = pc.is_in(pc.utf8_lower(text), pa.array(_NOTHING, pa.large_string()))
    text = pc.if_else(nothing, pa.scalar(None, pa.large_string()), text)
    wrong = pc.invert(pc.match_substring_regex(text, _NUMBER)).fill_null(False)
    if pc.any(wrong).as_py():
        fix = f"say which number each text stands for: `columns: {{{name}: {{TEXT: NUMBER, ...}}}}`"
        raise BadLabelsError("columns", f"{batch.place(pc.index(wrong, True).as_py())}: '{name}' is text; {fix}")
    return text.cast(pa.float64())


def _looked_up(column: pa.Array, name: str, of_texts: Mapping[str, float], batch: LabelBatch) -> np.ndarray:
    if pa.types.is_boolean(column.type):
        column = pc.if_else(column, "true", "false")
    code = column.cast(pa.large_string()).dictionary_encode()
    known = [of_texts.get(text) for text in code.dictionary.to_pylist()]
    wrong = pa.array([number is None for number in known], pa.bool_()).take(code.indices)
    if pc.any(wrong).as_py():
        rows = pc.sum(wrong).as_py()
        more = f" (and {rows - 1:,} more rows)" if rows > 1 else ""
        place = batch.place(pc.index(wrong.fill_null(False), True).as_py())
        raise BadLabelsError("columns", f"{place}{more}: '{name}' is a text that the recipe gives no number; add it")
    return np.asarray(pa.array(known, pa.float64()).take(code.indices).to_numpy(zero_copy_only=False), np.float64)


def _keys(column: pa.Array, key: str, file: Path) -> pa.Array:
    if isinstance(column.type, pa.DictionaryType):
        column = column.dictionary_decode()
    if not (_is_text(column.type) or pa.types.is_integer(column.type) or pa.types.is_null(column.type)):
        what = f"'{key}' of '{file.name}' holds {column.type}, and a key is a text or a whole number"
        raise BadLabelsError("field", what)
    return column.cast(pa.large_string())


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def _kind(file: Path) -> str:
    with file.open("rb") as stream:
        if stream.read(4) == b"PAR1":
            return "parquet"
    return file.name.lower().removesuffix(".gz").rpartition(".")[2]


def _encoding(file: Path) -> str | None:
    """What a text that could not be read is written in: by its byte order mark, or because it is no UTF-8."""
    if _kind(file) == "parquet" or file.name.lower().endswith(".gz"):
        return None
    with file.open("rb") as stream:
        if wide := wide_encoding(stream.read(4)):
            return wide
        stream.seek(0)
        decode = codecs.getincrementaldecoder("utf-8")().decode
        try:
            while block := stream.read(1 << 20):
                decode(block)
        except UnicodeDecodeError:
            return "not UTF-8"
    return None


def _check_columns(names: Sequence[str], wanted: Sequence[str], file: Path) -> None:
    """The key is the first of the wanted."""
    for place, name in enumerate(wanted):
        if name not in names:
            key = "columns" if place else "field"
            raise BadLabelsError(key, f"'{file.name}' has no column '{name}'; {_instead(name, names)}")
        if names.count(name) > 1:
            key = "columns" if place else "field"
            raise BadLabelsError(key, f"'{file.name}' has several columns '{name}'; rename or remove all but one")


def _instead(name: str, names: Sequence[str]) -> str:
    marks = {";": "semicolons", "\t": "tabs", "|": "bars"}
    if len(names) == 1 and (mark := next((mark for mark in marks if name in names[0].split(mark)), None)):
        return f"its columns are parted by {marks[mark]}; write commas, or tabs in a file named .tsv"
    return nearest(name, names)


def _parquet(file: Path, wanted: list[str]) -> Iterator[dict[str, pa.Array]]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(file) as parquet:
        _check_columns(parquet.schema_arrow.names, wanted, file)
        for batch in parquet.iter_batches(ROWS, columns=wanted):
            yield {name: batch.column(name) for name in wanted}


def _csv(file: Path, wanted: list[str]) -> Iterator[dict[str, pa.Array]]:
    from pyarrow import csv

    tab = csv.ParseOptions(delimiter="\t" if ".tsv" in file.name.lower() else ",", newlines_in_values=True)
    texts = csv.ConvertOptions(
        column_types=dict.fromkeys(wanted, pa.large_string()), strings_can_be_null=True, null_values=[""]
    )
    with pa.input_stream(str(file), compression="detect") as stream:
        reader = csv.open_csv(stream, parse_options=tab, convert_options=texts)
        _check_columns(reader.schema.names, wanted, file)
        for batch in reader:
            yield {name: batch.column(name) for name in wanted}


def _jsonl(file: Path, wanted: list[str]) -> Iterator[dict[str, pa.Array]]:
    first = 1
    with _opened(file) as stream:
        while lines := list(islice(stream, ROWS)):
            records = [_record(line, file, first + at) for at, line in enumerate(lines) if line.strip()]
            if first == 1 and records:
                names = list(dict.fromkeys(name for record in records for name in record))
                _check_columns(names, wanted, file)
            yield {name: _column([record.get(name) for record in records], name, file) for name in wanted}
            first += len(lines)


@contextmanager
def _opened(file: Path) -> Iterator[IO[str]]:
    packed = file.name.lower().endswith(".gz")
    with gzip.open(file) if packed else file.open("rb") as raw, io.TextIOWrapper(raw, "utf-8-sig") as stream:
        yield stream


def _record(line: str, file: Path, number: int) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    if not isinstance(record, dict):
        raise BadLabelsError("paths", f"'{file.name}', line {number:,} is no JSON object; write one a line")
    return record


def _column(values: list[Any], name: str, file: Path) -> pa.Array:
    """Texts where there is one among them, or a whole number of more than 64 bits: then every number is one too."""
    kinds = {type(value) for value in values}
    if bool in kinds and kinds & {int, float}:
        values = [int(value) if isinstance(value, bool) else value for value in values]
    if any(isinstance(value, str) or _is_long(value) for value in values):
        values = [value if value is None or isinstance(value, str) else json.dumps(value) for value in values]
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        told = ", ".join(sorted({_KINDS.get(type(value), "numbers") for value in values if value is not None}))
        raise BadLabelsError("columns", f"'{name}' of '{file.name}' holds {told}; give it one kind of value") from None


def _is_long(value: Any) -> bool:
    return isinstance(value, int) and not -(2**63) <= value < 2**63


_KINDS = {bool: "true and false", str: "texts", list: "lists", dict: "objects"}


_READERS = {"parquet": _parquet, "csv": _csv, "tsv": _csv, "jsonl": _jsonl, "ndjson": _jsonl, "json": _jsonl}
