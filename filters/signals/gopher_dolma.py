"""Gopher as Dolma counts it: 1.2.1 (669f534), python/dolma/taggers/gopher.py, tagger gopher_v1.

What differs from the paper's words: the median length, words that *contain* a symbol, blank lines are lines, bullets
`*` and `-` at the very start, U+2026 alone as ellipsis, and n-grams counted each by itself.
"""

from collections.abc import Callable

from gristmill.filters.counters import STOP_WORDS, Counters
from gristmill.filters.kernels.ngrams import EVERY, LONGEST, LONGEST_TOP, WHOLE
from gristmill.filters.kernels.text.items import EACH
from gristmill.filters.signals.declare import SIGNALS, Floats, Signal, ratio, signal

BULLETS = "*-"


@signal("characters", "spaced")
def median_word_length(c: Counters) -> Floats:
    """Median length of the words between white space, symbols-only ones included; 0 where there is none."""
    return c.median_space_word_D


@signal("share", "spaced")
def symbol_word_fraction(c: Counters) -> Floats:
    """Share of words between white space that contain `#` or U+2026."""
    return ratio(c.space.symbol_words_D, c.space.stream.count_D)


@signal("words", "spaced")
def stop_word_occurrences(c: Counters) -> Floats:
    """Occurrences of *the be to of and that have with* between white space, in lower case: `the` twice is two."""
    return c.listed(c.space.stream, STOP_WORDS)[1]


@signal("share", "any")
def dolma_bullet_line_fraction(c: Counters) -> Floats:
    """Share of lines, blank ones included, whose first character is `*` or `-`."""
    return ratio(c.piece_edges(EACH, False, BULLETS, False)[0], c.pieces(EACH).count_D)


@signal("share", "any")
def dolma_ellipsis_line_fraction(c: Counters) -> Floats:
    """Share of lines, blank ones included, whose last character is U+2026."""
    return ratio(c.piece_edges(EACH, False, BULLETS, False)[1], c.pieces(EACH).count_D)


@signal("share", "any")
def dolma_duplicate_line_fraction(c: Counters) -> Floats:
    """Share of lines that occur twice or more, blank ones included: two blank lines are duplicates."""
    return ratio(c.piece_repeats(EACH).repeated_D, c.piece_repeats(EACH).count_D)


@signal("per character", "spaced")
def dolma_duplicate_line_char_ratio(c: Counters) -> Floats:
    """Characters of lines that occur twice or more, white space included, per character of a word.

    White space counts above and not below, so it can be more than 1.
    """
    return ratio(c.piece_repeats(EACH).repeated_chars_D, c.space.stream.sum_chars())


_TOP = """Length of the most frequent word {n}-gram times its count, per character of a word.

Dolma's: an n-gram that occurs once counts too, overlapping occurrences each by themselves, so it can be more than 1.
Of equally frequent ones the first is taken."""
_DUPLICATE = """Share of characters of all word {n}-grams, each by itself, that are of those which occur twice or more.

Dolma's: every occurrence counts by itself, the first included, on both sides."""


def _top(n: int) -> Callable[[Counters], Floats]:
    return lambda c: ratio(c.space_ngrams_KDN[EVERY, :, n - 1], c.space_ngrams_KDN[EVERY, :, 0])


def _duplicate(n: int) -> Callable[[Counters], Floats]:
    return lambda c: ratio(c.space_ngrams_KDN[EVERY, :, n - 1], c.space_ngrams_KDN[WHOLE, :, n - 1])


for _n in range(2, LONGEST + 1):
    _is_top = _n <= LONGEST_TOP
    _name = f"dolma_{'top' if _is_top else 'duplicate'}_{_n}gram_char_{'ratio' if _is_top else 'fraction'}"
    _signal = (
        Signal(_name, "per character", "spaced", _TOP.format(n=_n), _top(_n))
        if _is_top
        else Signal(_name, "share", "spaced", _DUPLICATE.format(n=_n), _duplicate(_n))
    )
    SIGNALS.declare(_name, _signal)
