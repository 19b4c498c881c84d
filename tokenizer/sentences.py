"""Texts -> the short lines that SentencePiece trains on. It silently skips longer ones; here nothing is skipped."""

import re
from collections.abc import Iterator

LIMIT = 4192
"""UTF-8 bytes of a line; SentencePiece's own default for max_sentence_length."""

NEVER_LEARNT = "\n\r\t\0\u2581\u2585"
"""Characters that no learnt piece holds, so lines are cut there. Newline and tab have pieces of their own;
SentencePiece spells the space U+2581 and the unknown U+2585, drops a line with the latter, and cannot store NUL."""

_CUTS = re.compile(f"[{re.escape(NEVER_LEARNT)}]+")
_SENTENCE_ENDS = re.compile(r"[.!?]+(?= )|[。！？；…]+[”』」）]*")


def sentences(text: str) -> Iterator[str]:
    """The lines of a text, each 1 to LIMIT bytes long; joined, they are the text without NEVER_LEARNT.

    A longer line is cut after the last sentence end in its second half, else before a space, else between characters.
    """
    for line in _CUTS.split(text):
        while len(line) * 4 > LIMIT and len(data := line.encode()) > LIMIT:
            window = data[:LIMIT].decode(errors="ignore")  # drops a character that the limit falls into
            cut = _best_cut(window)
            yield line[:cut]
            line = line[cut:]
        if line:
            yield line


def _best_cut(window: str) -> int:
    half = len(window) // 2
    ends = [match.end() for match in _SENTENCE_ENDS.finditer(window, half) if match.end() < len(window)]
    if ends:
        return ends[-1]
    space = window.rfind(" ", half)
    return space if space > 0 else len(window)
