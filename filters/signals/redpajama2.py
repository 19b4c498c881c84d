"""RedPajama-V2's signals of documents: togethercomputer/RedPajama-Data at 6d2cee9, app/src/core/quality_signals.

Words are those between white space, in small letters, without ASCII punctuation (`plain`); raw words are runs of
letters and digits, and runs of other marks (NLTK's WordPunctTokenizer). Lengths are of the text as it stands, where
RedPajama decomposes it (NFD): an accented letter is one character here and two there. Where it has null, here is 0.
"""

from collections.abc import Callable

import numpy as np

from gristmill.filters.counters import Counters
from gristmill.filters.kernels.ngrams import EVERY, LONGEST, LONGEST_TOP, ONCE
from gristmill.filters.kernels.text.items import EACH
from gristmill.filters.signals.declare import SIGNALS, Floats, Signal, ratio, signal


@signal("words", "spaced")
def rps_doc_word_count(c: Counters) -> Floats:
    """Words, in small letters, without ASCII punctuation."""
    return c.plain.count_D


@signal("characters", "spaced")
def rps_doc_mean_word_length(c: Counters) -> Floats:
    """Mean length of the words."""
    return ratio(c.plain.sum_chars(), c.plain.count_D)


@signal("per word", "spaced")
def rps_doc_symbol_to_word_ratio(c: Counters) -> Floats:
    """`#`, `...` and U+2026 per raw word."""
    return ratio(c.space.signs_D + c.space.ellipses_D, c.runs[0])


@signal("share", "any")
def rps_doc_frac_lines_end_with_ellipsis(c: Counters) -> Floats:
    """Share of lines, blank ones included, that end with `...` or U+2026, before white space."""
    line_D = c.pieces(EACH).count_D - _last_is_empty(c)
    return ratio(c.piece_edges(EACH, True, "", True)[1], line_D)


@signal("share", "spaced")
def rps_doc_frac_no_alph_words(c: Counters) -> Floats:
    """Share of raw words without a letter from a to z: of any other script, all of them."""
    return ratio(c.runs[0] - c.runs[1], c.runs[0])


@signal("share", "spaced")
def rps_doc_frac_all_caps_words(c: Counters) -> Floats:
    """Share of raw words with a capital and no small letter."""
    return ratio(c.runs[2], c.runs[0])


@signal("sentences", "spaced")
def rps_doc_num_sentences(c: Counters) -> Floats:
    """Pieces that begin with a letter or digit, up to `.`, `!` or `?`."""
    return c.runs[3]


@signal("share", "spaced")
def rps_doc_frac_unique_words(c: Counters) -> Floats:
    """Distinct words per word."""
    return ratio(c.spread_of_plain_words[0], c.plain.count_D)


@signal("nats", "spaced")
def rps_doc_unigram_entropy(c: Counters) -> Floats:
    """Entropy of how often each word occurs, in nats."""
    return np.maximum(c.spread_of_plain_words[1], 0.0)


@signal("per character", "any")
def rps_doc_curly_bracket(c: Counters) -> Floats:
    """`{` and `}` per character."""
    return ratio(c.curly_brackets(), c.sizes.chars_D)


def _last_is_empty(c: Counters) -> np.ndarray:
    """1 where what follows the last line feed is empty: RedPajama has no line there."""
    at = c.pieces(EACH)
    last = at.first_D1[1:] - 1
    return (at.begin_I[last] == at.end_I[last]).astype(np.int64) if len(last) else last


_TOP = """Share of characters that the most frequent word {n}-gram is, each occurrence by itself; 0 for a single one.

Overlapping occurrences count each by themselves, so it can be more than 1."""
_DUPLICATE = """Share of characters that stand in word {n}-grams which occur twice or more; each word counts once."""


def _top(n: int) -> Callable[[Counters], Floats]:
    def compute(c: Counters) -> Floats:
        once_DN, every_DN = c.plain_ngrams_KDN[ONCE], c.plain_ngrams_KDN[EVERY]
        return ratio(np.where(once_DN[:, n - 1] > 0, every_DN[:, n - 1], 0), once_DN[:, 0])

    return compute


def _duplicate(n: int) -> Callable[[Counters], Floats]:
    return lambda c: ratio(c.plain_ngrams_KDN[ONCE, :, n - 1], c.plain_ngrams_KDN[ONCE, :, 0])


for _n in range(2, LONGEST + 1):
    _name, _doc, _made = (
        (f"rps_doc_frac_chars_top_{_n}gram", _TOP, _top)
        if _n <= LONGEST_TOP
        else (f"rps_doc_frac_chars_dupe_{_n}grams", _DUPLICATE, _duplicate)
    )
    SIGNALS.declare(_name, Signal(_name, "share", "spaced", _doc.format(n=_n), _made(_n)))

NAMES = tuple(name for name in SIGNALS if name.startswith("rps_doc_"))
