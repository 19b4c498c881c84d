"""A WARC or ARC file cut into its records. Where one is damaged, reading goes on at the next one that can be found."""

import re
from collections.abc import Iterator
from typing import IO, NamedTuple

from gristmill.pipelines.read.marks import BOM
from gristmill.pipelines.read.warc.arc import ARC_BEGINS, MAX_LINE_BYTES, arc_head
from gristmill.pipelines.read.warc.tape import SEARCH_BYTES, WARC_MAGIC, Mark, Tape
from gristmill.pipelines.records.dead_letters import Passing, too_long

MAX_HEAD_BYTES, USUAL_HEAD_BYTES = 1 << 16, 1 << 12
HEAD_END = re.compile(rb"\r?\n\r?\n")
LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,18})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
BEGINS = re.compile(rb"WARC/\d+(?:\.\d+)*[ \t]*\r?\n")
"""Of any version: 0.18 (ClueWeb) differs from 1.0 and 1.1 in nothing that is read here."""
MORE_FIELDS = re.compile(rb"(?:[\w-]+:[^\n]*\n)+\r?\n")
DRAFT = b"WARC/0."
"""ClueWeb's writer of 0.18 counted other line ends than it wrote: there a record ends where the next one begins."""
TYPE = re.compile(rb"^warc-type:[ \t]*([a-z]+)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
TRUNCATED = re.compile(rb"^warc-truncated:[ \t]*\S", re.IGNORECASE | re.MULTILINE)
"""The block was cut when it was stored; some writers leave the length that it had."""
LINE_ENDS_BEHIND = 4
"""Bytes of line ends that a block may end with."""


class Frame(NamedTuple):
    """A whole record: its header lines with the empty line (of ARC, those that WARC would have), and its block."""

    place: int
    kind: str
    head: bytes
    block: bytes


class Header(NamedTuple):
    """`length`: bytes that it takes in the file; `block`: bytes behind it, None where it does not say; `loose`: of a
    format whose separators tell no end."""

    length: int
    block: int | None
    head: bytes
    loose: bool


class LostFrame(NamedTuple):
    """Bytes that are no record, or one that is broken or too long. `kind` is "" where the header could not be read."""

    place: int
    kind: str
    passed: Passing
    error: str


def frames(file: IO[bytes], compression: str | None, limit: int) -> Iterator[Frame | LostFrame]:
    """All records in order; blocks of more than `limit` bytes pass by unheld."""
    tape = Tape(file, compression)
    while True:
        while separators := _leading_line_ends(tape.peek(16)):
            tape.take(separators)
        if tape.holds(1):
            yield _frame(tape, limit)
        elif tape.error:
            yield LostFrame(tape.place(), "", Passing(), tape.error)
            if not tape.next_member():
                return
        else:
            return


def _frame(tape: Tape, limit: int) -> Frame | LostFrame:
    place = tape.place()
    header = _header(tape)
    if header is None:
        return _lost(tape, place, "", 1, tape.error or "BrokenRecord: not the header of a WARC or ARC record")
    found = TYPE.search(header.head)
    kind = found[1].decode().lower() if found else ""
    if header.block is None:
        return _lost(tape, place, kind, header.length, "BrokenRecord: no usable Content-Length")
    size = header.length + header.block
    if header.block > limit:
        return _long(tape, place, kind, header, limit)
    error = ""
    if not tape.holds(size):
        error = tape.error or "EOFError: the file ends within the record"
    elif not _ends_record(tape, size, header.loose):
        error = "BrokenRecord: Content-Length does not end where a record ends"
    if error:
        found_end = _miscounted_end(tape, header, limit)
        if found_end is None:
            return _lost(tape, place, kind, header.length, error)
        size = found_end
    tape.take(header.length)
    return Frame(place, kind, header.head, tape.take(size - header.length))


def _miscounted_end(tape: Tape, header: Header, limit: int) -> int | None:
    """How far ahead a record ends whose length is wrong because its line ends were counted or converted otherwise, or
    its block was cut: at the beginning of the next one, or at the end of the file. None where that does not explain
    it."""
    size = _next_begins(tape, header.length, limit)
    if size - header.length > limit or header.block is None:
        return None
    block = tape.peek(size)[header.length :].rstrip(b"\r\n")
    followed = tape.holds(size + 1)
    cut = len(block) < header.block and not tape.error and TRUNCATED.search(header.head)
    whole = followed or len(block) > header.block  # at the end of the file a longer one may have been cut
    if cut or (whole and header.head.startswith(DRAFT)) or _converted(block, header.block):
        return header.length + len(block)
    return None


def _converted(block: bytes, length: int) -> bool:
    """Whether a block had so many bytes before CR LF in it, or in its HTTP head alone, became LF, or LF became CR LF.
    Line ends at its end are left out."""
    lines = block.count(b"\n")
    if length < len(block):
        return 0 <= length - (len(block) - lines) <= LINE_ENDS_BEHIND and block.count(b"\r\n") == lines
    heads = block.partition(b"\n\n")[0].count(b"\n") + 2
    return b"\r" not in block and any(0 <= length - len(block) - n <= LINE_ENDS_BEHIND for n in (lines, heads))


def _header(tape: Tape) -> Header | None:
    """The header of the record that begins here; None where none does."""
    head = _head(tape.peek(USUAL_HEAD_BYTES))
    length = LENGTH.search(head) if head else None
    if length is None:
        data = tape.peek(MAX_HEAD_BYTES)
        head = _head(data)
        length = LENGTH.search(head) if head else None
    if head is not None:
        return Header(len(head), int(length[1]) if length else None, head, head.startswith(DRAFT))
    return Header(*arc, True) if (arc := arc_head(data[:MAX_LINE_BYTES])) else None


def _leading_line_ends(data: bytes) -> int:
    if data.startswith(BOM):  # of files that an editor had saved, joined
        return len(BOM)
    return len(data) - len(data.lstrip(b"\r\n"))


def _head(data: bytes) -> bytes | None:
    """The header at the start of `data`, up to and with its empty line; None where there is none, or another begins
    in it. An empty line within it, as some writers of WARC/0.18 left, does not end it: the length is behind that."""
    ended = HEAD_END.search(data) if data.startswith(WARC_MAGIC) and BEGINS.match(data) else None
    if not ended:
        return None
    end = ended.end()
    if not LENGTH.search(data, 0, end) and (more := MORE_FIELDS.match(data, end)) and LENGTH.search(more[0]):
        end = more.end()
    return data[:end] if not BEGINS.search(data, 1, end) else None


def _ends_record(tape: Tape, ahead: int, loose: bool = False) -> bool:
    """Whether a record may end `ahead` bytes from here: before its separator (not if `loose`), a gzip member, a record,
    or the end."""
    rest = tape.peek(4 + len(BOM) + (MAX_LINE_BYTES if loose else len(WARC_MAGIC)), ahead)
    if tape.begins_member(ahead) or (rest.startswith((b"\r\n\r\n", b"\n\n")) and not loose):
        return True
    after = rest.lstrip(b"\r\n")
    if tape.begins_member(ahead + len(rest) - len(after)):
        return True
    after = after.removeprefix(BOM)
    return after.startswith(WARC_MAGIC) or WARC_MAGIC.startswith(after) or (loose and arc_head(after) is not None)


def _next_begins(tape: Tape, ahead: int, limit: int) -> int:
    """How far ahead the next record begins, `ahead` bytes from here or later; or the file ends; or beyond `limit`."""
    while ahead <= limit + MAX_HEAD_BYTES:
        data = tape.peek(ahead + SEARCH_BYTES)[ahead:]
        found = _record_in(data)
        if found is not None:
            return ahead + found
        if len(data) < SEARCH_BYTES:
            return ahead + len(data)
        ahead += SEARCH_BYTES - MAX_HEAD_BYTES
    return ahead


def _lost(tape: Tape, place: int, kind: str, ahead: int, error: str) -> LostFrame:
    """Gives up what is here, to the next record that begins `ahead` bytes from here or later."""
    passed = Passing(tape.take(ahead))
    while True:
        found = _next_record(tape)
        if found is not None:
            passed.feed(tape.take(found))
            return LostFrame(place, kind, passed, error)
        data = tape.peek(SEARCH_BYTES)
        keep = MAX_HEAD_BYTES if tape.holds(SEARCH_BYTES) else 0
        passed.feed(tape.take(len(data) - keep))
        if not keep:
            if tape.error and not tape.next_member():
                tape.error = ""
            return LostFrame(place, kind, passed, error)


def _next_record(tape: Tape) -> int | None:
    """How far ahead in the next SEARCH_BYTES a record begins."""
    return _record_in(tape.peek(SEARCH_BYTES))


def _record_in(data: bytes) -> int | None:
    """Where a record begins, with a header; damage may have left no line end before it."""
    for found in BEGINS.finditer(data):
        head = _head(data[found.start() : found.start() + MAX_HEAD_BYTES])
        if head and TYPE.search(head) and LENGTH.search(head):
            return found.start()
    for found in ARC_BEGINS.finditer(b"\n" + data):
        if arc_head(data[found.start() : found.start() + MAX_LINE_BYTES]):
            return found.start()
    return None


def _long(tape: Tape, place: int, kind: str, header: Header, limit: int) -> LostFrame:
    """Lets a long record pass. Its length may be a lie: then the first record that begins inside it is the next."""
    size = header.length + (header.block or 0)
    passed = Passing(tape.take(header.length))
    resume: tuple[Mark, Passing] | None = None
    while passed.length < size and tape.holds(1):
        found = None if resume else _next_record(tape)
        if found is not None and passed.length + found < size:
            before = passed.copy()
            before.feed(tape.peek(found))
            resume = (tape.mark(found), before)
        passed.feed(tape.take(min(SEARCH_BYTES // 2, size - passed.length)))
    if passed.length == size and _ends_record(tape, 0, header.loose):
        return LostFrame(place, kind, passed, too_long(size, limit))
    error = tape.error or "BrokenRecord: Content-Length does not end where a record ends"
    if resume:
        tape.rewind(resume[0])
        return LostFrame(place, kind, resume[1], error)
    if tape.error and not tape.next_member():
        tape.error = ""
    return LostFrame(place, kind, passed, error)
