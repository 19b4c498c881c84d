"""Whether what stands around a name or an address says that it is a private person's: the set `web`.

A field's label, a salutation, the close of a letter above it, a telephone number, an e-mail address or a postal address
beside it. The author of an article, a character of a novel, a street in a history have none of these.

Letters: T tokens.
"""

from gristmill.filters.kernels.jit import kernel
from gristmill.filters.pii.names.rules.blocks import is_alone, is_delimiter, says_wrote
from gristmill.filters.pii.names.tagger.characters import han_hash
from gristmill.filters.pii.names.tagger.lists import (
    ANNOUNCES,
    ANNOUNCES_PAIR,
    CLOSING,
    LABEL,
    PLACE,
    STREET,
    TITLE,
    UNIT,
)
from gristmill.filters.pii.names.tagger.places import COLON
from gristmill.filters.pii.names.tagger.tokens import BREAK, HAN, MARK, NUMBER, WORD, mix

_AT, _DASH, _PLUS, _DOT, _QUOTED = 0x40, 0x2D, 0x2B, 0x2E, 0x3E


_IN_CHARGE, _IN_CHARGE_2, _CALLED = han_hash("负责"), han_hash("負責"), han_hash("名叫")
"""What names a private person in a form alone, before a colon: 负责人：王五. In articles they are the public's."""
NEAR, LINES, SHORT = 14, 3, 12
"""Tokens in the same line; lines above or below, and tokens of a line that is a line of a contact block."""


@kernel
def mark_contacts(count, kind_T, shape_T, gap_T, mark_T, contact_T):
    """1 where a token is of a telephone number or an e-mail address, else 0."""
    contact_T[:count] = 0
    i = 0
    while i < count:
        if kind_T[i] == MARK and mark_T[i] == _AT and 0 < i < count - 1:
            if gap_T[i] == 0 and gap_T[i + 1] == 0 and kind_T[i - 1] != MARK and kind_T[i + 1] == WORD:
                contact_T[i] = 1
        elif kind_T[i] == NUMBER:
            j, digits, groups, odd = i, 0, 0, False
            second, third = 0, 0
            while j < count:
                if kind_T[j] == NUMBER and gap_T[j] < 2:
                    digits, groups = digits + shape_T[j], groups + 1
                    if groups == 2:
                        second = shape_T[j]
                    elif groups == 3:
                        third = shape_T[j]
                    dotted = j > i and mark_T[j - 1] == _DOT
                    odd = odd or (groups > 1 and shape_T[j] < 2) or (dotted and shape_T[j] > 4)
                elif not (kind_T[j] == MARK and gap_T[j] < 2 and _joins(mark_T[j])):
                    break
                else:
                    zone = mark_T[j] == _DASH or mark_T[j] == _PLUS  # 11:09:47 2019 -0400
                    odd = odd or (zone and gap_T[j] == 1 and j + 1 < count and gap_T[j + 1] == 0 and j > i)
                j += 1
            odd = odd or (i > 0 and kind_T[i - 1] == WORD and gap_T[i] == 0)  # i5577-7342BLK
            odd = odd or (j < count and kind_T[j] == WORD and gap_T[j] == 0)
            if not (odd or _is_date(shape_T[i], second, third)) and (
                (groups == 1 and digits == 11) or (2 <= groups <= 5 and 8 <= digits <= 13 and shape_T[i] <= 4)
            ):
                contact_T[i] = 1
            i = max(j - 1, i)
        i += 1


@kernel
def _joins(mark):
    return mark in (_DASH, 0x28, 0x29, _DOT, _PLUS, 0x2010)


@kernel
def _is_date(first, second, third):
    """Whether groups of so many digits are a date: 2020-12-15, 01.01.2001."""
    return (first == 4 and second == 2 and third == 2) or (first <= 2 and 1 <= second <= 2 and third == 4)


@kernel
def _announces(i, colon, kind_T, list_T, hash_T):
    """Whether token i announces a private person, with a colon behind it or not."""
    kind, bits = kind_T[i], list_T[i]
    if kind == HAN and bits & (ANNOUNCES_PAIR << 16):
        pair = mix(hash_T[i], hash_T[i + 1])
        return colon or pair not in (_IN_CHARGE, _IN_CHARGE_2, _CALLED)
    return kind == WORD and bits & ANNOUNCES != 0


@kernel
def _announced(first, kind_T, shape_T, list_T, mark_T, hash_T):
    """Whether a label or a salutation stands right before token `first`: up to two marks, titles and words between."""
    i, words, colon = first - 1, 0, False
    while i >= 0 and i >= first - 9:
        kind, bits = kind_T[i], list_T[i]
        if kind == BREAK:
            return False if not colon and words else _label_above(i, kind_T, list_T, mark_T, hash_T)
        if _announces(i, colon, kind_T, list_T, hash_T):
            return True
        if kind == MARK:
            mark = mark_T[i]
            if mark == COLON:
                if colon:
                    return False
                colon = True
            elif (
                mark == 0x3002
                or (mark == 0x2E and not (i > 0 and list_T[i - 1] & TITLE))
                or mark == 0xFF0C
                or mark == 0x2C
            ):
                return False
        elif not (bits & TITLE):
            words += 1
            if words > 5:
                return False
        i -= 1
    return False


@kernel
def _label_above(line_end, kind_T, list_T, mark_T, hash_T):
    """Whether the line that ends before token `line_end` is a label: `Ship to:`."""
    if line_end < 1 or not (kind_T[line_end - 1] == MARK and mark_T[line_end - 1] == COLON):
        return False
    i = line_end - 2
    while i >= 0 and i >= line_end - 6 and kind_T[i] != BREAK:
        if _announces(i, True, kind_T, list_T, hash_T) or (kind_T[i] == WORD and list_T[i] & LABEL):
            return True
        i -= 1
    return False


@kernel
def _closes(first, kind_T, list_T):
    """Whether the line above token `first`, which begins its line, closes a letter."""
    i = first - 1
    if i < 1 or kind_T[i] != BREAK:
        return False
    i -= 1
    words, closing = 0, False
    while i >= 0 and kind_T[i] != BREAK and words <= 6:
        closing = closing or bool((list_T[i] | (list_T[i] >> 16 if kind_T[i] == HAN else 0)) & CLOSING)
        words += 1
        i -= 1
    return closing and words <= 6


@kernel
def _signs(first, count, kind_T, list_T):
    """Whether token `first` is a line by itself, and the line above closes a letter: Thanks,↵Anna."""
    return (first + 1 == count or kind_T[first + 1] == BREAK) and _closes(first, kind_T, list_T)


@kernel
def _signs_mail(first, last, count, kind_T, shape_T, gap_T, list_T, mark_T, hash_T):
    """Whether tokens [first, last) are who wrote what is quoted below, or stand below the delimiter of a signature, or
    sign before what is quoted."""
    if last + 1 < count and kind_T[last] == MARK and mark_T[last] == _DOT:  # Leroy B. wrote:
        last += 1
    if says_wrote(last, count, kind_T, mark_T, hash_T):
        return last + 3 >= count or (kind_T[last + 3] == MARK and mark_T[last + 3] == _QUOTED)
    if first > 0 and kind_T[first - 1] == BREAK and is_delimiter(first - 1, kind_T, mark_T, gap_T):
        return True
    return is_alone(first, count, kind_T, shape_T, mark_T, gap_T, list_T, hash_T)


@kernel
def _beside_contact(first, last, count, kind_T, contact_T):
    """Whether a contact stands near tokens [first, last): in the same line, or, where that is a line of a block and no
    sentence, in lines of the same block."""
    begin, end = first, last
    while begin > 0 and kind_T[begin - 1] != BREAK and end - begin <= SHORT:  # no further: a line may be a megabyte
        begin -= 1
    while end < count and kind_T[end] != BREAK and end - begin <= SHORT:
        end += 1
    alone = end - begin <= SHORT
    for direction in (-1, 1):
        i, lines, steps, width = (first - 1, 0, 0, 0) if direction < 0 else (last, 0, 0, 0)
        while 0 <= i < count:
            if contact_T[i] and (lines > 0 or steps < NEAR):
                return True
            if kind_T[i] == BREAK:
                lines += 1
                width = 0
                if lines > LINES or not alone:
                    break
            width += 1
            steps += 1
            if lines == 0 and steps >= NEAR:
                break
            if lines > 0 and width > 2 * SHORT:
                break
            i += direction
    return False


@kernel
def is_private(first, last, count, is_person, kind_T, shape_T, gap_T, list_T, mark_T, hash_T, contact_T):
    """Whether the name or address of tokens [first, last) is marked as a private person's."""
    quoted = first > 0 and kind_T[first - 1] == MARK and mark_T[first - 1] in (0x22, 0x27, 0x3D)
    alone = last - first == 1
    if alone and quoted and kind_T[first] == WORD:
        return False  # name: "John", name=John: an example in code
    if is_person and _signs_mail(first, last, count, kind_T, shape_T, gap_T, list_T, mark_T, hash_T):
        return True
    if is_person and alone and not quoted and _signs(first, count, kind_T, list_T):
        return True
    if is_person and (
        quoted or (alone and kind_T[first] == WORD and not _saluted(first, count, kind_T, list_T, mark_T))
    ):
        return _beside_contact(first, last, count, kind_T, contact_T)  # a record, or name: "John Smith", name: John
    if _announced(first, kind_T, shape_T, list_T, mark_T, hash_T):
        return True
    if is_person:
        return _closes(first, kind_T, list_T) or _beside_contact(first, last, count, kind_T, contact_T)
    return _is_complete(first, last, kind_T, shape_T, list_T) or _labelled(first, kind_T, list_T, mark_T)


@kernel
def _saluted(first, count, kind_T, list_T, mark_T):
    """Whether a line begins with one word that announces token `first`, or titles it: Dear Anna, Mrs. Whitfield.
    `Hello John!` is what programs print."""
    if first + 1 < count and kind_T[first + 1] == MARK and mark_T[first + 1] == 0x21:
        return False
    i = first - 1
    if i > 0 and kind_T[i] == MARK and mark_T[i] == _DOT:
        i -= 1
    if i < 0 or kind_T[i] != WORD:
        return False
    if list_T[i] & TITLE:
        return True
    return list_T[i] & ANNOUNCES != 0 and (i == 0 or kind_T[i - 1] == BREAK)


@kernel
def _labelled(first, kind_T, list_T, mark_T):
    """Whether a label of addresses stands before token `first`: 地址：, Address:."""
    i = first - 1
    while i >= 0 and i >= first - 5:
        if (kind_T[i] == WORD and list_T[i] & LABEL) or (kind_T[i] == HAN and list_T[i] & (LABEL << 16)):
            return True
        if kind_T[i] == BREAK and i < first - 1:
            return False
        i -= 1
    return False


@kernel
def _is_complete(first, last, kind_T, shape_T, list_T):
    """Whether mail would arrive: a number, and a place, a unit or, of a street, a postcode."""
    numbers, parts, streets = 0, 0, 0
    for i in range(first, last):
        if kind_T[i] == NUMBER:
            numbers += 1
        elif list_T[i] & (UNIT | PLACE) or (kind_T[i] == HAN and (list_T[i] >> 16) & PLACE):
            parts += 1
        elif list_T[i] & STREET:
            streets += 1
    return numbers > 0 and parts + streets > 0 and (numbers > 1 or parts > 1)
