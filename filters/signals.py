"""Signals: one function is one signal, and its docstring is its documentation page.

A signal is a float64 number per document and never NaN: a share of nothing is 0 (see `ratio`). Adding one is adding a
function here; what kernels count is in filters/counters.py.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from inspect import cleandoc
from typing import Literal, get_args

import numpy as np
import pyarrow as pa

from filters.counters import Counters
from filters.kernels.ngrams import LONGEST, LONGEST_TOP
from filters.registry import Registry

Floats = np.ndarray
Scripts = Literal["any", "spaced", "Hani"]
"""What a signal makes sense for: every script; scripts with spaces between words; Chinese."""

CHINESE_LANGUAGES = frozenset(["zh", "yue", "wuu", "lzh"])
UNSPACED_LANGUAGES = CHINESE_LANGUAGES | frozenset(["ja", "th", "lo", "my", "km", "bo", "dz"])
"""Languages written without spaces between words: whitespace words, and rules on them, mean nothing there."""


@dataclass(frozen=True, slots=True)
class Signal:
    """A number computed from a document; unit "share" is a number from 0 to 1 that prints without a unit.

    Either compute makes it from the counts of a text, or editor names the editing step that finds it on its way: then
    only the judge can give it, to presets from that step on.
    """

    name: str
    unit: str
    scripts: Scripts
    doc: str
    compute: Callable[[Counters], Floats] | None
    editor: str | None = None

    @property
    def summary(self) -> str:
        """First paragraph of the documentation, on one line."""
        return self.doc.split("\n\n")[0].replace("\n", " ")

    def valid_for(self, language: str | None) -> bool:
        """Whether the number means anything for documents of this language (ISO 639-1; None: unknown)."""
        if self.scripts == "Hani":
            return language in CHINESE_LANGUAGES
        return self.scripts == "any" or language not in UNSPACED_LANGUAGES


SIGNALS: Registry[Signal] = Registry("signal")
"""All signals by name; rules and the recipe check look names up here."""


def signal(unit: str, scripts: Scripts) -> Callable[[Callable[[Counters], Floats]], Callable[[Counters], Floats]]:
    """Declare the decorated function a signal: it takes the counts of a batch and gives a number per document.

    Its docstring is its page. Raises ValueError for a name that is taken, for an unknown `scripts`, and where there is
    no docstring.
    """
    if scripts not in get_args(Scripts):
        raise ValueError(f"scripts is '{scripts}'; it is one of {', '.join(get_args(Scripts))}")

    def declare(compute: Callable[[Counters], Floats]) -> Callable[[Counters], Floats]:
        doc = cleandoc(compute.__doc__ or "")
        if not doc:
            raise ValueError(f"the signal '{compute.__name__}' has no docstring, and that is its documentation")
        SIGNALS.declare(compute.__name__, Signal(compute.__name__, unit, scripts, doc, compute))
        return compute

    return declare


def found_by_c4(name: str, unit: str, scripts: Scripts, doc: str) -> None:
    """Declare a signal that C4's editing step finds on its way."""
    SIGNALS.declare(name, Signal(name, unit, scripts, doc, None, "c4"))


def score(text: pa.Array, names: Iterable[str]) -> dict[str, Floats]:
    """Signals of a large_string column: name -> float64 per document. Computes only what these names need.

    Raises KeyError for an unknown name and ValueError for one that only an editing step can give.
    """
    counters = Counters(text)
    scores = {}
    for name in names:
        compute = SIGNALS[name].compute
        if compute is None:
            raise ValueError(f"signal {name} is found by an editing step, not computed from text")
        scores[name] = np.asarray(compute(counters), np.float64)
    return scores


def try_signal(name: str) -> None:
    """Compute a signal of three small texts. Raises ValueError for a result that is not one finite number for each."""
    texts = pa.array(["", "The mill grinds grain.\n", "磨坊在河边。"], pa.large_string())
    values = score(texts, [name])[name]
    if values.shape != (len(texts),) or not np.isfinite(values).all():
        raise ValueError(f"the signal '{name}' gives {values.tolist()} for three texts, not a finite number for each")


def ratio(part_D: np.ndarray, whole_D: np.ndarray) -> Floats:
    """part / whole, and 0 where whole is 0: a share of nothing is nothing."""
    return np.divide(part_D, whole_D, out=np.zeros(len(part_D)), where=whole_D > 0)


# Sizes


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


@signal("share", "any")
def letter_fraction(c: Counters) -> Floats:
    """Share of characters that are letters, digits or combining marks of any script; white space on neither side."""
    return ratio(c.kinds.letters_D, c.kinds.visible_D)


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
    return lambda c: ratio(c.space_ngrams_DN[:, n - 1], c.space_ngrams_DN[:, 0])


def _char_share(n: int) -> Callable[[Counters], Floats]:
    return lambda c: ratio(c.char_ngrams_DN[:, n - 1], c.char_ngrams_DN[:, 0])


def _declare_ngrams(kind: str, lengths: range, doc: str) -> None:
    for n in lengths:
        name = f"{kind}_{n}gram_char_fraction"
        SIGNALS[name] = Signal(name, "share", "spaced", doc.format(n=n), _space_share(n))
        name = f"character_{kind}_{n}gram_fraction"
        text = doc.format(n=n).replace("word", "character", 1) + CHARACTER_STREAM
        SIGNALS[name] = Signal(name, "share", "any", text, _char_share(n))


_declare_ngrams("top", range(2, LONGEST_TOP + 1), TOP_NGRAM)
_declare_ngrams("duplicate", range(LONGEST_TOP + 1, LONGEST + 1), DUPLICATE_NGRAM)


# FineWeb: Penedo et al. 2024 (arXiv 2406.17557); semantics of datatrove 0.10's fineweb_quality_filter.py, a649de7


@signal("share", "any")
def lines_ending_in_punctuation(c: Counters) -> Floats:
    """Share of lines that end with punctuation which ends a sentence in some script.

    The last character as it stands: a line that ends with a space, a carriage return or a quotation mark does not
    count. The list is filters/data/terminal_punctuation.txt.
    """
    return ratio(c.lines.terminal_D, c.lines.raw.count_D)


@signal("share", "spaced")
def short_line_fraction(c: Counters) -> Floats:
    """Share of lines of at most 30 characters, white space included; blank lines are none."""
    return ratio(c.lines.short_D, c.lines.raw.count_D)


@signal("share", "any")
def repeated_line_char_fraction(c: Counters) -> Floats:
    """Share of characters that stand in lines which equal an earlier line of the document, white space included.

    First occurrences do not count; of all characters of the document except line feeds.
    """
    return ratio(c.raw_line_repeats.later_chars_D, c.sizes.chars_D - c.sizes.newlines_D)


@signal("per word", "spaced")
def newline_word_ratio(c: Counters) -> Floats:
    """Line feeds per word, where marks at the ends of a word, and some between letters, are words of their own.

    datatrove counts spaCy's English tokens. filters/kernels/words.py counts by spaCy's rules without its lists, so
    abbreviations (`U.S.`), `cannot`, emoticons and units differ: of 1,500 English pages 99 % have spaCy's number within
    10 %, and the whole preset gives datatrove's verdict and first reason on 1,497.
    """
    return ratio(c.sizes.newlines_D, c.punct_words_D)


# C4: what its editing step finds on the way (filters/line_rules.py); TFDS text/c4_utils.py

found_by_c4("c4_characters", "characters", "any", "Length of the page in code points, before C4's line rules.")
found_by_c4(
    "c4_sentences", "sentences", "spaced", "Sentences of the lines that C4's line rules keep, counted line by line."
)
found_by_c4(
    "c4_lorem_ipsum_lines", "lines", "any", "Lines that hold *lorem ipsum* in any case and pass the rules before it."
)
found_by_c4("c4_lines_kept", "lines", "spaced", "Lines that C4's line rules keep.")
found_by_c4("c4_curly_bracket_lines", "lines", "any", "Lines that hold `{` and pass the rules before it.")


# Chinese: ours. Phrases and what makes a line of a kind: filters/data/chinese_phrases.txt, filters/kernels/phrases.py.
# All are shares of letters, digits included, so that a long article outweighs the navigation around it.


@signal("share", "Hani")
def han_fraction(c: Counters) -> Floats:
    """Share of letters and digits that are Han characters."""
    return ratio(c.chinese_lines.han_D, c.chinese_lines.letter_D)


@signal("share", "Hani")
def sentence_fraction(c: Counters) -> Floats:
    """Share of letters in lines that end with sentence-ending punctuation, before closing quotation marks or brackets.

    Counts U+3002, full-width and ASCII `!` `?` `.` and the other marks of filters/data/terminal_punctuation.txt.
    """
    return ratio(c.chinese_lines.sentence_D, c.chinese_lines.letter_D)


@signal("share", "Hani")
def furniture_fraction(c: Counters) -> Floats:
    """Share of letters in lines that are page furniture: navigation, copyright, registration, "read more".

    A line is furniture when it holds a phrase that occurs nowhere else (such as the ICP registration), or when half of
    its letters are names of navigation.
    """
    return ratio(c.chinese_lines.furniture_D, c.chinese_lines.letter_D)


@signal("share", "Hani")
def advertisement_fraction(c: Counters) -> Floats:
    """Share of letters in advertising lines.

    A line advertises when it asks to be contacted (WeChat, QQ, hotline) and makes an offer or gives a number, or holds
    a telephone number beside an offer, and these phrases are a tenth of it; or when three offers are a fifth of it.
    """
    return ratio(c.chinese_lines.advertisement_D, c.chinese_lines.letter_D)


@signal("share", "Hani")
def keyword_fraction(c: Counters) -> Floats:
    """Share of letters in lines that are lists of keywords.

    Six pieces or more between spaces or marks, ten letters or fewer on average, mostly Chinese, no end of a sentence.
    """
    return ratio(c.chinese_lines.keyword_D, c.chinese_lines.letter_D)


@signal("share", "Hani")
def spam_fraction(c: Counters) -> Floats:
    """Share of letters inside phrases of gambling, loans, adult sites, forged papers and private game servers."""
    return ratio(c.chinese_lines.spam_D, c.chinese_lines.letter_D)
