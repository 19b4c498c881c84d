"""Data-Juicer's character repetition: data_juicer/ops/filter/character_repetition_filter.py at 1dc20a5."""

from gristmill.filters.counters import Counters
from gristmill.filters.signals.declare import Floats, signal

LENGTH = 10


@signal("share", "any")
def frequent_10gram_fraction(c: Counters) -> Floats:
    """Share of character 10-grams that are of the most frequent ones: of K different ones the square root of K.

    White space and marks are characters. Of those fewer that occur twice or more only these count.
    """
    return c.frequent_ngrams(LENGTH)
