"""A name that is recognized once in a document is one where it stands there again, without what gave it away.

Of a name of several words the last, and the first where it is a given name; of one in Chinese characters the whole, the
parts between middle dots, and a given name of two characters. Not what is a word in the dictionary, and no word beside
another capitalised one (Smith College). Letters: T tokens, S slots of names.
"""

from gristmill.filters.kernels.jit import kernel
from gristmill.filters.pii.names.tagger.characters import han_hash
from gristmill.filters.pii.names.tagger.decode import PERSON_BEGINS, put_label
from gristmill.filters.pii.names.tagger.lists import (
    COMMON,
    COMPOUND,
    GIVEN,
    ORGANISATION,
    PLACE,
    STREET,
    SURNAME,
    TITLE,
)
from gristmill.filters.pii.names.tagger.tokens import CAPITAL, HAN, LOWER, MARK, UPPER, WORD, mix

SLOTS = 1 << 11
"""Slots of a document's names; what does not fit in half of them is not remembered."""
_GIVEN, _WORD, _HAN, _LONGEST = 93, 92, 91, 10
_WORDS = COMMON | PLACE | TITLE
"""Of a pair of Han characters: it is something else than a name."""
_NO_GIVEN = tuple(map(han_hash, "语語龙龍族科类類属屬国國军軍后祖宗王帝公侯州县縣人线線店"))
"""Hashes of characters that end what is taken for a name and is none."""
_BEFORE = (0x22, 0x27, 0x28, 0x2C, 0x2014, 0x2018, 0x201C, 0x3001, 0x3002, 0x3A, 0x3B)
_AFTER = (0x21, 0x22, 0x27, 0x29, 0x2C, 0x2E, 0x2014, 0x2019, 0x201D, 0x3001, 0x3002, 0x3A, 0x3B, 0x3F)
"""Marks that may touch a name: no part of an identifier, a path or an address."""


@kernel
def forget(known_S, state_3):
    """Empties the names: a document begins. state_3: how many, the lengths and the first characters of Chinese ones."""
    if state_3[0]:
        known_S[:] = 0
    state_3[:] = 0


@kernel
def spread(count, start_T, end_T, kind_T, shape_T, gap_T, mark_T, list_T, hash_T, known_S, state_3, label_T):
    """Remembers the names among tokens [0, count), and labels where they stand again."""
    i = 0
    while i < count:
        first = i
        i += 1
        if label_T[first] == 1:
            while i < count and label_T[i] == 2:
                i += 1
            _remember(first, i, start_T, end_T, kind_T, shape_T, list_T, hash_T, known_S, state_3)
    if state_3[0] == 0:
        return
    i = 0
    while i < count:
        if label_T[i] == 0 and kind_T[i] == WORD:
            if (shape_T[i] == CAPITAL or shape_T[i] == UPPER) and _slot(known_S, mix(_WORD, hash_T[i])) < 0:
                label_T[i] = _stands_alone(i, count, kind_T, shape_T, gap_T, mark_T, list_T, label_T)
        elif label_T[i] == 0 and kind_T[i] == HAN and state_3[2] >> (hash_T[i] & 31) & 1:
            length = _match(i, count, kind_T, gap_T, hash_T, label_T, known_S, state_3)
            if length == 0 and _is_given(i, count, kind_T, gap_T, list_T, hash_T, label_T, known_S):
                length = 2
            put_label(PERSON_BEGINS, i, i + length, label_T)
            i += max(length - 1, 0)
        i += 1


@kernel
def _remember(first, last, start_T, end_T, kind_T, shape_T, list_T, hash_T, known_S, state_3):
    words, last_word, begin, han = 0, first, first, True
    for i in range(first, last):
        if kind_T[i] == WORD and shape_T[i] != LOWER:
            words, last_word = words + 1, i
        han = han and (kind_T[i] == HAN or kind_T[i] == MARK)
        if kind_T[i] != HAN:
            if han:
                _keep(begin, i, 2, list_T, hash_T, known_S, state_3)
            begin = i + 1
    if han:
        _keep(begin, last, 2 + (begin > first), list_T, hash_T, known_S, state_3)
        _keep_given(first, last, list_T, hash_T, known_S, state_3)
    if words < 2 or kind_T[first] != WORD:
        return
    if end_T[last_word] - start_T[last_word] > 2 and not list_T[last_word] & (COMMON | PLACE | ORGANISATION | STREET):
        _add(mix(_WORD, hash_T[last_word]), known_S, state_3)
    if list_T[first] & GIVEN and not list_T[first] & (COMMON | PLACE | TITLE) and end_T[first] - start_T[first] > 2:
        _add(mix(_WORD, hash_T[first]), known_S, state_3)


@kernel
def _keep(begin, end, least, list_T, hash_T, known_S, state_3):
    """Remembers Han characters [begin, end) as they follow each other."""
    if end - begin < least or end - begin > _LONGEST or (end - begin == 2 and list_T[begin] & (COMMON << 16)):
        return
    h = _HAN
    for i in range(begin, end):
        h = mix(h, hash_T[i])
    if _add(h, known_S, state_3):
        state_3[1] |= 1 << (end - begin)
        state_3[2] |= 1 << (hash_T[begin] & 31)


@kernel
def _keep_given(first, last, list_T, hash_T, known_S, state_3):
    """Remembers a given name of two characters that is no word, behind a surname of one or two."""
    surname = last - first - 2
    known = list_T[first] & SURNAME if surname == 1 else list_T[first] & (COMPOUND << 16)
    if surname not in (1, 2) or not known or (list_T[last - 2] >> 16) & _WORDS or list_T[last - 2] & SURNAME:
        return
    if hash_T[last - 1] in _NO_GIVEN:
        return
    if _add(mix(mix(_GIVEN, hash_T[last - 2]), hash_T[last - 1]), known_S, state_3):
        state_3[2] |= 1 << (hash_T[last - 2] & 31)


@kernel
def _is_given(i, count, kind_T, gap_T, list_T, hash_T, label_T, known_S):
    """Whether token i and the next are a given name that is known, and neither is part of a word beside it."""
    if i + 1 >= count or kind_T[i + 1] != HAN or label_T[i + 1] or gap_T[i + 1]:
        return False
    if _slot(known_S, mix(mix(_GIVEN, hash_T[i]), hash_T[i + 1])) >= 0:
        return False
    if i > 0 and kind_T[i - 1] == HAN and (list_T[i - 1] >> 16) & _WORDS:
        return False
    return not list_T[i] >> 32 and not (list_T[i + 1] >> 16) & _WORDS


@kernel
def _slot(known_S, h):
    """-1 where h is known, else the slot for it."""
    slot = h & (SLOTS - 1)
    while known_S[slot] != 0:
        if known_S[slot] == h:
            return -1
        slot = (slot + 1) & (SLOTS - 1)
    return slot


@kernel
def _add(h, known_S, state_3):
    slot = _slot(known_S, h)
    if slot >= 0 and state_3[0] < SLOTS // 2:
        known_S[slot] = h
        state_3[0] += 1
        return True
    return slot < 0


@kernel
def _match(i, count, kind_T, gap_T, hash_T, label_T, known_S, state_3):
    """How many Han characters from token i on are a name that is known; 0: none."""
    h, best = _HAN, 0
    for n in range(1, _LONGEST + 1):
        j = i + n - 1
        if j >= count or kind_T[j] != HAN or label_T[j] != 0 or (n > 1 and gap_T[j] != 0):
            break
        h = mix(h, hash_T[j])
        if state_3[1] >> n & 1 and _slot(known_S, h) < 0:
            best = n
    return best


@kernel
def _stands_alone(i, count, kind_T, shape_T, gap_T, mark_T, list_T, label_T):
    """Whether token i is no part of a longer name of something, nor of an identifier."""
    if i > 0 and kind_T[i - 1] == WORD:
        before = shape_T[i - 1] != LOWER and label_T[i - 1] == 0 and not list_T[i - 1] & (TITLE | COMMON)
        if before or gap_T[i] == 0:
            return False
    if i > 0 and kind_T[i - 1] == MARK and gap_T[i] == 0 and mark_T[i - 1] not in _BEFORE:
        return False
    if i + 1 < count and kind_T[i + 1] == WORD:
        behind = shape_T[i + 1] != LOWER and label_T[i + 1] == 0
        if behind or gap_T[i + 1] == 0:
            return False
    if i + 1 < count and kind_T[i + 1] == MARK and gap_T[i + 1] == 0:
        if mark_T[i + 1] not in _AFTER:
            return False
        if i + 2 < count and gap_T[i + 2] == 0 and mark_T[i + 1] == 0x2E and kind_T[i + 2] == WORD:
            return False
    return True
