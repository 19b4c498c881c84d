"""Gopher, repetition: Rae et al. 2021 (arXiv 2112.11446), A.1.1 and table A1."""

from collections.abc import Callable

from gristmill.filters.counters import Counters
from gristmill.filters.kernels.ngrams import LONGEST, LONGEST_TOP, ONCE
from gristmill.filters.signals.declare import SIGNALS, Floats, Signal, ratio, signal

# Gopher repetition: the same appendix. The paper asks for "the fraction that are duplicates" of lines and paragraphs
# and "the fraction of characters contained within those duplicates". A duplicate is taken to be every line that the
# document holds twice or more, the first included, as DCLM and Dolma do (datatrove leaves the first out).


@signal("share", "any")
def duplicate_line_fraction(c: Counters) -> Floats:
    """Share of lines that occur twice or more in the document, the first occurrence included.

    Lines are compared without white space at their ends; blank lines are none.
    """
    return ratio(c.line_repeats.repeated_D, c.line_repeats.count_D)


@signal("share", "any")
def duplicate_paragraph_fraction(c: Counters) -> Floats:
    """Share of paragraphs that occur twice or more in the document, the first occurrence included.

    A paragraph is a run of lines without a blank line between; two are equal when their stripped lines are.
    """
    return ratio(c.paragraph_repeats.repeated_D, c.paragraph_repeats.count_D)


@signal("share", "any")
def duplicate_line_char_fraction(c: Counters) -> Floats:
    """Share of characters that stand in lines which occur twice or more.

    Of the characters of all stripped lines; line breaks and indentation count on neither side.
    """
    return ratio(c.line_repeats.repeated_chars_D, c.line_repeats.chars_D)


@signal("share", "any")
def duplicate_paragraph_char_fraction(c: Counters) -> Floats:
    """Share of characters that stand in paragraphs which occur twice or more.

    Of the characters of all stripped lines; line breaks and indentation count on neither side.
    """
    return ratio(c.paragraph_repeats.repeated_chars_D, c.paragraph_repeats.chars_D)


TOP_NGRAM = """Share of characters that stand in the most frequent word {n}-gram of the document.

Of the characters of all words, white space on neither side; overlapping occurrences count each word once. Of equally
frequent ones the longest, then the first, is taken; 0 where none occurs twice: once is no repetition."""
DUPLICATE_NGRAM = """Share of characters that stand in word {n}-grams which occur twice or more, first ones included.

Of the characters of all words, white space on neither side; overlapping occurrences count each word once, as the paper
asks ("taking care not to count characters that occur in overlapping n-grams more than once")."""
CHARACTER_STREAM = """

A word is one letter of a script without spaces, or a run of other letters and digits; full-width forms and capitals
are folded, marks and white space left out."""


def _space_share(n: int) -> Callable[[Counters], Floats]:
    return lambda c: ratio(c.space_ngrams_KDN[ONCE, :, n - 1], c.space_ngrams_KDN[ONCE, :, 0])


def _char_share(n: int) -> Callable[[Counters], Floats]:
    return lambda c: ratio(c.char_ngrams_KDN[ONCE, :, n - 1], c.char_ngrams_KDN[ONCE, :, 0])


def _declare_ngrams(kind: str, lengths: range, doc: str) -> None:
    for n in lengths:
        name = f"{kind}_{n}gram_char_fraction"
        SIGNALS.declare(name, Signal(name, "share", "spaced", doc.format(n=n), _space_share(n)))
        name = f"character_{kind}_{n}gram_fraction"
        text = doc.format(n=n).replace("word", "character", 1) + CHARACTER_STREAM
        SIGNALS.declare(name, Signal(name, "share", "any", text, _char_share(n)))


_declare_ngrams("top", range(2, LONGEST_TOP + 1), TOP_NGRAM)
_declare_ngrams("duplicate", range(LONGEST_TOP + 1, LONGEST + 1), DUPLICATE_NGRAM)
