"""Which lines, and which ends of lines, stand beside an article: phrases in their tokens, and their neighbours.

A line is judged whole, then from both ends piece by piece (line_tokens.py), so that what is glued to an article goes
alone, and what stands inside running sentences stays.
"""

# Letters: B bytes of the batch, D documents, D1 = D + 1 offsets, L lines, T tokens of a line, P pieces of it, S states,
# K keys of the trie, W slots of the word table, G patterns with a gap, X entries of their lists by state,
# A anchors, C code points.
import numpy as np

from gristmill.filters.kernels.jit import inline, kernel
from gristmill.filters.kernels.junk.tokens import (
    CODE,
    COLON,
    LABEL,
    NO_MARK,
    NOTHING,
    NUMBER,
    PATH,
    SENTENCE,
    SIGNS,
    is_closing,
    is_opening,
    read_line,
)
from gristmill.filters.kernels.text.hashes import FNV_OFFSET
from gristmill.filters.kernels.text.lines import NEWLINE
from gristmill.filters.kernels.text.unicode import code_point, mix64

IS, MENU, BEGINS, ENDS, HOLDS, OPENS, REACH, LABELS, SPACED, PATHS = range(10)
"""How a phrase stands in a piece that goes: the piece is made of such phrases; of such names of a menu, if there are
more of them; begins so, ends so, holds it; is a heading that lists of other pages stand under; or begins so with a
colon behind, and says how somebody is reached. The last three: it begins so, and a colon, white space or the sign of a
path follows."""
ANCHORS = ("is", "menu", "begins", "ends", "holds", "opens", "reach")
ADDRESS, FIRST = 2, 3
"""Symbols: a word of a web address, the first of the phrases' own."""

KEPT, BLANK, FIGURES, PROSE, SHORT, LISTED, IN_MENU, CUT, ROW, MARKS, NAMES, CONTACT = range(12)
"""What a line is: empty, only numbers; a sentence; few words; a row of words that can be a link; names of a
menu (or one of them); beside the article; code or a row of a table; only
signs; Chinese names in a row, with white space or signs between them; an address or telephone number and what it is
called."""

WORD_UNITS = 2
"""A word of letters counts as two Chinese characters."""
COVERED = 0.75
WHOLE_UNITS, BEGIN_UNITS, END_UNITS, HOLD_UNITS, SHORT_UNITS, LISTED_UNITS = 160, 44, 40, 90, 12, 64
"""The most units of a piece that goes by the rule, of a short line, and of one that can be a link."""
GAP = 14
"""Tokens between the two parts of a pattern."""
ITEMS, MANY_ITEMS = 3, 5
"""So many names of a menu in one line make it one; so many, if only half of it are names."""
NAMES_IN_ROW, NAME_UNITS = 5, 8
"""The fewest names of a row, and the most characters of one; they have two and more, taken together."""
STEPS = 2
"""So many signs of a path (`>`) in a line make it one."""


@inline
def slot_of(key, key_K):
    """The slot that holds a key, or the empty one where it would be."""
    mask = np.uint64(key_K.size - 1)
    slot = mix64(key) & mask
    while key_K[slot] != 0 and key_K[slot] != key:
        slot = (slot + np.uint64(1)) & mask
    return slot


@kernel
def fill(key_N, value_N, key_K, value_K):
    """Open addressing: the values of keys other than 0."""
    for n in range(key_N.size):
        slot = slot_of(key_N[n], key_K)
        key_K[slot], value_K[slot] = key_N[n], value_N[n]


@kernel
def judge_tokens(
    hash_T, quoted_T, follow_T, first, stop, start_Y, key_K, next_K, word_W, symbol_W,
    family_SA, opens_S1, opens_X, closes_S1, closes_X, family_G, open_G,
):  # fmt: skip
    """(family or 0; CUT, IN_MENU, FIGURES, CONTACT or KEPT; units; whether names of a menu decide, a list stands under
    it, it holds a web address)."""
    units, covered, items, menu_units = 0, 0, 0, 0
    covered_to, is_family, menu_family, opener, addressed = first, 0, 0, 0, False
    begins, ends, holds, reach = 0, 0, 0, 0
    base = open_G[family_G.size] + 1 - first  # tokens are numbered on from call to call: none has to be forgotten
    open_G[family_G.size] = base + stop
    lead = first
    while lead < stop and hash_T[lead] == NUMBER << 1:
        lead += 1
    tail = stop
    while tail > first and hash_T[tail - 1] == NUMBER << 1:
        tail -= 1
    for i in range(first, stop):
        if hash_T[i] & np.uint64(1):
            units += WORD_UNITS
        elif hash_T[i] != NUMBER << 1:
            units += 1
    if units == 0:
        return 0, FIGURES, units, False, False, False
    if units > WHOLE_UNITS:
        return 0, KEPT, units, False, False, False
    for i in range(first, stop):
        state, j = np.int64(0), i
        weight, best, best_weight, best_family, best_menu, best_opens = 0, 0, 0, 0, 0, 0
        while j < stop:
            h = hash_T[j]
            if h & np.uint64(1):
                symbol = np.int64(symbol_W[slot_of(h, word_W)])
            else:
                symbol = np.int64(h >> np.uint64(1))
            if symbol == ADDRESS:
                addressed = True
            if symbol == 0:
                break
            if j == i:
                state = np.int64(start_Y[symbol])
                if state == 0:
                    break
            else:
                slot = slot_of(np.uint64((state << 20) | symbol), key_K)
                if key_K[slot] == 0:
                    break
                state = np.int64(next_K[slot])
            weight += WORD_UNITS if h & np.uint64(1) else (0 if h == NUMBER << 1 else 1)
            j += 1
            if family_SA[state, IS] or family_SA[state, MENU] or family_SA[state, OPENS]:
                best, best_weight = j, weight
                best_family, best_menu = family_SA[state, IS], family_SA[state, MENU]
                best_opens = family_SA[state, OPENS]
            if i <= lead and not begins:
                begins = family_SA[state, BEGINS]
                if follow_T[j - 1] >= LABEL:
                    begins = begins or family_SA[state, LABELS + follow_T[j - 1] - LABEL]
                if follow_T[j - 1] == LABEL:
                    reach = reach or family_SA[state, REACH]
            if family_SA[state, ENDS] and j >= tail:
                ends = family_SA[state, ENDS]
            if not quoted_T[i]:
                if family_SA[state, HOLDS]:
                    holds = family_SA[state, HOLDS]
                for x in range(closes_S1[state], closes_S1[state + 1]):
                    g = closes_X[x]
                    if base + first <= open_G[g] <= base + i <= open_G[g] + GAP:
                        holds = family_G[g]
                for x in range(opens_S1[state], opens_S1[state + 1]):
                    open_G[opens_X[x]] = base + j
        if best > covered_to and i >= covered_to:
            covered_to = best
            covered += best_weight
            if best_menu and not best_family:
                items += 1
                menu_units += best_weight
                menu_family = best_menu
            else:
                is_family = best_family | best_opens
                items += 1
            if best_opens and 0.6 * units <= best_weight:
                opener = best_opens
    if opener and units <= 24:
        return opener, CUT, units, False, True, addressed
    if covered >= COVERED * units and is_family and 2 * menu_units <= covered:
        return is_family, CUT, units, False, False, addressed
    if holds and units <= HOLD_UNITS:  # before menus: a sentence may be made of their words, too
        return holds, CUT, units, False, False, addressed
    if begins and units <= BEGIN_UNITS:
        return begins, CUT, units, False, False, addressed
    if ends and units <= END_UNITS:
        return ends, CUT, units, False, False, addressed
    if (covered >= COVERED * units and items >= ITEMS) or (2 * covered >= units and items >= MANY_ITEMS):
        return menu_family or is_family, CUT, units, True, False, addressed
    if covered >= COVERED * units:
        return menu_family or is_family, IN_MENU, units, True, False, addressed
    if reach and units <= BEGIN_UNITS:
        return reach, CONTACT, units, False, False, addressed
    return 0, KEPT, units, False, False, addressed


@kernel
def read_pages(
    data_B, start_D1, classes, fold_C, symbol_C, start_Y, key_K, next_K, word_W, symbol_W,
    family_SA, opens_S1, opens_X, closes_S1, closes_X, family_G, open_G,
    hash_T, begin_T, end_T, quoted_T, follow_T, piece_P2, from_P, to_P,
    line_D1, begin_L, end_L, what_L, family_L, units_L, opens_L, banner_L, hash_L,
    head_L, head_family_L, head_hash_L, head_end_L, tail_L, tail_family_L, tail_hash_L, tail_begin_L, navigation,
):  # fmt: skip
    """What each line is. Returns the number of lines; room for line feeds + D is enough.

    family_L: why it goes, or the family of its name of a menu; opens_L: a heading of links; banner_L: no sentence, or
    one with a web address; hash_L: its tokens. head_L, tail_L: up to which and from which byte its ends go (0: they do
    not), head_family_L, tail_family_L why; head_hash_L, tail_hash_L: the first and the last of several pieces, if they
    can be a banner (0: they cannot), head_end_L, tail_begin_L where they end and begin.
    """
    n = 0
    for d in range(start_D1.size - 1):
        line_D1[d] = n
        end = start_D1[d] - 1
        while end < start_D1[d + 1]:
            begin = end + 1
            end = begin
            while end < start_D1[d + 1] and data_B[end] != NEWLINE:
                end += 1
            begin_L[n], end_L[n] = begin, end
            family_L[n], units_L[n], opens_L[n], banner_L[n], hash_L[n] = 0, 0, False, False, 0
            head_L[n], tail_L[n], head_hash_L[n], tail_hash_L[n] = 0, 0, 0, 0
            head_family_L[n], tail_family_L[n] = 0, 0
            tokens, pieces, commas, inside, mark = read_line(
                data_B, begin, end, classes, fold_C, symbol_C,
                hash_T, begin_T, end_T, quoted_T, follow_T, piece_P2, from_P, to_P,
            )  # fmt: skip
            sentence = mark == SENTENCE
            if tokens <= 0 or mark == CODE:
                signs = tokens == SIGNS and not is_closing(code_point(data_B, begin)[0])
                what_L[n] = BLANK if tokens == 0 else (MARKS if signs else ROW)
                n += 1
                continue
            h = FNV_OFFSET
            units = 0
            for t in range(tokens):
                h = mix64(h ^ hash_T[t])
                units += WORD_UNITS if hash_T[t] & np.uint64(1) else (0 if hash_T[t] == NUMBER << 1 else 1)
            hash_L[n], units_L[n] = h | np.uint64(1), units
            unfinished = goes_on(data_B, begin, end)
            family, how, by_menu, opens, addressed = 0, KEPT, False, False, False
            if inside == 0:
                family, how, _, by_menu, opens, addressed = judge_tokens(
                    hash_T, quoted_T, follow_T, 0, tokens, start_Y, key_K, next_K, word_W, symbol_W,
                    family_SA, opens_S1, opens_X, closes_S1, closes_X, family_G, open_G,
                )  # fmt: skip
            what_L[n] = how
            if how == KEPT and mark == NO_MARK and steps(follow_T, tokens) >= STEPS and units <= LISTED_UNITS:
                what_L[n], family = CUT, navigation
            if units > WHOLE_UNITS or (by_menu and (commas >= 2 or mark != NO_MARK)):
                what_L[n] = KEPT
            kept_first, kept_last = 0, pieces - 1
            if what_L[n] == KEPT and pieces > 1:
                first_family, last_family = 0, 0
                while kept_first < pieces:
                    part, cut, part_units, by_menu, _, addressed = judge_tokens(
                        hash_T, quoted_T, follow_T, piece_P2[kept_first, 0], piece_P2[kept_first, 1],
                        start_Y, key_K, next_K, word_W, symbol_W,
                        family_SA, opens_S1, opens_X, closes_S1, closes_X, family_G, open_G,
                    )  # fmt: skip
                    if kept_first == 0:
                        opened = code_point(data_B, from_P[0])[0]
                        glued = not is_opening(code_point(data_B, from_P[1])[0])
                        bracketed = opened == 0x3010 and part_units >= 3
                        if not unfinished and ((addressed and glued and part_units >= 6) or bracketed):
                            head_hash_L[n] = piece_hash(hash_T, piece_P2[0, 0], piece_P2[0, 1])
                            head_end_L[n] = from_P[1]
                    if cut != CUT or by_menu:
                        break
                    first_family = first_family or part
                    kept_first += 1
                while kept_last > kept_first:
                    part, cut, part_units, by_menu, _, addressed = judge_tokens(
                        hash_T, quoted_T, follow_T, piece_P2[kept_last, 0], piece_P2[kept_last, 1],
                        start_Y, key_K, next_K, word_W, symbol_W,
                        family_SA, opens_S1, opens_X, closes_S1, closes_X, family_G, open_G,
                    )  # fmt: skip
                    if (
                        kept_last == pieces - 1
                        and not (kept_last == 1 and is_number(hash_T, piece_P2[0, 0], piece_P2[0, 1]))
                        and part_units >= 6
                        and not unfinished
                        and (
                            addressed or (mark == NO_MARK and not is_opening(code_point(data_B, from_P[kept_last])[0]))
                        )
                    ):
                        tail_hash_L[n] = piece_hash(hash_T, piece_P2[kept_last, 0], piece_P2[kept_last, 1])
                        tail_begin_L[n] = to_P[kept_last - 1]
                    if cut != CUT or by_menu:
                        break
                    last_family = last_family or part
                    kept_last -= 1
                if kept_first == pieces:
                    what_L[n], family = CUT, first_family
                else:
                    what_L[n] = KEPT
                    if kept_first > 0:
                        head_L[n], head_family_L[n] = from_P[kept_first], first_family
                    if kept_last < pieces - 1:
                        tail_L[n], tail_family_L[n] = to_P[kept_last], last_family
            if what_L[n] == IN_MENU and unfinished:
                what_L[n] = ROW
            elif what_L[n] == CUT or what_L[n] == IN_MENU or what_L[n] == CONTACT:
                family_L[n], opens_L[n] = family, opens
            elif what_L[n] == KEPT and head_L[n] == 0 and tail_L[n] == 0:
                if (sentence and units > 8) or mark == COLON:
                    what_L[n] = PROSE
                elif mark == NO_MARK and inside == 0 and commas == 0 and are_names(hash_T, follow_T, tokens, units):
                    what_L[n], family_L[n] = NAMES, navigation
                elif units <= SHORT_UNITS:
                    what_L[n] = ROW if unfinished else SHORT
                elif units <= LISTED_UNITS:
                    what_L[n] = LISTED
                else:
                    what_L[n] = PROSE
            elif what_L[n] == KEPT:
                what_L[n] = PROSE
            banner_L[n] = mark == NO_MARK or addressed
            n += 1
    line_D1[start_D1.size - 1] = n
    return n


@inline
def is_number(hash_T, first, stop):
    """Whether a piece is the number of an entry of a list."""
    return stop == first + 1 and hash_T[first] == NUMBER << 1


@inline
def steps(follow_T, tokens):
    """Signs of a path between tokens."""
    count = 0
    for t in range(tokens - 1):
        count += follow_T[t] == PATH
    return count


@inline
def goes_on(data_B, begin, end):
    """Whether a line ends in a comma, a semicolon or an opening bracket, as code, verse and laws do, and no menu."""
    while end > begin and data_B[end - 1] == 0x20:
        end -= 1
    if end - begin >= 3 and data_B[end - 3] == 0xEF and data_B[end - 2] == 0xBC:
        return data_B[end - 1] == 0x8C or data_B[end - 1] == 0x9B or data_B[end - 1] == 0x88  # full-width forms
    return end > begin and data_B[end - 1] in (0x2C, 0x3B, 0x28, 0x5B)


@inline
def are_names(hash_T, follow_T, tokens, units):
    """Whether a line of Chinese is short names in a row, apart from each other: no sentence is written so."""
    names, characters, length = 0, 0, 0
    for t in range(tokens):
        is_character = not hash_T[t] & np.uint64(1) and hash_T[t] != NUMBER << 1
        characters += is_character
        length += 1 if is_character else WORD_UNITS
        apart = follow_T[t] != NOTHING or t == tokens - 1
        if length > NAME_UNITS or (apart and length == WORD_UNITS and hash_T[t] == NUMBER << 1):
            return False  # a figure by itself: a row of a table
        if apart:
            names += 1
            length = 0
    return names >= NAMES_IN_ROW and 2 * characters > units and units >= 2 * names


@inline
def piece_hash(hash_T, first, stop):
    """Of some tokens, never 0."""
    h = FNV_OFFSET
    for t in range(first, stop):
        h = mix64(h ^ hash_T[t])
    return h | np.uint64(1)
