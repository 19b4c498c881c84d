"""ARPA files, plain or gzip, as a table.

The format is CMU's (Rosenfeld 1995): the numbers of n-grams, then one n-gram a line with log10 of its probability and
of its backoff weight, `\\end\\` last. What KenLM refuses is refused.

Letters: G n-grams, N words of one, V words.
"""

import gzip
import math
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from gristmill.filters.language_models.blanks import add_blanks
from gristmill.filters.language_models.errors import BadModelError
from gristmill.filters.language_models.hashing import UNKNOWN_SPELLINGS
from gristmill.filters.language_models.table import HIGHEST_ORDER, NO_UNKNOWN, Table, Words, grams_of, make_table

GZIP = b"\x1f\x8b"
_SPACES = re.compile(rb"[ \t\r]+")  # what KenLM takes for space: a word may hold any other
_COUNT = re.compile(rb"ngram\s+(\d{1,2})\s*=\s*(\d{1,15})\s*")
_UNKNOWN = {spelling.encode() for spelling in UNKNOWN_SPELLINGS}
CUT_OFF = "the ARPA file is cut off"
COPY = "copy it again, or write it again"


def read_arpa(file: Path) -> Table:
    """The model of an ARPA file. Raises BadModelError, with the line, for one that is none, or is cut off."""
    with file.open("rb") as stream:
        opened = gzip.open if stream.read(2) == GZIP else open
    try:
        with opened(file, "rb") as stream:
            return _Reader(stream).table()
    except (EOFError, zlib.error, OSError) as error:
        if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile):
            raise
        raise BadModelError(f"{CUT_OFF} or damaged: its gzip ends too early, or cannot be read; {COPY}") from None


class _Reader:
    def __init__(self, stream: Iterable[bytes]) -> None:
        self.lines, self.number = iter(stream), 0
        self.ids: dict[bytes, int] = dict.fromkeys(_UNKNOWN, 0)

    def table(self) -> Table:
        """The whole file."""
        counts = self._counts()
        self._expect(b"\\1-grams:")
        prob_V, backoff_V = self._unigrams(counts[0], len(counts) > 1)
        orders = []
        for order, count in enumerate(counts[1:], start=2):
            self._expect(f"\\{order}-grams:".encode())
            orders.append(self._grams(order, count, order < len(counts)))
        self._expect(b"\\end\\")
        orders = add_blanks(prob_V, backoff_V, orders)
        names = [b"<unk>"] + [word for word in self.ids if word not in _UNKNOWN]
        try:
            made = [grams_of(*parts) for parts in orders]
            return make_table(prob_V, backoff_V, Words.spelt(names), made)
        except ValueError as error:
            raise BadModelError(f"the ARPA file is damaged: {error}; {COPY}") from None

    def _next(self) -> bytes:
        self.number += 1
        line = next(self.lines, None)
        if line is None:
            raise BadModelError(f"{CUT_OFF} at line {self.number}: `\\end\\` is missing; {COPY}")
        return line.strip(b"\r\n")

    def _filled(self) -> bytes:
        line = self._next()
        while not line.strip(b" \t"):
            line = self._next()
        return line

    def _expect(self, wanted: bytes) -> None:
        found = self._filled().strip(b" \t")
        if found != wanted and wanted.startswith(found):
            raise BadModelError(f"{CUT_OFF} at line {self.number}; {COPY}")
        if found != wanted:
            raise BadModelError(
                f"line {self.number} of the ARPA file should be `{wanted.decode()}`: an order holds another number of "
                f"n-grams than the head says; {COPY}"
            )

    def _counts(self) -> list[int]:
        line = self._filled().removeprefix(b"\xef\xbb\xbf").strip(b" \t")
        if line != b"\\data\\":
            raise BadModelError("this is no ARPA file: it does not begin with `\\data\\`")
        counts: list[int] = []
        while (line := self._next()).strip(b" \t"):
            found = _COUNT.fullmatch(line)
            if found is None or int(found[1]) != len(counts) + 1:
                raise BadModelError(f"line {self.number} of the ARPA file should be `ngram {len(counts) + 1}=...`")
            counts.append(int(found[2]))
        if not 1 <= len(counts) <= HIGHEST_ORDER:
            raise BadModelError(f"the model has order {len(counts)}, and orders 1 to {HIGHEST_ORDER} are read")
        return counts

    def _entries(self, order: int, count: int, has_backoff: bool) -> Iterator[tuple[float, list[bytes], float]]:
        for _ in range(count):
            line = self._next()
            fields = _SPACES.split(line.strip(b" \t\r"))
            extra = len(fields) - order - 1
            try:
                prob = float(fields[0])
                backoff = float(fields[order + 1]) if extra == 1 and has_backoff else 0.0
            except (ValueError, IndexError):
                prob = backoff = math.nan
            if not math.isfinite(prob) or not math.isfinite(backoff) or extra not in (0, 1):
                raise BadModelError(
                    f"line {self.number} of the ARPA file is no n-gram of {order} words: it is cut off, or an order "
                    f"holds fewer than the head says; {COPY}"
                )
            if prob > 0:
                raise BadModelError(f"line {self.number} of the ARPA file has a probability above 1; train it again")
            yield prob, fields[1 : order + 1], backoff

    def _unigrams(self, count: int, has_backoff: bool) -> tuple[np.ndarray, np.ndarray]:
        probs, backoffs = [NO_UNKNOWN], [0.0]
        for prob, (word,), backoff in self._entries(1, count, has_backoff):
            if word in _UNKNOWN:
                probs[0], backoffs[0] = prob, backoff
                continue
            if word in self.ids:
                raise BadModelError(f"line {self.number} of the ARPA file repeats a word; {COPY}")
            self.ids[word] = len(probs)
            probs.append(prob)
            backoffs.append(backoff)
        return np.array(probs, np.float32), np.array(backoffs, np.float32)

    def _grams(self, order: int, count: int, has_backoff: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        try:
            word_GN, prob_G = np.empty((count, order), np.uint32), np.empty(count, np.float32)
            backoff_G = np.zeros(count, np.float32)
        except MemoryError:
            what = f"the head of the ARPA file says {count:,} n-grams of {order} words, more than fit in memory"
            raise BadModelError(f"{what}; {COPY}") from None
        for g, (prob, words, backoff) in enumerate(self._entries(order, count, has_backoff)):
            try:
                word_GN[g] = [self.ids[word] for word in words]
            except KeyError:
                raise BadModelError(
                    f"line {self.number} of the ARPA file has a word that is not among the unigrams; {COPY}"
                ) from None
            prob_G[g], backoff_G[g] = prob, backoff
        return word_GN, prob_G, backoff_G
