"""The `punct` stream: words between white space, with marks split off as spaCy's English rules do, minus its lists."""

# Letters: B bytes of the batch, D documents, D1 = D + 1 offsets, W words of the batch, K ASCII codes, C code points.
import numpy as np

from gristmill.filters.kernels.jit import inline, kernel
from gristmill.filters.kernels.text.eight import (
    EIGHT,
    HIGH,
    below_lowest,
    digits_of,
    eight_bytes,
    letters_of,
    marked_bytes,
)
from gristmill.filters.kernels.text.hashes import FNV_OFFSET, NOTHING, fed, pushed, step, word_hash
from gristmill.filters.kernels.text.unicode import ALNUM, ALPHA, PUNCT, SPACE, UPPER, code_point

END, INFIX, APOSTROPHE, FULL_STOP, HYPHEN = 1, 2, 4, 8, 16
"""What a mark does in the `punct` stream; see mark_table."""


def mark_table() -> np.ndarray:
    """uint8 by ASCII code: how split_punct splits at a mark.

    END marks split off at the ends of a word; INFIX marks split between letters. After spaCy's punctuation rules
    (spacy/lang/punctuation.py: LIST_PUNCT, LIST_QUOTES, LIST_CURRENCY; infixes), so `_` ends and `/` does not.
    """
    table_K = np.zeros(128, np.uint8)
    for marks, bits in ((",:;!?()[]{}<>_#*&$`\"'", END), (":<>=/,~-", INFIX), ("'", APOSTROPHE)):
        table_K[[ord(mark) for mark in marks]] |= bits
    table_K[ord(".")], table_K[ord("-")] = FULL_STOP, INFIX | HYPHEN
    return table_K


@inline
def mark_of(c, k, mark_K):
    """Bits of the character c with classes k, if it is a mark."""
    if c < 128:
        return mark_K[c]
    if c == 0x2019:
        return END | APOSTROPHE
    if c == 0x2013 or c == 0x2014:
        return END | INFIX
    return END * ((k & PUNCT) // PUNCT)


@inline
def words_inside(marks, mark, stops, before, after, after_scheme):
    """Words that begin at marks between two letters or digits, the last of them `mark`: 0, 1, or 2 with the mark."""
    if after_scheme:  # an address is one word
        return 0
    if stops > 1:
        return 2
    letters = before & after & ALPHA != 0
    if mark & INFIX and letters and (marks == 1 or mark & HYPHEN):
        return 2
    if stops == 1 and marks == 1 and letters and after & UPPER and not before & UPPER:
        return 2
    return 1 if mark & APOSTROPHE and marks == 1 and letters else 0


ZERO = np.int64(0)
COMMA, STOP, BLANK, NEWLINE = 0x2C, 0x2E, 0x20, 0x0A
LETTER, PLAIN = 1, 2
"""Bits of seen_W: the word holds a letter (str.isalpha), and something that is no mark of symbol_C."""


@inline
def bits_of(c, k, symbol_C):
    """What a character adds to seen_W."""
    return (k & ALPHA) * LETTER | (not symbol_C[c]) * PLAIN


@inline
def mark_hash(c):
    """Of a word that is one character."""
    h, rest, held = fed(FNV_OFFSET, NOTHING, NOTHING, c)
    return word_hash(h, rest, held)


@kernel
def split_punct(data_B, start_D1, classes, mark_K, symbol_C, first_D1, hash_W, chars_W, seen_W):
    """The `punct` stream; returns its number of words. W >= bytes + D is room enough, W = 0 counts only.

    A mark at either end of a word is a word (`(yes!)`: 4), a run of full stops is one, a last full stop too. Between
    letters a hyphen, slash, colon, comma, `=`, `<`, `>`, `~` or dash is a word and begins the next (`well-known`: 3),
    so does a full stop before a capital; an apostrophe begins the next (`it's`: 2). An address with `://` is one word.
    Outputs as words.split_space; seen_W: bits LETTER and PLAIN. symbol_C: bool by code point.
    """
    w, writes = 0, hash_W.size > 0
    for d in range(start_D1.size - 1):
        first_D1[d] = w
        i, end = start_D1[d], start_D1[d + 1]
        while i < end:
            h, rest, held, chars, seen, before, scheme, first = FNV_OFFSET, NOTHING, NOTHING, 0, ZERO, ZERO, False, w
            u, limit = np.uint64(i), np.uint64(end)
            while u + EIGHT <= limit:  # letters and digits of ASCII
                x = eight_bytes(data_B, u)
                letters = letters_of(x)
                known = letters | digits_of(x)
                if known == HIGH:
                    h = step(h, x)
                    seen |= (letters != 0) * ALPHA
                    u += EIGHT
                    continue
                within = below_lowest(~known & HIGH)
                seen |= (letters & within != 0) * ALPHA
                held, rest = np.uint64(marked_bytes(within & HIGH)), x & within
                u += held
                break
            j = np.int64(u)
            while j < end and data_B[j] < 128 and classes[data_B[j]] & ALNUM:
                h, rest, held = pushed(h, rest, held, np.uint64(data_B[j]))
                seen |= np.int64(classes[data_B[j]])
                j += 1
            if j > i:  # most words: letters and digits, at most a comma or a full stop, a space
                mark = np.int64(data_B[j]) if j < end else ZERO
                after = j + 1 if mark in (COMMA, STOP) else j
                if after == end or data_B[after] == BLANK or data_B[after] == NEWLINE:
                    if writes:
                        hash_W[w], chars_W[w], seen_W[w] = word_hash(h, rest, held), j - i, seen & ALPHA | PLAIN
                        if after > j:
                            bits = bits_of(mark, classes[mark], symbol_C) if mark == COMMA else ZERO
                            hash_W[w + 1], chars_W[w + 1], seen_W[w + 1] = mark_hash(mark), 1, bits
                    w += 1 + int(after - j)
                    i = after + 1
                    continue
                h, rest, held, seen = FNV_OFFSET, NOTHING, NOTHING, ZERO
            run, marks, stops, mark = np.int64(-1), 0, ZERO, ZERO  # the marks since the last letter: where they begin
            while True:
                c, k, at = 0, np.int64(SPACE), i
                if i < end:
                    c, i = code_point(data_B, i)
                    k = np.int64(classes[c])
                if not k & (ALNUM | SPACE):
                    if run < 0:
                        run, marks, stops = at, 0, ZERO
                    marks += 1
                    mark = np.int64(mark_of(c, k, mark_K))
                    stops += (mark & FULL_STOP) // FULL_STOP
                    continue
                splits, ends = 0, False  # the marks end here, if there are any
                if run >= 0:
                    ends = before == 0 or k & SPACE != 0
                    if not ends:
                        scheme |= marks == 3 and data_B[at - 3] == 0x3A and data_B[at - 2] == 0x2F == data_B[at - 1]
                        splits = words_inside(marks, mark, stops, before, k, scheme)
                    if splits:
                        if writes:
                            hash_W[w], chars_W[w], seen_W[w] = word_hash(h, rest, held), chars, seen
                        w += 1
                        h, rest, held, chars, seen = FNV_OFFSET, NOTHING, NOTHING, 0, ZERO
                    joined = stops == 1 and before == 0  # `.5`: a single full stop in front belongs to the word
                    j = run
                    while j < at:  # what stays with the word or, behind a split, begins one
                        m, j = code_point(data_B, j)
                        mark = np.int64(mark_of(m, np.int64(classes[m]), mark_K))
                        if not ends or not (mark & END or (mark & FULL_STOP and not joined)):
                            h, rest, held = fed(h, rest, held, m)
                            chars += 1
                            seen |= bits_of(m, classes[m], symbol_C)
                    if splits == 2 or (before and k & SPACE):
                        if writes:
                            hash_W[w], chars_W[w], seen_W[w] = word_hash(h, rest, held), chars, seen
                        w += 1
                        h, rest, held, chars, seen = FNV_OFFSET, NOTHING, NOTHING, 0, ZERO
                    dots, dots_rest, dots_held, dot_chars, j = FNV_OFFSET, NOTHING, NOTHING, 0, run
                    while ends and j < at:
                        m, j = code_point(data_B, j)
                        mark = np.int64(mark_of(m, np.int64(classes[m]), mark_K))
                        if mark & END:
                            if writes:
                                bits = bits_of(m, classes[m], symbol_C)
                                hash_W[w], chars_W[w], seen_W[w] = mark_hash(m), 1, bits
                            w += 1
                        elif mark & FULL_STOP and not joined:
                            dots, dots_rest, dots_held = fed(dots, dots_rest, dots_held, m)
                            dot_chars += 1
                    if dot_chars:
                        if writes:
                            hash_W[w], chars_W[w], seen_W[w] = word_hash(dots, dots_rest, dots_held), dot_chars, 0
                        w += 1
                if k & SPACE:
                    if chars and (before or w == first):
                        if writes:
                            hash_W[w], chars_W[w], seen_W[w] = word_hash(h, rest, held), chars, seen
                        w += 1
                    break
                run, before = np.int64(-1), k
                h, rest, held = fed(h, rest, held, c)
                chars += 1
                seen |= k & ALPHA | PLAIN  # without symbol_C: its one letter is full-width 1
    first_D1[start_D1.size - 1] = w
    return w


@kernel
def count_seen(seen_W, chars_W, first_D1, plain_D, plain_chars_D, letters_D):
    """Words per document, int64, that are PLAIN, their code points, and words with a LETTER."""
    for d in range(first_D1.size - 1):
        plain, chars, letters = 0, 0, 0
        for w in range(first_D1[d], first_D1[d + 1]):
            is_plain = (seen_W[w] & PLAIN) // PLAIN
            plain += is_plain
            chars += is_plain * chars_W[w]
            letters += seen_W[w] & LETTER
        plain_D[d], plain_chars_D[d], letters_D[d] = plain, chars, letters
