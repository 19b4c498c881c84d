"""Gopher as datatrove counts it: 0.10 (a649de7), filters/gopher_quality_filter.py and gopher_repetition_filter.py.

What differs from the paper's words: marks are words (the `punct` stream stands in for spaCy's English tokens), the
first occurrence of a duplicate is none, and shares are of len(text), white space included.
"""

from collections.abc import Callable

from gristmill.filters.counters import STOP_WORDS, Counters
from gristmill.filters.kernels.ngrams import LONGEST, LONGEST_TOP, PASSED
from gristmill.filters.kernels.text.items import BLANK, RUNS, SPLITLINES
from gristmill.filters.signals.declare import SIGNALS, Floats, Signal, ratio, signal

BULLETS = "\u2022-"


@signal("words", "spaced")
def datatrove_words(c: Counters) -> Floats:
    """Words, marks split off, that hold more than punctuation as datatrove counts them.

    Its list of punctuation is filters/data/datatrove_punctuation.txt; kernels/text/punct.py says how marks split.
    """
    return c.punct.plain_D


@signal("characters", "spaced")
def datatrove_mean_word_length(c: Counters) -> Floats:
    """Mean length of the words of datatrove_words, so without the marks around them."""
    return ratio(c.punct.plain_chars_D, c.punct.plain_D)


@signal("per word", "spaced")
def datatrove_hash_word_ratio(c: Counters) -> Floats:
    """Number signs `#` per word, where marks are words as datatrove has them."""
    return ratio(c.space.signs_D, c.punct.stream.count_D)


@signal("per word", "spaced")
def datatrove_ellipsis_word_ratio(c: Counters) -> Floats:
    """Ellipses (`...` and U+2026) per word, where marks are words as datatrove has them."""
    return ratio(c.space.ellipses_D, c.punct.stream.count_D)


@signal("share", "any")
def datatrove_bullet_line_fraction(c: Counters) -> Floats:
    """Share of lines that begin with a bullet, U+2022 or `-`, after white space; blank lines count as lines.

    Lines are those of Python's str.splitlines().
    """
    return ratio(c.piece_edges(SPLITLINES, True, BULLETS, True)[0], c.pieces(SPLITLINES).count_D)


@signal("share", "any")
def datatrove_ellipsis_line_fraction(c: Counters) -> Floats:
    """Share of lines that end with an ellipsis, `...` or U+2026, before white space; blank lines count as lines."""
    return ratio(c.piece_edges(SPLITLINES, True, BULLETS, True)[1], c.pieces(SPLITLINES).count_D)


@signal("share", "spaced")
def datatrove_alphabetic_word_fraction(c: Counters) -> Floats:
    """Share of words that hold a letter of any script, where marks are words as datatrove has them."""
    return ratio(c.punct.alphabetic_D, c.punct.stream.count_D)


@signal("words", "spaced")
def datatrove_stop_words(c: Counters) -> Floats:
    """Distinct English stop words among *the be to of and that have with*, marks split off, in lower case."""
    return c.listed(c.punct.stream, STOP_WORDS)[0]


@signal("share", "any")
def datatrove_duplicate_line_fraction(c: Counters) -> Floats:
    """Share of lines that equal an earlier line; the first occurrence does not count.

    Lines are what stands between line feeds, white space included; blank lines count where they hold white space.
    """
    return ratio(c.piece_repeats(RUNS).later_D, c.piece_repeats(RUNS).count_D)


@signal("share", "any")
def datatrove_duplicate_line_char_fraction(c: Counters) -> Floats:
    """Characters of lines that equal an earlier line, of all characters of the document, line feeds included."""
    return ratio(c.piece_repeats(RUNS).later_chars_D, c.sizes.chars_D)


@signal("share", "any")
def datatrove_duplicate_paragraph_fraction(c: Counters) -> Floats:
    """Share of paragraphs that equal an earlier one. Paragraphs stand between two line feeds or more."""
    return ratio(c.piece_repeats(BLANK).later_D, c.piece_repeats(BLANK).count_D)


@signal("share", "any")
def datatrove_duplicate_paragraph_char_fraction(c: Counters) -> Floats:
    """Characters of paragraphs that equal an earlier one, of all characters of the document, line feeds included."""
    return ratio(c.piece_repeats(BLANK).later_chars_D, c.sizes.chars_D)


_TOP = """Length of the most frequent word {n}-gram, spaces between its words included, times its count, per character.

datatrove's: an n-gram that occurs once counts too, overlapping occurrences each by themselves, and all characters of
the document are divided by. Of equally frequent ones the first is taken. Marks are words."""
_DUPLICATE = """Characters of word {n}-grams that equal an earlier one, reading on behind each, per character.

datatrove's: first occurrences do not count, and all characters of the document, white space included, are divided by.
Marks are words."""


def _share(n: int) -> Callable[[Counters], Floats]:
    return lambda c: ratio(c.punct_ngrams_KDN[PASSED, :, n - 1], c.sizes.chars_D)


for _n in range(2, LONGEST + 1):
    _kind, _doc = ("top", _TOP) if _n <= LONGEST_TOP else ("duplicate", _DUPLICATE)
    _name = f"datatrove_{_kind}_{_n}gram_char_fraction"
    SIGNALS.declare(_name, Signal(_name, "share", "spaced", _doc.format(n=_n), _share(_n)))
