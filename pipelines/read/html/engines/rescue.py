"""Lists and dates that resiliparse's rules would drop, moved out of their reach before extraction.

Measured on 2.0.1: every <ul> less than four elements below <body> is taken for a menu, every <time> for a byline. What
its selectors and collections find is not iterated over here: each step costs as much as the whole (2,000 lists, 30 s).
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

LIST_DEPTH = 4
"""Elements from <body> at which resiliparse no longer takes every <ul> for a menu, but looks at its links."""
MAX_LOOKED_AT = 20_000
"""Elements near <body>, 0.5 s; a page with more of them than this is generated."""
HOLDERS = {"main", "article", "blockquote", "li", "dd"}
"""Elements that hold main text, if they are not dropped themselves."""
SENTENCE_DATE = re.compile(
    rb"([^<>\s]\s*+)<time(\s[^<>]*|)>((?:[^<]|<(?!/?time\b)){0,200})</time\s*>(?=\s*+[^<\s])", re.IGNORECASE
)


def rescue_dates(page: bytes) -> bytes:
    """The page with <span> for every <time> that has text on both sides."""
    return SENTENCE_DATE.sub(rb"\1<span\2>\3</span>", page)


def rescue_lists(tree: Any) -> None:
    """Puts the lists of a parsed page that are part of its text below the depth of menus."""
    body = tree.body
    if body is None:
        return
    paragraphs: dict[Any, int] = {}
    near = islice(_elements_near(body, LIST_DEPTH - 1), MAX_LOOKED_AT)
    for item in [element for element in near if element.tag == "ul"]:
        above = _elements_above(item)
        if len(above) < LIST_DEPTH - 1 and (_is_held(above) or _is_in_text(item.parent, body, paragraphs)):
            _lower(tree, item, LIST_DEPTH - 1 - len(above))


def _elements_near(element: Any, levels: int) -> Iterator[Any]:
    child = element.first_element_child
    while child is not None:
        yield child
        if levels > 1:
            yield from _elements_near(child, levels - 1)
        child = child.next_element_sibling


def _elements_above(item: Any) -> list[Any]:
    """The elements between <body> and this one; those around a list may have been put deeper with another one."""
    above = []
    while (item := item.parent).tag != "body":
        above.append(item)
    return above


def _is_held(above: list[Any]) -> bool:
    return any(element.tag in HOLDERS or element.getattr("role") == "main" for element in above)


def _is_in_text(parent: Any, body: Any, paragraphs: dict[Any, int]) -> bool:
    """Whether the element around a list holds half of the page's paragraphs, which may be none. `paragraphs`: what was
    counted."""
    for element in (parent, body):
        if element not in paragraphs:
            paragraphs[element] = len(element.query_selector_all("p"))
    return 2 * paragraphs[parent] >= paragraphs[body]


def _lower(tree: Any, item: Any, levels: int) -> None:
    """Puts a list into so many <div>."""
    inner = outer = tree.create_element("div")
    for _ in range(levels - 1):
        inner = inner.append_child(tree.create_element("div"))
    item.parent.replace_child(outer, item)
    inner.append_child(item)
