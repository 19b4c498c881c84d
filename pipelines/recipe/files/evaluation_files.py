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
from gristmill.filters.contamination.shapes import MMLU_COLUMNS, Fields, NoQuestionError, question_of, reader_of
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
    except UnicodeDecodeError as error:
        what = f"'{file.name}' is not UTF-8 (byte {error.start + 1:,}); write it as UTF-8, as `iconv -t UTF-8` does"
        raise BadSetError("paths", what) from None
    except csv.Error as error:
        raise BadSetError("paths", f"'{file.name}' is no CSV ({error}); check the file") from None
    except (pa.ArrowException, OSError, EOFError, zlib.error) as error:
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
    if suffix == "parquet":
        raise BadSetError("paths", f"'{file.name}' is no Parquet file; check the file")
    if suffix not in ("jsonl", "ndjson", "json", "csv", "tsv"):
        raise BadSetError("paths", f"'{file.name}' is no file of an evaluation set that is known: {SUFFIXES}")
    text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    if suffix in ("csv", "tsv"):
        return _csv(text, "\t" if suffix == "tsv" else _delimiter(text), file)
    whole = _parsed(text) if suffix == "json" else None
    if whole is None:
        return [_record(line, number, file) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    return _listed(whole, file)


def _parsed(text: str) -> Any:
    """The value that a JSON text is; None where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _listed(whole: Any, file: Path) -> list[Mapping[str, Any]]:
    """The records of a JSON file: its list, or the one list of objects in its object (`{"data": [...]}`), or this
    object."""
    if isinstance(whole, dict):
        lists = [one for one in whole.values() if isinstance(one, list) and one and isinstance(one[0], dict)]
        # An object with texts beside its list is a record: ARC's choices are such a list.
        return lists[0] if len(lists) == 1 and not question_of(list(whole)) else [whole]
    if not isinstance(whole, list) or not all(isinstance(one, dict) for one in whole):
        raise BadSetError("paths", f"'{file.name}' is a list of something else than objects")
    return whole


def _record(line: str, number: int, file: Path) -> Mapping[str, Any]:
    record = _parsed(line)
    if not isinstance(record, dict):
        raise BadSetError("paths", f"'{file.name}', line {number:,} is no JSON object; write one a line")
    return record


def _delimiter(text: str) -> str:
    """What separates the fields of a CSV: what its first line has, of a comma, a semicolon and a tab."""
    head = text.lstrip("\n").partition("\n")[0]
    return next((mark for mark in ",;\t" if mark in head), ",")


def _csv(text: str, delimiter: str, file: Path) -> list[Mapping[str, Any]]:
    """Rows by the names of the header; of six columns without one, as MMLU's."""
    csv.field_size_limit(1 << 24)
    # Strict: else a quote that is never closed takes the rest of the file as one field.
    rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter, strict=True) if any(row)]
    if not rows:
        return []
    headless = len(rows[0]) == len(MMLU_COLUMNS) and rows[0][-1].strip() in "ABCD" and rows[0][-1].strip() != ""
    header, body = (list(MMLU_COLUMNS), rows) if headless else (rows[0], rows[1:])
    twice = next((name for number, name in enumerate(header) if name and name in header[:number]), None)
    if twice is not None:
        raise BadSetError("paths", f"'{file.name}' has two columns '{twice}'; leave one out")
    return [dict(zip(header, row, strict=False)) for row in body]
