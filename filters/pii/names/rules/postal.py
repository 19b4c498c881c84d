"""English addresses by their grammar: number, street, state and ZIP code, in capitals as forms are printed too.

Weights that were learnt from running text miss them in capitals, and call blocks of lines without any number an
address. Letters: T tokens.
"""

from gristmill.filters.kernels.jit import kernel
from gristmill.filters.pii.names.tagger.decode import ADDRESS_BEGINS, put_label
from gristmill.filters.pii.names.tagger.lists import CALENDAR, COMMON, PLACE, STREET, UNIT
from gristmill.filters.pii.names.tagger.tokens import BREAK, HAN, INITIAL, LOWER, MARK, NUMBER, UPPER, WORD

_COMMA, _DOT, _HASH, _HYPHEN, _COPYRIGHT = 0x2C, 0x2E, 0x23, 0x2D, 0xA9
_MOST = 24
"""Tokens of an address before its state."""


@kernel
def _is_state(i, count, start_T, end_T, kind_T, shape_T, gap_T, list_T):
    """Whether token i is a state with its ZIP code: NV 89101."""
    return (
        kind_T[i] == WORD
        and shape_T[i] == UPPER
        and end_T[i] - start_T[i] == 2
        and list_T[i] & PLACE != 0
        and i + 1 < count
        and kind_T[i + 1] == NUMBER
        and shape_T[i + 1] == 5
        and gap_T[i + 1] > 0
    )


@kernel
def is_capitals(first, last, start_T, end_T, kind_T, shape_T, gap_T, list_T):
    """Whether tokens [first, last) are an address in capitals: a street, and a state with its ZIP code in the end."""
    street = False
    for i in range(first, last - 1):
        street = street or (kind_T[i] == WORD and shape_T[i] == UPPER and list_T[i] & (STREET | UNIT) != 0)
        if street and _is_state(i, last, start_T, end_T, kind_T, shape_T, gap_T, list_T):
            return True
    return False


@kernel
def _goes_on(i, kind_T, shape_T, mark_T):
    """Whether token i may stand inside an address before its state."""
    kind = kind_T[i]
    if kind == WORD:
        return shape_T[i] != LOWER or (i > 0 and kind_T[i - 1] == NUMBER)  # 4th
    if kind == MARK:
        return mark_T[i] == _COMMA or mark_T[i] == _DOT or mark_T[i] == _HASH or mark_T[i] == _HYPHEN
    return kind == NUMBER or (kind == BREAK and shape_T[i] < 2)


@kernel
def _door(state, kind_T, shape_T, mark_T, list_T):
    """Where the address begins whose state is token `state`: the number at the beginning of the line that names a
    street; -1: none does."""
    i, street = state - 1, False
    while i >= 0 and i >= state - _MOST and _goes_on(i, kind_T, shape_T, mark_T):
        if kind_T[i] == WORD and list_T[i] & STREET:
            street = True
        if street and kind_T[i] == NUMBER and shape_T[i] <= 5 and (i == 0 or kind_T[i - 1] == BREAK):
            return i
        i -= 1
    return -1


@kernel
def _is_line(i, count, kind_T, shape_T, mark_T, list_T):
    """Where a number and a street end that begin at token i and are followed by no word: of 1909 Jolinda Drive. 0:
    there is none."""
    if kind_T[i] != NUMBER or not 2 <= shape_T[i] <= 5 or i == 0 or kind_T[i - 1] != WORD or shape_T[i - 1] != LOWER:
        return 0
    j, words = i + 1, 0
    while j < count and kind_T[j] == WORD and shape_T[j] != LOWER and words < 4:
        if list_T[j] & CALENDAR:
            return 0
        if words > 0 and list_T[j] & STREET and not list_T[j - 1] & COMMON:
            ends = (
                j + 1 == count or kind_T[j + 1] == BREAK or (kind_T[j + 1] == MARK and mark_T[j + 1] in (_COMMA, _DOT))
            )
            return j + 1 if ends else 0
        words += 1
        j += 1
        if j < count and kind_T[j] == MARK and mark_T[j] == _DOT and shape_T[j - 1] == INITIAL:
            j += 1
    return 0


@kernel
def mark_postal(count, start_T, end_T, kind_T, shape_T, gap_T, mark_T, list_T, label_T):
    """Labels addresses that end in state and ZIP code, and numbers with streets in running text, where the tagger found
    no address; takes back English ones without a number, and the year and holder of a copyright."""
    _take_back(count, kind_T, mark_T, list_T, label_T)
    for i in range(count):
        first, last = -1, 0
        if kind_T[i] == WORD:
            if shape_T[i] != UPPER:
                continue
        elif kind_T[i] != NUMBER or label_T[i] != 0:
            continue
        if _is_state(i, count, start_T, end_T, kind_T, shape_T, gap_T, list_T):
            first, last = _door(i, kind_T, shape_T, mark_T, list_T), i + 2
            if last + 1 < count and kind_T[last] == MARK and mark_T[last] == _HYPHEN and shape_T[last + 1] == 4:
                last += 2
        elif kind_T[i] == NUMBER and label_T[i] == 0:
            end = _is_line(i, count, kind_T, shape_T, mark_T, list_T)
            if end:
                first, last = i, end
        if first < 0:
            continue
        covered = label_T[first] >= 3
        for j in range(first + 1, last):
            covered = covered and label_T[j] == 4
        if covered:
            continue
        j = first - 1
        while j >= 0 and label_T[first] == 4 and label_T[j] >= 3:  # of it the tagger saw another part
            label_T[j], j = 0, (-1 if label_T[j] == 3 else j - 1)
        while last < count and label_T[last] == 4:
            last += 1
        if last < count and label_T[last] == 2:
            label_T[last] = 1
        put_label(ADDRESS_BEGINS, first, last, label_T)


@kernel
def _take_back(count, kind_T, mark_T, list_T, label_T):
    i = 0
    while i < count:
        if label_T[i] != 3:
            i += 1
            continue
        first, numbers, parts, han = i, 0, 0, False
        while i < count and (i == first or label_T[i] == 4):
            numbers += kind_T[i] == NUMBER
            parts += kind_T[i] == WORD and list_T[i] & (STREET | UNIT | PLACE) != 0
            han = han or kind_T[i] == HAN
            i += 1
        copyright_ = first > 0 and kind_T[first - 1] == MARK and mark_T[first - 1] == _COPYRIGHT
        if not han and (numbers == 0 or (copyright_ and parts == 0)):
            for j in range(first, i):
                label_T[j] = 0
