"""Tags and their attributes, read from what the parser wrote: well-formed, values in double quotes, five references.

Names are known by their hash (names.py).
"""

import numpy as np

from gristmill.filters.kernels.jit import inline
from gristmill.pipelines.read.html.main_content.names import hash_of, open_table
from gristmill.pipelines.read.html.main_content.parts import (
    FLOWS_BIT,
    GUTTER_BIT,
    HIDDEN_BIT,
    LINES_BIT,
    RENDERED_BIT,
    SPACES_BIT,
)

CLASS_H, ID_H, ROLE_H, ITEMPROP_H, LABEL_H, STYLE_H, HIDDEN_H, ARIA_H, START_H, ALT_H, SRC_H, TYPE_H, ALTTEXT_H = (
    np.int64(hash_of(name))
    for name in "class id role itemprop aria-label style hidden aria-hidden start alt src type alttext".split()  # noqa: SIM905
)
ENCODING_H, VALUE_H = np.int64(hash_of("encoding")), np.int64(hash_of("value"))
NAMES_OF_FORMULAS = np.array([hash_of(name) for name in ("latex", "tex", "equation", "math", "formula")], np.int64)
IS_LATEX, IS_TEX, IS_EQUATION = 1, 2, 4
"""Bits of the first three."""

DISPLAY_H, NONE_H, WHITE_SPACE_H = (np.int64(hash_of(name)) for name in ("display", "none", "white-space"))
WHITE_SPACE_W2 = open_table(
    {hash_of("pre-line"): LINES_BIT}
    | {hash_of(value): LINES_BIT | SPACES_BIT for value in ("pre", "pre-wrap", "break-spaces")}
    | {hash_of(value): FLOWS_BIT for value in ("normal", "nowrap", "initial")},
    16,
)
I_H, TEMPLATE_H = hash_of("i"), hash_of("template")
SHADOW_ROOT_B = np.frombuffer(b"shadowrootmode", np.uint8)
NUMBER_H, LINENUMBER_H = (np.int64(hash_of(name)) for name in ("data-line-number", "data-linenumber"))
# np.int64: numba compiles a function once for every literal that it is called with.
ZERO, ONE, LESS, GREATER = (np.int64(value) for value in (0, 1, ord("<"), ord(">")))
# What the attributes of a tag say.
A_BITS, A_ALIKE, A_START, A_ALT, A_ALT_END, A_TEX = range(6)
M_NAME, M_START, M_END, M_BITS, M_ALIKE, M_TEX = range(6)
"""What is remembered of a value: the attribute, where it stands, and what it says."""
MEMO_ROWS, MEMO_COLUMNS = 256, 6

# Letters: B bytes of the page, W words of a table, R places of the memory, V their columns.


@inline
def look_up(key, table_W2):
    """Value of a hash in an open table; -1 if it is not there."""
    mask = table_W2.shape[0] - 1
    row = key & mask
    while table_W2[row, 0] != 0:
        if table_W2[row, 0] == key:
            return table_W2[row, 1]
        row = (row + 1) & mask
    return -1


@inline
def find_byte(data_B, i, byte):
    """The first place from i on that holds a byte, or the end."""
    n = data_B.size
    while i < n and data_B[i] != byte:
        i += 1
    return i


@inline
def skip_element(data_B, i, start, end, raw):
    """The byte after the end tag of the element whose name is data_B[start:end] and whose start tag ends before i."""
    n, size, depth = data_B.size, end - start, 1
    while i < n:
        if data_B[i] != 60:
            i += 1
            continue
        closing = i + 1 < n and data_B[i + 1] == 47
        if not raw and i + 3 < n and data_B[i + 1] == 33 and data_B[i + 2] == 45 and data_B[i + 3] == 45:
            i = skip_comment(data_B, i)
            continue
        at = i + 1 + int(closing)
        i = at
        if raw and not closing:
            continue
        k = 0
        while k < size and at + k < n and data_B[at + k] == data_B[start + k]:
            k += 1
        if k == size and at + k < n and (data_B[at + k] == 62 or data_B[at + k] <= 32):
            depth += -1 if closing else 1
            if depth == 0:
                return find_byte(data_B, at, GREATER) + 1
    return n


@inline
def skip_comment(data_B, i):
    """The byte after the comment, or other declaration, that begins at i."""
    n = data_B.size
    if i + 3 < n and data_B[i + 2] == 45 and data_B[i + 3] == 45:
        i += 4
        while i + 2 < n and not (data_B[i] == 45 and data_B[i + 1] == 45 and data_B[i + 2] == 62):
            i += 1
        return i + 3
    return find_byte(data_B, i, GREATER) + 1


@inline
def _hints(word, singular, plural, word_W2):
    """Hints of a word; of its singular, if it ends with an s and hints at nothing."""
    found = look_up(word, word_W2)
    if found < 0 and plural:
        found = look_up(singular, word_W2)
    return max(found, 0)


@inline
def _words(data_B, start, end, word_W2):
    """Hints of the words of an attribute's value: its tokens whole, their parts, and two parts in a row as one."""
    bits, tokens, letters, last = 0, False, 0, np.int64(0)
    whole, alone = np.int64(0), np.int64(61)
    part, before, pair, pair_before, pairs = np.int64(0), np.int64(0), np.int64(0), np.int64(0), False
    for i in range(start, end + 1):
        c = np.int64(data_B[i]) if i < end else np.int64(32)
        lower = c + 32 if 65 <= c <= 90 else c
        letter = 97 <= lower <= 122
        if letters and (not letter or (lower != c and 97 <= last <= 122)):
            plural = letters > 3 and (last | 32) == 115
            bits |= _hints(part, before, plural, word_W2)
            if pairs:
                bits |= _hints(pair, pair_before, plural, word_W2)
            pair, pairs, part, letters, before = part, True, np.int64(0), 0, np.int64(0)
        if c <= 32:
            if tokens and whole:
                bits |= max(look_up(whole, word_W2), 0) | max(look_up(alone, word_W2), 0)
            whole, alone, tokens, pair, pairs = np.int64(0), np.int64(61), False, np.int64(0), False
        else:
            whole, alone, tokens = (whole * 257 + lower) & 0x7FFFFFFF, (alone * 257 + lower) & 0x7FFFFFFF, True
        if letter:
            before, pair_before = part, pair
            part, pair = (part * 257 + lower) & 0x7FFFFFFF, (pair * 257 + lower) & 0x7FFFFFFF
            letters += 1
        last = c
    return bits


@inline
def _names(data_B, start, end):
    """Which of NAMES_OF_FORMULAS the runs of letters of a value are, in lower case; as bits in their order."""
    value, bits = np.int64(0), 0
    for i in range(start, end + 1):
        c = np.int64(data_B[i]) | 32 if i < end else np.int64(32)
        if 97 <= c <= 122:
            value = (value * 257 + c) & 0x7FFFFFFF
        elif value:
            for k in range(len(NAMES_OF_FORMULAS)):
                bits |= int(value == NAMES_OF_FORMULAS[k]) << k
            value = np.int64(0)
    return bits


@inline
def _style(data_B, start, end):
    """Bits for what a style says: that nothing is shown, and which white space counts."""
    name, word, shown, space, naming, over = np.int64(0), np.int64(0), np.int64(0), np.int64(0), True, False
    for i in range(start, end + 1):
        c = np.int64(data_B[i]) if i < end else np.int64(59)
        lower = c + 32 if 65 <= c <= 90 else c
        if c == 59:  # ";"
            if name == DISPLAY_H and word:
                shown = np.int64(HIDDEN_BIT if word == NONE_H else 0)
            elif name == WHITE_SPACE_H:
                found = look_up(word, WHITE_SPACE_W2)
                space = found if found > 0 else space
            name, word, naming, over = np.int64(0), np.int64(0), True, False
        elif c == 58 and naming:
            naming = False
        elif c <= 33:  # white space, or that of "!important"
            over = over or (not naming and word != 0)
        elif naming:
            name = (name * 257 + lower) & 0x7FFFFFFF
        elif not over:
            word = (word * 257 + lower) & 0x7FFFFFFF
    return shown | space


@inline
def _remembered(data_B, start, end, name, memo_V):
    """Whether a place of the memory holds the same value of an attribute of the same name."""
    if memo_V[M_NAME] != name or memo_V[M_END] - memo_V[M_START] != end - start:
        return False
    i, shift = start, memo_V[M_START] - start
    while i < end and data_B[i] == data_B[i + shift]:
        i += 1
    return i == end


@inline
def _read_words(data_B, start, end, name, word_W2, memo_RV, attribute_6):
    """What a class, id, role, itemprop or label says. Pages repeat them: the same one is read once."""
    row = name + end - start
    if end > start:
        row += 7 * data_B[start] + 31 * data_B[(start + end) >> 1] + 3 * data_B[end - 1]
    memo_V = memo_RV[row & (MEMO_ROWS - 1)]
    if not _remembered(data_B, start, end, name, memo_V):
        memo_V[M_NAME], memo_V[M_START], memo_V[M_END] = name, start, end
        memo_V[M_BITS], memo_V[M_ALIKE], memo_V[M_TEX] = _words(data_B, start, end, word_W2), 0, 0
        if name == CLASS_H:
            alike = np.int64(0)
            for j in range(start, min(end, start + 64)):
                if data_B[j] > 57 or data_B[j] < 48:
                    alike = (alike * 257 + data_B[j]) & 0x7FFFFFFF
            memo_V[M_ALIKE], memo_V[M_TEX] = alike, _names(data_B, start, end) != 0
        else:
            memo_V[M_BITS] &= ~RENDERED_BIT
    attribute_6[A_BITS] |= memo_V[M_BITS]
    if name == CLASS_H:
        attribute_6[A_ALIKE] = memo_V[M_ALIKE]
        attribute_6[A_TEX] |= memo_V[M_TEX]


@inline
def read_attributes(data_B, i, end, word_W2, memo_RV, attribute_6):
    """Reads the attributes of a tag from i to its ">" at `end`."""
    attribute_6[A_BITS] = attribute_6[A_ALIKE] = attribute_6[A_ALT] = attribute_6[A_ALT_END] = attribute_6[A_TEX] = 0
    attribute_6[A_START] = -1
    while i < end:
        if data_B[i] <= 32 or data_B[i] == 47:
            i += 1
            continue
        name = np.int64(data_B[i])  # which may be "=" (HTML standard, 13.2.5.32)
        i += 1
        while i < end and data_B[i] != 61 and data_B[i] > 32:
            name = (name * 257 + data_B[i]) & 0x7FFFFFFF
            i += 1
        if i + 1 >= end or data_B[i] != 61 or data_B[i + 1] != 34:
            if name == HIDDEN_H:
                attribute_6[A_BITS] |= HIDDEN_BIT
            continue
        start = i + 2
        i = start
        while i < end and data_B[i] != 34:
            i += 1
        if name in (CLASS_H, ID_H, ROLE_H, ITEMPROP_H, LABEL_H):
            _read_words(data_B, start, i, name, word_W2, memo_RV, attribute_6)
        elif name == STYLE_H:
            attribute_6[A_BITS] |= _style(data_B, start, i)
        elif name == HIDDEN_H:
            attribute_6[A_BITS] |= HIDDEN_BIT
        elif name == ARIA_H:
            if i - start == 4:
                attribute_6[A_BITS] |= HIDDEN_BIT
        elif name in (NUMBER_H, LINENUMBER_H):
            attribute_6[A_BITS] |= GUTTER_BIT
        elif name in (START_H, VALUE_H):
            value, j = 0, start
            while j < i and j < start + 6 and 48 <= data_B[j] <= 57:
                value = value * 10 + data_B[j] - 48
                j += 1
            if j > start and j == i:
                attribute_6[A_START] = value
        elif name in (ALT_H, ALTTEXT_H):
            attribute_6[A_ALT], attribute_6[A_ALT_END] = start, i
        elif name == SRC_H:
            found = _names(data_B, start, i)
            if found & IS_LATEX or (found & IS_EQUATION and found & IS_TEX):
                attribute_6[A_TEX] = 1
        elif (name in (TYPE_H, ENCODING_H)) and _names(data_B, start, i) & (IS_TEX | IS_LATEX):
            attribute_6[A_TEX] = 1
        i += 1


@inline
def reference(data_B, i):
    """(character, bytes) of what stands at an "&": the parser leaves five references; any other is the sign itself."""
    n = data_B.size
    if i + 3 < n and data_B[i + 2] == 116 and data_B[i + 3] == 59:
        if data_B[i + 1] == 108:
            return 60, 4
        if data_B[i + 1] == 103:
            return 62, 4
    if i + 4 < n and data_B[i + 1] == 97 and data_B[i + 2] == 109 and data_B[i + 3] == 112 and data_B[i + 4] == 59:
        return 38, 5
    if i + 5 < n and data_B[i + 5] == 59:
        if data_B[i + 1] == 110 and data_B[i + 2] == 98 and data_B[i + 3] == 115 and data_B[i + 4] == 112:
            return 160, 6
        if data_B[i + 1] == 113 and data_B[i + 2] == 117 and data_B[i + 3] == 111 and data_B[i + 4] == 116:
            return 34, 6
    return 38, 1


@inline
def is_sign(data_B, i, link):
    """Whether an element holds nothing but a glyph of an icon font (U+E000 to U+F8FF) or, as a link, a pilcrow."""
    if i + 4 >= data_B.size:
        return False
    a, b = data_B[i], data_B[i + 1]
    if link and a == 0xC2 and b == 0xB6:
        return data_B[i + 2] == 60 and data_B[i + 3] == 47
    private = a == 0xEE or (a == 0xEF and b <= 0xA3)
    return private and data_B[i + 3] == 60 and data_B[i + 4] == 47


@inline
def is_shadow_root(data_B, i, end):
    """Whether a <template>, whose attributes are data_B[i:end], is a shadow root (HTML standard, 4.12.3)."""
    while i + SHADOW_ROOT_B.size <= end:
        k = 0
        while k < SHADOW_ROOT_B.size and data_B[i + k] == SHADOW_ROOT_B[k]:
            k += 1
        if k == SHADOW_ROOT_B.size:
            return True
        i += 1
    return False


@inline
def annotation(data_B, i, end, word_W2, memo_RV, attribute_6):
    """(first byte, byte after the last) of the TeX of a formula's markup; (0, 0) if it has none."""
    while i + 11 < end:
        if (
            data_B[i] == 60
            and data_B[i + 1] == 97
            and data_B[i + 2] == 110
            and data_B[i + 10] == 110
            and (data_B[i + 11] <= 32 or data_B[i + 11] == 62)
        ):  # "<an........n"
            close = find_byte(data_B, i, GREATER)
            read_attributes(data_B, i + 11, close, word_W2, memo_RV, attribute_6)
            if attribute_6[A_TEX]:
                return close + 1, find_byte(data_B, close + 1, LESS)
            i = close
        i += 1
    return 0, 0


@inline
def tex_follows(data_B, i):
    """Whether a script with a formula stands right behind."""
    stop = min(i + 400, data_B.size - 8)
    while i < stop:
        if (
            data_B[i] == 109
            and data_B[i + 1] == 97
            and data_B[i + 2] == 116
            and data_B[i + 3] == 104
            and data_B[i + 4] == 47
            and data_B[i + 5] == 116
            and data_B[i + 6] == 101
            and data_B[i + 7] == 120
        ):
            return True
        i += 1
    return False
