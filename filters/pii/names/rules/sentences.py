"""Chinese addresses inside sentences: 地址是北京西城区平安里西大街30号，门票40元.

A house's number, and before it a unit of administration or words that announce an address. Weights find what
stands alone more readily than this. Letters: B bytes, T tokens.
"""

from gristmill.filters.kernels.jit import kernel
from gristmill.filters.pii.names.rules.grammar import ANY_NUMBER, COUNTED, NUMERAL, PROSE, address, role_of
from gristmill.filters.pii.names.tagger.characters import character, pair, pair_at
from gristmill.filters.pii.names.tagger.decode import ADDRESS_BEGINS, put_label
from gristmill.filters.pii.names.tagger.lists import PLACE, STREET
from gristmill.filters.pii.names.tagger.places import ADDRESS, ADDRESS_FROM, COLON
from gristmill.filters.pii.names.tagger.tokens import HAN, MARK, NUMBER

_BACK, _ON = 28, 24
"""Tokens before a road's last character and behind its number that may belong to the address."""
_BARE = 10
"""Tokens of a road and what it lies in, where a label alone stands before."""
_HYPHENS = (0x2D, 0x28, 0x29)
"""Marks that may stand in one: 5-2号, 14号(院内)."""
_LISTS = 0x3001
_AT = tuple(ord(c) for c in "在于於是到至为為往从從")
_HOUSE = (ord("号"), ord("號"))
_NO_HOUSE = tuple(ord(c) for c in "线線机機选選航文令台车車站口公函")
"""Characters behind 号 that make something else of it: 2号线, 第3号令."""
_LABELS = tuple(map(pair, ("地址", "住址", "位于", "位於", "坐落", "座落", "家住", "住在", "门店", "分店")))


@kernel
def mark_sentences(data_B, count, token_8T, list_T, chain_T):
    """3 and 4 in chain_T on the first and the other tokens of an address in a sentence; one may stand there."""
    start_T, kind_T, gap_T, place_T, mark_T = token_8T[0], token_8T[2], token_8T[4], token_8T[6], token_8T[7]
    done = 0
    for i in range(1, count - 1):
        kind = kind_T[i]  # most tokens are ruled out by this
        if kind == NUMBER:
            if kind_T[i - 1] != HAN or kind_T[i + 1] not in (HAN, MARK) or i < done or chain_T[i]:
                continue
            door = _number_ends(data_B, i, count, start_T, kind_T, gap_T)
        elif kind == HAN:
            if not list_T[i] & STREET or i < done or chain_T[i]:
                continue
            door = _numeral_ends(data_B, i, count, start_T, kind_T)
        else:
            continue
        if door < 0:
            continue
        low = _begin(data_B, i, done, start_T, kind_T, mark_T, chain_T)
        high = _end(data_B, door, count, start_T, kind_T, mark_T)
        found = _first_address(data_B, low, i, door, high, token_8T, list_T, chain_T)
        if found > 0:
            begin, done = found >> 32, found & 0xFFFFFFFF
            put_label(ADDRESS_BEGINS, begin, done, chain_T)
            for j in range(begin, done):
                place_T[j] |= ADDRESS | ADDRESS_FROM


@kernel
def _number_ends(data_B, i, count, start_T, kind_T, gap_T):
    """Behind the number of a house that begins with token i (1号, 5-2号); -1: it is none (3月5号, 2号线)."""
    if role_of(character(data_B, start_T[i - 1])) & COUNTED:
        return -1
    j = i + 1
    if j + 1 < count and kind_T[j] == MARK and gap_T[j] == 0 and kind_T[j + 1] == NUMBER:
        j += 2
    return _house_ends(data_B, j, count, start_T, kind_T)


@kernel
def _numeral_ends(data_B, i, count, start_T, kind_T):
    """The same of Chinese numerals behind token i, which is the last of a road: 二十一巷六号."""
    j = i + 1
    while j < count and kind_T[j] == HAN and role_of(character(data_B, start_T[j])) & NUMERAL:
        j += 1
    return _house_ends(data_B, j, count, start_T, kind_T) if j > i + 1 else -1


@kernel
def _house_ends(data_B, j, count, start_T, kind_T):
    """Behind 号, which has to be token j; -1: it is another, or counts something else."""
    if j >= count or kind_T[j] != HAN or character(data_B, start_T[j]) not in _HOUSE:
        return -1
    if j + 1 < count and kind_T[j + 1] == HAN and character(data_B, start_T[j + 1]) in _NO_HOUSE:
        return -1
    return j + 1


@kernel
def _begin(data_B, i, done, start_T, kind_T, mark_T, chain_T):
    """The first token of the part of the sentence that token i stands in."""
    j = i
    while j > done and j > i - _BACK and not chain_T[j - 1]:
        k = j - 1
        if kind_T[k] == HAN:
            if role_of(character(data_B, start_T[k])) & PROSE:
                break
        elif kind_T[k] != NUMBER and not (kind_T[k] == MARK and mark_T[k] in _HYPHENS):
            break
        j = k
    return j


@kernel
def _end(data_B, door, count, start_T, kind_T, mark_T):
    """Behind the last token that may belong to the address whose number ends before token `door`."""
    j = door
    while j < count and j < door + _ON:
        if kind_T[j] == HAN:
            c = character(data_B, start_T[j])
            if role_of(c) & PROSE or c in _AT:
                break
        elif kind_T[j] != NUMBER and not (kind_T[j] == MARK and mark_T[j] in _HYPHENS):
            break
        j += 1
    return j


@kernel
def _first_address(data_B, low, road, door, high, token_8T, list_T, chain_T):
    """The longest address of tokens [low, high) with the number from token `road` to `door`, as `address` gives it."""
    start_T, kind_T, shape_T, gap_T, mark_T = token_8T[0], token_8T[2], token_8T[3], token_8T[4], token_8T[7]
    for i in range(low, road):
        if kind_T[i] != HAN:
            continue
        labelled = _is_labelled(data_B, i, start_T, kind_T, mark_T, chain_T) and road - i < _BARE
        if not (labelled or (list_T[i] >> 16) & PLACE):
            continue
        for end in (high, door):
            found = address(
                data_B, i, end, ANY_NUMBER if labelled else 0, start_T, kind_T, shape_T, gap_T, mark_T, list_T
            )
            if found and (found >> 32) < road and (found & 0xFFFFFFFF) >= door:
                return found
    return 0


@kernel
def _is_labelled(data_B, i, start_T, kind_T, mark_T, chain_T):
    """Whether words stand before token i that announce an address, or another one: 地址是, 位于."""
    j = i - 1
    if j > 0 and kind_T[j] == MARK and mark_T[j] == _LISTS and chain_T[j - 1]:
        return True
    if j >= 0 and kind_T[j] == MARK and mark_T[j] == COLON:
        j -= 1
    while j >= 1 and kind_T[j] == HAN and character(data_B, start_T[j]) in _AT:
        if kind_T[j - 1] == HAN and pair_at(data_B, j - 1, start_T) in _LABELS:
            return True
        j -= 1
    if j < 1 or kind_T[j] != HAN or kind_T[j - 1] != HAN:
        return False
    return pair_at(data_B, j - 1, start_T) in _LABELS
