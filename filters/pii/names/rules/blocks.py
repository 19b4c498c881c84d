"""Names where letters, mails and forms put them: `Anna Wrote wrote:`, the line above an address, a line by itself
before what is quoted. No sentence stands around them, so that weights have little to go by.

Letters: T tokens.
"""

from gristmill.filters.kernels.jit import kernel
from gristmill.filters.pii.names.tagger.characters import word_hash
from gristmill.filters.pii.names.tagger.decode import PERSON_BEGINS, put_label
from gristmill.filters.pii.names.tagger.lists import (
    CALENDAR,
    COMMON,
    GIVEN,
    LABEL,
    ORGANISATION,
    PARTICLE,
    PLACE,
    STREET,
    SURNAME,
    TITLE,
    UNIT,
)
from gristmill.filters.pii.names.tagger.places import APOSTROPHE, COLON, DOT, HYPHEN, QUOTE
from gristmill.filters.pii.names.tagger.tokens import (
    BREAK,
    CAPITAL,
    INITIAL,
    LOWER,
    MARK,
    NUMBER,
    UPPER,
    WORD,
)

_COMMA, _QUOTED = 0x2C, 0x3E
_LINES, _LONG = 3, 14
"""Lines above an address that may name who lives there, and tokens of one."""


_WROTE, _WRITES = word_hash("wrote"), word_hash("writes")


@kernel
def says_wrote(i, count, kind_T, mark_T, hash_T):
    """Whether token i says who wrote what is quoted below: `wrote:` at the end of a line."""
    return (
        i + 1 < count
        and kind_T[i] == WORD
        and (hash_T[i] == _WROTE or hash_T[i] == _WRITES)
        and kind_T[i + 1] == MARK
        and mark_T[i + 1] == COLON
        and (i + 2 == count or kind_T[i + 2] == BREAK)
    )


@kernel
def is_delimiter(end, kind_T, mark_T, gap_T):
    """Whether the line that ends before token `end` is that above a mail's signature: two hyphens, escaped or not."""
    i = end - 1
    if i < 1 or not (kind_T[i] == MARK and mark_T[i] == HYPHEN and gap_T[i] == 0):
        return False
    if not (kind_T[i - 1] == MARK and mark_T[i - 1] == HYPHEN):
        return False
    i -= 2
    if i >= 0 and kind_T[i] == MARK and mark_T[i] == HYPHEN and gap_T[i + 1] == 1:
        i -= 1
    return i < 0 or kind_T[i] == BREAK


@kernel
def _joins(i, kind_T, mark_T):
    return kind_T[i] == MARK and mark_T[i] in (DOT, HYPHEN, APOSTROPHE, QUOTE)


@kernel
def _is_name(first, last, unknown, kind_T, shape_T, gap_T, list_T):
    """Whether the words of tokens [first, last) are a person's: up to five, none what texts, organisations, addresses
    and calendars are made of, one of them a name that lists have; `unknown`: or two that they have not."""
    words, known = 0, False
    for i in range(first, last):
        if kind_T[i] != WORD:
            continue
        if i > first and gap_T[i] > 1:
            return False  # columns of a table
        bits = list_T[i]
        named = bits & (GIVEN | SURNAME) != 0
        if shape_T[i] == LOWER and not bits & PARTICLE:
            return False
        if bits & (ORGANISATION | UNIT | STREET | CALENDAR) and not (bits & PARTICLE):
            return False
        if bits & (COMMON | LABEL | PLACE) and not (named or bits & PARTICLE or shape_T[i] == INITIAL):
            return False
        known = known or (named and not bits & (COMMON | PLACE))
        words += 1
    return words <= 5 and (known or (unknown and words > 1))


@kernel
def _mark(first, last, label_T):
    """Labels a name, whatever part of it the tagger found."""
    for i in range(first, last):
        if label_T[i] > 2:
            return
    put_label(PERSON_BEGINS, first, last, label_T)


@kernel
def _mark_writer(end, kind_T, shape_T, gap_T, mark_T, list_T, label_T):
    """Labels the words before token `end`, which is `wrote:`."""
    first = end
    while first > 0 and first > end - 9:
        i = first - 1
        if not ((kind_T[i] == WORD and (shape_T[i] != LOWER or list_T[i] & PARTICLE)) or _joins(i, kind_T, mark_T)):
            break
        first = i
    while first < end and (  # AM, CET, -
        kind_T[first] == MARK
        or (kind_T[first] == WORD and shape_T[first] == UPPER and not list_T[first] & (GIVEN | SURNAME))
        or list_T[first] & (CALENDAR | TITLE)
    ):
        first += 1
    if first < end and _is_name(first, end, True, kind_T, shape_T, gap_T, list_T):
        _mark(first, end, label_T)


@kernel
def _mark_above(begin, kind_T, shape_T, gap_T, mark_T, list_T, label_T):
    """Labels who stands above or before the address that begins at token `begin`: the nearest line of four that is a
    name, what follows a comma aside."""
    end = begin
    for line in range(_LINES + 1):
        first = end
        while first > 0 and kind_T[first - 1] != BREAK and first > end - _LONG:
            first -= 1
        last, fits, titles = first, True, 0
        while first < end and list_T[first] & TITLE and kind_T[first] == WORD:
            first += 1
            titles += 1
        last = first
        while last < end and not (kind_T[last] == MARK and mark_T[last] == _COMMA):
            fits = fits and (kind_T[last] == WORD or _joins(last, kind_T, mark_T)) and label_T[last] < 3
            last += 1
        whole = first == 0 or kind_T[first - 1] == BREAK or titles > 0
        fits = fits and whole and last - first > 1 and end - last <= 4
        fits = fits and (line < 2 or list_T[first] & GIVEN != 0 or shape_T[first] == INITIAL)
        if fits and _is_name(first, last, False, kind_T, shape_T, gap_T, list_T):
            _mark(first, last, label_T)
            return
        while first > 0 and kind_T[first - 1] != BREAK:
            first -= 1
            if end - first > _LONG:
                return
        if first < 1 or (shape_T[first - 1] > 1 and line > 0):
            return
        end = first - 1


@kernel
def _split(begin, count, kind_T, shape_T, gap_T, list_T, label_T):
    """Where an address begins with who lives there, or the rest of that name, it becomes one; returns where the address
    begins then."""
    end, words = begin, 0
    before = begin - 1
    if before > 0 and label_T[before] == 0 and kind_T[before] == MARK and shape_T[before - 1] == INITIAL:
        before -= 1  # Stephen D. Williams
    rest = before >= 0 and label_T[before] in (1, 2)
    while end < count and (end == begin or label_T[end] == 4) and kind_T[end] != NUMBER:
        words += kind_T[end] == WORD
        end += 1
    if end == count or label_T[end] != 4 or kind_T[end] != NUMBER:
        return begin
    if not rest:
        before = begin - 1
    if not rest and (words < 2 or not list_T[begin] & GIVEN):
        return begin
    last = end
    while last > begin and kind_T[last - 1] != WORD:
        last -= 1
    if not _is_name(begin, last, False, kind_T, shape_T, gap_T, list_T):
        return begin
    for i in range(before + 1, end):
        label_T[i] = 2 if i < last else 0
    if not rest:
        label_T[begin] = 1
    label_T[end] = 3
    return end


@kernel
def is_alone(i, count, kind_T, shape_T, mark_T, gap_T, list_T, hash_T):
    """Whether token i is a given name between two empty lines, and what is quoted, or a signature, stands below."""
    if not (kind_T[i] == WORD and shape_T[i] == CAPITAL and list_T[i] & GIVEN) or list_T[i] & (COMMON | PLACE):
        return False
    if not (i > 0 and kind_T[i - 1] == BREAK and shape_T[i - 1] > 1):
        return False
    if not (i + 2 < count and kind_T[i + 1] == BREAK):
        return False
    j = i + 2
    if kind_T[j] == MARK and (mark_T[j] == _QUOTED or mark_T[j] == HYPHEN or mark_T[j] == 0x5F):
        return j + 1 < count and kind_T[j + 1] == MARK and mark_T[j + 1] in (HYPHEN, 0x5F, _QUOTED)
    while j < count and j < i + 16 and kind_T[j] != BREAK:
        if says_wrote(j, count, kind_T, mark_T, hash_T):
            return True
        j += 1
    return False


@kernel
def mark_blocks(count, kind_T, shape_T, gap_T, mark_T, list_T, hash_T, label_T):
    """Labels writers of what is quoted, names above addresses and given names that sign, where nothing is labelled."""
    for i in range(count):
        if label_T[i] == 3:
            if kind_T[i] == WORD and _split(i, count, kind_T, shape_T, gap_T, list_T, label_T) > i:
                continue
            _mark_above(i, kind_T, shape_T, gap_T, mark_T, list_T, label_T)
        elif label_T[i] == 0 and kind_T[i] == WORD:
            # a look at what stands beside rules most out without a call
            if i + 1 < count and mark_T[i + 1] == COLON and says_wrote(i, count, kind_T, mark_T, hash_T):
                _mark_writer(i, kind_T, shape_T, gap_T, mark_T, list_T, label_T)
            elif (
                i > 0
                and kind_T[i - 1] == BREAK
                and shape_T[i - 1] > 1
                and is_alone(i, count, kind_T, shape_T, mark_T, gap_T, list_T, hash_T)
            ):
                label_T[i] = 1
