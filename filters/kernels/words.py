"""Word streams: where the words are, said once as hashes and lengths, and what is counted on the way.

`space`: what str.split() gives. `punct`: the same, with marks split off. `char`: each Han (Kana, Thai, ...) letter
alone, other letters in runs.
"""

# Letters: B bytes of the batch, D documents, D1 = D + 1 offsets, W words of the batch, S slots of the stop-word table.
import numpy as np

from gristmill.filters.kernels.jit import inline, kernel
from gristmill.filters.kernels.unicode import ALNUM, ALPHA, PUNCT, SPACE, UNSPACED, UPPER, code_point, mix64

FNV_OFFSET = np.uint64(14695981039346656037)
FNV_PRIME = np.uint64(1099511628211)
"""FNV-1a, 64 bits (Fowler, Noll, Vo); fed whole code points and finished by mix64."""

STOP_SLOTS = 1024
"""Of the table in which split_space looks stop words up: slot = hash % STOP_SLOTS, one word a slot."""


@inline
def fnv(h, c):
    """FNV-1a, one step."""
    return (h ^ np.uint64(c)) * FNV_PRIME


@kernel
def split_space(
    data_B, start_D1, classes, stop_S,
    first_D1, hash_W, chars_W, plain_D, plain_chars_D, alphabetic_D, stop_D, sign_D, ellipsis_D,
):  # fmt: skip
    """The `space` stream: words are what str.split() gives. Returns their number; W >= bytes / 2 + D is room enough.

    Word w has hash_W[w] (uint64, equal for equal words) and chars_W[w] code points; document d owns words
    first_D1[d] up to first_D1[d + 1]. Per document, int64: plain_D words that hold a letter or digit, plain_chars_D
    their code points; alphabetic_D words with a letter (str.isalpha); stop_D distinct words of the table stop_S
    (uint64); sign_D number signs; ellipsis_D U+2026 and `...`, counted as str.count does.
    """
    w = 0
    seen_S = np.full(stop_S.size, -1, np.int32)
    for d in range(start_D1.size - 1):
        first_D1[d] = w
        plain, plain_chars, alphabetic, stops, signs, ellipses = 0, 0, 0, 0, 0, 0
        i, end = start_D1[d], start_D1[d + 1]
        while i < end:
            h, chars, dots, seen = FNV_OFFSET, 0, 0, 0
            while i < end:
                c, i = code_point(data_B, i)
                k = classes[c]
                if k & SPACE:
                    break
                h = fnv(h, c)
                chars += 1
                seen |= k
                dots = dots + 1 if c == 0x2E else 0
                if k & ALNUM:
                    continue
                if dots == 3:
                    ellipses += 1
                    dots = 0
                ellipses += c == 0x2026
                signs += c == 0x23
            if chars == 0:
                continue
            h = mix64(h)
            hash_W[w], chars_W[w] = h, chars
            w += 1
            plain += (seen & ALNUM) // ALNUM
            plain_chars += chars * ((seen & ALNUM) // ALNUM)
            alphabetic += seen & ALPHA
            slot = h % np.uint64(STOP_SLOTS)
            if stop_S[slot] == h and seen_S[slot] != d:
                seen_S[slot] = d
                stops += 1
        plain_D[d], plain_chars_D[d], alphabetic_D[d] = plain, plain_chars, alphabetic
        stop_D[d], sign_D[d], ellipsis_D[d] = stops, signs, ellipses
    first_D1[start_D1.size - 1] = w
    return w


END, INFIX, APOSTROPHE, FULL_STOP, HYPHEN = 1, 2, 4, 8, 16
"""What a mark does in the `punct` stream; see mark_table."""


def mark_table() -> np.ndarray:
    """uint8 by ASCII code: how count_punct splits at a mark.

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


@kernel
def count_punct(data_B, start_D1, classes, mark_K, words_D):
    """Size of the `punct` stream, int64: words between white space, with marks split off as spaCy's English rules do.

    A mark at either end of a word is a word (`(yes!)`: 4), a run of full stops is one, a last full stop too. Between
    letters a hyphen, slash, colon, comma, `=`, `<`, `>`, `~` or dash is a word and begins the next (`well-known`: 3),
    so does a full stop before a capital; an apostrophe begins the next (`it's`: 2). An address with `://` is one word.
    """
    for d in range(words_D.size):
        words, i, end = 0, start_D1[d], start_D1[d + 1]
        while i < end:
            ends, marks, stops, mark, before, chars, scheme = 0, 0, 0, 0, 0, 0, False
            while i < end:
                c, i = code_point(data_B, i)
                k = classes[c]
                if k & SPACE:
                    break
                chars += 1
                if not k & ALNUM:
                    mark = mark_of(c, k, mark_K)
                    marks += 1
                    ends += mark & END
                    stops += (mark & FULL_STOP) // FULL_STOP
                    continue
                if before == 0:
                    words += 1 + ends + (stops > 1)
                elif marks:
                    scheme |= marks == 3 and data_B[i - 4] == 0x3A and data_B[i - 3] == 0x2F and data_B[i - 2] == 0x2F
                    words += words_inside(marks, mark, stops, before, k, scheme)
                ends, marks, stops, before = 0, 0, 0, k
            if before:
                words += ends + (stops > 0)
            elif chars:
                words += max(1, ends + (stops > 1))
        words_D[d] = words


@kernel
def split_char(data_B, start_D1, classes, fold_C, first_D1, hash_W, chars_W):
    """The `char` stream: every letter of a script without spaces is a word; other letters and digits are in runs.

    Marks and white space separate and are left out; characters are compared as fold_C (int32) has them. Outputs as
    in split_space. W >= bytes / 2 + D is room enough. Returns the number of words.
    """
    w = 0
    for d in range(start_D1.size - 1):
        first_D1[d] = w
        h, chars = FNV_OFFSET, 0
        i, end = start_D1[d], start_D1[d + 1]
        while i < end:
            c, i = code_point(data_B, i)
            k = classes[c]
            if chars and (k & UNSPACED or not k & ALNUM):
                hash_W[w], chars_W[w] = mix64(h), chars
                w += 1
                h, chars = FNV_OFFSET, 0
            if k & UNSPACED:
                hash_W[w], chars_W[w] = mix64(fnv(FNV_OFFSET, fold_C[c])), 1
                w += 1
            elif k & ALNUM:
                h = fnv(h, fold_C[c])
                chars += 1
        if chars:
            hash_W[w], chars_W[w] = mix64(h), chars
            w += 1
    first_D1[start_D1.size - 1] = w
    return w
