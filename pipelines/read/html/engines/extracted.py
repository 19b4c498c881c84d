"""What an engine gives, and the guard that all of them stand behind."""

from typing import NamedTuple

from gristmill.pipelines.errors import BadRecordError
from gristmill.pipelines.read.html.nesting import MAX_WORK, Shape, measure


class Extracted(NamedTuple):
    """A page's text in UTF-8, empty where it has none, and its title as written."""

    text: bytes
    title: str


def guard(page: bytes, max_depth: int) -> Shape:
    """The shape of a page in UTF-8. Raises BadRecordError for one that a parser would take minutes for."""
    shape = measure(page, max_depth)
    if shape.depth > max_depth:
        raise BadRecordError(f"TooDeep: elements nest deeper than extract.max_depth, {max_depth}")
    if shape.work > MAX_WORK:
        raise BadRecordError(
            "TooMuchMarkup: unclosed elements, attributes or options that would take minutes to extract"
        )
    return shape
