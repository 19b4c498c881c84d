"""Word streams: where the words are, said once as hashes and lengths, and what is counted on the way.

`space`: what str.split() gives. `char`: each Han (Kana, Thai, ...) letter alone, other letters in runs. `punct`, with
marks split off, is in punct.py.
"""

# Letters: B bytes of the batch, D documents, D1 = D + 1 offsets, W words of the batch, S slots of the stop-word table.
import numpy as np

from gristmill.filters.kernels.jit import kernel
from gristmill.filters.kernels.text.eight import (
    EIGHT,
    HIGH,
    below_lowest,
    digits_of,
    eight_bytes,
    letters_of,
    marked_bytes,
)
from gristmill.filters.kernels.text.hashes import (
    FNV_OFFSET,
    NOTHING,
    fed,
    finished,
    fnv,
    pushed,
    step,
    word_hash,
)
from gristmill.filters.kernels.text.unicode import ALNUM, ALPHA, PUNCT, SPACE, UNSPACED, code_point, mix64

BLANK, NEWLINE = 0x20, 0x0A

STOP_SLOTS = 1024
"""Of the table in which split_space looks stop words up: slot = hash % STOP_SLOTS, one word a slot."""


@kernel
def split_space(
    data_B, start_D1, classes, stop_S,
    first_D1, hash_W, chars_W, plain_D, plain_chars_D, alphabetic_D, stop_D, sign_D, ellipsis_D, symbol_D,
):  # fmt: skip
    """The `space` stream: words are what str.split() gives. Returns their number; W >= bytes / 2 + D is room enough.

    Word w has hash_W[w] (uint64, equal for equal words) and chars_W[w] code points; document d owns words
    first_D1[d] up to first_D1[d + 1]. Per document, int64: plain_D words that hold a letter or digit, plain_chars_D
    their code points; alphabetic_D words with a letter (str.isalpha); stop_D distinct words of the table stop_S
    (uint64); sign_D number signs; ellipsis_D U+2026 and `...`, counted as str.count does; symbol_D words that hold a
    number sign or U+2026.
    """
    w = 0
    seen_S = np.full(stop_S.size, -1, np.int32)
    for d in range(start_D1.size - 1):
        first_D1[d] = w
        plain, plain_chars, alphabetic, stops, signs, ellipses, symbols = 0, 0, 0, 0, 0, 0, 0
        i, end = start_D1[d], start_D1[d + 1]
        while i < end:
            h, rest, held, chars, dots, seen, symbol = FNV_OFFSET, NOTHING, NOTHING, 0, 0, 0, 0
            u, stop = np.uint64(i), np.uint64(end)
            while u + EIGHT <= stop:  # letters and digits of ASCII
                x = eight_bytes(data_B, u)
                letters = letters_of(x)
                known = letters | digits_of(x)
                within = HIGH if known == HIGH else below_lowest(~known & HIGH) & HIGH
                seen |= (within != 0) * ALNUM | (letters & within != 0) * ALPHA
                if known == HIGH:
                    h = step(h, x)
                    u += EIGHT
                    chars += 8
                    continue
                length = marked_bytes(within)
                held, rest = np.uint64(length), x & below_lowest(~known & HIGH)
                u += held
                chars += length
                break
            i = np.int64(u)
            if chars and i < end and (data_B[i] == BLANK or data_B[i] == NEWLINE):  # most words
                i += 1
                after = i
            else:
                after = end
            while i < after:
                c, i = code_point(data_B, i)
                k = classes[c]
                if k & SPACE:
                    break
                h, rest, held = fed(h, rest, held, c)
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
                symbol |= c == 0x2026 or c == 0x23
            if chars == 0:
                continue
            h = word_hash(h, rest, held)
            hash_W[w], chars_W[w] = h, chars
            w += 1
            plain += (seen & ALNUM) // ALNUM
            plain_chars += chars * ((seen & ALNUM) // ALNUM)
            alphabetic += seen & ALPHA
            symbols += symbol
            slot = h % np.uint64(STOP_SLOTS)
            if stop_S[slot] == h and seen_S[slot] != d:
                seen_S[slot] = d
                stops += 1
        plain_D[d], plain_chars_D[d], alphabetic_D[d] = plain, plain_chars, alphabetic
        stop_D[d], sign_D[d], ellipsis_D[d], symbol_D[d] = stops, signs, ellipses, symbols
    first_D1[start_D1.size - 1] = w
    return w


@kernel
def count_listed(hash_W, first_D1, slot_S, distinct_D, all_D):
    """Words per document, int64, whose hash is in the table: distinct ones, and all their occurrences.

    slot_S: open addressing, 0 where empty; see counters.word_table.
    """
    mask = np.uint64(slot_S.size - 1)
    seen_S = np.full(slot_S.size, -1, np.int32)
    for d in range(first_D1.size - 1):
        distinct, occurrences = 0, 0
        for w in range(first_D1[d], first_D1[d + 1]):
            slot = hash_W[w] & mask
            while slot_S[slot] != 0 and slot_S[slot] != hash_W[w]:
                slot = (slot + np.uint64(1)) & mask
            if slot_S[slot] != 0:
                occurrences += 1
                if seen_S[slot] != d:
                    seen_S[slot] = d
                    distinct += 1
        distinct_D[d], all_D[d] = distinct, occurrences


@kernel
def median_lengths(chars_W, first_D1, median_D):
    """Median of the words' lengths per document, float64: of an even number the mean of the middle two; of none 0."""
    count_N = np.zeros(1 + max(1, chars_W.max() if chars_W.size else 1), np.int64)
    for d in range(first_D1.size - 1):
        begin, end = first_D1[d], first_D1[d + 1]
        longest = 0
        for w in range(begin, end):
            count_N[chars_W[w]] += 1
            longest = max(longest, chars_W[w])
        low, high, below, n = -1, -1, 0, 0
        while high < 0 and n <= longest:
            below += count_N[n]
            if low < 0 and 2 * below >= end - begin:
                low = n
            if 2 * below > end - begin:
                high = n
            n += 1
        median_D[d] = (low + high) / 2 if begin < end else 0.0
        for w in range(begin, end):
            count_N[chars_W[w]] = 0


@kernel
def split_plain(data_B, start_D1, classes, fold_C, first_D1, hash_W, chars_W):
    """The `plain` stream: words between white space without ASCII punctuation, in small letters (fold_C, int32).

    Outputs as in split_space. W >= bytes / 2 + D is room enough. Returns the number of words.
    """
    w = 0
    for d in range(start_D1.size - 1):
        first_D1[d] = w
        i, end = start_D1[d], start_D1[d + 1]
        while i < end:
            h, rest, held, chars = FNV_OFFSET, NOTHING, NOTHING, 0
            u, stop = np.uint64(i), np.uint64(end)
            while u + EIGHT <= stop:  # letters and digits of ASCII; then marks that go, if there are any
                x = eight_bytes(data_B, u)
                letters = letters_of(x)
                known = letters | digits_of(x)
                small = x | letters >> np.uint64(2)
                if known == HIGH:
                    h = step(h, small)
                    u += EIGHT
                    chars += 8
                    continue
                within = below_lowest(~known & HIGH)
                length = marked_bytes(within & HIGH)
                held, rest = np.uint64(length), small & within
                u += held
                chars += length
                break
            i, space, wide = np.int64(u), False, False
            while i < end and not space:
                c, i = code_point(data_B, i)
                k = classes[c]
                space = k & SPACE != 0
                if space or (c < 128 and k & PUNCT):
                    continue
                if c >= 128 and not wide:  # from here on code point by code point
                    h, wide = finished(h, rest, held), True
                if wide:
                    h = fnv(h, fold_C[c])
                else:
                    h, rest, held = pushed(h, rest, held, np.uint64(fold_C[c]))
                chars += 1
            if chars:
                hash_W[w], chars_W[w] = mix64(h if wide else finished(h, rest, held)), chars
                w += 1
    first_D1[start_D1.size - 1] = w
    return w


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
