"""How deep a page nests and what extracting it will cost, from one linear scan of its bytes, before it is parsed.
Also whether it has lists so near <body> that resiliparse takes them for menus (rescue.py).

resiliparse is quadratic, or worse, in what hostile and generated pages do: measured on 2.0.1, 16,000 nested <div>
take 5 s, 100,000 elements below 256 <div> 6 s, 8,000 <p> after 500 unclosed <font> 8 s and 1.5 GB, 200,000 attributes
of one tag minutes. The scan follows the HTML standard's tree construction as far as depth depends on it: implied end
tags, scopes, raw text, tables, and formatting elements that stay active until their end tag. It builds nothing.
"""

from typing import NamedTuple

import numpy as np

from gristmill.filters.kernels.jit import inline, kernel

MAX_WORK = 50_000_000
"""In units of about 0.2 us of extraction on one core, so 10 s. The 4,680 pages of the corpus need at most 0.3
million."""

(VOID, RAW, PLAIN, IGNORED, ONCE, FORMATTING, CLOSES_P, SPECIAL, SCOPE, P_SCOPE, LI_STOP, MARKER) = (
    1 << bit for bit in range(12)
)
CELL_HOME, ROW_HOME, SECTION_HOME, INDENTS, FOREIGN, CHOICES, EVERY = (1 << bit for bit in range(12, 19))

BLOCKS = (
    "address article aside blockquote center details dialog dir div dl dt fieldset figcaption figure footer form h1"
    " header hgroup li listing main menu nav ol p pre search section summary ul"
)
SCOPES = "applet caption marquee object table td template"
CLASSES = {  # HTML standard, 13.1.2 (void, raw text), 13.2.4.2 (special, scopes), 13.2.4.3 (formatting, markers)
    VOID: "area base basefont bgsound br col embed frame hr image img input keygen link meta param source track wbr",
    RAW: "iframe noembed noframes script style textarea title xmp",
    PLAIN: "plaintext",
    IGNORED: "body frameset head html",
    ONCE: "form",
    FORMATTING: "a b big code em font i nobr s small strike strong tt u",
    CLOSES_P: f"{BLOCKS} hr plaintext xmp",
    SPECIAL: f"{BLOCKS} {SCOPES} button colgroup noscript select tbody tr",
    SCOPE: SCOPES,
    P_SCOPE: f"{SCOPES} button",
    LI_STOP: " ".join(name for name in BLOCKS.split() if name not in ("address", "div", "p"))
    + f" {SCOPES} button select tbody tr",
    MARKER: SCOPES.replace("table ", ""),
    CELL_HOME: "table tbody template tr",
    ROW_HOME: "table tbody template",
    SECTION_HOME: "table template",
    INDENTS: "ol ul",
    FOREIGN: "math svg",
    CHOICES: "select",
}
SAME = {
    "h2": "h1",
    "h3": "h1",
    "h4": "h1",
    "h5": "h1",
    "h6": "h1",
    "dd": "dt",
    "th": "td",
    "thead": "tbody",
    "tfoot": "tbody",
}
"""Elements that tree construction treats alike, as far as depth goes."""

CLOSES = {  # start tag: (open element that it ends, or class that it belongs into; what hides that element)
    "li": ("li", LI_STOP),
    "dt": ("dt", LI_STOP),
    "h1": ("h1", EVERY),
    "a": ("a", MARKER),
    "nobr": ("nobr", MARKER),
    "button": ("button", SCOPE),
    "select": ("select", SCOPE),
    "option": ("option", EVERY),
    "optgroup": ("option", EVERY),
    "table": ("table", EVERY),
    "td": (CELL_HOME, 0),
    "tr": (ROW_HOME, 0),
    "tbody": (SECTION_HOME, 0),
    "caption": (SECTION_HOME, 0),
    "colgroup": (SECTION_HOME, 0),
}
ENDS_BEHIND = {"p": P_SCOPE} | dict.fromkeys(("caption", "table", "tbody", "td", "tr"), SECTION_HOME)
"""What hides an open element from its end tag, where that is not SCOPE (special elements), MARKER (formatting) or
SPECIAL."""

NAME, CLASS, CLOSED, HOME, HIDDEN, ENDED = range(6)  # columns of TABLE_N6
SIZE, FORMATS, DEPTH_OF_LISTS, DEPTH_OF_FOREIGN, OPTIONS, SHALLOW_LISTS = range(6)  # places in state_6
SHALLOW = 3
"""Elements between <body> and a list that is a menu."""


# Unsigned, because a signed product may not overflow: LLVM then drops the mask, and names of ten letters went unknown.
HASH_FACTOR, HASH_BITS = np.uint64(257), np.uint64(2**63 - 1)


def _hash(name: str) -> int:
    """What the scan makes of a name; of 63 bits, so that it is one int64."""
    value = 0
    for byte in name.encode():
        value = (value * 257 + byte) & (2**63 - 1)
    return value


def _table() -> tuple[np.ndarray, np.ndarray]:
    """Open addressing by the low byte of the hash: (hash or 0, NAME ... ENDED) of every element that has rules."""
    bits: dict[str, int] = {}
    for bit, names in CLASSES.items():
        for name in names.split():
            bits[name] = bits.get(name, 0) | bit
    for name in CLOSES:
        bits.setdefault(name, 0)
    bits |= {name: bits[same] for name, same in SAME.items()}
    keys_N, table_N6 = np.zeros(256, np.int64), np.zeros((256, 6), np.int64)
    for name, value in bits.items():
        place = _hash(name) & 255
        while keys_N[place]:
            place = (place + 1) & 255
        same = SAME.get(name, name)
        closed, hidden = CLOSES.get(same, ("", 0))
        home = closed if isinstance(closed, int) else 0
        ended = MARKER if value & FORMATTING else SCOPE if value & SPECIAL else SPECIAL
        keys_N[place] = _hash(name)
        table_N6[place] = (
            _hash(same), value | EVERY, 0 if home else _hash(str(closed)), home, hidden, ENDS_BEHIND.get(same, ended)
        )  # fmt: skip
    return keys_N, table_N6


KEYS_N, TABLE_N6 = _table()
P, OPTION = np.int64(_hash("p")), np.int64(_hash("option"))
NONE, BUTTONS_TOO, SPECIALS = (
    np.int64(0),
    np.int64(P_SCOPE),
    np.int64(SPECIAL),
)  # int64: numba compiles once per literal

# Letters: B bytes of the page, N table of names, S stack: open elements, and formatting elements until their end tag.


class Shape(NamedTuple):
    """How deep elements nest, units of MAX_WORK that extraction will take, and whether there may be a list with less
    than SHALLOW elements between it and <body>."""

    depth: int
    work: int
    shallow_lists: bool


def measure(page: bytes, max_depth: int) -> Shape:
    """The shape of a page in UTF-8.

    Stops where depth passes `max_depth` or work passes MAX_WORK: the numbers are then just beyond. About 250 MB/s.
    """
    names_S, bits_S, tags_S = (np.zeros(max_depth + 2, np.int64) for _ in range(3))
    data_B, state_6 = np.frombuffer(page, np.uint8), np.zeros(6, np.int64)
    depth, work = _walk(data_B, KEYS_N, TABLE_N6, max_depth, names_S, bits_S, tags_S, state_6)
    return Shape(depth, work, bool(state_6[SHALLOW_LISTS]))


@inline
def _skip(data_B, i, start, end):
    """Past a comment or <!...> that goes on at i; or, where data_B[start:end] is a name, to its "</name"."""
    n = data_B.size
    comment = start == end and i + 2 < n and data_B[i] == 33 and data_B[i + 1] == 45 and data_B[i + 2] == 45
    i += 3 * comment
    while i < n:
        if start == end:
            if data_B[i] == 62 and (not comment or (data_B[i - 1] == 45 and data_B[i - 2] == 45)):
                return i + 1
        elif data_B[i] == 60 and i + 2 + end - start <= n and data_B[i + 1] == 47:
            k = 0
            while k < end - start and (data_B[i + 2 + k] | 32) == (data_B[start + k] | 32):
                k += 1
            if k == end - start:
                return i
        i += 1
    return n


@kernel
def _attributes(data_B, i):
    """(byte after ">", number of attributes, 1 for "/>") of a tag whose name ends at i; quotes hide ">"."""
    count, slash, n = 0, 0, data_B.size
    while i < n and data_B[i] != 62:
        if data_B[i] <= 32 or data_B[i] == 47:
            slash = int(data_B[i] == 47)
            i += 1
            continue
        count, slash = count + 1, 0
        i += 1  # a name may begin with "="
        while i < n and data_B[i] > 32 and data_B[i] != 47 and data_B[i] != 61 and data_B[i] != 62:
            i += 1
        while i < n and data_B[i] <= 32:
            i += 1
        if i < n and data_B[i] == 61:
            i += 1
            while i < n and data_B[i] <= 32:
                i += 1
            quote = data_B[i] if i < n and (data_B[i] == 34 or data_B[i] == 39) else 0
            i += quote != 0
            while i < n and (data_B[i] != quote if quote else data_B[i] > 32 and data_B[i] != 62):
                i += 1
            i += quote != 0
    return min(i + 1, n), count, slash


@inline
def _alike(data_B, first, start, end):
    """How many bytes of the rest of a tag, data_B[start:end], stand at `first`, too."""
    k = start
    while k < end and data_B[first + k - start] == data_B[k]:
        k += 1
    return k - start


@kernel
def _find(name, home, hidden, names_S, bits_S, size):
    """Place of the innermost element of this name or class; -1 where one of a class in `hidden` lies before it."""
    for j in range(size - 1, -1, -1):
        if names_S[j] == name or bits_S[j] & home:
            return j
        if bits_S[j] & hidden:
            return -1
    return -1


@inline
def _pop(to, names_S, bits_S, tags_S, state_6):
    """Closes the elements from place `to` on. Formatting elements stay, unless a cell or the like around them
    closes."""
    keep, marked = to, 0
    for j in range(to, state_6[SIZE]):
        bits = bits_S[j]
        marked |= bits & MARKER
        if bits & FORMATTING and not marked:
            names_S[keep], bits_S[keep], tags_S[keep] = names_S[j], bits, tags_S[j]
            keep += 1
        elif bits & FORMATTING:
            state_6[FORMATS] -= 1
        elif bits & INDENTS:
            state_6[DEPTH_OF_LISTS] -= 1
        elif bits & FOREIGN:
            state_6[DEPTH_OF_FOREIGN] -= 1
        elif bits & CHOICES:
            state_6[OPTIONS] = 0
    state_6[SIZE] = keep


@inline
def _remove(place, names_S, bits_S, tags_S, state_6):
    """Takes one element out from among the others, as end tags of formatting elements and forms do."""
    state_6[FORMATS] -= int(bits_S[place] & FORMATTING != 0)
    for j in range(place, state_6[SIZE] - 1):
        names_S[j], bits_S[j], tags_S[j] = names_S[j + 1], bits_S[j + 1], tags_S[j + 1]
    state_6[SIZE] -= 1


@kernel
def _walk(data_B, keys_N, table_N6, max_depth, names_S, bits_S, tags_S, state_6):
    i, n, deepest, work = 0, data_B.size, 0, 0
    while i + 1 < n and deepest <= max_depth and work <= MAX_WORK:
        i += 1
        if data_B[i - 1] != 60:
            continue
        closing = int(data_B[i] == 47)
        start = i + closing
        if start >= n or not 97 <= (data_B[start] | 32) <= 122:
            if closing or data_B[i] == 33 or data_B[i] == 63:
                i = _skip(data_B, i, i, i)
            continue
        i, mixed = start, np.uint64(0)
        while i < n and data_B[i] > 32 and data_B[i] != 62 and data_B[i] != 47:
            byte = np.int64(data_B[i])
            mixed = mixed * HASH_FACTOR + np.uint64(byte | 32 if 65 <= byte <= 90 else byte)
            i += 1
        end, name = i, np.int64(mixed & HASH_BITS)
        i, attributes, slash = _attributes(data_B, i)
        row = name & 255
        while keys_N[row] != 0 and keys_N[row] != name:
            row = (row + 1) & 255
        known = keys_N[row] != 0
        bits = table_N6[row, CLASS] if known else EVERY
        name = table_N6[row, NAME] if known else name
        if bits & IGNORED or (slash and not known and state_6[DEPTH_OF_FOREIGN]):
            continue  # in SVG, <path/> is whole; HTML takes no notice of the slash
        if closing:
            place = _find(name, NONE, table_N6[row, ENDED] if known else SPECIALS, names_S, bits_S, state_6[SIZE])
            if place >= 0 and bits & (FORMATTING | ONCE):
                _remove(place, names_S, bits_S, tags_S, state_6)
            elif place >= 0:
                _pop(place, names_S, bits_S, tags_S, state_6)
            continue

        if bits & CLOSES_P:
            place = _find(P, NONE, BUTTONS_TOO, names_S, bits_S, state_6[SIZE])
            if place >= 0:
                _pop(place, names_S, bits_S, tags_S, state_6)
        if bits & ONCE and _find(name, NONE, NONE, names_S, bits_S, state_6[SIZE]) >= 0:
            continue
        closed, home = table_N6[row, CLOSED], table_N6[row, HOME]
        if known and (closed or home):
            place = _find(closed, home, table_N6[row, HIDDEN], names_S, bits_S, state_6[SIZE])
            if place < 0 and home:
                continue  # a cell outside tables is no element
            if place >= 0 and bits & FORMATTING:
                _remove(place, names_S, bits_S, tags_S, state_6)
            elif place >= 0:
                _pop(place + int(home != 0), names_S, bits_S, tags_S, state_6)

        size = state_6[SIZE]
        deepest = max(deepest, size + 1)
        work += size + 1 + attributes * attributes // 128
        if bits & CLOSES_P:  # active formatting elements are opened again in it; its lines are indented by its lists
            work += 50 * state_6[FORMATS] + 2 * state_6[DEPTH_OF_LISTS]
        if name == OPTION:
            work += state_6[OPTIONS] // 32
            state_6[OPTIONS] += 1
        if bits & PLAIN:
            break
        if bits & RAW:
            i = _skip(data_B, i, start, end)
        if bits & (RAW | VOID):
            continue
        if bits & FORMATTING and state_6[FORMATS] >= 3:
            equal = 0
            for j in range(size):
                if bits_S[j] & FORMATTING and names_S[j] == name:
                    alike = _alike(data_B, tags_S[j], end, i)
                    equal += int(alike == i - end)
                    work += alike // 128  # of hundreds of open ones, with a megabyte of attributes
            if equal >= 3:  # three equal ones are opened again after a block, no more: the "Noah's Ark clause"
                bits = EVERY
        names_S[size], bits_S[size], tags_S[size] = name, bits, end
        state_6[SIZE] += 1
        state_6[FORMATS] += int(bits & FORMATTING != 0)
        if bits & INDENTS:
            state_6[DEPTH_OF_LISTS] += 1
            state_6[SHALLOW_LISTS] |= int(size - state_6[FORMATS] < SHALLOW)
        state_6[DEPTH_OF_FOREIGN] += int(bits & FOREIGN != 0)
    return deepest, work
