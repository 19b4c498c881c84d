"""Where personal data could stand: runs of characters that a recognizer could match in, with what it cannot do without.

Letters: B bytes of the batch, D1 documents + 1 offsets, C code points, R6 runs found, six numbers each.
"""

import numpy as np

from gristmill.filters.kernels.jit import kernel
from gristmill.filters.kernels.pii.anchors import (
    ASSIGNED,
    BEARER,
    BEGIN,
    EXACT,
    LONG,
    NAMED_CODE,
    NONE,
    PREFIX,
    SHORT,
    URL,
    _back,
    _char,
    ascii_anchor,
    fold,
    key_end,
    lower,
    other_anchor,
)
from gristmill.filters.kernels.text.unicode import code_point

# Cues: bit k of class_C says that the character belongs to the alphabet of cue k.
MAIL, NUMBER, ADDRESS, CODE, ACCOUNT, PLATE, HANDLE, SECRET, NAMED, IDENTITY, BLOCK = range(11)
CUES = 11

# Properties of a character, above the cue bits.
DIGIT = 1 << 16
UPPER = 1 << 17
HEX = 1 << 18
PROVINCE = 1 << 19
AT = 1 << 20
DOT = 1 << 21
COLON = 1 << 22
KEYWORD_END = 1 << 23

NUMBER_DIGITS = 7  # the shortest telephone number looked for; cards, accounts and identity numbers are longer
CODE_DIGITS = 6  # a social credit code has at least the six of its region
CODE_BYTES = 26  # the shortest Bitcoin address
ACCOUNT_BYTES = 15  # the shortest IBAN (Norway)
PLATE_DIGITS = 3
HANDLE_BYTES = 5
HANDLE_DIGITS = 3  # after a two-letter keyword: "wx" is a toolkit too, and "create" is not an account
NAMED_BYTES, NAMED_DIGITS = 6, 2  # a passport number
KEYWORD_CHARS = 20  # from the end of a keyword ("微信号：") to the start of the name it announces
NAMED_CHARS = 32  # from "passport" to its number: "passport number (if any): "
BEGIN_CHARS = 10  # -----BEGIN
VALUE_CHARS = 24  # from `token` to what is assigned to it: `_value" => "`, `", "value": "`
VALUE_BYTES, VALUE_DIGITS, VALUE_WORDS = 6, 1, 5  # a secret without a sign before it; words up to it
KEY_BYTES = 15  # the shortest key with a prefix: `path` and `api-` begin many words
USER_CHARS = 512  # from :// to the at-sign behind user and password
REACH = 32  # characters to either side of a run that belong to its window

_NUMBER, _CODE = 1 << NUMBER, 1 << CODE


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
def _put_after(data_B, class_C, low, high, found_R6, found, doc, cue, after, limits_4, done_K, run_3):
    """Puts the words of a cue's alphabet that an anchor ending at byte `after` may announce, the one that it ends in
    included; returns found.

    limits_4: bytes and digits that a word has at least, characters in which it begins, how many there may be.
    run_3: begin, end and digits of the run that the anchor before ended in, which may hold this one too (_vx_vx_vx).
    """
    least, least_digits, reach, most = limits_4
    i, steps, runs = after, 0, 0
    while steps < reach and runs < most:
        if i == after and run_3[0] <= i <= run_3[1]:
            begin, end, digits = run_3
        else:
            begin, end = _run(data_B, class_C, cue, low, high, i)
            digits = _digits(data_B, class_C, begin, end)
            if i == after:
                run_3[0], run_3[1], run_3[2] = begin, end, digits
        if end - begin >= least and begin >= done_K[cue] and digits >= least_digits:
            found = _put(data_B, low, high, found_R6, found, doc, cue, begin, end)
            done_K[cue] = end
        runs += end > i
        steps += max(end - i, 1)
        i = max(i, end)
        if i >= high:
            break
        i = _char(data_B, i)[1]
    return found


@kernel
def _put_secret(data_B, class_C, low, high, found_R6, found, doc, i, least, done_K):
    """Puts the run of SECRET that byte i lies in, unless that was done or it has fewer than `least` bytes; returns
    found."""
    if i >= done_K[SECRET]:
        begin, end = _run(data_B, class_C, SECRET, low, high, i)
        if end - begin >= least:
            found = _put(data_B, low, high, found_R6, found, doc, SECRET, begin, end)
            done_K[SECRET] = end
    return found


@kernel
def _assigned(data_B, class_C, high, after, marked):
    """Where the value begins that an anchor ending at byte `after` announces, with `=` or `:` between unless `marked`;
    -1 if none does. What may stand between: that sign, spaces, quotes, `>`, and _letters of a longer name."""
    i, steps, letters = after, 0, False
    while i < high and steps < VALUE_CHARS:
        c, following = _char(data_B, i)
        c = fold(c)
        if c == 0x3D or c == 0x3A or c == 0x662F or c == 0x4E3A:  # = : 是 为
            marked, letters = True, False
        elif not marked and ((i == after and (c == 0x5F or c == 0x2D)) or (letters and 0x61 <= (c | 0x20) <= 0x7A)):
            letters = True
        elif c == 0x22 or c == 0x27 or c == 0x3E or c == 0x60 or not (class_C[c] >> SECRET) & 1:  # quotes, spaces
            letters = False
        else:
            break
        i, steps = following, steps + 1
    return i if marked and i < high else -1


@kernel
def _has_user(data_B, class_C, high, after, known):
    """(whether an at-sign follows :// within USER_CHARS characters that a URL may have, up to where none does).

    known: where the last search ended, up to which none does.
    """
    i = max(after, known)
    while i < high and i - after < 4 * USER_CHARS:  # bytes
        c, following = _char(data_B, i)
        if not (class_C[c] >> SECRET) & 1:
            return False, i
        if class_C[c] & AT:
            return True, i
        i = following
    return False, i


@kernel
def _put_anchor(data_B, class_C, low, high, found_R6, found, d, after, kind, done_K, run_K3):
    """Puts what an anchor of a kind that ends at byte `after` announces; returns found."""
    if kind in (LONG, SHORT, EXACT):
        limits_4 = (HANDLE_BYTES, HANDLE_DIGITS if kind == SHORT else 0, KEYWORD_CHARS, KEYWORD_CHARS)
        return _put_after(
            data_B, class_C, low, high, found_R6, found, d, HANDLE, after, limits_4, done_K, run_K3[HANDLE]
        )
    if kind == NAMED_CODE:
        limits_4 = (NAMED_BYTES, NAMED_DIGITS, NAMED_CHARS, NAMED_CHARS)
        return _put_after(data_B, class_C, low, high, found_R6, found, d, NAMED, after, limits_4, done_K, run_K3[NAMED])
    if kind == PREFIX:
        return _put_secret(data_B, class_C, low, high, found_R6, found, d, _back(data_B, after), KEY_BYTES, done_K)
    if kind == URL:
        has, run_K3[BLOCK, 0] = _has_user(data_B, class_C, high, after, run_K3[BLOCK, 0])  # a block is no run
        return _put_secret(data_B, class_C, low, high, found_R6, found, d, after, 1, done_K) if has else found
    if kind == BEGIN:
        begin = after
        for _ in range(BEGIN_CHARS):
            begin = _back(data_B, begin)
        if begin >= done_K[BLOCK]:
            done_K[BLOCK] = key_end(data_B, high, after)
            found = _put(data_B, low, high, found_R6, found, d, BLOCK, begin, done_K[BLOCK])
        return found
    value = _assigned(data_B, class_C, high, after, kind == BEARER)
    if value >= 0 and (class_C[_char(data_B, value)[0]] >> SECRET) & 1:
        found = _put_secret(data_B, class_C, low, high, found_R6, found, d, value, 1, done_K)
    if kind == ASSIGNED:
        limits_4 = (VALUE_BYTES, VALUE_DIGITS, VALUE_CHARS, VALUE_WORDS)
        found = _put_after(
            data_B, class_C, low, high, found_R6, found, d, SECRET, after, limits_4, done_K, run_K3[SECRET]
        )
    return found


@kernel
def find_runs(data_B, start_D1, class_C, anchors, found_R6):
    """Runs of each cue's alphabet that hold its trigger. A row of found_R6 (int64): document, cue, bytes of the batch
    [from, to) of the run and [left, right) of the run with its surroundings.

    class_C: uint32 by code point, anchors: Anchors (filters/pii/scan.py). Returns how many there are; found_R6 takes as
    many as it has rows, so that a caller who gave too few can allocate and call again.
    """
    found = 0
    done_K = np.zeros(CUES, np.int64)  # end of the last run looked at, by cue
    run_K3 = np.zeros((CUES, 3), np.int64)
    for d in range(start_D1.size - 1):
        low, high = start_D1[d], start_D1[d + 1]
        done_K[:] = low
        run_K3[:, 0], run_K3[:, 1] = 0, -1
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
            folded = lower(fold(c))
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
            elif m & UPPER and (p1 & PROVINCE or (p2 & PROVINCE and (p1 >> PLATE) & 1 and not p1 & (DIGIT | UPPER))):
                cue = PLATE
            elif m & AT:
                cue = MAIL
            elif m & COLON and p1 & HEX and _follows_hextet(data_B, class_C, low, i):
                cue = ADDRESS
            elif folded == 0x28 and p1 & p2 & p3 & DIGIT:  # A123456(3)
                cue = IDENTITY
            if m & HEX:
                if p1 & COLON:
                    colons = colons + 1 if p2 & HEX else 0
                    cue = ADDRESS if colons >= 7 else cue  # eight groups
                elif not p1 & HEX:
                    colons = 0
            if cue >= 0:
                found = _put_around(data_B, class_C, low, high, found_R6, found, d, cue, i, done_K)
            kind = NONE
            if folded < 128 and before < 128 and anchors.first_P[before << 7 | folded] >= 0:
                kind = ascii_anchor(data_B, low, after, before << 7 | folded, anchors)
            if kind == NONE and m & KEYWORD_END:
                kind = other_anchor(folded, before, before2)
            if kind != NONE:
                found = _put_anchor(data_B, class_C, low, high, found_R6, found, d, after, kind, done_K, run_K3)
            p3, p2, p1 = p2, p1, m
            before2, before = before, folded
            i = after
    return found


find_runs.without_numba(most=1 << 14)(find_runs.interpreted)
