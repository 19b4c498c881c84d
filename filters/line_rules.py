"""Rules on lines, as edits: what C4 leaves of a page.

The kernel follows TensorFlow Datasets, text/c4_utils.py at 3e77995, which is the code that made C4; where the paper and
datatrove differ is data (`C4`). Sentences are counted by a rule of our own (kernels/sentences.py), because NLTK's Punkt
model may not be downloaded.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gristmill.filters.batch import text_buffers
from gristmill.filters.edits import Edits
from gristmill.filters.kernels.c4 import KINDS, LINE_FEED, WHITESPACE, clean_pages
from gristmill.filters.kernels.text.unicode import FLAGS

NO_WORD_BORDERS = frozenset({"ja", "th", "zh"})
"""Languages whose bad words TFDS finds inside other words too."""


@dataclass(frozen=True, slots=True)
class C4:
    """Where implementations of C4's line rules differ, in the order of kernels.c4's `how`; the defaults are TFDS's.

    max_word: characters of a word, a line with a longer one goes, 0: any. min_words: words of a line. needs_mark: a
    line ends in one of `.?!"`. ellipsis_ends: `...` is such an end. quote_ends: `'` too. citations_are_words: words are
    counted before citations such as [1] are cut.
    """

    max_word: int = 1000
    min_words: int = 5
    needs_mark: bool = True
    ellipsis_ends: bool = False
    quote_ends: bool = False
    citations_are_words: bool = False


TFDS = C4()
PAPER = C4(max_word=0, min_words=3, ellipsis_ends=True)
"""Raffel et al. 2020, section 2.2: three words a line; it knows no rule on long words or ellipses."""
DATATROVE = C4(min_words=3, quote_ends=True, citations_are_words=True)
"""datatrove 0.10 (a649de7), C4QualityFilter()."""
FINEWEB = C4(min_words=3, needs_mark=False, citations_are_words=True)
"""The same with filter_no_terminal_punct=False, as FineWeb ran it."""


def c4_editor(rules: C4) -> Callable[[pa.Array], tuple[Edits, dict[str, np.ndarray]]]:
    """The editing step that applies such rules."""
    return lambda text: edit_c4(text, rules)


def edit_c4(text: pa.Array, rules: C4 = TFDS) -> tuple[Edits, dict[str, np.ndarray]]:
    """(edits, signals) of a large_string column: apply(text, edits) is the page that TFDS (or whose rules) would emit.

    Signals, float64 per document: c4_lorem_ipsum_lines, c4_curly_bracket_lines (TFDS drops a page with one),
    c4_sentences and c4_lines_kept (of the lines kept), c4_characters (code points before cleaning; TFDS allows 1.9e5).
    Lines that cost TFDS the page stay in the text, so that those rules can be switched off.
    """
    data_B, start_D1 = text_buffers(text)
    n_documents = len(text)
    lorem_D, curly_D, sentences_D, kept_D = (np.zeros(n_documents) for _ in range(4))
    edits_D1 = np.zeros(n_documents + 1, np.int64)
    how = np.array(astuple(rules), np.int64)
    longest = np.diff(start_D1).max(initial=0)
    line_B, cited_C2 = np.empty(longest, np.uint8), np.empty((longest // 2, 2), np.int64)
    needed = 64 + int(start_D1[-1] - start_D1[0]) // 16  # enough for prose; a page of short lines takes a second call
    room = 0
    while room < needed:
        room = needed
        edit_E3 = np.empty((room, 3), np.int64)
        needed = clean_pages(
            data_B, start_D1, FLAGS, how, line_B, cited_C2, lorem_D, curly_D, sentences_D, kept_D, edits_D1, edit_E3
        )
    begin_E, end_E, code_E = edit_E3[:needed].T
    doc_E = np.repeat(np.arange(n_documents), np.diff(edits_D1))
    zero_E, is_line_feed_E = start_D1[doc_E], code_E == LINE_FEED
    kind_E = np.where(is_line_feed_E, WHITESPACE, code_E).astype(np.int32)
    text_E = is_line_feed_E.astype(np.int32)
    edits = Edits(n_documents, doc_E, begin_E - zero_E, end_E - zero_E, kind_E, text_E, KINDS, ("", "\n"))
    return edits, {
        "c4_lorem_ipsum_lines": lorem_D,
        "c4_curly_bracket_lines": curly_D,
        "c4_sentences": sentences_D,
        "c4_lines_kept": kept_D,
        "c4_characters": pc.utf8_length(text).fill_null(0).to_numpy().astype(np.float64),
    }


def bad_words(text: pa.Array, words: Sequence[str], language: str) -> np.ndarray:
    """1 for each text of a large_string column that holds a listed word, else 0, float64; as TFDS's badwords filter.

    Text is lower-cased, the list is not. A word counts only between characters that are no letter, digit or `_`, except
    in the languages of NO_WORD_BORDERS (`zh-Hant` is `zh`). Raises ValueError for an empty list or an empty word.
    """
    if not words or not all(words):
        raise ValueError("bad_words needs at least one word, and no empty one: an empty word is in every text")
    pattern = "|".join(re.escape(word) for word in words)
    if language.split("-")[0] not in NO_WORD_BORDERS:
        pattern = rf"(?:^|[^\pL\pN_])(?:{pattern})(?:[^\pL\pN_]|$)"
    found = pc.match_substring_regex(pc.utf8_lower(text), pattern)
    return found.fill_null(False).to_numpy(zero_copy_only=False).astype(np.float64)
