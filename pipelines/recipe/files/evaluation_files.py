"""Files of evaluation sets: JSON lines, JSON, CSV and Parquet -> records."""

import csv
import gzip
import io
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from gristmill.filters.contamination.items import Item
from gristmill.filters.contamination.shapes import MMLU_COLUMNS, Fields, NoQuestionError, reader_of
from gristmill.filters.names import nearest
from gristmill.pipelines.recipe.files.named_files import why_unreadable

MOST_BYTES = 2 << 30
"""Of one file, which is read whole."""
SUFFIXES = ".jsonl, .json, .csv, .tsv or .parquet, the former also .gz"


class BadSetError(ValueError):
    """What is wrong with a file of an evaluation set, and under which key of the recipe."""

    def __init__(self, key: str, text: str):
        super().__init__(text)
        self.key = key


def items_of(file: Path, fields: Fields) -> list[Item]:
    """The items of a file, those without a question left out. Raises BadSetError, without text of the file."""
    if file.stat().st_size > MOST_BYTES:
        raise BadSetError("paths", f"'{file.name}' has more than 2 GiB; an evaluation set is a file of questions")
    try:
        records = _records(file)
    except (pa.ArrowException, csv.Error, OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        why = why_unreadable(error)
        raise BadSetError("paths", f"'{file.name}' cannot be read ({why}); check the file") from None
    if not records:
        raise BadSetError("paths", f"'{file.name}' holds no record")
    columns = list(dict.fromkeys(name for record in records for name in record))
    _check(fields, columns, records, file)
    try:
        read = reader_of(columns, fields)
    except NoQuestionError:
        what = f"'{file.name}' has no field that is known to be a question; say which: `question: FIELD`, of "
        raise BadSetError("question", what + ", ".join(columns[:12])) from None
    items = [item for number, record in enumerate(records) if (item := read(record, number)) is not None]
    if not items:
        raise BadSetError(
            "question" if fields.question else "paths", f"no record of '{file.name}' has a text to look for"
        )
    return items


def _check(fields: Fields, columns: list[str], records: list[Mapping[str, Any]], file: Path) -> None:
    for key in ("question", "answer", "choices", "passage", "id"):
        name = getattr(fields, key)
        if name is not None and name not in columns and name.partition(".")[0] not in columns:
            raise BadSetError(key, f"'{file.name}' has no field '{name}'; {nearest(name, columns)}")


def _records(file: Path) -> list[Mapping[str, Any]]:
    with file.open("rb") as stream:
        head = stream.read(4)
    if head == b"PAR1":
        return pq.read_table(file).to_pylist()
    name = file.name.lower()
    raw = gzip.decompress(file.read_bytes()) if head[:2] == b"\x1f\x8b" else file.read_bytes()
    suffix = name.removesuffix(".gz").rpartition(".")[2]
    text = raw.decode("utf-8-sig")
    if suffix in ("csv", "tsv"):
        return _csv(text, "\t" if suffix == "tsv" else ",")
    if suffix not in ("jsonl", "ndjson", "json"):
        raise BadSetError("paths", f"'{file.name}' is no file of an evaluation set that is known: {SUFFIXES}")
    if suffix == "json" and text.lstrip()[:1] == "[":
        try:
            records = json.loads(text)
        except ValueError:
            raise BadSetError("paths", f"'{file.name}' is no JSON") from None
        if not all(isinstance(one, dict) for one in records):
            raise BadSetError("paths", f"'{file.name}' is a list of something else than objects")
        return records
    return [_record(line, number, file) for number, line in enumerate(text.split("\n"), 1) if line.strip()]


def _record(line: str, number: int, file: Path) -> Mapping[str, Any]:
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    if not isinstance(record, dict):
        raise BadSetError("paths", f"'{file.name}', line {number:,} is no JSON object; write one a line")
    return record


def _csv(text: str, delimiter: str) -> list[Mapping[str, Any]]:
    """Rows by the names of the header; of six columns without one, as MMLU's."""
    csv.field_size_limit(1 << 24)
    rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if any(row)]
    if not rows:
        return []
    headless = len(rows[0]) == len(MMLU_COLUMNS) and rows[0][-1].strip() in "ABCD" and rows[0][-1].strip() != ""
    header, body = (list(MMLU_COLUMNS), rows) if headless else (rows[0], rows[1:])
    return [dict(zip(header, row, strict=False)) for row in body]
