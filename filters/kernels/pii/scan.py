"""Where personal data could stand: runs of characters that a recognizer could match in, with what it cannot do without.

Letters: B bytes of the batch, D1 documents + 1 offsets, C code points, R6 runs found, six numbers each.
"""

import numpy as np

from gristmill.filters.kernels.jit import inline, kernel
from gristmill.filters.kernels.text.unicode import code_point

# Cues: bit k of class_C says that the character belongs to the alphabet of cue k.
MAIL, NUMBER, ADDRESS, CODE, ACCOUNT, PLATE, HANDLE = range(7)
CUES = 7

# Properties of a character, above the cue bits.
DIGIT = 1 << 8
UPPER = 1 << 9
HEX = 1 << 10
PROVINCE = 1 << 11
AT = 1 << 12
DOT = 1 << 13
COLON = 1 << 14
KEYWORD_END = 1 << 15

NUMBER_DIGITS = 7  # the shortest telephone number looked for; cards, accounts and identity numbers are longer
CODE_DIGITS = 6  # a social credit code has at least the six of its region
CODE_BYTES = 26  # the shortest Bitcoin address
ACCOUNT_BYTES = 15  # the shortest IBAN (Norway)
PLATE_DIGITS = 3
HANDLE_BYTES = 5
HANDLE_DIGITS = 3  # after a two-letter keyword: "wx" is a toolkit too, and "create" is not an account
KEYWORD_CHARS = 20  # from the end of a keyword ("微信号：") to the start of the name it announces
REACH = 24  # characters to either side of a run that belong to its window

_NUMBER, _CODE = 1 << NUMBER, 1 << CODE
_NONE, _SHORT, _LONG = range(3)


@inline
def fold(c):
    """Full-width ASCII -> ASCII (Unicode block Halfwidth and Fullwidth Forms)."""
    return c - 0xFEE0 if 0xFF01 <= c <= 0xFF5E else c


@kernel
def _char(data_B, i):
    """code_point(), compiled once: every copy of it costs compile time."""
    return code_point(data_B, i)


@kernel
def _back(data_B, i):
    """Start of the character before byte i."""
    i -= 1
    while data_B[i] & 0xC0 == 0x80:
        i -= 1
    return i


@kernel
def _spelled(data_B, low, i, word):
    """Whether the characters up to byte i spell `word` backwards (lower-case ASCII), full-width and capitals alike."""
    for k in range(word.size):
        if i <= low:
            return False
        i = _back(data_B, i)
        c, _ = _char(data_B, i)
        if fold(c) | 0x20 != word[k]:
            return False
    return True


_TAHCEW = np.frombuffer(b"tahcew", np.uint8)
_NIXIEW = np.frombuffer(b"nixiew", np.uint8)


@kernel
def _keyword(data_B, low, after, c, before, before2):
    """Which kind of name of WeChat or QQ ends at byte `after` with c, which follows `before2 before` (folded).

    A superset of what the recognizers of filters/pii/recognizers/chinese.py look behind for.
    """
    if c == 0x4FE1:  # 信 after 微 薇 威 V v
        return _LONG if before == 0x5FAE or before == 0x8587 or before == 0x5A01 or (before | 0x20) == 0x76 else _NONE
    if c >= 0x80:  # 扣扣, 企鹅
        return _LONG if (c == 0x6263 and before == 0x6263) or (c == 0x9E45 and before == 0x4F01) else _NONE
    c, before, before2 = c | 0x20, before | 0x20, before2 | 0x20
    if (c == 0x71 and before == 0x71) or (c == 0x78 and (before == 0x76 or before == 0x77)):  # qq, vx, wx
        return _NONE if 0x61 <= before2 <= 0x7A else _SHORT  # but not in "drwxr-xr-x"
    if (c == 0x74 and before == 0x61) or (c == 0x6E and before == 0x69):
        return _LONG if _spelled(data_B, low, after, _TAHCEW) or _spelled(data_B, low, after, _NIXIEW) else _NONE
    return _NONE


@kernel
def _follows_hextet(data_B, class_C, low, i):
    """Whether the colon at byte i ends exactly four hexadecimal digits, the first a 2 or 3: 2000::/3, global."""
    count, c = 0, 0
    while i > low and count < 5:
        i = _back(data_B, i)
        previous, _ = _char(data_B, i)
        if not class_C[previous] & HEX:
            break
        count, c = count + 1, fold(previous)
    return count == 4 and (c == 0x32 or c == 0x33)


@kernel
def _run(data_B, class_C, cue, low, high, i):
    """[begin, end) of the run of a cue's alphabet that byte i, where a character starts, lies in or borders."""
    begin, end = i, i
    while begin > low:
        previous = _back(data_B, begin)
        c, _ = _char(data_B, previous)
        if not (class_C[c] >> cue) & 1:
            break
        begin = previous
    while end < high:
        c, after = _char(data_B, end)
        if not (class_C[c] >> cue) & 1:
            break
        end = after
    return begin, end


@kernel
def _digits(data_B, class_C, begin, end):
    """Digits in [begin, end)."""
    count, i = 0, begin
    while i < end:
        c, i = _char(data_B, i)
        count += (class_C[c] & DIGIT) != 0
    return count


@kernel
def _names_host(data_B, class_C, begin, end):
    """Whether a dot follows an at-sign in [begin, end): `gopher@paper` and `@friend` are no addresses."""
    at, i = False, begin
    while i < end:
        c, i = _char(data_B, i)
        if at and class_C[c] & DOT:
            return True
        at = at or class_C[c] & AT != 0
    return False


@kernel
def _put(data_B, low, high, found_R6, found, doc, cue, begin, end):
    """Writes one run, [begin, end), with its window in [low, high) where there is room; returns found + 1."""
    if found < found_R6.shape[0]:
        left, right = begin, end
        for _ in range(REACH):
            if left > low:
                left = _back(data_B, left)
            if right < high:
                right = _char(data_B, right)[1]
        found_R6[found, 0], found_R6[found, 1] = doc, cue
        found_R6[found, 2], found_R6[found, 3] = begin, end
        found_R6[found, 4], found_R6[found, 5] = left, right
    return found + 1


@kernel
def _put_around(data_B, class_C, low, high, found_R6, found, doc, cue, i, done_K):
    """Puts the run around byte i unless that was done, or it cannot hold what is looked for; returns found."""
    if i < done_K[cue]:
        return found
    begin, end = _run(data_B, class_C, cue, low, high, i)
    done_K[cue] = end
    if cue == MAIL and not _names_host(data_B, class_C, begin, end):
        return found
    if cue == ACCOUNT and end - begin < ACCOUNT_BYTES:
        return found
    if cue == PLATE and _digits(data_B, class_C, begin, end) < PLATE_DIGITS:
        return found
    return _put(data_B, low, high, found_R6, found, doc, cue, begin, end)


@kernel
def _put_handles(data_B, class_C, low, high, found_R6, found, doc, after, kind, done_K, run_3):
    """Puts the words that a keyword ending at byte `after` may announce, itself included; returns found.

    run_3: begin, end and digits of the run that the keyword before ended in, which may hold this one too (_vx_vx_vx).
    """
    i, steps = after, 0
    while steps < KEYWORD_CHARS:
        if i == after and run_3[0] <= i <= run_3[1]:
            begin, end, digits = run_3
        else:
            begin, end = _run(data_B, class_C, HANDLE, low, high, i)
            digits = _digits(data_B, class_C, begin, end)
            if i == after:
                run_3[0], run_3[1], run_3[2] = begin, end, digits
        if end - begin >= HANDLE_BYTES and begin >= done_K[HANDLE] and (kind == _LONG or digits >= HANDLE_DIGITS):
            found = _put(data_B, low, high, found_R6, found, doc, HANDLE, begin, end)
            done_K[HANDLE] = end
        steps += max(end - i, 1)
        i = max(i, end)
        if i >= high:
            break
        i = _char(data_B, i)[1]
    return found


@kernel
def find_runs(data_B, start_D1, class_C, found_R6):
    """Runs of each cue's alphabet that hold its trigger. A row of found_R6 (int64): document, cue, bytes of the batch
    [from, to) of the run and [left, right) of the run with its surroundings.

    class_C: uint16 by code point (filters/pii/scan.py). Returns how many there are; found_R6 takes as many as it has
    rows, so that a caller who gave too few can allocate and call again.
    """
    found = 0
    done_K = np.zeros(CUES, np.int64)  # end of the last run looked at, by cue
    run_3 = np.zeros(3, np.int64)
    for d in range(start_D1.size - 1):
        low, high = start_D1[d], start_D1[d + 1]
        done_K[:] = low
        run_3[0], run_3[1] = 0, -1
        i = low
        number_from, number_digits = low, 0
        code_from, code_digits = low, 0
        links, colons = 0, 0  # numbers joined to the one before by a dot, hexadecimal ones by a colon
        p1, p2, p3 = np.int64(0), np.int64(0), np.int64(0)  # classes of the three characters before
        before, before2 = np.int64(0), np.int64(0)  # the two characters before, folded
        while i <= high:
            c, after, m = np.int64(0), high + 1, np.int64(0)  # at the end, a character that ends every run
            if i < high:
                c, after = code_point(data_B, i)
                m = np.int64(class_C[c])
            if not m & _NUMBER:
                if number_digits >= NUMBER_DIGITS:
                    found = _put(data_B, low, high, found_R6, found, d, NUMBER, number_from, i)
                number_from, number_digits = after, 0
            if not m & _CODE:
                if code_digits >= CODE_DIGITS or i - code_from >= CODE_BYTES:
                    found = _put(data_B, low, high, found_R6, found, d, CODE, code_from, i)
                code_from, code_digits = after, 0
            folded = fold(c)
            cue = -1
            if m & DIGIT:
                number_digits += 1
                code_digits += 1
                if p1 & DOT:
                    links = links + 1 if p2 & DIGIT else 0
                elif not p1 & DIGIT:
                    links = 0
                elif p2 & UPPER and p3 & UPPER:  # country and check digits of an IBAN
                    cue = ACCOUNT
                if links >= 3:
                    cue = ADDRESS
            elif m & UPPER and p1 & PROVINCE:
                cue = PLATE
            elif m & AT:
                cue = MAIL
            elif m & COLON and p1 & HEX and _follows_hextet(data_B, class_C, low, i):
                cue = ADDRESS
            if m & HEX:
                if p1 & COLON:
                    colons = colons + 1 if p2 & HEX else 0
                    cue = ADDRESS if colons >= 7 else cue  # eight groups
                elif not p1 & HEX:
                    colons = 0
            if cue >= 0:
                found = _put_around(data_B, class_C, low, high, found_R6, found, d, cue, i, done_K)
            if m & KEYWORD_END:
                kind = _keyword(data_B, low, after, folded, before, before2)
                if kind != _NONE:
                    found = _put_handles(data_B, class_C, low, high, found_R6, found, d, after, kind, done_K, run_3)
            p3, p2, p1 = p2, p1, m
            before2, before = before, folded
            i = after
    return found
