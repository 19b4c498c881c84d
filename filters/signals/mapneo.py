"""MAP-NEO's rules on Chinese pages: Matrix/chinese_data_clean_pipeline/filter/filter.py, self_defined_rules.

It counts on a text in which full-width marks have become ASCII ones; here both count alike, and the text stays. Its
mean length of jieba's words is left out. Characters are code points of the text as it stands, not of its NFKC form.
"""

import numpy as np

from gristmill.filters.counters import Counters
from gristmill.filters.kernels.text.items import SPLITLINES
from gristmill.filters.signals.declare import Floats, ratio, signal

BULLETS = "•●○■□▪▫※·➢\u2023\u25b6\u25c0\u25e6\u25ab\u2013"
READ_MORE = ("readmore", "展开", "更多")
"""Without its `。。。`, which its own clean-up has turned into `...` before it looks."""


@signal("share", "any")
def lenticular_bracket_fraction(c: Counters) -> Floats:
    """Share of characters that stand between U+3010 and U+3011 in one line."""
    return ratio(c.marks[0], c.sizes.chars_D)


@signal("per character", "any")
def hash_run_ratio(c: Counters) -> Floats:
    """Runs of `#`, full-width ones too, per character."""
    return ratio(c.marks[1], c.sizes.chars_D)


@signal("per character", "any")
def ellipsis_run_ratio(c: Counters) -> Floats:
    """Runs of U+2026, and of two full stops (`.` or U+3002) or more, per character."""
    return ratio(c.marks[2], c.sizes.chars_D)


@signal("share", "any")
def written_digit_fraction(c: Counters) -> Floats:
    """Share of letters, digits, `_` and white space that are digits."""
    return ratio(c.marks[3], c.marks[4])


@signal("per character", "any")
def mark_fraction(c: Counters) -> Floats:
    """Marks per character: ASCII punctuation, full-width forms of it, U+3002, U+2026 and curly quotation marks."""
    return ratio(c.marks[5], c.sizes.chars_D)


@signal("pieces", "any")
def pieces_between_marks(c: Counters) -> Floats:
    """Pieces, not blank, between marks that end sentences: full stop, U+3002, `!`, `?`, `;`, U+2026, quotation marks.

    Full-width forms count alike; a full stop inside a number ends a piece too.
    """
    return c.marks[6]


@signal("share", "any")
def read_more_line_fraction(c: Counters) -> Floats:
    """Share of lines, blank ones included, that end with *readmore*, *展开* or *更多*."""
    return ratio(c.piece_endings(SPLITLINES, READ_MORE), c.pieces(SPLITLINES).count_D)


@signal("share", "any")
def wide_bullet_line_fraction(c: Counters) -> Floats:
    """Share of lines, blank ones included, whose first character is one of the bullets that MAP-NEO lists."""
    return ratio(c.piece_edges(SPLITLINES, False, BULLETS, False)[0], c.pieces(SPLITLINES).count_D)


@signal("share", "any")
def distinct_character_fraction(c: Counters) -> Floats:
    """Distinct characters per character, white space included. It falls with the length of a text."""
    return ratio(c.spread_of_characters[0], c.sizes.chars_D)


@signal("nats", "any")
def character_entropy(c: Counters) -> Floats:
    """Entropy of how often each character occurs, white space included, in nats."""
    return np.maximum(c.spread_of_characters[1], 0.0)
