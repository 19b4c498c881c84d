"""What the kernels count about a batch of texts: each group is computed when a signal first asks for it."""
# ruff: noqa: N802 - field names carry the array's layout, as arguments of kernels do

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import cache, cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from gristmill.filters.batch import text_buffers
from gristmill.filters.counts import ChineseLines, Kinds, Lines, Pieces, PunctWords, Repeats, Sizes, SpaceWords, Stream
from gristmill.filters.data import code_points
from gristmill.filters.kernels import listed, ngrams, phrases, repeats, spread
from gristmill.filters.kernels.text import items, kinds, lines, marks, punct, sizes, words
from gristmill.filters.kernels.text.unicode import FLAGS, LIMIT, LOWER, NFC_MAYBE, SCRIPT
from gristmill.filters.phrases import chinese_automaton, fold_table

STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")
"""Gopher's eight (Rae et al. 2021, A.1.1), compared as they stand, lower case."""

SHORT_LINE = 30
"""Code points; FineWeb's short_line_length."""


class Counters:
    """Counts over one large_string column of texts, made on demand and kept. A null text is an empty one.

    beside: what else is known of each text, for signals that need it, by name: `language`, `doc_id`, `id`, `url`,
    `meta`, as string columns. A name that is absent, or None: not known.
    """

    def __init__(self, text: pa.Array, beside: Mapping[str, pa.Array | None] = {}) -> None:
        self.text, self.beside = text, beside
        self.data_B, self.start_D1 = _read_only(text)
        self.documents = len(text)
        self._kept: dict[Hashable, Any] = {}

    @property
    def language(self) -> pa.Array | None:
        """Of each text; None: not known."""
        return self.beside.get("language")

    @property
    def doc_id(self) -> pa.Array | None:
        """Of each text; None: not known."""
        return self.beside.get("doc_id")

    @property
    def url(self) -> pa.Array | None:
        """The address of each text; None: not known."""
        return self.beside.get("url")

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
    def median_space_word_D(self) -> np.ndarray:
        """Median length of the `space` words, float64."""
        median_D, stream = np.empty(self.documents), self.space.stream
        words.median_lengths(stream.chars_W, stream.first_D1, median_D)
        return median_D

    @cached_property
    def punct(self) -> PunctWords:
        """Words with marks split off."""
        room = int(self.start_D1[-1] - self.start_D1[0]) + self.documents
        stream, seen_W = self._split_punct(room)
        counts = self._counts(3)
        punct.count_seen(seen_W, stream.chars_W, stream.first_D1, *counts)
        return PunctWords(stream, *counts)

    @cached_property
    def punct_count_D(self) -> np.ndarray:
        """Words of the `punct` stream per document, int64."""
        made = "punct" in self.__dict__
        return self.punct.stream.count_D if made else self._split_punct(0)[0].count_D

    def _split_punct(self, room: int) -> tuple[Stream, np.ndarray]:
        hash_W, chars_W, seen_W = np.empty(room, np.uint64), np.empty(room, np.int32), np.empty(room, np.uint8)
        first_D1 = np.empty(self.documents + 1, np.int64)
        tables = classes(), punct.mark_table(), _datatrove_marks()
        found = punct.split_punct(self.data_B, self.start_D1, *tables, first_D1, hash_W, chars_W, seen_W)
        return Stream(hash_W[:found], chars_W[:found], first_D1), seen_W[:found]

    def listed(self, stream: Stream, wanted: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """(distinct ones, occurrences) of some words in a stream, per document, int64."""
        distinct_D, all_D = self._counts(2)
        words.count_listed(stream.hash_W, stream.first_D1, word_table(tuple(wanted)), distinct_D, all_D)
        return distinct_D, all_D

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

    def pieces(self, how: int) -> Pieces:
        """The text split at line breaks in one of the ways of kernels.text.items."""
        return self.once(("pieces", how), lambda: self._split_pieces(how))

    def piece_repeats(self, how: int) -> Repeats:
        """Repetition of these pieces."""
        return self.once(("piece_repeats", how), lambda: _repeats(self.measured_pieces(how)))

    def measured_pieces(self, how: int) -> Stream:
        """The hashes and lengths of these pieces."""
        return self.once(("measured", how), lambda: self._measure_pieces(how))

    def piece_edges(self, how: int, strip: bool, bullets: str, dots: bool) -> tuple[np.ndarray, np.ndarray]:
        """(pieces that begin with a bullet, pieces that end with U+2026 or, with dots, `...`) per document, int64."""
        return self.once(("edges", how, strip, bullets, dots), lambda: self._count_edges(how, strip, bullets, dots))

    @cached_property
    def third_longest_line_D(self) -> np.ndarray:
        """Code points of the third longest line, int64."""
        third_D, stream = np.empty(self.documents, np.int64), self.measured_pieces(items.EACH)
        items.third_longest(stream.chars_W, stream.first_D1, third_D)
        return third_D

    @cached_property
    def space_ngrams_KDN(self) -> np.ndarray:
        """Code points inside repeated n-grams of `space` words, int64, by whose way, in column n - 1; column 0: of all
        words. See kernels.ngrams.repeated_ngrams."""
        return _ngrams(self.space.stream)

    @cached_property
    def punct_ngrams_KDN(self) -> np.ndarray:
        """The same of `punct` words."""
        return _ngrams(self.punct.stream)

    @cached_property
    def char(self) -> Stream:
        """Letters of scripts without spaces one by one, other letters in runs."""
        room = int(self.start_D1[-1] - self.start_D1[0]) // 2 + self.documents
        hash_W, chars_W = np.empty(room, np.uint64), np.empty(room, np.int32)
        first_D1 = np.empty(self.documents + 1, np.int64)
        found = words.split_char(self.data_B, self.start_D1, classes(), fold_table(), first_D1, hash_W, chars_W)
        return Stream(hash_W[:found], chars_W[:found], first_D1)

    @cached_property
    def plain(self) -> Stream:
        """Words between white space without ASCII punctuation, in small letters."""
        room = int(self.start_D1[-1] - self.start_D1[0]) // 2 + self.documents
        hash_W, chars_W = np.empty(room, np.uint64), np.empty(room, np.int32)
        first_D1 = np.empty(self.documents + 1, np.int64)
        found = words.split_plain(self.data_B, self.start_D1, classes(), LOWER, first_D1, hash_W, chars_W)
        return Stream(hash_W[:found], chars_W[:found], first_D1)

    @cached_property
    def plain_ngrams_KDN(self) -> np.ndarray:
        """Code points inside repeated n-grams of `plain` words, as of `space` words."""
        return _ngrams(self.plain)

    @cached_property
    def spread_of_characters(self) -> tuple[np.ndarray, np.ndarray]:
        """(distinct characters, int64; entropy in nats, float64)."""
        found = np.empty(self.documents, np.int64), np.empty(self.documents)
        spread.spread_of_characters(self.data_B, self.start_D1, *found)
        return found

    @cached_property
    def spread_of_plain_words(self) -> tuple[np.ndarray, np.ndarray]:
        """(distinct `plain` words, int64; entropy in nats, float64)."""
        found = np.empty(self.documents, np.int64), np.empty(self.documents)
        spread.spread_of_words(self.plain.hash_W, self.plain.first_D1, *found)
        return found

    def frequent_ngrams(self, n: int) -> np.ndarray:
        """Share of character n-grams that the most frequent ones are, float64."""
        share_D = np.empty(self.documents)
        spread.frequent_ngrams(self.data_B, self.start_D1, n, share_D)
        return share_D

    @cached_property
    def marks(self) -> list[np.ndarray]:
        """What kernels.text.marks.count_marks counts, in its order."""
        counts = self._counts(7)
        marks.count_marks(self.data_B, self.start_D1, classes(), *counts)
        return counts

    @cached_property
    def runs(self) -> list[np.ndarray]:
        """What kernels.text.marks.count_runs counts, in its order."""
        counts = self._counts(4)
        marks.count_runs(self.data_B, self.start_D1, classes(), _small_letters(), *counts)
        return counts

    def curly_brackets(self) -> np.ndarray:
        """`{` and `}` per document, int64."""
        found_D = np.empty(self.documents, np.int64)
        marks.count_bytes(self.data_B, self.start_D1, 0x7B, 0x7D, found_D)
        return found_D

    def piece_endings(self, how: int, endings: tuple[str, ...]) -> np.ndarray:
        """Pieces per document, int64, that end with one of some strings."""
        (found_D,) = self._counts(1)
        raw = [ending.encode() for ending in endings]
        start_S1, at = np.cumsum([0, *map(len, raw)]), self.pieces(how)
        byte_K = np.frombuffer(b"".join(raw), np.uint8)
        marks.count_endings(self.data_B, at.first_D1, at.begin_I, at.end_I, byte_K, start_S1, found_D)
        return found_D

    @cached_property
    def char_ngrams_KDN(self) -> np.ndarray:
        """Code points inside repeated n-grams of `char` words, as of `space` words."""
        return _ngrams(self.char)

    def different_phrases(self, wanted: tuple[str, ...]) -> np.ndarray:
        """How many of some phrases occur in the `char` stream, per document, int64: the longest from each word on."""
        counts = self._counts(3)
        stream = self.char
        listed.find_phrases(stream.hash_W, stream.chars_W, stream.first_D1, *_phrase_table(wanted), *counts)
        return counts[2]

    @cached_property
    def chinese_lines(self) -> ChineseLines:
        """Letters, and lines of which kind they stand in."""
        counts = self._counts(7)
        phrases.read_lines(self.data_B, self.start_D1, classes(), SCRIPT, *chinese_automaton(), *counts)
        return ChineseLines(*counts)

    def _split_pieces(self, how: int) -> Pieces:
        if how == items.RUNS:
            at, at_I = self.pieces(items.EACH), self._between_runs_I
            first_D1 = np.r_[np.int64(0), np.cumsum(at_I)][at.first_D1]
            return Pieces(at.begin_I[at_I], at.end_I[at_I], first_D1)
        first_D1, room = np.empty(self.documents + 1, np.int64), -1
        found = int(self.sizes.newlines_D.sum()) + self.documents
        while room < found:
            room = found
            begin_I, end_I = np.empty(room, np.int64), np.empty(room, np.int64)
            found = items.split_items(self.data_B, self.start_D1, classes(), how, first_D1, begin_I, end_I)
        return Pieces(begin_I[:found], end_I[:found], first_D1)

    def _measure_pieces(self, how: int) -> Stream:
        if how != items.RUNS:
            return self.pieces(how).measured(self.data_B)
        each, at_I = self.measured_pieces(items.EACH), self._between_runs_I
        return Stream(each.hash_W[at_I], each.chars_W[at_I], self.pieces(how).first_D1)

    @cached_property
    def _between_runs_I(self) -> np.ndarray:
        """Which of the EACH pieces stand between runs of line feeds: bool; empty ones only at the ends of documents."""
        at = self.pieces(items.EACH)
        at_I = at.end_I > at.begin_I
        at_I[at.first_D1[:-1]] = at_I[at.first_D1[1:] - 1] = True
        return at_I

    def _count_edges(self, how: int, strip: bool, bullets: str, dots: bool) -> tuple[np.ndarray, np.ndarray]:
        counts = bullet_D, ellipsis_D = self._counts(2)
        at, mark_M = self.pieces(how), np.array([ord(mark) for mark in bullets], np.int64)
        items.count_edges(self.data_B, classes(), at.first_D1, at.begin_I, at.end_I, strip, mark_M, dots, *counts)
        return bullet_D, ellipsis_D

    def _counts(self, how_many: int) -> list[np.ndarray]:
        return [np.empty(self.documents, np.int64) for _ in range(how_many)]


def split_space(data_B: np.ndarray, start_D1: np.ndarray, stop_S: np.ndarray) -> SpaceWords:
    """The `space` stream of flat texts. stop_S: uint64[STOP_SLOTS], hashes of the words to look for."""
    documents = len(start_D1) - 1
    room = int(start_D1[-1] - start_D1[0]) // 2 + documents
    hash_W, chars_W, first_D1 = np.empty(room, np.uint64), np.empty(room, np.int32), np.empty(documents + 1, np.int64)
    counts = [np.empty(documents, np.int64) for _ in range(7)]
    found = words.split_space(data_B, start_D1, classes(), stop_S, first_D1, hash_W, chars_W, *counts)
    return SpaceWords(Stream(hash_W[:found], chars_W[:found], first_D1), *counts)


def _read_only(text: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """text_buffers, read-only whoever owns the memory: a kernel is compiled once for each kind of argument."""
    data_B, start_D1 = text_buffers(text)
    data_B.flags.writeable = start_D1.flags.writeable = False
    return data_B, start_D1


def _repeats(stream: Stream) -> Repeats:
    counts = [np.empty(len(stream.first_D1) - 1, np.int64) for _ in range(4)]
    repeats.repeated_items(stream.hash_W, stream.chars_W, stream.first_D1, *counts)
    return Repeats(stream.count_D, stream.sum_chars(), *counts)


def _ngrams(stream: Stream) -> np.ndarray:
    covered_KDN = np.empty((ngrams.WAYS, len(stream.first_D1) - 1, ngrams.LONGEST), np.int64)
    ngrams.repeated_ngrams(stream.hash_W, stream.chars_W, stream.first_D1, covered_KDN)
    return covered_KDN


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
        raise ValueError("two stop words share a slot; choose another STOP_SLOTS in filters/kernels/text/words.py")
    return slots


@cache
def word_table(wanted: tuple[str, ...]) -> np.ndarray:
    """uint64: the hashes of some words, none of which holds white space, in the slots of words.count_listed."""
    text = pa.array([" ".join(wanted)], pa.large_string())
    hash_W = split_space(*_read_only(text), np.zeros(words.STOP_SLOTS, np.uint64)).stream.hash_W
    slots = np.zeros(1 << max(6, (4 * len(hash_W)).bit_length()), np.uint64)
    for h in np.unique(hash_W):
        slot = int(h) & (len(slots) - 1)
        while slots[slot]:
            slot = (slot + 1) & (len(slots) - 1)
        slots[slot] = h
    return slots


@cache
def _phrase_table(wanted: tuple[str, ...]) -> tuple[np.ndarray, ...]:
    stream = Counters(pa.array(wanted, pa.large_string())).char
    begin_P, whole_P = np.empty(len(wanted), np.uint64), np.empty(len(wanted), np.uint64)
    listed.hash_phrases(stream.hash_W, stream.first_D1, begin_P, whole_P)
    return listed.tables(begin_P, whole_P, stream.count_D)


@cache
def _small_letters() -> np.ndarray:
    """Bool by code point: letters that some capital becomes."""
    table = np.zeros(LIMIT, bool)
    table[LOWER[np.arange(LIMIT) != LOWER]] = True
    return table


@cache
def _datatrove_marks() -> np.ndarray:
    """Bool by code point: the characters that datatrove takes for punctuation."""
    table = np.zeros(LIMIT, bool)
    table[code_points("datatrove_punctuation.txt")] = True
    return table
