"""Items of a task: JSONL, JSON, CSV, TSV or Parquet, a dict each."""

import json
from pathlib import Path
from typing import Any

from gristmill.trainer.errors import InputError

Item = dict[str, Any]


def read_items(path: Path, columns: list[str] | None = None) -> list[Item]:
    """The items of a file, told by its name. `columns`: of a CSV file whose first line names none.

    Raises InputError for what is missing, unreadable, or empty.
    """
    if not path.is_file():
        raise InputError(
            "the file is not there", where=str(path), fix="check the path; it is read from this machine only"
        )
    kind = path.suffix.lower()
    try:
        if kind in (".csv", ".tsv"):
            items = _csv(path, columns, "\t" if kind == ".tsv" else ",")
        elif kind == ".parquet":
            import pyarrow.parquet as pq

            items = pq.read_table(path).to_pylist()
        else:
            items = _json(path)
    except (OSError, ValueError) as error:  # pyarrow's errors are both
        raise InputError(
            f"the items cannot be read ({type(error).__name__})", where=str(path), fix="JSONL, CSV or Parquet, in UTF-8"
        ) from error
    if not items:
        raise InputError("there are no items", where=str(path), fix="a line for each item")
    return items


def _json(path: Path) -> list[Item]:
    text = path.read_text(encoding="utf-8-sig")
    if text.lstrip().startswith("["):
        found = json.loads(text)
    else:
        found = []
        for number, line in enumerate(text.split("\n"), 1):  # splitlines() would cut at U+2028 inside a text
            if not line.strip():
                continue
            try:
                found.append(json.loads(line))
            except ValueError as error:
                raise InputError(f"line {number} is no JSON", where=str(path), fix="an object in each line") from error
    for number, item in enumerate(found, 1):
        if not isinstance(item, dict):
            raise InputError(f"item {number} is no object", where=str(path), fix="an object in each line")
    return found


def _csv(path: Path, columns: list[str] | None, delimiter: str) -> list[Item]:
    import csv

    csv.field_size_limit(max(csv.field_size_limit(), path.stat().st_size))  # of characters: a text may be long
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            rows = [row for row in csv.reader(file, delimiter=delimiter, strict=True) if row]
        except csv.Error as error:
            raise InputError(f"this is no table: {error}", where=str(path), fix="mend its quotes") from error
    if not rows:
        return []
    if columns is None or {name.lower() for name in columns} <= {name.lower() for name in rows[0]}:
        columns, rows = rows[0], rows[1:]
    short = next((number for number, row in enumerate(rows, 1) if len(row) < len(columns)), None)
    if short is not None:
        raise InputError(f"row {short} has fewer than {len(columns)} columns", where=str(path), fix="mend the row")
    return [dict(zip(columns, row, strict=False)) for row in rows]
