"""What is counted: words, lines and pieces of a batch as flat arrays, and numbers per document."""
# ruff: noqa: N802 - field names carry the array's layout, as arguments of kernels do

from dataclasses import dataclass

import numpy as np

from gristmill.filters.kernels.text import items


@dataclass(frozen=True, slots=True)
class Sizes:
    """Code points and line feeds per document, int64."""

    chars_D: np.ndarray
    newlines_D: np.ndarray


@dataclass(frozen=True, slots=True)
class Kinds:
    """Code points per document, int64: not white space; letters, digits and marks; digits."""

    visible_D: np.ndarray
    letters_D: np.ndarray
    digits_D: np.ndarray


@dataclass(frozen=True, slots=True)
class Stream:
    """Words of a batch: hash (uint64), code points (int32), and where each document's words begin (int64, D + 1)."""

    hash_W: np.ndarray
    chars_W: np.ndarray
    first_D1: np.ndarray

    @property
    def count_D(self) -> np.ndarray:
        """Words per document, int64."""
        return np.diff(self.first_D1)

    def sum_chars(self) -> np.ndarray:
        """Code points of all words per document, int64."""
        sum_D = np.empty(len(self.first_D1) - 1, np.int64)
        items.sum_lengths(self.chars_W, self.first_D1, sum_D)
        return sum_D


@dataclass(frozen=True, slots=True)
class SpaceWords:
    """The `space` stream and its counts per document, int64; see kernels.words.split_space."""

    stream: Stream
    plain_D: np.ndarray
    plain_chars_D: np.ndarray
    alphabetic_D: np.ndarray
    stop_words_D: np.ndarray
    signs_D: np.ndarray
    ellipses_D: np.ndarray
    symbol_words_D: np.ndarray


@dataclass(frozen=True, slots=True)
class PunctWords:
    """The `punct` stream, and per document, int64, its words that hold more than datatrove's marks, their code points,
    and its words with a letter."""

    stream: Stream
    plain_D: np.ndarray
    plain_chars_D: np.ndarray
    alphabetic_D: np.ndarray


@dataclass(frozen=True, slots=True)
class Repeats:
    """Items (lines, paragraphs) per document, their code points, and how much of both repeats, int64."""

    count_D: np.ndarray
    chars_D: np.ndarray
    repeated_D: np.ndarray
    repeated_chars_D: np.ndarray
    later_D: np.ndarray
    later_chars_D: np.ndarray


@dataclass(frozen=True, slots=True)
class Pieces:
    """What stands between line breaks, empty pieces too: bytes [begin_I, end_I), document d from first_D1[d] on."""

    begin_I: np.ndarray
    end_I: np.ndarray
    first_D1: np.ndarray

    @property
    def count_D(self) -> np.ndarray:
        """Pieces per document, int64."""
        return np.diff(self.first_D1)

    def measured(self, data_B: np.ndarray) -> Stream:
        """Their hashes and lengths."""
        hash_I, chars_I = np.empty(len(self.begin_I), np.uint64), np.empty(len(self.begin_I), np.int32)
        items.measure_items(data_B, self.begin_I, self.end_I, hash_I, chars_I)
        return Stream(hash_I, chars_I, self.first_D1)


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines and paragraphs of a batch; see kernels.lines.split_lines. Counts per document, int64."""

    stripped: Stream
    raw: Stream
    paragraphs: Stream
    bullet_D: np.ndarray
    ellipsis_D: np.ndarray
    terminal_D: np.ndarray
    short_D: np.ndarray


@dataclass(frozen=True, slots=True)
class ChineseLines:
    """Letters per document and how many of them are or stand in what; see kernels.phrases.read_lines, int64."""

    letter_D: np.ndarray
    han_D: np.ndarray
    sentence_D: np.ndarray
    furniture_D: np.ndarray
    advertisement_D: np.ndarray
    keyword_D: np.ndarray
    spam_D: np.ndarray
