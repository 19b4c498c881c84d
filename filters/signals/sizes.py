"""Sizes, and what characters a document is made of."""

from gristmill.filters.counters import Counters
from gristmill.filters.signals.declare import Floats, ratio, signal


@signal("bytes", "any")
def utf8_bytes(c: Counters) -> Floats:
    """Length of the document in UTF-8."""
    return c.bytes_D


@signal("characters", "any")
def characters(c: Counters) -> Floats:
    """Length of the document in code points, white space included."""
    return c.sizes.chars_D


@signal("words", "spaced")
def words(c: Counters) -> Floats:
    """Words between white space, as Python's str.split() gives them."""
    return c.space.stream.count_D


@signal("words", "any")
def running_words(c: Counters) -> Floats:
    """Words in any script: runs of letters and digits, where every letter of a script without spaces is a word.

    So 50 of them are 50 words of French and 50 characters of Chinese; marks and white space are left out.
    """
    return c.char.count_D


@signal("per line", "any")
def running_words_per_line(c: Counters) -> Floats:
    """Words in any script per line that holds more than white space: few in menus, lists of names, and tables.

    0 where there is no line.
    """
    return ratio(c.char.count_D, c.lines.stripped.count_D)


@signal("share", "any")
def letter_fraction(c: Counters) -> Floats:
    """Share of characters that are letters, digits or combining marks of any script; white space on neither side."""
    return ratio(c.kinds.letters_D, c.kinds.visible_D)


@signal("share", "any")
def alphanumeric_fraction(c: Counters) -> Floats:
    """Share of all characters, white space included, that are letters, digits or combining marks of any script."""
    return ratio(c.kinds.letters_D, c.sizes.chars_D)


@signal("share", "any")
def digit_fraction(c: Counters) -> Floats:
    """Share of characters that are digits (str.isdigit); white space on neither side."""
    return ratio(c.kinds.digits_D, c.kinds.visible_D)


@signal("lines", "any")
def lines(c: Counters) -> Floats:
    """Lines that hold more than white space. A line ends at a line feed."""
    return c.lines.stripped.count_D


@signal("paragraphs", "any")
def paragraphs(c: Counters) -> Floats:
    """Runs of lines without a blank line between them."""
    return c.lines.paragraphs.count_D


@signal("characters", "any")
def third_longest_line(c: Counters) -> Floats:
    """Length of the third longest line, white space included: mC4 asks for three lines of 200 characters.

    0 where there are fewer than three lines.
    """
    return c.third_longest_line_D
