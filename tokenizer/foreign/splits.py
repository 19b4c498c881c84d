r"""Where pre-tokenizers cut a text: the patterns of GPT-2, of Llama 3 (cl100k) and of Qwen, as loops.

Each function gives the end of the piece that begins at i, as the alternatives of the pattern find it, in their order:

GPT2    's|'t|'re|'ve|'m|'ll|'d
        | ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
LLAMA3  (?i:'s|'t|'re|'ve|'m|'ll|'d)
        |[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
QWEN    the same, with \p{N} alone

Letters: B bytes of text, C characters of Unicode.
"""

import numpy as np

from gristmill.tokenizer.foreign.classes import CLASS, COMPOSES, LETTER, NEWLINE, NUMBER, OTHER, SPACE
from gristmill.tokenizer.jit import inline, inner, kernel
from gristmill.tokenizer.models.vocabulary import next_character

GPT2, LLAMA3, QWEN = range(3)
_SAID = "'s|'t|'re|'ve|'m|'ll|'d"
_LIKE_LLAMA = r"[^\r\n\p{L}\p{N}]?\p{L}+|%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
GPT2_PATTERN = _SAID + r"| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
PATTERNS = {
    GPT2_PATTERN: GPT2,
    GPT2_PATTERN.replace(_SAID, "'(?:[sdmt]|ll|ve|re)"): GPT2,
    f"(?i:{_SAID})|" + _LIKE_LLAMA % r"\p{N}{1,3}": LLAMA3,
    "'(?i:[sdmt]|ll|ve|re)|" + _LIKE_LLAMA % r"\p{N}{1,3}": LLAMA3,
    f"(?i:{_SAID})|" + _LIKE_LLAMA % r"\p{N}": QWEN,
}
"""Patterns as tokenizer.json spells them."""

ENDED = 15
"""In place of a class: the text is at its end."""
LONG_S = (0xC5, 0xBF)
"""U+017F, which is an s whatever the case."""


@inline
def class_at(data_B, i, class_C):
    """(class of the character at i, its bytes)."""
    if i >= data_B.size:
        return np.uint8(ENDED), 0
    byte = data_B[i]
    if byte < 0x80:
        return class_C[byte] & np.uint8(CLASS), 1
    point, size = next_character(data_B, i)
    return class_C[point] & np.uint8(CLASS), size


@inline
def run_of(data_B, i, wanted, class_C):
    """Where the characters of one class end."""
    found, size = class_at(data_B, i, class_C)
    while found == wanted:
        i += size
        found, size = class_at(data_B, i, class_C)
    return i


@inner
def contraction(data_B, i, any_case):
    """Bytes of 's, 't, 're ... at the apostrophe i; 0 if there is none."""
    left = data_B.size - i - 1
    if left == 0:
        return 0
    fold = np.uint8(0x20 if any_case else 0)
    first = data_B[i + 1]
    if any_case and left >= 2 and first == LONG_S[0] and data_B[i + 2] == LONG_S[1]:
        return 3
    if first >= 0x80:
        return 0
    first |= fold
    if first == ord("s") or first == ord("t") or first == ord("m") or first == ord("d"):
        return 2
    if left == 1:
        return 0
    second = data_B[i + 2] | fold
    if (first == ord("r") and second == ord("e")) or (first == ord("v") and second == ord("e")):
        return 3
    return 3 if first == ord("l") and second == ord("l") else 0


@inner
def spaces_end(data_B, i, newlines, class_C):
    r"""Of white space at i: `newlines`, up to the last line's end in it; else \s+(?!\S), which leaves the last space to
    the word behind it; else all."""
    at, last, before, count = i, i, i, 0
    found, size = class_at(data_B, at, class_C)
    while found in (SPACE, NEWLINE):
        before = at
        at += size
        count += 1
        if found == NEWLINE:
            last = at
        found, size = class_at(data_B, at, class_C)
    if newlines and last > i:
        return last
    return at if found == ENDED or count == 1 else before


@inner
def piece_end(data_B, i, split, class_C):
    """Where the piece that begins at i ends. split: GPT2, LLAMA3 or QWEN."""
    first = data_B[i]
    if first == ord("'"):
        size = contraction(data_B, i, split != GPT2)
        if size:
            return i + size
    found, size = class_at(data_B, i, class_C)
    after = i + size
    if split == GPT2:
        if first == ord(" "):
            found, size = class_at(data_B, after, class_C)
            after += size
        if found in (LETTER, NUMBER, OTHER):
            return run_of(data_B, after, found, class_C)
        return spaces_end(data_B, i, False, class_C)
    if found == LETTER:
        return run_of(data_B, after, LETTER, class_C)
    if found == NUMBER:
        for _ in range(2 if split == LLAMA3 else 0):
            found, size = class_at(data_B, after, class_C)
            if found == NUMBER:
                after += size
        return after
    if found != NEWLINE:
        following, size = class_at(data_B, after, class_C)
        if following == LETTER:
            return run_of(data_B, after + size, LETTER, class_C)
        if found == OTHER or (first == ord(" ") and following == OTHER):
            end = run_of(data_B, after, OTHER, class_C)
            while end < data_B.size and (data_B[end] == ord("\n") or data_B[end] == ord("\r")):
                end += 1
            return end
    return spaces_end(data_B, i, True, class_C)


@kernel
def may_compose(data_B, start_D1, class_C, found_D):
    """found_D: whether a text holds a character that NFC may change."""
    for d in range(found_D.size):
        found_D[d] = False
        i = start_D1[d]
        text_B = data_B[: start_D1[d + 1]]
        while i < text_B.size:
            if text_B[i] < 0x80:
                i += 1
                continue
            point, size = next_character(text_B, i)
            if class_C[point] & COMPOSES:
                found_D[d] = True
                break
            i += size
