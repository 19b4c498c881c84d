"""A page -> its text, by resiliparse, behind bounds on what its markup may cost."""

from typing import NamedTuple

from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

from gristmill.pipelines.errors import BadRecordError
from gristmill.pipelines.read.html.charset import decode_page
from gristmill.pipelines.read.html.nesting import MAX_WORK, measure
from gristmill.pipelines.read.html.rescue import rescue_dates, rescue_lists
from gristmill.pipelines.read.html.shield import Shield
from gristmill.pipelines.recipe import schema

PICTURES = (
    *("img", "area", "svg", "object", "embed", "video", "audio", "figcaption"),
    "figure:not(:has(pre, table, blockquote))",  # else it holds main text: code, tables and quotations
)


class Page(NamedTuple):
    """What a page holds for a corpus. `text` is UTF-8; empty where there is nothing but navigation."""

    text: bytes
    title: str
    charset: str


def read_page(page: bytes, http_label: str | None, options: schema.Extract) -> Page:
    """The main content of a page, lines and lists kept, without links, forms, alternative texts and comment sections.

    `http_label`: the charset that the server named. Raises BadRecordError for a page that nests too deep, or whose
    extraction would take minutes (pipelines/read/html/nesting.py), or that the parser refuses.
    """
    html, charset = decode_page(page, http_label)
    data = html.encode()
    shape = measure(data, options.max_depth)
    if shape.depth > options.max_depth:
        raise BadRecordError(f"TooDeep: elements nest deeper than extract.max_depth, {options.max_depth}")
    if shape.work > MAX_WORK:
        raise BadRecordError(
            "TooMuchMarkup: unclosed elements, attributes or options that would take minutes to extract"
        )
    shield = None
    if options.main_content:
        shield = Shield(rescue_dates(data) if "<time" in html else data)
        html = shield.hide().decode()
    try:
        tree = HTMLTree.parse(html)
        if shield and shape.shallow_lists:
            rescue_lists(tree)
        title, text = tree.title or "", _extract(tree, options, "<figure" in html)
    except (ValueError, RuntimeError) as error:
        raise BadRecordError(f"{type(error).__name__}: the page could not be extracted") from error
    if shield:
        title, text = shield.restore(title), shield.restore(text)
    return Page(text.encode(), " ".join(title.split()), charset)


def _extract(tree: HTMLTree, options: schema.Extract, figures: bool) -> str:
    """`figures`: resiliparse skips them all where it leaves alternative texts out; then what has such is skipped by
    name."""
    return extract_plain_text(
        tree,
        preserve_formatting=True,
        main_content=options.main_content,
        list_bullets=True,
        alt_texts=figures,
        links=False,
        form_fields=False,
        noscript=False,
        comments=False,
        skip_elements=PICTURES if figures else None,
    )
