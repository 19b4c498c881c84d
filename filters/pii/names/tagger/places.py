"""Where a name or an address could stand at all: everything else costs a look at its token and no more.

Letters: T tokens.
"""

from gristmill.filters.kernels.jit import kernel
from gristmill.filters.pii.names.tagger.characters import han_hash
from gristmill.filters.pii.names.tagger.lists import (
    COMMON,
    COMPOUND,
    FOREIGN,
    GIVEN,
    JAPANESE,
    LABEL,
    NAME,
    NUMERAL,
    PARTICLE,
    PLACE,
    SPELLED,
    STREET,
    SURNAME,
    UNIT,
)
from gristmill.filters.pii.names.tagger.tokens import BREAK, HAN, LOWER, MARK, NUMBER, UPPER, WORD

PERSON_FROM, PERSON, ADDRESS_FROM, ADDRESS = 1, 2, 4, 8
"""Bits: a name may begin, a name may go on, an address may begin, an address may go on."""

BEFORE, AFTER = 24, 36
"""Tokens around what makes an address likely that may belong to it."""

LONGEST = 32
"""Tokens of a name: more characters in a row that spell one are none."""

DOT, HYPHEN, APOSTROPHE, QUOTE, MIDDLE, MIDDLE_2, COLON = 0x2E, 0x2D, 0x27, 0x2019, 0xB7, 0x30FB, 0x3A
_ROADS = tuple(map(han_hash, "路街巷弄"))
"""Hashes of the characters that a door's number may follow without 号."""
_MONTH = han_hash("月")


@kernel
def _is_door(count, i, kind_T, shape_T, gap_T, mark_T, hash_T):
    """Whether the number that is token i stands as that of a door does: 鹿城路333, 林溪里13-5-1876."""
    if i < 1 or kind_T[i - 1] != HAN or gap_T[i] != 0:
        return False
    if hash_T[i - 1] in _ROADS:
        return shape_T[i] <= 4
    if i + 2 >= count or mark_T[i + 1] != HYPHEN or kind_T[i + 2] != NUMBER or gap_T[i + 1] or gap_T[i + 2]:
        return False
    third = i + 4 < count and mark_T[i + 3] == HYPHEN and kind_T[i + 4] == NUMBER and gap_T[i + 4] == 0
    return shape_T[i] <= 3 and (third or 3 <= shape_T[i + 2] <= 4)


@kernel
def _is_day(i, kind_T, list_T, hash_T):
    """Whether the number that is token i follows a month: 11 月 8 号 is no house."""
    if i < 2 or hash_T[i - 1] != _MONTH:
        return False
    return kind_T[i - 2] == NUMBER or (kind_T[i - 2] == HAN and list_T[i - 2] & NUMERAL != 0)


@kernel
def _foreign(count, i, kind_T, list_T, mark_T):
    """Where the run of characters that spell foreign names, middle dots among them, ends that begins at token i."""
    j = i
    while j < count and (
        (kind_T[j] == HAN and list_T[j] & FOREIGN)
        or (j > i and kind_T[j] == MARK and (mark_T[j] == MIDDLE or mark_T[j] == MIDDLE_2))
    ):
        j += 1
    return j


@kernel
def _follow(bits):
    """How many characters of a name may follow the Han character with these bits, which may begin one; 0: none."""
    if bits & (JAPANESE << 16):
        return 4
    if bits & (COMPOUND << 16):
        return 3
    if bits & SURNAME or (bits >> 32) & (NAME | FOREIGN | JAPANESE):
        return 2
    return 1 if bits & ((NAME | SPELLED) << 16) else 0


@kernel
def mark_persons(count, kind_T, shape_T, list_T, mark_T, place_T):
    """PERSON_FROM and PERSON: capitalised words and what joins them; given names in small letters that are no words; a
    surname and what may follow it; pairs of characters that stand in names; runs that spell foreign ones."""
    left, foreign, foreign_end, spells = 0, 0, 0, False
    for i in range(count):
        kind, bits = kind_T[i], list_T[i]
        before = place_T[i - 1] & (PERSON_FROM | PERSON) if i else 0
        place = 0
        if kind == WORD:
            left = 0
            joined = before and kind_T[i - 1] != HAN
            if shape_T[i] != LOWER or (bits & GIVEN and not bits & COMMON):
                place = PERSON_FROM | (PERSON if joined else 0)
            elif joined and (bits & PARTICLE or (bits & SURNAME and not bits & COMMON)):
                place = PERSON
        elif kind == HAN:
            if before and left > 0:
                place = PERSON
            left -= 1
            follow = _follow(bits)
            if follow:
                place |= PERSON_FROM
                left = max(left, follow)
            if i >= foreign_end and bits & FOREIGN:
                end = _foreign(count, i, kind_T, list_T, mark_T)
                likely = 2 < end - i <= LONGEST or (end - i == 2 and not bits & (COMMON << 16))
                foreign, foreign_end = i, end if likely or end - i > LONGEST else i
                spells = likely
            if i < foreign_end and spells:
                place |= PERSON_FROM | (PERSON if i > foreign else 0)
        elif kind == MARK:
            left = 0
            mark = mark_T[i]
            joins = mark in (DOT, HYPHEN, APOSTROPHE, QUOTE)
            if before and (joins or mark in (MIDDLE, MIDDLE_2)):
                place = PERSON
        else:
            left = 0
        place_T[i] = place


@kernel
def _is_trigger(count, i, kind_T, shape_T, list_T, gap_T, mark_T, hash_T):
    """Whether an address is likely around token i: a street's kind near a number, a door, a postcode, a label."""
    kind, bits = kind_T[i], list_T[i]
    if kind == WORD:
        if shape_T[i] != LOWER and bits & (STREET | UNIT):
            for j in range(max(0, i - 7), min(count, i + 4)):
                if kind_T[j] == NUMBER:
                    return True
        if bits & LABEL and i + 1 < count and kind_T[i + 1] == MARK and mark_T[i + 1] == COLON:
            return True
    elif kind == NUMBER:
        if i + 1 < count and kind_T[i + 1] == HAN and list_T[i + 1] & (UNIT | STREET):
            return not _is_day(i, kind_T, list_T, hash_T)
        if _is_door(count, i, kind_T, shape_T, gap_T, mark_T, hash_T):
            return True
        length = shape_T[i]
        if (length == 5 or length == 6) and i >= 1:
            previous = i - 2 if kind_T[i - 1] == MARK and i >= 2 else i - 1
            if kind_T[previous] == WORD and list_T[previous] & PLACE and shape_T[previous] != LOWER:
                return True
            if kind_T[i - 1] == HAN:
                return False
        # UK: SW1A 1AA
        if (
            length <= 2
            and i >= 1
            and i + 2 < count
            and kind_T[i - 1] == WORD
            and shape_T[i - 1] != LOWER
            and gap_T[i] == 0
        ):
            j = i + 1
            if kind_T[j] == WORD and gap_T[j] == 0:
                j += 1
            if j + 1 < count and kind_T[j] == NUMBER and shape_T[j] == 1 and gap_T[j] == 1:
                return kind_T[j + 1] == WORD and gap_T[j + 1] == 0 and shape_T[j + 1] == UPPER
    elif kind == HAN:
        if bits & NUMERAL and i + 1 < count and kind_T[i + 1] == HAN and list_T[i + 1] & UNIT:
            return True
        if bits & ((LABEL) << 16) and i + 2 < count and (kind_T[i + 2] == MARK or gap_T[i + 2]):
            return True
    return False


@kernel
def mark_addresses(count, kind_T, shape_T, list_T, gap_T, mark_T, hash_T, place_T):
    """ADDRESS_FROM and ADDRESS around every place where an address is likely, up to an empty line."""
    done = 0  # tokens before it are marked
    for i in range(count):
        kind, bits = kind_T[i], list_T[i]
        # most tokens are ruled out without a call, which costs as much as ten of these
        if kind == WORD:
            if bits & (STREET | UNIT | LABEL) == 0:
                continue
        elif kind == HAN:
            if bits & (NUMERAL | LABEL << 16) == 0:
                continue
        elif kind != NUMBER:
            continue
        if not _is_trigger(count, i, kind_T, shape_T, list_T, gap_T, mark_T, hash_T):
            continue
        first, last = i, i
        while first > done and first > i - BEFORE and not (kind_T[first - 1] == BREAK and shape_T[first - 1] > 1):
            first -= 1
        breaks = 0
        while last + 1 < count and last < i + AFTER:
            if kind_T[last + 1] == BREAK and shape_T[last + 1] > 1:
                breaks += 1
                if breaks > 1:  # blocks are written with an empty line after every one, too
                    break
            last += 1
        for j in range(max(first, done), last + 1):
            day = j if kind_T[j] == NUMBER else j - 1  # the day's 号, too
            if day >= 0 and kind_T[day] == NUMBER and _is_day(day, kind_T, list_T, hash_T):
                continue
            place_T[j] |= ADDRESS
            if kind_T[j] == NUMBER or kind_T[j] == HAN or (kind_T[j] == WORD and shape_T[j] != LOWER):
                place_T[j] |= ADDRESS_FROM
        done = max(done, last + 1)
