"""C4's line rules as TFDS applies them (c4_utils.py, clean_page): what goes of each line, as byte ranges.

Lines and white space are Python's: str.splitlines(), str.strip(), str.split(), str.lower(), and `\\d` of `re`.
Codes are np.int64, not int: numba compiles every callee again for each literal.
"""

# Letters: B bytes of the batch, D documents, D1 = D + 1 offsets, E edits, P phrases, R ranges.
import numpy as np

from gristmill.filters.kernels.jit import kernel
from gristmill.filters.kernels.text.sentences import (
    ENDS,
    ENDS_BEFORE_CAPITAL,
    NO_END,
    begins_with_capital,
    sentence_end,
)
from gristmill.filters.kernels.text.unicode import DIGIT, SPACE, code_point

KINDS = (
    "c4_whitespace", "c4_citation", "c4_long_word", "c4_no_terminal_mark", "c4_short_line", "c4_javascript",
    "c4_policy",
)  # fmt: skip
"""Why bytes go, by code. Blank lines are c4_whitespace (TFDS counts them among lines without an end mark)."""
WHITESPACE, CITATION, LONG_WORD, NO_MARK, SHORT, JAVASCRIPT, POLICY, LINE_FEED = np.arange(len(KINDS) + 1)
"""LINE_FEED is white space too, but a line feed stands in its place; all others are cuts."""
KEEP = np.int64(-1)
ZERO = np.int64(0)

MAX_WORD, MIN_WORDS, NEEDS_MARK, ELLIPSIS_ENDS, QUOTE_ENDS, CITATIONS_ARE_WORDS = range(6)
"""What `how` of clean_pages says, where implementations differ: the most characters of a word (0: any), the fewest
words of a line; 1 or 0: a line needs an end mark, `...` is one, `'` is one, words are counted before citations go."""

# What read_line() finds. The first two are what a byte means by itself.
BRACKET, CURLY, HAS_LONG_WORD, HAS_JAVASCRIPT, HAS_POLICY, HAS_LOREM, KELVIN = (1 << bit for bit in range(8, 15))

# What a byte can begin. MAYBE_BLANK: of U+0085, U+00A0, U+1680, U+2000.., U+3000, which are white space.
_BREAK, _BLANK, _MAYBE_BLANK, _MARKED, _PHRASE, _BEFORE_PHRASE, _END_MARK, _MAY_END = (1 << bit for bit in range(8))
_NOT_PLAIN = _BREAK | _BLANK | _MAYBE_BLANK | _MARKED
_BYTES = np.zeros(256, np.int64)
_BYTES[list(b" \t\x1f")] = _BLANK
_BYTES[list(b"\n\r\v\f\x1c\x1d\x1e")] = _BREAK
_BYTES[[0xC2, 0xE1, 0xE2, 0xE3]] = _MAYBE_BLANK
_BYTES[list(b"[")] = _MARKED | BRACKET
_BYTES[list(b"{")] = _MARKED | CURLY
_BYTES[list(b"jJ")] = _MARKED | _PHRASE
_BYTES[list(b"cCiIpPuU")] = _PHRASE
_BYTES[list(b"eEfFmMsSyY")] = _BEFORE_PHRASE
_BYTES[list(b".?!\"')]}\x99\x9d")] = _MAY_END
_BYTES[list(b'.?!"')] |= _END_MARK

# A phrase is looked for where its last word begins behind a space, one test a word; javascript at every j.
_PHRASES = (
    ("", "javascript", HAS_JAVASCRIPT), ("lorem ", "ipsum", HAS_LOREM), ("terms of ", "use", HAS_POLICY),
    ("privacy ", "policy", HAS_POLICY), ("cookie ", "policy", HAS_POLICY), ("uses ", "cookies", HAS_POLICY),
    ("use of ", "cookies", HAS_POLICY), ("use ", "cookies", HAS_POLICY),
)  # fmt: skip
_PHRASE_P = np.array([list((head + tail).encode().ljust(16, b"\0")) for head, tail, _ in _PHRASES], np.uint8)
_HEAD_P = np.array([len(head) for head, _, _ in _PHRASES])
_ANCHOR_P = np.array([ord(tail[0]) for _, tail, _ in _PHRASES], np.uint8)
_LENGTH_P = np.array([len(head + tail) for head, tail, _ in _PHRASES])
_BIT_P = np.array([bit for _, _, bit in _PHRASES])
_LOWER = np.frombuffer(bytes(range(256)).lower(), np.uint8)
_KELVIN_SIGN = 0x212A  # beside A-Z the one character that str.lower() turns into a letter of a phrase: k

_CITATION_P = np.array([list(text.ljust(17, b"\0")) for text in (b"[edit]", b"[citation needed]")], np.uint8)
_CITATION_LENGTH_P = np.array([6, 17])
_NOT_DECIMAL_R = np.array(
    [(0xB2, 0xB3), (0xB9, 0xB9), (0x1369, 0x1371), (0x19DA, 0x19DA), (0x2070, 0x2089), (0x2460, 0x2793),
     (0x10A40, 0x10A43), (0x10E60, 0x10E68), (0x11052, 0x1105A), (0x1F100, 0x1F10A)]
)  # fmt: skip
"""Where str.isdigit() holds and str.isdecimal(), which is `\\d`, does not: superscripts, circled and ancient digits."""


@kernel
def phrases_at(data_B, begin, i, stop):
    """Bits of the phrases whose last word begins at byte i; they lie within [begin, stop)."""
    found = ZERO
    for p in range(_LENGTH_P.size):
        start = i - _HEAD_P[p]
        if _LOWER[data_B[i]] == _ANCHOR_P[p] and start >= begin and start + _LENGTH_P[p] <= stop:
            k = 0
            while k < _LENGTH_P[p] and _LOWER[data_B[start + k]] == _PHRASE_P[p, k]:
                k += 1
            if k == _LENGTH_P[p]:
                found |= _BIT_P[p]
    return found


@kernel
def read_line(data_B, begin, stop, classes, max_word):
    """(first, last, end, after, n_words, n_sentences, found) of the line at byte `begin` of a text that ends at `stop`.

    [first, last) is the stripped line, [end, after) its line break. found: bits of what the rules look for.
    """
    n_words, n_sentences, found, ending = ZERO, ZERO, ZERO, NO_END
    first, last, word, i = begin, begin, KEEP, begin  # word: where the present word began, or negative
    while True:
        kind, after = _BREAK, i + 1
        if i < stop:
            kind = _BYTES[data_B[i]]
            if kind & _MAYBE_BLANK:
                c, after = code_point(data_B, i)
                if classes[c] & SPACE:
                    kind = _BREAK if c == 0x85 or c == 0x2028 or c == 0x2029 else _BLANK
                elif c == _KELVIN_SIGN:
                    found |= KELVIN
        if not kind & (_BREAK | _BLANK):
            if word < 0:
                word = i
                if n_words == 0:
                    first = i
                elif ending == ENDS or (
                    ending == ENDS_BEFORE_CAPITAL and begins_with_capital(data_B, i, stop, classes)
                ):
                    n_sentences += 1
                if kind & _PHRASE and n_words and _BYTES[data_B[i - 2]] & _BEFORE_PHRASE:
                    found |= phrases_at(data_B, first, i, stop)
            if kind & _MARKED:
                found |= phrases_at(data_B, first, i, stop)
            found |= kind & (BRACKET | CURLY)
            u = np.uint64(after)  # an unsigned index spares the test for a negative one
            while u < np.uint64(stop) and not _BYTES[data_B[u]] & _NOT_PLAIN:
                u += np.uint64(1)
            i = np.int64(u)
            continue
        if word >= 0:
            n_words += 1
            last = i
            ending = sentence_end(data_B, word, i) if _BYTES[data_B[i - 1]] & _MAY_END else NO_END
            if 0 < max_word < i - word:
                n_chars = 0
                for j in range(word, i):
                    n_chars += (data_B[j] & 0xC0) != 0x80
                if n_chars > max_word:
                    found |= HAS_LONG_WORD
            word = KEEP
        if kind & _BREAK:
            break
        i = after
    if i + 1 < stop and data_B[i] == ord("\r") and data_B[i + 1] == ord("\n"):
        after += 1
    return first, last, i, min(after, stop), n_words, n_sentences + (n_words > 0), found


@kernel
def citation_end(data_B, i, stop, classes):
    """Where the citation that begins at byte i ends, or i: `[12]`, `[]`, `[edit]`, `[citation needed]`."""
    for p in range(_CITATION_LENGTH_P.size):
        if i + _CITATION_LENGTH_P[p] <= stop:
            k = 0
            while k < _CITATION_LENGTH_P[p] and data_B[i + k] == _CITATION_P[p, k]:
                k += 1
            if k == _CITATION_LENGTH_P[p]:
                return i + k
    j = i + 1
    while j < stop:
        if data_B[j] == ord("]"):
            return j + 1
        c, after = code_point(data_B, j)
        decimal = classes[c] & DIGIT != 0
        for r in range(_NOT_DECIMAL_R.shape[0]):
            decimal &= c < _NOT_DECIMAL_R[r, 0] or c > _NOT_DECIMAL_R[r, 1]
        if not decimal:
            break
        j = after
    return i


@kernel
def copy_without_citations(data_B, first, last, classes, line_B, cited_C2):
    """(length, citations): the line as the rules see it, into line_B, and the ranges left out, into cited_C2.

    The Kelvin sign becomes k, as str.lower() says.
    """
    n, n_cited, i = ZERO, ZERO, first
    while i < last:
        end = i
        if data_B[i] == ord("["):
            end = citation_end(data_B, i, last, classes)
        if end > i:
            cited_C2[n_cited, 0], cited_C2[n_cited, 1] = i, end
            n_cited += 1
            i = end
        elif data_B[i] == 0xE2 and data_B[i + 1] == 0x84 and data_B[i + 2] == 0xAA:
            line_B[n] = ord("k")
            n += 1
            i += 3
        else:
            line_B[n] = data_B[i]
            n += 1
            i += 1
    return n, n_cited


@kernel
def drop_kind(line_B, begin, end, n_words, found, how):
    """Code of the rule that drops the line [begin, end), which is not blank, or KEEP; in TFDS's order."""
    if end == begin:
        return NO_MARK
    if how[NEEDS_MARK]:
        quote = how[QUOTE_ENDS] and line_B[end - 1] == ord("'")
        if not quote and not _BYTES[line_B[end - 1]] & _END_MARK:
            return NO_MARK
        dots = 0
        while dots < 3 and end - dots > begin and line_B[end - 1 - dots] == ord("."):
            dots += 1
        if dots == 3 and not how[ELLIPSIS_ENDS]:
            return NO_MARK
    if n_words < how[MIN_WORDS]:
        return SHORT
    if found & HAS_JAVASCRIPT:
        return JAVASCRIPT
    return POLICY if found & HAS_POLICY else KEEP


@kernel
def put(n, begin, end, kind, floor, edit_E3):
    """Append edit n, unless it is empty, or lengthen a touching cut of its kind; returns the number of edits.

    floor: first edit of the document. Past the array's end edits are only counted.
    """
    if begin == end:
        return n
    if floor < n <= edit_E3.shape[0] and edit_E3[n - 1, 1] == begin and edit_E3[n - 1, 2] == kind != LINE_FEED:
        edit_E3[n - 1, 1] = end
        return n
    if n < edit_E3.shape[0]:
        edit_E3[n, 0], edit_E3[n, 1], edit_E3[n, 2] = begin, end, kind
    return n + 1


@kernel
def put_citations(cited_C2, n_cited, begin, blank, n, floor, edit_E3):
    """Append a cut per citation, and cuts of the first `blank` bytes behind `begin` that are in none."""
    for c in range(n_cited):
        before = min(blank, cited_C2[c, 0] - begin)
        n = put(n, begin, begin + before, WHITESPACE, floor, edit_E3)
        n = put(n, cited_C2[c, 0], cited_C2[c, 1], CITATION, floor, edit_E3)
        begin = cited_C2[c, 1]
        blank -= before
    return put(n, begin, begin + blank, WHITESPACE, floor, edit_E3)


@kernel
def clean_pages(
    data_B, start_D1, classes, how, line_B, cited_C2, lorem_D, curly_D, sentences_D, kept_D, edits_D1, edit_E3
):
    """The edits that make of each document the page that TFDS emits, and what its page rules look at.

    how: int64, by the names above.
    line_B: room for the longest document; cited_C2: for half as many ranges. edit_E3: (begin, end) in data_B and a
    code; edits_D1: where each document's begin. Returns the number of edits; if that is more than edit_E3 holds, they
    are incomplete: call again with so much room. lorem_D, curly_D: lines at which TFDS drops the page, which is left to
    the rules here: the line is treated as if that check were not there.
    """
    n = ZERO
    for d in range(start_D1.size - 1):
        floor, stop = n, start_D1[d + 1]
        edits_D1[d] = n
        n_lorem, n_curly, n_sentences, n_kept = ZERO, ZERO, ZERO, ZERO
        kind = WHITESPACE
        gap, begin = start_D1[d], start_D1[d]  # [gap, begin): line break before this line, not yet dealt with
        while begin < stop:
            first, last, end, after, n_words, in_line, found = read_line(data_B, begin, stop, classes, how[MAX_WORD])
            kind = WHITESPACE
            n_cited, blank = ZERO, ZERO
            if found & HAS_LONG_WORD:
                kind = LONG_WORD
            elif n_words:
                if found & (BRACKET | KELVIN):
                    length, n_cited = copy_without_citations(data_B, first, last, classes, line_B, cited_C2)
                    words_before = n_words
                    blank, _, _, _, n_words, in_line, found = read_line(line_B, ZERO, length, classes, how[MAX_WORD])
                    if how[CITATIONS_ARE_WORDS]:
                        n_words = words_before
                    kind = drop_kind(line_B, ZERO, length, n_words, found, how)
                else:
                    kind = drop_kind(data_B, first, last, n_words, found, how)
                if kind != NO_MARK and kind != SHORT:
                    n_lorem += found & HAS_LOREM != 0
                    n_curly += kind != JAVASCRIPT and found & CURLY != 0
            if kind == KEEP:
                if n_kept and data_B[begin - 1] == ord("\n"):
                    n = put(n, gap, begin - 1, WHITESPACE, floor, edit_E3)
                elif n_kept:
                    n = put(n, gap, begin, LINE_FEED, floor, edit_E3)
                n = put(n, begin, first, WHITESPACE, floor, edit_E3)
                if n_cited:  # where the page starts, TFDS strips what citations leave in front of the first word
                    n = put_citations(cited_C2, n_cited, first, ZERO if n_kept else blank, n, floor, edit_E3)
                n_kept += 1
                n_sentences += in_line
                gap = last
            elif n_kept:  # a dropped line takes the break before it along, so that a kept line ends where the page may
                n = put(n, gap, end, kind, floor, edit_E3)
                gap = end
            else:
                n = put(n, begin, after, kind, floor, edit_E3)
                gap = after
            begin = after
        n = put(n, gap, stop, max(kind, WHITESPACE), floor, edit_E3)
        lorem_D[d], curly_D[d], sentences_D[d], kept_D[d] = n_lorem, n_curly, n_sentences, n_kept
    edits_D1[start_D1.size - 1] = n
    return n
