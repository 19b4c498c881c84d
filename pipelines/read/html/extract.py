"""A page -> its text, by the engine that the recipe names."""

from typing import NamedTuple

from gristmill.pipelines.read.html.charset import decode_page
from gristmill.pipelines.read.html.engines.registry import engine
from gristmill.pipelines.read.html.licence import Licence, licence_of_page
from gristmill.pipelines.read.html.xml import as_html
from gristmill.pipelines.read.marks import BOM
from gristmill.pipelines.recipe import schema


class Page(NamedTuple):
    """What a page holds for a corpus. `text` is UTF-8; empty where there is nothing but navigation."""

    text: bytes
    title: str
    charset: str
    licence: Licence | None = None


def read_page(page: bytes, http_label: str | None, options: schema.Extract, is_xml: bool = False) -> Page:
    """The main content of a page, or all its text; lines and lists kept.

    `http_label`: the charset that the server named; `is_xml`: whether it said that the page is XML. Raises
    BadRecordError for a page that nests too deep, or whose extraction would take minutes (nesting.py), or that the
    parser refuses.
    """
    html, charset = decode_page(page, http_label)
    as_stored = charset == "utf-8" and not is_xml and not page.startswith(BOM) and "\ufffd" not in html
    if is_xml:
        html = as_html(html)
    markup = page if as_stored else html.encode()
    text, title = engine(options.engine)(html, markup, options)
    return Page(text, " ".join(title.split()), charset, licence_of_page(markup))
