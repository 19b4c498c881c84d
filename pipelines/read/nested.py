"""Values inside of records: `data.body`, `paragraphs.*.text`, `parts.0`."""

from typing import Any

from gristmill.pipelines.errors import BadRecordError

EACH = "*"
BETWEEN = "\n\n"
"""Between the texts that `*` finds, as between paragraphs."""
DEPTH, ITEMS = 8, 8
"""How deep, and how many items of a list, are looked at for names."""


def take_text(record: dict[str, Any], path: str) -> Any:
    """Removes what a path names and gives it: a field of that very name, else fields within fields, items of lists by
    number, and of `*` the texts of all items, joined. Raises BadRecordError that names the part which is not there."""
    if path in record:
        return record.pop(path)
    found = _take(record, path.split("."), 0)
    return BETWEEN.join(text for text in found if text) if EACH in path.split(".") else found[0]


def _take(value: Any, parts: list[str], at: int) -> list[Any]:
    part, last = parts[at], at == len(parts) - 1
    here = ".".join(parts[: at + 1])
    if isinstance(value, dict):
        if part not in value:
            raise BadRecordError(f"MissingField: no field '{here}'")
        return [_whole(value.pop(part), parts, here)] if last else _take_within(value[part], parts, at + 1)
    if not isinstance(value, list):
        raise BadRecordError(f"WrongType: '{'.'.join(parts[:at])}' has no fields")
    if part == EACH:
        if last:
            texts, value[:] = [_whole(item, parts, here) for item in value], []
            return texts
        return _take_of_items(value, parts, at + 1)
    if not part.isdecimal():
        raise BadRecordError(f"WrongType: '{'.'.join(parts[:at])}' is an array; say which item, or '{EACH}' for all")
    number = int(part)
    if number >= len(value):
        raise BadRecordError(f"MissingField: no item '{here}'")
    if last:
        text, value[number] = _whole(value[number], parts, here), None
        return [text]
    return _take_within(value[number], parts, at + 1)


def _take_within(value: Any, parts: list[str], at: int) -> list[Any]:
    if not isinstance(value, dict | list):
        raise BadRecordError(f"WrongType: '{'.'.join(parts[:at])}' has no fields")
    return _take(value, parts, at)


def _take_of_items(items: list[Any], parts: list[str], at: int) -> list[Any]:
    """Of all items that have it: a picture among paragraphs has no text. MissingField where none has."""
    found: list[Any] = []
    missing: BadRecordError | None = None
    for item in items:
        try:
            found += _take_within(item, parts, at)
        except BadRecordError as error:
            if not str(error).startswith("MissingField"):
                raise
            missing = error
    if missing and not found:
        raise missing
    return found


def _whole(value: Any, parts: list[str], here: str) -> Any:
    if EACH in parts and not isinstance(value, str | None):
        raise BadRecordError(f"WrongType: an item of '{here}' is no string")
    return value


def names_in(record: dict[str, Any]) -> set[str]:
    """The names of all fields, those within others by their path, with `*` for items of lists."""
    found: set[str] = set()

    def look(value: Any, path: str, depth: int) -> None:
        if path:
            found.add(path)
        if depth == DEPTH:
            return
        if isinstance(value, dict):
            for name, inner in value.items():
                look(inner, f"{path}.{name}" if path else str(name), depth + 1)
        elif isinstance(value, list):
            for inner in value[:ITEMS]:
                look(inner, f"{path}.{EACH}", depth + 1)

    look(record, "", 0)
    return found


def general(path: str) -> str:
    """A path with `*` for the numbers of items, as `names_in` has it."""
    first, *rest = path.split(".")
    return ".".join([first, *(EACH if part.isdecimal() else part for part in rest)])
