"""WARC, ARC and WET files: responses, resources and conversions are inputs, all other records are counted aside."""

from collections.abc import Iterator
from typing import Any

from gristmill.pipelines.errors import BadRecordError
from gristmill.pipelines.read.batches import Aside, Item
from gristmill.pipelines.read.context import Context
from gristmill.pipelines.read.files import compression_of, open_file
from gristmill.pipelines.read.html.pages import PAGE_FIELDS, dropped_page, page_document
from gristmill.pipelines.read.reader import Reader, Seen
from gristmill.pipelines.read.warc.frames import Frame, LostFrame, frames
from gristmill.pipelines.read.warc.headers import Fields, parse_fields
from gristmill.pipelines.read.warc.payload import kind_of, open_payload
from gristmill.pipelines.recipe.sources import Source
from gristmill.pipelines.records.dead_letters import dead_letter
from gristmill.pipelines.records.elements import Split

LOOK_BYTES, LOOK_RECORDS = 1 << 20, 50
INPUTS = {"response", "resource", "conversion"}
ASIDE = {"warcinfo", "request", "metadata", "revisit", "continuation"}


def read_warc(split: Split, context: Context) -> Iterator[Item]:
    """Every record of the file once: a document, dropped ("http_status", "content_type", "empty_text"), dead, or aside.

    WARC headers travel in `meta` under their names, the address as `url`, beside `http_status`, `http_content_type`,
    `charset`, `title`, and `http_body_cut` where the body ends before its encoding does.
    """
    with open_file(split.path) as file:
        for frame in frames(file, compression_of(split.path), context.read.max_record_bytes):
            if frame.kind in ASIDE:
                yield Aside(f"warc_{frame.kind}")
            elif isinstance(frame, LostFrame):
                yield frame.passed.dead_letter(context.next_row(), split.path, frame.place, frame.error)
            elif frame.kind in INPUTS:
                yield _record(frame, split.path, context)
            else:
                yield Aside("warc_unknown")


def _record(frame: Frame, path: str, context: Context) -> Item:
    fields, place = parse_fields(frame.head), (path, frame.place)
    try:
        payload = open_payload(fields, frame.block, context.read.max_record_bytes)
    except BadRecordError as error:
        return dead_letter(context.next_row(), *place, error, frame.head + frame.block)
    known = _known(fields)
    if payload.status is not None:
        known["http_status"] = payload.status
        known["http_content_type"] = payload.http_content_type
    if payload.cut:
        known["http_body_cut"] = True
    if payload.status not in (None, 200):
        return dropped_page(payload.body, known, "http_status", context, place)
    kind = "text" if frame.kind == "conversion" else kind_of(payload)
    if kind is None:
        return dropped_page(payload.body, known, "content_type", context, place)
    identity = str(known.get("url", "")).encode() + b"\0" + payload.body
    return page_document(payload.body, known, kind, context, place, payload.charset, identity)


def _known(fields: Fields) -> dict[str, Any]:
    """The record's headers by name, with the address as `url`."""
    known: dict[str, Any] = {}
    for name, value in fields:
        if name.lower() == "warc-target-uri":
            known["url"] = value.removeprefix("<").removesuffix(">")
        elif name.lower() != "content-length":
            known[name] = value
    return known


def look(split: Split, records: int, source: Source) -> Seen:
    """The headers of the first records, and what reading adds to them."""
    names = {"url", "http_status", "http_content_type", "http_body_cut", *PAGE_FIELDS}
    count = 0
    try:
        with open_file(split.path) as file:
            for frame in frames(file, compression_of(split.path), LOOK_BYTES):
                if count == min(records, LOOK_RECORDS) or frame.place > LOOK_BYTES:
                    return Seen(names, count, False)
                if isinstance(frame, Frame) and frame.kind in INPUTS:
                    names |= _known(parse_fields(frame.head)).keys()
                    count += 1
    except OSError:
        pass
    return Seen(names, count, True)


WARC = Reader(suffixes=(".warc", ".arc"), items=read_warc, look=look, holds_pages=True)
WET = Reader(suffixes=(".wet", ".warc"), items=read_warc, look=look)
