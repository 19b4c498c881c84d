"""Chinese addresses that are a field by themselves: 浙江省杭州市西湖区文三路1号.

No sentence stands around such a line, so that weights learnt from sentences miss a third of them. Letters: B bytes,
T tokens.
"""

from gristmill.filters.kernels.jit import kernel
from gristmill.filters.pii.names.rules.grammar import (
    COMMA,
    DASH,
    LISTS,
    PROSE,
    ROAD_NUMBER,
    address,
    is_telephone,
    role_of,
)
from gristmill.filters.pii.names.tagger.characters import character
from gristmill.filters.pii.names.tagger.decode import ADDRESS_BEGINS, PERSON_BEGINS, put_label
from gristmill.filters.pii.names.tagger.lists import COMPOUND, PLACE, STREET, SURNAME, UNIT
from gristmill.filters.pii.names.tagger.places import ADDRESS, ADDRESS_FROM, COLON
from gristmill.filters.pii.names.tagger.tokens import HAN, MARK, NUMBER, WORD

_FIELD = 80
"""Tokens of a field at most: one that is longer is a sentence."""
_STARTS = 4
"""How many words of a field a chain may begin with: 张三 13812345678 浙江省..."""
_FIRMS = tuple(ord(c) for c in "司厂廠店行部馆館庄莊校吧屋场場铺鋪心")
"""Last characters of the name of a firm, or of where it is."""
_ENDS = (0x3002, 0x21, 0x3F, 0x3B, COLON)
"""What ends a sentence, or a label: what stands before one is no field, nor what follows a sentence."""
_TITLE = 0x300A
"""What the title of a work, or of a law, begins with: 《."""
_INSIDE = (DASH, 0x5F, 0x23, 0x7E, 0x2F, 0x28, 0x29, 0xB7, 0x2014, LISTS, COMMA, 0x2E)
"""Marks that may stand in an address, - _ # ~ / ( ) among them; a comma ends it. Any other is the end of a field."""


@kernel
def mark_chains(data_B, count, token_8T, list_T, chain_T):
    """3 on the first token of an address that is a field, 4 on the others, else 0; and that one may stand there."""
    start_T, kind_T, shape_T = token_8T[0], token_8T[2], token_8T[3]
    gap_T, place_T, mark_T = token_8T[4], token_8T[6], token_8T[7]
    chain_T[:count] = 0
    first, parts = 0, 0
    for i in range(count + 1):
        if i < count:
            kind = kind_T[i]
            if kind == HAN:
                parts += list_T[i] & (PLACE | STREET | UNIT) != 0
                continue
            if kind in (NUMBER, WORD) or (kind == MARK and mark_T[i] in _INSIDE):
                continue
        if parts > 1 and i - first <= _FIELD:
            ends = i < count and kind_T[i] == MARK and mark_T[i] in _ENDS
            follows = (
                first > 0 and kind_T[first - 1] == MARK and mark_T[first - 1] in _ENDS and mark_T[first - 1] != COLON
            )
            titled = first > 0 and kind_T[first - 1] == MARK and mark_T[first - 1] == _TITLE
            if not ends and not follows and not titled:
                _mark_field(data_B, first, i, start_T, kind_T, shape_T, gap_T, mark_T, list_T, place_T, chain_T)
        first, parts = i + 1, 0


@kernel
def _mark_field(data_B, first, end, start_T, kind_T, shape_T, gap_T, mark_T, list_T, place_T, chain_T):
    """Marks the address of the field of tokens [first, end), from the first word of it that one can begin with. A
    field in which a word of grammar stands is a sentence."""
    for i in range(first, end):
        if kind_T[i] == HAN and role_of(character(data_B, start_T[i])) & PROSE:
            return
    firm = end - 1 > first and kind_T[end - 1] == HAN and character(data_B, start_T[end - 1]) in _FIRMS
    starts = 0
    for i in range(first, end):
        if kind_T[i] != HAN or not (i == first or gap_T[i] > 0 or kind_T[i - 1] in (NUMBER, WORD)):
            continue
        found = address(data_B, i, end, ROAD_NUMBER if firm else 0, start_T, kind_T, shape_T, gap_T, mark_T, list_T)
        if found > 0:
            begin, behind = found >> 32, found & 0xFFFFFFFF
            put_label(ADDRESS_BEGINS, begin, behind, chain_T)
            for j in range(begin, behind):
                place_T[j] |= ADDRESS | ADDRESS_FROM
            return
        starts += 1
        if starts == _STARTS:
            return


@kernel
def label_chains(count, kind_T, shape_T, list_T, chain_T, label_T):
    """Labels what mark_chains() found, whatever the tagger says: its own address that begins before goes on, unless a
    telephone number stands in between, and what goes on into characters or a telephone number behind is cut, of a name
    everything."""
    for i in range(count):
        if chain_T[i] == 3 and label_T[i] == 4 and i > 0:
            _part_from_telephone(i, kind_T, shape_T, list_T, label_T)
        goes_on = i > 0 and label_T[i] == 4 and label_T[i - 1] in (3, 4)
        if chain_T[i] == 4 or (chain_T[i] == 3 and not goes_on):
            label_T[i] = chain_T[i]
        elif chain_T[i] == 0 and i > 0 and chain_T[i - 1] != 0:
            telephone = label_T[i] == 4 and is_telephone(i, kind_T, shape_T)
            if telephone or label_T[i] == 2 or (label_T[i] == 4 and kind_T[i] == HAN):
                _cut(i, count, telephone, kind_T, chain_T, label_T)


@kernel
def _cut(i, count, telephone, kind_T, chain_T, label_T):
    """Takes back what the tagger goes on with from token i; behind a telephone number another address begins."""
    rest, j = label_T[i], i
    while j < count and label_T[j] == rest and chain_T[j] == 0:
        if telephone and j > i and kind_T[j] in (HAN, WORD):
            label_T[j] = 3
            return
        label_T[j] = 0
        j += 1


@kernel
def _part_from_telephone(end, kind_T, shape_T, list_T, label_T):
    """Takes back the tagger's address that goes on into token `end` where a telephone number stands in it before:
    张三 13812345678 浙江省... is a name, a number and an address."""
    first, number = end, -1
    while first > 0 and label_T[first] == 4:
        first -= 1
        if is_telephone(first, kind_T, shape_T):
            number = first
    if number < 0:
        return
    for j in range(first, end + 1):
        label_T[j] = 0
    last = first
    while last < number and kind_T[last] == HAN:
        last += 1
    if 2 <= last - first <= 4 and list_T[first] & (SURNAME | COMPOUND << 16):
        put_label(PERSON_BEGINS, first, last, label_T)
