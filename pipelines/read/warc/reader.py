"""WARC and WET files: responses, resources and conversions are inputs, all other records are counted aside."""

from collections.abc import Iterator
from typing import Any

from fastwarc.warc import WarcRecord

from pipelines.errors import BadRecordError
from pipelines.read.batches import Aside, Item
from pipelines.read.context import Context
from pipelines.read.files import compression_of, open_file
from pipelines.read.html.pages import dropped_page, page_document
from pipelines.read.reader import Reader, Seen
from pipelines.read.warc.frames import Frame, LostFrame, frames
from pipelines.read.warc.payload import canonical, kind_of, open_payload, open_record
from pipelines.records.dead_letters import dead_letter
from pipelines.records.elements import Split

LOOK_BYTES, LOOK_RECORDS = 1 << 20, 50
INPUTS = {"response", "resource", "conversion"}
ASIDE = {"warcinfo", "request", "metadata", "revisit", "continuation"}
NOT_META = {"warc-target-uri", "content-length"}
"""The address has a column of its own; the length is that of the stored form."""


def read_warc(split: Split, context: Context) -> Iterator[Item]:
    """Every record of the file once: a document, dropped ("http_status", "content_type", "empty_text"), dead, or aside.

    WARC headers travel in `meta` under their names, beside `http_status`, `http_content_type`, `charset` and `title`.
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
    raw, place = canonical(frame.head) + frame.block, (path, frame.place)
    try:
        record = open_record(raw)
        payload = open_payload(record, raw, context.read.max_record_bytes)
    except (BadRecordError, OSError) as error:
        words = error if isinstance(error, BadRecordError) else f"BrokenHttp: {str(error).split(':')[0]}"
        return dead_letter(context.next_row(), *place, words, frame.head + frame.block)
    known = _known(record)
    if payload.status is not None:
        known["http_status"] = payload.status
        known["http_content_type"] = record.http_headers.get("Content-Type")
    if payload.status not in (None, 200):
        return dropped_page(payload.body, known, "http_status", context, place)
    kind = "text" if frame.kind == "conversion" else kind_of(payload)
    if kind is None:
        return dropped_page(payload.body, known, "content_type", context, place)
    identity = str(known.get("url", "")).encode() + b"\0" + payload.body
    return page_document(payload.body, known, kind, context, place, payload.charset, identity)


def _known(record: WarcRecord) -> dict[str, Any]:
    """The record's headers by name, with the address as `url`."""
    known: dict[str, Any] = {}
    for name, value in record.headers.to_tuples():
        if name.lower() not in NOT_META:
            known[name] = value
    if url := record.headers.get("WARC-Target-URI"):
        known["url"] = url.strip().removeprefix("<").removesuffix(">")
    return known


def look(split: Split, records: int) -> Seen:
    """The headers of the first records, and what reading adds to them."""
    names = {"url", "http_status", "http_content_type", "charset", "title"}
    count = 0
    try:
        with open_file(split.path) as file:
            for frame in frames(file, compression_of(split.path), LOOK_BYTES):
                if count == min(records, LOOK_RECORDS) or frame.place > LOOK_BYTES:
                    return Seen(names, count, False)
                if isinstance(frame, Frame) and frame.kind in INPUTS:
                    names |= _known(open_record(canonical(frame.head) + frame.block)).keys()
                    count += 1
    except OSError:
        pass
    return Seen(names, count, True)


WARC = Reader(suffixes=(".warc",), items=read_warc, look=look)
WET = Reader(suffixes=(".wet", ".warc"), items=read_warc, look=look)
