"""Finding many phrases at once: an Aho-Corasick automaton over folded characters, and what it finds in Chinese lines.

Folding is in the table symbol_C: code point -> symbol (0: in no phrase), so that full-width forms, capitals and their
plain forms are one symbol.
"""

# Letters: B bytes of the batch, D documents, D1 = D + 1 offsets, C code points, S states, Y symbols of the automaton,
# 3 = MEASURED.
import numpy as np

from gristmill.filters.kernels.jit import inline, kernel
from gristmill.filters.kernels.text.lines import NEWLINE, TERMINAL
from gristmill.filters.kernels.text.unicode import ALNUM, DIGIT, PUNCT, SCRIPTS, SPACE, UNSPACED, code_point

FURNITURE, NAVIGATION, CONTACT, PHONE, OFFER, SPAM = 1, 2, 4, 8, 16, 32
"""Bits of kind_S: what the phrases that end in a state are."""
PITCH = CONTACT | PHONE | OFFER
MEASURED = (NAVIGATION, PITCH, SPAM)
"""What letters are counted of: the columns of length_S3."""

ACCOUNT, TELEPHONE = 5, 7
"""Letters and digits in a row, one digit at least, that can be an account (QQ), or a telephone number."""
OFFERS = 3
"""So many offers can advertise without an address."""
PITCH_SHARE, OFFERS_SHARE = 0.1, 0.2
"""Addresses and offers are at least this share of a line that advertises with, without an address; news has less."""
HAN = SCRIPTS.index("Hani")
SEGMENTS = 6
SEGMENT_LETTERS = 10
"""A line of so many pieces, so short on average, without the end of a sentence, is a list of keywords."""


@inline
def is_furniture(kinds, letters, navigation):
    """Page furniture: a phrase that says so, or half of the line's letters are names of navigation."""
    return (kinds & FURNITURE) != 0 or (navigation > 0 and 2 * navigation >= letters)


@inline
def is_advertisement(kinds, letters, pitch, number, offers):
    """An address with an offer or an account; a telephone number with an offer; or offers one after another."""
    offer = (kinds & OFFER) != 0
    asks = (kinds & CONTACT) != 0 and (offer or number >= ACCOUNT)
    calls = (kinds & PHONE) != 0 and offer and number >= TELEPHONE
    if asks or calls:
        return pitch >= PITCH_SHARE * letters
    return offers >= OFFERS and pitch >= OFFERS_SHARE * letters


@inline
def is_keyword_list(letters, han, segments, ended):
    """Many short pieces, mostly Chinese, and no end of a sentence."""
    return segments >= SEGMENTS and letters <= SEGMENT_LETTERS * segments and 2 * han >= letters and not ended


@kernel
def read_lines(
    data_B, start_D1, classes, script_C, symbol_C, next_SY, kind_S, length_S3,
    letter_D, han_D, sentence_D, furniture_D, advertisement_D, keyword_D, spam_D,
):  # fmt: skip
    """Letters (letters, digits, combining marks) per document, int64, and how many of them are or stand in what.

    han_D: Han characters. In lines: sentence_D that end with sentence-ending punctuation, closing marks aside;
    furniture_D, advertisement_D, keyword_D as the functions above say. spam_D: inside SPAM phrases; where phrases
    overlap, a phrase adds what lies behind the end of the one before. A phrase is found with spaces after its Chinese
    characters too, and never across lines.
    """
    for d in range(start_D1.size - 1):
        all_letters, all_han, sentences, furniture, advertisements, keywords, spam = 0, 0, 0, 0, 0, 0, 0
        i, end = start_D1[d], start_D1[d + 1]
        while i < end:
            state, kinds, letters, han, segments, offers = 0, 0, 0, 0, 0, 0
            navigation, pitch, spam_letters = 0, 0, 0
            navigation_end, pitch_end, spam_end = 0, 0, 0
            run, digits, number, in_segment, ended, sentence, after_han = 0, 0, 0, False, False, False, False
            while i < end:
                c, i = code_point(data_B, i)
                if c == NEWLINE:
                    break
                k = classes[c]
                if k & ALNUM:
                    letters += 1
                    segments += not in_segment
                    in_segment = True
                    sentence = False
                    after_han = (k & UNSPACED) != 0
                    han += script_C[c] == HAN
                    run = 0 if after_han else run + 1
                    digits = 0 if after_han else digits + (k & DIGIT)
                    if digits:
                        number = max(number, run)
                elif k & SPACE:
                    in_segment = False
                    run, digits = 0, 0
                    if not after_han:
                        state = 0
                    continue
                elif k & PUNCT:
                    in_segment = False
                    if c != 0x2D:
                        run, digits = 0, 0
                    if k & TERMINAL:
                        ended, sentence = True, True
                    elif not is_closing(c):
                        sentence = False
                else:
                    continue
                state = next_SY[state, symbol_C[c]]
                kind = kind_S[state]
                if kind:
                    kinds |= kind
                    if kind & NAVIGATION:
                        navigation += min(length_S3[state, 0], letters - navigation_end)
                        navigation_end = letters
                    offers += (kind & OFFER) // OFFER
                    if kind & PITCH:
                        pitch += min(length_S3[state, 1], letters - pitch_end)
                        pitch_end = letters
                    if kind & SPAM:
                        spam_letters += min(length_S3[state, 2], letters - spam_end)
                        spam_end = letters
            all_letters += letters
            all_han += han
            spam += spam_letters
            sentences += letters * sentence
            furniture += letters * is_furniture(kinds, letters, navigation)
            advertisements += letters * is_advertisement(kinds, letters, pitch, number, offers)
            keywords += letters * is_keyword_list(letters, han, segments, ended)
        letter_D[d], han_D[d], sentence_D[d], furniture_D[d] = all_letters, all_han, sentences, furniture
        advertisement_D[d], keyword_D[d], spam_D[d] = advertisements, keywords, spam


@inline
def is_closing(c):
    """Quotation marks and brackets that may follow the end of a sentence."""
    return (
        c == 0x22 or c == 0x27 or c == 0x29 or c == 0x201D or c == 0x2019 or c == 0x300D or c == 0x300F
        or c == 0xFF09 or c == 0x300B or c == 0x3011 or c == 0xFF02
    )  # fmt: skip


def automaton(phrases: dict[str, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, int]]:
    """Tables for folded phrases with their kind bits: (next_SY int16, kind_S uint8, length_S3 uint8, symbols).

    next_SY[state, symbol] is the state after a symbol, with all failure links followed. kind_S holds the bits of all
    phrases that end in a state, length_S3 the letters of the longest of each of MEASURED. symbols: character -> 1 ..
    """
    symbols: dict[str, int] = {}
    children: list[dict[int, int]] = [{}]
    ends: dict[int, str] = {}
    for phrase in phrases:
        state = 0
        for char in phrase:
            symbol = symbols.setdefault(char, len(symbols) + 1)
            if symbol not in children[state]:
                children[state][symbol] = len(children)
                children.append({})
            state = children[state][symbol]
        ends[state] = phrase
    next_SY = np.zeros((len(children), len(symbols) + 1), np.int16)
    kind_S, length_S3 = np.zeros(len(children), np.uint8), np.zeros((len(children), len(MEASURED)), np.uint8)
    queue = [(0, 0)]
    for state, fail in queue:
        next_SY[state] = next_SY[fail]
        kind_S[state], length_S3[state] = kind_S[fail], length_S3[fail]
        if state in ends:
            kind_S[state] |= phrases[ends[state]]
            measured = [phrases[ends[state]] & kind > 0 for kind in MEASURED]
            length_S3[state, measured] = sum(char.isalnum() for char in ends[state])
        for symbol, child in children[state].items():
            queue.append((child, next_SY[fail, symbol] if state else 0))
            next_SY[state, symbol] = child
    return next_SY, kind_S, length_S3, symbols
