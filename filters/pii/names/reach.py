"""Where the set `web` has to look at all: near what could mark a private person. The tagger, which takes most of the
time, reads nothing else.

What `context` asks of a name is asked here of every token before there are names, and more is said to be near than is:
so what is found stays the same (tests/filters/pii/names/test_find.py). Letters: T tokens.
"""

from gristmill.filters.kernels.jit import kernel
from gristmill.filters.pii.names.context import LINES, NEAR, SHORT
from gristmill.filters.pii.names.rules.blocks import is_alone, is_delimiter, says_wrote
from gristmill.filters.pii.names.rules.dotted import MIDDLE_3
from gristmill.filters.pii.names.tagger.lists import ANNOUNCES, ANNOUNCES_PAIR, CLOSING
from gristmill.filters.pii.names.tagger.places import ADDRESS, ADDRESS_FROM, COLON, MIDDLE, MIDDLE_2
from gristmill.filters.pii.names.tagger.tokens import BREAK, HAN, MARK, WORD

_BEHIND_LABEL, _BEHIND_LINE, _AROUND_DOT = 20, 12, 8
"""Tokens after a word that announces, after a line that ends in a colon or closes a letter, around a middle dot."""
_WIDE = NEAR + 2 * SHORT
"""Tokens of a line over which a contact is near, the name between included."""


@kernel
def narrow(count, kind_T, shape_T, gap_T, list_T, mark_T, hash_T, contact_T, reach_T, place_T):
    """Clears place_T over runs of tokens where something may stand, of which none is near what marks a private person
    and none may be of an address."""
    _mark_announced(count, kind_T, shape_T, gap_T, list_T, mark_T, hash_T, reach_T)
    _mark_beside(0, count, 1, kind_T, contact_T, place_T, reach_T)
    _mark_beside(count - 1, -1, -1, kind_T, contact_T, place_T, reach_T)
    i = 0
    while i < count:
        if place_T[i] == 0:
            i += 1
            continue
        first, needed = i, False
        while i < count and place_T[i] != 0:
            needed = needed or reach_T[i] != 0 or place_T[i] & (ADDRESS | ADDRESS_FROM) != 0
            i += 1
        if not needed:
            for j in range(first, i):
                place_T[j] = 0


@kernel
def _mark_announced(count, kind_T, shape_T, gap_T, list_T, mark_T, hash_T, reach_T):
    """1 behind labels, salutations and closes, and around what joins the parts of a name that a rule finds; else 0."""
    behind, line = 0, 0
    for i in range(count):
        kind, bits = kind_T[i], list_T[i]
        if (kind == WORD and bits & ANNOUNCES) or (kind == HAN and bits & (ANNOUNCES_PAIR << 16)):
            behind = _BEHIND_LABEL
        if (kind == WORD and bits & CLOSING) or (kind == HAN and (bits >> 16) & CLOSING):
            behind = max(behind, _BEHIND_LINE)
        ends = kind == BREAK and i > 0 and kind_T[i - 1] == MARK
        if ends and (mark_T[i - 1] == COLON or is_delimiter(i, kind_T, mark_T, gap_T)):
            line = _BEHIND_LINE
        reach_T[i] = behind > 0 or line > 0
        behind, line = behind - 1, line - 1
    for i in range(count):
        kind = kind_T[i]
        if kind == WORD:  # a look at what stands beside rules most out without a call
            if i + 1 < count and mark_T[i + 1] == COLON and says_wrote(i, count, kind_T, mark_T, hash_T):
                for j in range(max(0, i - _BEHIND_LABEL), i):
                    reach_T[j] = 1
            elif (
                i > 0
                and kind_T[i - 1] == BREAK
                and shape_T[i - 1] > 1
                and is_alone(i, count, kind_T, shape_T, mark_T, gap_T, list_T, hash_T)
            ):
                reach_T[i] = 1
        elif kind == MARK and (mark_T[i] == MIDDLE or mark_T[i] == MIDDLE_2 or mark_T[i] == MIDDLE_3):
            for j in range(max(0, i - _AROUND_DOT), min(count, i + _AROUND_DOT)):
                reach_T[j] = 1


@kernel
def _mark_beside(begin, end, step, kind_T, contact_T, place_T, reach_T):
    """1 near a contact, or near where an address may stand, in one direction: in its line and in those next to it."""
    near, width, lines = False, 0, 0
    for i in range(begin, end, step):
        if contact_T[i] or place_T[i] & (ADDRESS | ADDRESS_FROM):
            near, width, lines = True, 0, 0
        elif kind_T[i] == BREAK:
            width, lines = 0, lines + 1
        else:
            width += 1
        near = near and width <= _WIDE and lines <= LINES + 1
        if near:
            reach_T[i] = 1
