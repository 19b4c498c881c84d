"""Pages that are XML: in them `<title/>` is whole, where a parser of HTML reads on and takes the page for its title."""

import re

VOID = ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"]
"""Elements that HTML closes by themselves."""
CLOSED = re.compile(rf"<(?!(?:{'|'.join([*VOID, 'frame'])})[\s/])([a-zA-Z][a-zA-Z0-9:._-]*+)((?:\s[^<>]*)?)/>")


def is_xml(page: bytes) -> bool:
    """Whether a page that is given out as XHTML begins as such."""
    return b"<?xml" in page[:64] or b"http://www.w3.org/1999/xhtml" in page[:1024]


def as_html(xml: str) -> str:
    """The page with the end tags that HTML needs: `<a id="p"></a>` for `<a id="p"/>`."""
    return CLOSED.sub(r"<\1\2></\1>", xml) if "/>" in xml else xml
