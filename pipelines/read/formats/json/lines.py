"""Lines of JSON that are not one object: several on a line, pieces of an array, and what is wrong with the others."""

import json
import re

from gristmill.pipelines.records.dead_letters import describe

_AROUND = re.compile(r"[\s,\[\]\x1e]*")
"""What is no record of its own: the brackets and commas of an array that has an element a line, and the separator of
JSON text sequences (RFC 7464)."""
_STRUCTURE = 16
"""Characters of a line that is brackets and commas alone; a longer one is no piece of an array that somebody wrote."""
_scan = json.JSONDecoder(parse_constant=lambda name: None).raw_decode


def objects_in(data: bytes) -> list[tuple[int, bytes]] | None:
    """(place, bytes) of each object of a line that holds objects, and around them commas, white space and the brackets
    of an array; none of one that holds no more than a few of these. None for any other line."""
    text = data.decode("latin-1")  # gives a character a byte: bytes that are no UTF-8 cost their object only
    found = []
    at = _end_of(text, 0)
    while at < len(text):
        try:
            end = _scan(text, at)[1] if text[at] == "{" else -1
        except (ValueError, RecursionError):
            return None
        if end < 0:
            return None
        found.append((at, data[at:end]))
        at = _end_of(text, end)
    if not found and len(text.strip()) > _STRUCTURE:
        return None
    return found


def _end_of(text: str, at: int) -> int:
    between = _AROUND.match(text, at)
    return between.end() if between else at


def explained(error: Exception) -> str:
    """What is wrong with a line, and what to do where that is known; without a word of it."""
    said = describe(error)
    if not isinstance(error, json.JSONDecodeError):
        return said
    text, at = error.doc, error.pos
    if error.msg.startswith("Extra data"):
        return f"{said}; more than objects and commas stands on the line: write one object a line"
    if text[at : at + 1] in ("}", "]") and text[:at].rstrip().endswith(","):
        return f"{said}; a comma stands before the bracket that closes: remove it"
    if text[at : at + 1] == "'":
        return f"{said}; strings stand in double quotes: Python writes them with json.dumps"
    if error.msg.startswith("Unterminated string") or not text[at:].strip():
        return f"{said}; the line ends within the record: `format: json` reads records of several lines"
    return said
