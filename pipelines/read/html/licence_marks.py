"""What of a page may say its licence, found in one compiled pass over the markup: links, declarations and texts that
hold a cue, with the elements around them. Only these are then looked at closely (licence.py)."""

from typing import NamedTuple

import numpy as np

from gristmill.filters.kernels.jit import inline, kernel
from gristmill.pipelines.read.html.licence_cues import follows
from gristmill.pipelines.read.html.xml import VOID

TEXT, LINK, META, DATA = range(4)
"""Kinds of marks: a run of text, a link, a <meta>, JSON-LD."""
KIND, NAME, INSIDE, END, BEHIND, NODE, PIECE = range(7)
"""Columns of a mark: its kind; where the name of its tag begins, its attributes begin and its ">" stands (a text's own
bytes are INSIDE to END); where what a script holds ends; the element around it, -1 for none; runs of text before it."""
PARENT = 4
"""Of an element, whose first columns are the same: the one around it."""
RAW = ("script", "style", "textarea", "title", "noscript", "template")
"""Elements whose content is no text of the page."""
LINKS = ("a", "area", "link")
IS_VOID, IS_RAW, IS_LINK, IS_META, IS_SCRIPT = 1, 2, 4, 8, 16

# Letters: B bytes of the page, W known names, E elements, C columns, P runs of text, M marks, S slots of a table.


class Marks(NamedTuple):
    """`piece_P3`: first byte, byte after the last, and element of every run of text."""

    element_EC: np.ndarray
    piece_P3: np.ndarray
    mark_MC: np.ndarray


def _hash(name: str) -> int:
    value = 0
    for byte in name.encode():
        value = (value * 257 + byte) & 0x7FFFFFFF
    return value


def _known() -> np.ndarray:
    flags = dict.fromkeys(VOID, IS_VOID)
    for bit, names in ((IS_RAW, RAW), (IS_LINK, LINKS), (IS_META, ("meta",)), (IS_SCRIPT, ("script",))):
        for name in names:
            flags[name] = flags.get(name, 0) | bit
    return np.array([(_hash(name), bits) for name, bits in flags.items()], np.int64)


KNOWN_W2 = _known()


def find_marks(page: bytes) -> Marks:
    """The marks of a page in UTF-8. Linear: names that are open are counted by a table."""
    data_B, tags = np.frombuffer(page, np.uint8), page.count(b"<") + 1
    element_EC, piece_P3 = np.empty((tags, PARENT + 1), np.int32), np.empty((tags + 1, 3), np.int32)
    mark_MC = np.empty((2 * tags + 1, PIECE + 1), np.int32)
    elements, pieces, marks = _find_marks(data_B, KNOWN_W2, element_EC, piece_P3, mark_MC)
    return Marks(element_EC[:elements], piece_P3[:pieces], mark_MC[:marks])


@inline
def _row(name, name_S):
    """Where a name stands, or belongs, in a table of open addressing."""
    row = name & (name_S.size - 1)
    while name_S[row] != 0 and name_S[row] != name:
        row = (row + 1) & (name_S.size - 1)
    return row


@inline
def _has_words(data_B, i, end):
    """Whether a text may name a licence: it holds CC, `cc `, Creative, 署名 or 姓名, or a letter as a number."""
    while i + 1 < end:
        c, d = data_B[i], data_B[i + 1]
        if (c == 67 and d == 67) or (c == 38 and d == 35):
            return True
        if c == 99 and d == 99 and i + 2 < end and (data_B[i + 2] == 32 or data_B[i + 2] == 45):
            return True
        if d == 114 and (c | 32) == 99 and follows(data_B, i + 2, b"eative"):
            return True
        if (c == 0xE7 and d == 0xBD and data_B[i + 2] == 0xB2) or (c == 0xE5 and d == 0xA7 and data_B[i + 2] == 0x93):
            return True
        i += 1
    return False


@inline
def _has_cue(data_B, i, end, kind):
    """Whether attributes hold a word of licences' addresses, of the names of declarations, or of JSON-LD's type."""
    while i + 4 < end:
        c = data_B[i] | 32
        if kind == DATA:
            if c == 108 and follows(data_B, i, b"ld+json"):
                return True
        elif c == 108 and follows(data_B, i, b"licen"):
            return True
        elif kind == LINK:
            if (c == 99 and follows(data_B, i, b"copyl")) or (c == 112 and follows(data_B, i, b"publicd")):
                return True
        elif (c == 114 and follows(data_B, i, b"right")) or (data_B[i] == 38 and data_B[i + 1] == 35):
            return True
        i += 1
    return False


@kernel
def _find_marks(data_B, known_W2, element_EC, piece_P3, mark_MC):
    n, i, at, node = data_B.size, 0, 0, -1
    elements, pieces, marks, size = 0, 0, 0, 64
    while size < 2 * (element_EC.shape[0] + known_W2.shape[0]):
        size *= 2
    name_S, open_S, flag_S = np.zeros(size, np.int64), np.zeros(size, np.int32), np.zeros(size, np.int32)
    name_E = np.empty(element_EC.shape[0], np.int32)  # row of every element's name
    for w in range(known_W2.shape[0]):
        row = _row(known_W2[w, 0], name_S)
        name_S[row], flag_S[row] = known_W2[w, 0], known_W2[w, 1]
    while at < n:
        start, begin, end, close, closing = n, n, n, n, False
        while i < n:
            if data_B[i] != 60:
                i += 1
                continue
            begin = i + 1
            if follows(data_B, begin, b"!--"):
                start = i
                break
            closing = begin < n and data_B[begin] == 47
            begin += closing
            end = close = _name_end(data_B, begin)
            while close < n and data_B[close] != 62 and data_B[close] != 60:
                close += 1
            if end > begin and close < n and data_B[close] == 62:
                start = i
                break
            i = begin
        if start > at:
            piece_P3[pieces, 0], piece_P3[pieces, 1], piece_P3[pieces, 2] = at, start, node
            if _has_words(data_B, at, start):
                mark = mark_MC[marks]
                mark[KIND], mark[INSIDE], mark[END], mark[NODE], mark[PIECE] = TEXT, at, start, node, pieces
                marks += 1
            pieces += 1
        if start == n:
            break
        if data_B[begin] == 33:  # a comment
            i = begin + 3
            while i < n and not (data_B[i] == 62 and data_B[i - 1] == 45 and data_B[i - 2] == 45 and i >= begin + 5):
                i += 1
            i = at = i + 1
            continue
        i = at = close + 1
        name = np.int64(0)
        for k in range(begin, end):
            c = np.int64(data_B[k])
            name = (name * 257 + (c | 32 if 65 <= c <= 90 else c)) & 0x7FFFFFFF
        row = _row(name, name_S)
        name_S[row] = name
        flags = flag_S[row]
        if closing:
            if open_S[row]:
                closed = np.int32(-1)
                while closed != row:
                    closed = name_E[node]
                    open_S[closed] -= 1
                    node = element_EC[node, PARENT]
            continue
        kind = LINK if flags & IS_LINK else META if flags & IS_META else DATA if flags & IS_SCRIPT else -1
        marked = kind >= 0 and _has_cue(data_B, end, close, kind)
        if flags & IS_RAW:
            while i < n and not (data_B[i] == 60 and _closes(data_B, i, begin, end)):
                i += 1
            at = i
        if marked:
            mark = mark_MC[marks]
            mark[KIND], mark[NAME], mark[INSIDE], mark[END], mark[BEHIND] = kind, begin, end, close, at
            mark[NODE], mark[PIECE] = node, pieces
            marks += 1
        if not flags & (IS_RAW | IS_VOID) and data_B[close - 1] != 47:
            element = element_EC[elements]
            element[NAME], element[INSIDE], element[END], element[PARENT] = begin, end, close, node
            name_E[elements] = row
            open_S[row] += 1
            node = elements
            elements += 1
    return elements, pieces, marks


@inline
def _closes(data_B, i, begin, end):
    """Whether the end tag of an element, by its name, in capitals or not, stands at byte i."""
    if i + 2 + end - begin > data_B.size or data_B[i + 1] != 47:
        return False
    k = 0
    while begin + k < end and data_B[i + 2 + k] | 32 == data_B[begin + k] | 32:
        k += 1
    return begin + k == end


@inline
def _name_end(data_B, i):
    """The byte behind the letters, digits and hyphens of the name that begins at byte i; i where none does."""
    end = i
    while end < data_B.size:
        c = data_B[end]
        if not (97 <= (c | 32) <= 122 or (end > i and (c == 45 or 48 <= c <= 57))):
            break
        end += 1
    return end
