"""Texts -> the short lines that SentencePiece trains on. It silently skips longer ones; here nothing is skipped."""

import re
from collections.abc import Iterator

LIMIT = 4192
"""UTF-8 bytes of a line; SentencePiece's own default for max_sentence_length."""

NEVER_LEARNT = "\n\r\t\0\u2581\u2585"
"""Characters that no learnt piece holds, so lines are cut there. Newline and tab have pieces of their own;
SentencePiece spells the space U+2581 and the unknown U+2585, drops a line with the latter, and cannot store NUL."""

_CUTS = re.compile(f"[{re.escape(NEVER_LEARNT)}]+")
_SENTENCE_ENDS = re.compile(r"[.!?]+|[。！？；…]+[”』」）]*")


def sentences(text: str) -> Iterator[str]:
    """The lines of a text, each 1 to LIMIT bytes long; joined, they are the text without NEVER_LEARNT.

    A longer line is cut after the last sentence end in its second half, else before a space, else between characters.
    """
    for line in _CUTS.split(text):
        data = line.encode() if len(line) * 4 > LIMIT else b""
        position = 0
        while len(data) - position > LIMIT:
            # A character that the limit falls into is dropped.
            window = data[position : position + LIMIT].decode(errors="ignore")
            piece = window[: _best_cut(window)]
            yield piece
            position += len(piece.encode())
        rest = data[position:].decode() if position else line
        if rest:
            yield rest


def _best_cut(window: str) -> int:
    half = len(window) // 2
    ends = [match for match in _SENTENCE_ENDS.finditer(window, half) if match.end() < len(window)]
    for match in reversed(ends):
        if match[0][-1] not in ".!?" or window[match.end()] == " ":
            return match.end()
    space = window.rfind(" ", half)
    return space if space > 0 else len(window)
