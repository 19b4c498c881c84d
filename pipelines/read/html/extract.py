"""A page -> its text, by resiliparse, behind bounds on what its markup may cost."""

from typing import NamedTuple

from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

from pipelines.errors import BadRecordError
from pipelines.read.html.charset import decode_page
from pipelines.read.html.nesting import MAX_WORK, measure
from pipelines.recipe import schema


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
    depth, work = measure(html.encode(), options.max_depth)
    if depth > options.max_depth:
        raise BadRecordError(f"TooDeep: elements nest deeper than extract.max_depth, {options.max_depth}")
    if work > MAX_WORK:
        raise BadRecordError(
            "TooMuchMarkup: unclosed elements, attributes or options that would take minutes to extract"
        )
    try:
        tree = HTMLTree.parse(html)
        title = tree.title or ""
        text = extract_plain_text(
            tree,
            preserve_formatting=True,
            main_content=options.main_content,
            list_bullets=True,
            alt_texts=False,
            links=False,
            form_fields=False,
            noscript=False,
            comments=False,
        )
        return Page(text.encode(), " ".join(title.split()), charset)
    except (ValueError, RuntimeError) as error:
        raise BadRecordError(f"{type(error).__name__}: the page could not be extracted") from error
