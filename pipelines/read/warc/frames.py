"""A WARC file cut into its records. Where a record is damaged, reading goes on at the next one that can be found."""

import re
from collections.abc import Iterator
from typing import IO, NamedTuple

from gristmill.pipelines.read.warc.tape import SEARCH_BYTES, WARC_MAGIC, Mark, Tape
from gristmill.pipelines.records.dead_letters import Passing, too_long

MAX_HEAD_BYTES = 1 << 16
HEAD_END = re.compile(rb"\r?\n\r?\n")
LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,18})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
BEGINS = re.compile(rb"WARC/\d+(?:\.\d+)*[ \t]*\r?\n")
"""Of any version: 0.18 (ClueWeb) differs from 1.0 and 1.1 in nothing that is read here."""
MORE_FIELDS = re.compile(rb"(?:[\w-]+:[^\n]*\n)+\r?\n")
ARC_MAGIC = b"filedesc:"
TYPE = re.compile(rb"^warc-type:[ \t]*([a-z]+)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)


class Frame(NamedTuple):
    """A whole record: its header lines with the empty line, and its block."""

    place: int
    kind: str
    head: bytes
    block: bytes


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
    head = _head(tape.peek(MAX_HEAD_BYTES))
    if head is None and tape.peek(len(ARC_MAGIC)) == ARC_MAGIC:
        return _lost(
            tape, place, "", 1, "ArcFile: the file is in the ARC format, which is not read; convert it to WARC"
        )
    if head is None:
        return _lost(tape, place, "", 1, tape.error or "BrokenRecord: not the header of a WARC record")
    found = TYPE.search(head)
    kind = found[1].decode().lower() if found else ""
    length = LENGTH.search(head)
    if not length:
        return _lost(tape, place, kind, len(head), "BrokenRecord: no usable Content-Length")
    size = len(head) + int(length[1])
    if size - len(head) > limit:
        return _long(tape, place, kind, len(head), size, limit)
    if not tape.holds(size):
        return _lost(tape, place, kind, len(head), tape.error or "EOFError: the file ends within the record")
    if not _ends_record(tape, size):
        return _lost(tape, place, kind, len(head), "BrokenRecord: Content-Length does not end where a record ends")
    tape.take(len(head))
    return Frame(place, kind, head, tape.take(size - len(head)))


def _leading_line_ends(data: bytes) -> int:
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


def _ends_record(tape: Tape, ahead: int) -> bool:
    """Whether a record may end `ahead` bytes from here: before its separator, a gzip member, a record, or the end."""
    tape.holds(ahead + 4 + len(WARC_MAGIC))
    rest = tape.peek(ahead + 4 + len(WARC_MAGIC))[ahead:]
    if tape.begins_member(ahead) or rest.startswith((b"\r\n\r\n", b"\n\n")):
        return True
    after = rest.lstrip(b"\r\n")
    return (
        after.startswith(WARC_MAGIC)
        or WARC_MAGIC.startswith(after)
        or tape.begins_member(ahead + len(rest) - len(after))
    )


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
    """How far ahead in the next SEARCH_BYTES a record begins, with a header; damage may have left no line end before
    it."""
    data = tape.peek(SEARCH_BYTES)
    for found in BEGINS.finditer(data):
        head = _head(data[found.start() : found.start() + MAX_HEAD_BYTES])
        if head and TYPE.search(head) and LENGTH.search(head):
            return found.start()
    return None


def _long(tape: Tape, place: int, kind: str, head: int, size: int, limit: int) -> LostFrame:
    """Lets a long record pass. Its length may be a lie: then the first record that begins inside it is the next."""
    passed = Passing(tape.take(head))
    resume: tuple[Mark, Passing] | None = None
    while passed.length < size and tape.holds(1):
        found = None if resume else _next_record(tape)
        if found is not None and passed.length + found < size:
            before = passed.copy()
            before.feed(tape.peek(found))
            resume = (tape.mark(found), before)
        passed.feed(tape.take(min(SEARCH_BYTES // 2, size - passed.length)))
    if passed.length == size and _ends_record(tape, 0):
        return LostFrame(place, kind, passed, too_long(size, limit))
    error = tape.error or "BrokenRecord: Content-Length does not end where a record ends"
    if resume:
        tape.rewind(resume[0])
        return LostFrame(place, kind, resume[1], error)
    if tape.error and not tape.next_member():
        tape.error = ""
    return LostFrame(place, kind, passed, error)
