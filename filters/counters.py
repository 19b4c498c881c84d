"""What the kernels count about a batch of texts: each group is computed when a signal first asks for it."""
# ruff: noqa: N802 - field names carry the array's layout, as arguments of kernels do

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from gristmill.filters.batch import text_buffers
from gristmill.filters.data import code_points
from gristmill.filters.kernels import kinds, lines, ngrams, phrases, repeats, sizes, words
from gristmill.filters.kernels.unicode import FLAGS, NFC_MAYBE, SCRIPT
from gristmill.filters.phrases import chinese_automaton, fold_table

STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")
"""Gopher's eight (Rae et al. 2021, A.1.1), compared as they stand, lower case."""

SHORT_LINE = 30
"""Code points; FineWeb's short_line_length."""


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
        before_W1 = np.concatenate([np.zeros(1, np.int64), np.cumsum(self.chars_W, dtype=np.int64)])
        return np.diff(before_W1[self.first_D1])


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


@dataclass(frozen=True, slots=True)
class Repeats:
    """Items (lines, paragraphs) per document, their code points, and how much of both repeats, int64."""

    count_D: np.ndarray
    chars_D: np.ndarray
    repeated_D: np.ndarray
    repeated_chars_D: np.ndarray
    later_chars_D: np.ndarray


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


class Counters:
    """Counts over one large_string column of texts, made on demand and kept. A null text is an empty one.

    language, doc_id: of each text, for signals that need them; None: not known.
    """

    def __init__(self, text: pa.Array, language: pa.Array | None = None, doc_id: pa.Array | None = None) -> None:
        self.text, self.language, self.doc_id = text, language, doc_id
        self.data_B, self.start_D1 = _read_only(text)
        self.documents = len(text)
        self._kept: dict[Hashable, Any] = {}

    def once(self, name: Hashable, make: Callable[[], Any]) -> Any:
        """What `make` gives, made when this name is first asked for: for what several signals are read from."""
        if name not in self._kept:
            self._kept[name] = make()
        return self._kept[name]

    @cached_property
    def texts(self) -> list[str]:
        """The texts as Python strings: slow, for signals that are not compiled. A null is an empty text."""
        return self.text.fill_null("").to_pylist()

    @cached_property
    def bytes_D(self) -> np.ndarray:
        """UTF-8 bytes per document, int64."""
        return np.diff(self.start_D1)

    @cached_property
    def sizes(self) -> Sizes:
        """Code points and line feeds."""
        chars_D, newlines_D = self._counts(2)
        sizes.count_sizes(self.data_B, self.start_D1, chars_D, newlines_D)
        return Sizes(chars_D, newlines_D)

    @cached_property
    def kinds(self) -> Kinds:
        """Letters and digits of any script."""
        counts = self._counts(3)
        kinds.count_kinds(self.data_B, self.start_D1, classes(), *counts)
        return Kinds(*counts)

    @cached_property
    def space(self) -> SpaceWords:
        """Words as str.split() gives them."""
        return split_space(self.data_B, self.start_D1, _stop_slots())

    @cached_property
    def punct_words_D(self) -> np.ndarray:
        """Words of the `punct` stream per document, int64."""
        words_D = np.empty(self.documents, np.int64)
        words.count_punct(self.data_B, self.start_D1, classes(), words.mark_table(), words_D)
        return words_D

    @cached_property
    def lines(self) -> Lines:
        """Lines and paragraphs."""
        room = int(self.sizes.newlines_D.sum()) + self.documents
        first_D1 = [np.empty(self.documents + 1, np.int64) for _ in range(2)]
        hashes = [np.empty(room, np.uint64) for _ in range(3)]
        chars = [np.empty(room, np.int32) for _ in range(3)]
        counts = self._counts(4)
        n_lines, n_paragraphs = lines.split_lines(
            self.data_B, self.start_D1, classes(), first_D1[0], hashes[0], chars[0], hashes[1], chars[1],
            first_D1[1], hashes[2], chars[2], *counts, SHORT_LINE,
        )  # fmt: skip
        stripped, raw = (Stream(hashes[i][:n_lines], chars[i][:n_lines], first_D1[0]) for i in (0, 1))
        paragraphs = Stream(hashes[2][:n_paragraphs], chars[2][:n_paragraphs], first_D1[1])
        return Lines(stripped, raw, paragraphs, *counts)

    @cached_property
    def line_repeats(self) -> Repeats:
        """Repetition of stripped lines."""
        return _repeats(self.lines.stripped)

    @cached_property
    def raw_line_repeats(self) -> Repeats:
        """Repetition of whole lines."""
        return _repeats(self.lines.raw)

    @cached_property
    def paragraph_repeats(self) -> Repeats:
        """Repetition of paragraphs."""
        return _repeats(self.lines.paragraphs)

    @cached_property
    def space_ngrams_DN(self) -> np.ndarray:
        """Code points inside repeated n-grams of `space` words, int64, column n - 1; column 0: of all words."""
        return _ngrams(self.space.stream)

    @cached_property
    def char(self) -> Stream:
        """Letters of scripts without spaces one by one, other letters in runs."""
        room = int(self.start_D1[-1] - self.start_D1[0]) // 2 + self.documents
        hash_W, chars_W = np.empty(room, np.uint64), np.empty(room, np.int32)
        first_D1 = np.empty(self.documents + 1, np.int64)
        found = words.split_char(self.data_B, self.start_D1, classes(), fold_table(), first_D1, hash_W, chars_W)
        return Stream(hash_W[:found], chars_W[:found], first_D1)

    @cached_property
    def char_ngrams_DN(self) -> np.ndarray:
        """Code points inside repeated n-grams of `char` words, int64, column n - 1; column 0: of all words."""
        return _ngrams(self.char)

    @cached_property
    def chinese_lines(self) -> ChineseLines:
        """Letters, and lines of which kind they stand in."""
        counts = self._counts(7)
        phrases.read_lines(self.data_B, self.start_D1, classes(), SCRIPT, *chinese_automaton(), *counts)
        return ChineseLines(*counts)

    def _counts(self, how_many: int) -> list[np.ndarray]:
        return [np.empty(self.documents, np.int64) for _ in range(how_many)]


def split_space(data_B: np.ndarray, start_D1: np.ndarray, stop_S: np.ndarray) -> SpaceWords:
    """The `space` stream of flat texts. stop_S: uint64[STOP_SLOTS], hashes of the words to look for."""
    documents = len(start_D1) - 1
    room = int(start_D1[-1] - start_D1[0]) // 2 + documents
    hash_W, chars_W, first_D1 = np.empty(room, np.uint64), np.empty(room, np.int32), np.empty(documents + 1, np.int64)
    counts = [np.empty(documents, np.int64) for _ in range(6)]
    found = words.split_space(data_B, start_D1, classes(), stop_S, first_D1, hash_W, chars_W, *counts)
    return SpaceWords(Stream(hash_W[:found], chars_W[:found], first_D1), *counts)


def _read_only(text: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """text_buffers, read-only whoever owns the memory: a kernel is compiled once for each kind of argument."""
    data_B, start_D1 = text_buffers(text)
    data_B.flags.writeable = start_D1.flags.writeable = False
    return data_B, start_D1


def _repeats(stream: Stream) -> Repeats:
    repeated_D, repeated_chars_D, later_chars_D = (np.empty(len(stream.first_D1) - 1, np.int64) for _ in range(3))
    repeats.repeated_items(stream.hash_W, stream.chars_W, stream.first_D1, repeated_D, repeated_chars_D, later_chars_D)
    return Repeats(stream.count_D, stream.sum_chars(), repeated_D, repeated_chars_D, later_chars_D)


def _ngrams(stream: Stream) -> np.ndarray:
    covered_DN = np.empty((len(stream.first_D1) - 1, ngrams.LONGEST), np.int64)
    ngrams.repeated_ngrams(stream.hash_W, stream.chars_W, stream.first_D1, covered_DN)
    return covered_DN


@cache
def classes() -> np.ndarray:
    """FLAGS with the TERMINAL bit in the place of NFC_MAYBE, which no signal reads: uint8 per code point."""
    table = FLAGS & ~np.uint8(NFC_MAYBE)
    table[code_points("terminal_punctuation.txt")] |= lines.TERMINAL
    return table


@cache
def _stop_slots() -> np.ndarray:
    """uint64 per slot of split_space's table: the hash of the stop word that lives there, else 0."""
    slots = np.zeros(words.STOP_SLOTS, np.uint64)
    hash_W = split_space(*_read_only(pa.array([" ".join(STOP_WORDS)], pa.large_string())), slots).stream.hash_W
    slots[(hash_W % np.uint64(words.STOP_SLOTS)).astype(np.int64)] = hash_W
    if np.count_nonzero(slots) != len(STOP_WORDS):
        raise ValueError("two stop words share a slot; choose another STOP_SLOTS in filters/kernels/words.py")
    return slots
