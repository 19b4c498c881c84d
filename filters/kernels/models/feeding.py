"""A text as a classifier reads it: folded words and single characters, one space between them, on one line."""

# Letters: B bytes of the batch, D documents, D1 = D + 1 offsets, C code points of Unicode.
from gristmill.filters.kernels.jit import inline, kernel
from gristmill.filters.kernels.text.unicode import ALNUM, NFC_MAYBE, PUNCT, UNSPACED, code_point

ZERO = 0x30


@inline
def put(out_B, o, c):
    """Write the code point c as UTF-8 at byte o; returns where the next begins (RFC 3629)."""
    if c < 0x80:
        out_B[o] = c
        return o + 1
    if c < 0x800:
        out_B[o], out_B[o + 1] = 0xC0 | c >> 6, 0x80 | c & 0x3F
        return o + 2
    if c < 0x10000:
        out_B[o], out_B[o + 1], out_B[o + 2] = 0xE0 | c >> 12, 0x80 | c >> 6 & 0x3F, 0x80 | c & 0x3F
        return o + 3
    out_B[o], out_B[o + 1] = 0xF0 | c >> 18, 0x80 | c >> 12 & 0x3F
    out_B[o + 2], out_B[o + 3] = 0x80 | c >> 6 & 0x3F, 0x80 | c & 0x3F
    return o + 4


@kernel
def feed_words(data_B, start_D1, classes, fold_C, out_B, out_D1, apart_D):
    """Words in runs of letters and digits, a letter of a script without spaces alone, a mark alone; runs of one mark
    are one.

    fold_C (int32): what stands for a code point. White space and what is neither word nor mark only separates. Twice
    the bytes are room enough in out_B; document d has out_D1[d] up to out_D1[d + 1]. apart_D (bool): whether a text may
    not be in canonical composition.
    """
    o = 0
    for d in range(start_D1.size - 1):
        out_D1[d] = o
        i, end = start_D1[d], start_D1[d + 1]
        inside, mark, seen = False, -1, 0
        while i < end:
            c, i = code_point(data_B, i)
            k = classes[c]
            seen |= k
            if not k & (ALNUM | PUNCT):
                inside, mark = False, -1
                continue
            folded = fold_C[c]
            alone = k & UNSPACED or not k & ALNUM
            if alone and folded == mark:
                continue
            if o > out_D1[d] and (alone or not inside):
                out_B[o] = 0x20
                o += 1
            o = put(out_B, o, folded)
            inside = not alone
            mark = folded if not k & ALNUM else -1
        apart_D[d] = seen & NFC_MAYBE != 0
    out_D1[start_D1.size - 1] = o
