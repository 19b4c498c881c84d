"""A payload (a page, a plain text) and what is known about it -> a document."""

from typing import Any

from gristmill.pipelines.errors import BadRecordError
from gristmill.pipelines.read.batches import Document, Item
from gristmill.pipelines.read.context import Context
from gristmill.pipelines.read.encodings.texts import REPLACED, check_decoded, decode_text
from gristmill.pipelines.read.html.charset import decode_page
from gristmill.pipelines.read.html.extract import read_page
from gristmill.pipelines.read.html.licence import Licence
from gristmill.pipelines.read.html.xml import is_xml
from gristmill.pipelines.records.dead_letters import dead_letter

PAGE_FIELDS = {"charset", REPLACED, "title", "license", "license_place", "licenses"}
"""What reading a page adds to its record."""
EMPTY = "empty_text"
"""Rule: extraction found no text. Step "extract"."""


def page_document(
    body: bytes, record: dict[str, Any], kind: str, context: Context, place: tuple[str, int],
    http_label: str | None = None, raw: bytes | None = None, said: str | None = None,
) -> Item:  # fmt: skip
    """The document of a payload; a dead letter where its text cannot be had.

    `record`: what is known about it, by field name (`url` and the rest of `meta`); `kind`: "html", "xhtml" or "text";
    `place`: file and offset, for dead letters; `http_label`: the charset that a server named; `raw`: what identifies
    it, else the body; `said`: the language where the source declares none.
    """
    row = context.next_row(place[1])
    step = "read"
    try:
        own_id = context.fields.take_id(record)
        identity = context.identify(own_id, body if raw is None else raw)
        if left_out := context.not_sampled(identity):
            return left_out
        step = "extract"
        if kind != "text":
            as_xml = kind == "xhtml" and is_xml(body)
            page = context.guard.step("extract", read_page)(body, http_label, context.extract, as_xml)
            text, record["charset"] = page.text, page.charset
            if page.title:
                record["title"] = page.title
            if page.licence is not None:
                record |= _licence_fields(page.licence)
        else:
            plain, record["charset"] = decode_page(body, http_label) if http_label else decode_text(body)
            text = plain.encode()
        if replaced := check_decoded(text.decode(), record["charset"]):
            record[REPLACED] = replaced
        step = "read"
        url, language, typed, meta = context.fields.take_rest(record)
    except BadRecordError as error:
        return dead_letter(row, *place, error, body, step)
    empty = (EMPTY, "extract") if kind != "text" and not text.strip() else (None, None)
    return Document(row, identity, own_id, text, url, language or said, len(body), meta, typed, *empty)


def _licence_fields(licence: Licence) -> dict[str, Any]:
    several = {"licenses": list(licence.all)} if len(licence.all) > 1 else {}
    return {"license": licence.spdx, "license_place": licence.place, **several}


def dropped_page(body: bytes, record: dict[str, Any], rule: str, context: Context, place: tuple[str, int]) -> Item:
    """The record of a payload that is no text to begin with, dropped by a rule of step "read"."""
    row = context.next_row(place[1])
    try:
        own_id = context.fields.take_id(record)
        identity = context.identify(own_id, body)
        if left_out := context.not_sampled(identity):
            return left_out
        url, language, typed, meta = context.fields.take_rest(record)
    except BadRecordError as error:
        return dead_letter(row, *place, error, body)
    return Document(row, identity, own_id, None, url, language, len(body), meta, typed, rule, "read")
