"""Gopher, quality: Rae et al. 2021 (arXiv 2112.11446), A.1.1."""

from gristmill.filters.counters import Counters
from gristmill.filters.signals.declare import Floats, ratio, signal

# Gopher quality: Rae et al. 2021 (arXiv 2112.11446), A.1.1


@signal("words", "spaced")
def plain_words(c: Counters) -> Floats:
    """Words between white space that hold a letter or digit, so without tokens made of symbols only."""
    return c.space.plain_D


@signal("characters", "spaced")
def mean_word_length(c: Counters) -> Floats:
    """Mean length of the words that hold a letter or digit.

    Words stand between white space and are counted with the punctuation that touches them.
    """
    return ratio(c.space.plain_chars_D, c.space.plain_D)


@signal("per word", "spaced")
def hash_word_ratio(c: Counters) -> Floats:
    """Number signs `#` per word.

    The paper's symbol-to-word ratio, for either symbol by itself; words stand between white space, symbols-only ones
    included.
    """
    return ratio(c.space.signs_D, c.space.stream.count_D)


@signal("per word", "spaced")
def ellipsis_word_ratio(c: Counters) -> Floats:
    """Ellipses (`...` and U+2026) per word.

    The paper's symbol-to-word ratio, for either symbol by itself. Four full stops hold one `...`, six hold two.
    """
    return ratio(c.space.ellipses_D, c.space.stream.count_D)


@signal("share", "any")
def bullet_line_fraction(c: Counters) -> Floats:
    """Share of lines that begin with a bullet, U+2022 or `-`, after white space."""
    return ratio(c.lines.bullet_D, c.lines.stripped.count_D)


@signal("share", "any")
def ellipsis_line_fraction(c: Counters) -> Floats:
    """Share of lines that end with an ellipsis, `...` or U+2026, before white space."""
    return ratio(c.lines.ellipsis_D, c.lines.stripped.count_D)


@signal("share", "spaced")
def alphabetic_word_fraction(c: Counters) -> Floats:
    """Share of words that hold a letter of any script (str.isalpha)."""
    return ratio(c.space.alphabetic_D, c.space.stream.count_D)


@signal("words", "spaced")
def stop_words(c: Counters) -> Floats:
    """Distinct English stop words among *the be to of and that have with*.

    Counted as whole words between white space, lower case as the paper prints them: `the` twice is one, `The` and
    `of,` are none.
    """
    return c.space.stop_words_D
