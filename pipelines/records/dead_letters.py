"""Records that cannot be read -> dead letters: what is kept of them, and words for it without a word of the
document."""

import hashlib
import json

from gristmill.pipelines.errors import BadRecordError
from gristmill.pipelines.records.elements import FIRST_BYTES, DeadLetter, Split

SPEAKS_FOR_ITSELF = (json.JSONDecodeError, UnicodeDecodeError, EOFError, RecursionError)
"""Errors whose own message holds positions and codec names only, never text of the document."""

_IN_WORDS = {
    "JSONDecodeError": "it is not JSON",
    "UnicodeDecodeError": "it is not UTF-8; convert it, for example: iconv -f GB18030 -t UTF-8",
    "EOFError": "the file ends early: fetch it again",
    "error": "the gzip file is damaged, or no gzip file",
    "ZstdError": "the zstd file is damaged, or no zstd file",
    "ArrowInvalid": "the file is damaged, or of another format",
}
"""Type of an error whose message is a library's -> what it means for whoever wrote the recipe."""


def in_words(error: str) -> str:
    """The error of a dead letter, for a person: without the wording and the positions that a library adds."""
    kind = error.partition(":")[0]
    return f"{_IN_WORDS[kind]} ({kind})" if kind in _IN_WORDS else error


def describe(error: Exception) -> str:
    """ "Type: message". Messages of unknown origin are left out: they may quote the document."""
    if isinstance(error, BadRecordError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{type(error).__name__}: {error.strerror}"
    if isinstance(error, SPEAKS_FOR_ITSELF):
        return f"{type(error).__name__}: {error}"
    return type(error).__name__


def dead_letter(
    row: int, file: str, offset: int, error: Exception | str, data: bytes, step: str = "read"
) -> DeadLetter:
    """The dead letter of a record whose bytes are at hand."""
    text = error if isinstance(error, str) else describe(error)
    digest = hashlib.sha256(data).hexdigest()
    return DeadLetter(row, file, offset, len(data), step, text, digest, bytes(data[:FIRST_BYTES]))


class Passing:
    """What is kept of a record that is too long to hold: fed piece by piece."""

    def __init__(self, data: bytes = b"") -> None:
        self.length = 0
        self.first = b""
        self._digest = hashlib.sha256()
        self.feed(data)

    def feed(self, data: bytes) -> None:
        """Takes the next bytes."""
        self._digest.update(data)
        if len(self.first) < FIRST_BYTES:
            self.first += data[: FIRST_BYTES - len(self.first)]
        self.length += len(data)

    def copy(self) -> "Passing":
        """What has passed so far, to go on from separately."""
        twin = Passing()
        twin.length, twin.first, twin._digest = self.length, self.first, self._digest.copy()
        return twin

    def dead_letter(self, row: int, file: str, offset: int, error: str, step: str = "read") -> DeadLetter:
        """The dead letter of what has passed."""
        return DeadLetter(row, file, offset, self.length, step, error, self._digest.hexdigest(), self.first)


def too_long(length: int, max_record_bytes: int) -> str:
    """The words for a record beyond `read.max_record_bytes`."""
    return f"RecordTooLong: {length:,} bytes, and read.max_record_bytes is {max_record_bytes:,}"


def unreadable(row: int, split: Split, error: str) -> DeadLetter:
    """The dead letter that stands for all records of a piece of a file that cannot be opened, or not be read on."""
    whole = split.start == 0
    return DeadLetter(row, split.path, split.start, split.size if whole else 0, "read", error, "", b"")
