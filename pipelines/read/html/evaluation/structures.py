"""Code, lists and tables of a page that belong to its main content, and how many of them a text has."""

import re
from collections.abc import Iterator
from typing import Any

from resiliparse.parse.html import HTMLTree, NodeType

from gristmill.pipelines.read.html.evaluation.rouge import squeezed

STRUCTURES = ("code", "lists", "tables")
UNSEEN = ("script", "style", "noscript", "template")
NUMBER = re.compile(r"(\d{1,6})[.:|]?")
BREAK = re.compile(r"\s*\n\s*")


def structures(html: str, gold: str) -> dict[str, list[str]]:
    """Pieces by kind that the gold text has: blocks of code, list items, rows of tables, each with the text that the
    page's DOM says is its own, not that of items and rows inside it."""
    tree = HTMLTree.parse(html)
    pieces = {"code": _texts(tree, "pre"), "lists": _texts(tree, "li"), "tables": _texts(tree, "tr")}
    return kept({kind: list(found) for kind, found in pieces.items()}, gold, lines=False)


def kept(pieces: dict[str, list[str]], text: str, lines: bool = True) -> dict[str, list[str]]:
    """Those of the pieces that a text has, whatever the blanks; of code its line breaks, too, unless `lines` is false.
    Bars between the cells of a row do not count, nor do the line numbers of code, whether a text has them or not."""
    forms = {"code": _lined if lines else squeezed, "lists": squeezed, "tables": _unbarred}
    views = {"code": BREAK.sub("\n", text) if lines else squeezed(text)}
    views |= {kind: forms[kind](text) for kind in ("lists", "tables")}
    return {
        kind: [
            piece
            for piece in found
            if forms[kind](piece) in views[kind] or (kind == "code" and lines and _unnumbered(piece) in views[kind])
        ]
        for kind, found in pieces.items()
    }


def _lined(code: str) -> str:
    return "\n".join(filter(None, (line.strip() for line in code.strip().split("\n"))))


def _unnumbered(code: str) -> str:
    """Code without numbers that count its lines."""
    code_lines = _lined(code).split("\n")
    numbers = [NUMBER.match(line) for line in code_lines]
    found = [int(number[1]) for number in numbers if number]
    if len(found) < 2 or found != [*range(found[0], found[0] + len(code_lines))]:
        return _lined(code)
    return _lined("\n".join(NUMBER.sub("", line, count=1) for line in code_lines))


def _unbarred(row: str) -> str:
    return squeezed(row.replace("|", ""))


def _texts(tree: Any, name: str) -> Iterator[str]:
    for element in tree.document.get_elements_by_tag_name(name):
        text = "".join(_own_texts(element))
        if text.strip():
            yield text


def _own_texts(element: Any) -> Iterator[str]:
    """Texts of an element in order, without those of elements of its name in it."""
    left = [*element.child_nodes[::-1]]
    while left:
        node = left.pop()
        if node.type == NodeType.TEXT:
            yield node.text
        elif node.tag == "br":
            yield "\n"
        elif node.tag != element.tag and node.tag not in UNSEEN:
            left += node.child_nodes[::-1]
