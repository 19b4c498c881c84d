"""How documents and labels are known to each other: one spelling for what both call a document."""

from typing import Literal, get_args

import pyarrow as pa
import pyarrow.compute as pc

from gristmill.filters.lists.addresses import page

Key = Literal["doc_id", "id", "url"]
"""Gristmill's own name of a document; its own id; its address."""
KEYS = get_args(Key)

DOC_ID = "^[0-9a-f]{32}$"
_PLAIN_PAGE = r"^https?://(?:www\.)?([a-z0-9-]+(?:\.[a-z0-9-]+)+)((?:/[^\s/?#%\\]+)*)/?(\?[^\s#\\]+)?$"
"""An address that is spelt as we would but for scheme, `www.` and the slash at its end."""


def spelt(key: Key, column: pa.Array) -> pa.Array:
    """large_string: the keys of a column as both sides are compared; null where there is none, or it cannot be one."""
    text = column.cast(pa.large_string())
    if key == "id":
        return _only(text, pc.not_equal(text, ""))
    text = pc.utf8_trim_whitespace(text)
    if key == "doc_id":
        text = pc.ascii_lower(text)
        return _only(text, pc.match_substring_regex(text, DOC_ID))
    return _pages(text)


def _pages(text: pa.Array) -> pa.Array:
    short = pc.replace_substring_regex(text, _PLAIN_PAGE, r"\1\2\3")
    plain = pc.and_(pc.not_equal(short, text), pc.invert(pc.starts_with(short, "www.")))
    odd = pc.and_(pc.invert(plain), pc.is_valid(text)).fill_null(False)
    if not pc.any(odd).as_py():
        return short
    pages = [page(address) or None for address in text.filter(odd).to_pylist()]
    return pc.replace_with_mask(short, odd, pa.array(pages, pa.large_string()))


def _only(text: pa.Array, wanted: pa.Array) -> pa.Array:
    return pc.if_else(wanted.fill_null(False), text, pa.scalar(None, pa.large_string()))
