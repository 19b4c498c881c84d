"""Values that somebody knows, found wherever they stand and however they are hidden, and masked byte for byte.

    sought = Sought(["zhang@qq.com", "13812345678", "张伟"])
    masked, edits = sought.mask(batch["text"])   # 请写信到************。

A mask is as long as what it covers, in UTF-8 bytes: every byte range that is known of the text stays true. Numbers are
found however they are grouped (138-1234 5678), letters in any case, all of it in full-width forms and behind what
`obfuscation` lifts. What goes on around a value does not save it (`li.zhang@qq.com` loses its end), but for words of a
name: `Li Wei` is not in `Li Weiss`.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gristmill.filters.edits import Edits, apply
from gristmill.filters.kernels.text.unicode import LIMIT
from gristmill.filters.pii.fold import fold
from gristmill.filters.pii.known.lookup import Beginnings, Numbers
from gristmill.filters.pii.obfuscation import shadow_of

FORGOTTEN = "forgotten"
"""The kind of these edits."""
MASK = b"*"
LEAST_DIGITS, LEAST_LETTERS, LEAST_OTHERS = 5, 4, 2
"""A shorter value would be found in what is somebody else's: digits; ASCII; characters of other scripts, as 张伟."""

_NUMBER = re.compile(r"\+?[\d\s().\-/]+")
_MOST_BETWEEN, _FAR = 3, 1 << 20
"""Separators between two digits of a number; more than these."""
_APART = "\0"
"""Between texts that are looked through together: no digit, separator or letter."""
_CASED = 0x20000
"""Above this code point nothing has cases, separates or is a digit but Han."""
_WORDS = re.compile(r"[A-Za-z'\s]+")
_ENCODINGS = ("utf-16-le", "utf-16-be", "gb18030", "big5")
"""Of raw bytes, beside UTF-8, which nobody has decoded."""


class Sought:
    """Some known values, looked for together: a thousand cost little more than one. Raises ValueError, which names none
    of them, for one that is too short."""

    def __init__(self, values: Sequence[str]):
        self._asked: dict[str, list[str]] = {}
        for value in values:
            self._asked.setdefault(fold(value).strip(), []).append(value)
        self._values = [*self._asked]
        for number, value in enumerate(self._values):
            if _too_short(value):
                what = f"value {number + 1} is too short: it would be found in what is not meant"
                raise ValueError(f"{what} ({LEAST_DIGITS} digits, {LEAST_LETTERS} letters, {LEAST_OTHERS} of Chinese)")
        digits = [n for n, value in enumerate(self._values) if _NUMBER.fullmatch(value)]
        words = [n for n in range(len(self._values)) if n not in {*digits}]
        self._number_of, self._word_of = digits, words
        self._numbers = Numbers(["".join(filter(str.isdigit, self._values[n])) for n in digits])
        self._words = Beginnings([_lower()[_codes(self._values[n].split()[0])] for n in words])
        numbered = [*enumerate(self._values)]
        encoded = {(value.encode(name, "ignore").lower(), n) for n, value in numbered for name in _ENCODINGS}
        self._raw = sorted(pair for pair in encoded if pair[0])
        self._raw_words = Beginnings([np.frombuffer(data, np.uint8) for data, _ in self._raw])

    def __bool__(self) -> bool:
        return bool(self._values)

    def edits(self, text: pa.Array, seen: set[str] | None = None) -> Edits:
        """Where they stand in a batch of strings, each a mask; nulls hold none. No two overlap. seen: gets the values
        that were found, as they were given."""
        text = text.cast(pa.large_string()).fill_null("")
        if not self or not len(text):
            return Edits.none(len(text))
        spans, shadow = list(self._spans(text)), shadow_of(text)
        if shadow is not None and (found := list(self._spans(shadow.text))):
            *hidden, value = np.array(found, np.int64).T
            places = shadow.to_original(*hidden)
            spans += [
                (doc, start, end, number)
                for doc, start, end, counts, number in zip(*(p.tolist() for p in (*places, value)), strict=True)
                if counts
            ]
        self._note(seen, (number for *_, number in spans))
        joined = _joined([span[:3] for span in spans])
        doc, start, end = zip(*joined, strict=True) if joined else ((), (), ())
        masks = [_mask(text, *span) for span in joined]
        return Edits.of(len(text), doc, start, end, [FORGOTTEN] * len(joined), masks)

    def mask(self, text: pa.Array) -> tuple[pa.Array, Edits]:
        """(the strings, of their type, with masks in place of the values, the edits that made them); nulls stay."""
        edits = self.edits(text)
        if not len(edits):
            return text, edits
        masked = apply(text.cast(pa.large_string()).fill_null(""), edits).cast(text.type)
        if text.null_count:
            masked = pc.if_else(text.is_valid(), masked, pa.scalar(None, text.type))
        return masked, edits

    def masked_text(self, text: str) -> str:
        """One text with masks."""
        return self.mask(_column(text))[0][0].as_py()

    def in_text(self, text: str) -> bool:
        """Whether one of them stands in a text."""
        return len(self.edits(_column(text))) > 0

    def in_bytes(self, data: bytes, seen: set[str] | None = None) -> bool:
        """Whether one of them stands in bytes of unknown encoding."""
        plain = data.lower()
        here = {
            self._raw[word][1]
            for place, words in self._raw_words.places(np.frombuffer(plain, np.uint8))
            for word in words
            if plain.startswith(self._raw[word][0], place)
        }
        self._note(seen, here)
        return len(self.edits(_column(data.decode("utf-8", "replace")), seen)) > 0 or bool(here)

    def _note(self, seen: set[str] | None, numbers: Iterable[int]) -> None:
        if seen is not None:
            seen.update(value for number in {*numbers} for value in self._asked[self._values[number]])

    def _spans(self, text: pa.Array) -> Iterator[tuple[int, int, int, int]]:
        """(document, [start, end) in its bytes, number of the value), in order."""
        originals = text.to_pylist()
        begin_D = np.cumsum([0, *(len(original) + 1 for original in originals)]).tolist()
        doc, characters, bytes_ = -1, 0, 0
        for start, end, number in sorted(self._places(fold(_APART.join(originals)))):
            if (of := bisect_right(begin_D, start) - 1) != doc:
                doc, characters, bytes_ = of, 0, 0
            original, first, last = originals[doc], start - begin_D[doc], end - begin_D[doc]
            bytes_ += len(original[characters:first].encode())
            characters = first
            yield doc, bytes_, bytes_ + len(original[first:last].encode()), number

    def _places(self, text: str) -> Iterator[tuple[int, int, int]]:
        """(start, end, number of the value) in characters of a folded text."""
        code_C = _codes(text)
        if self._word_of:
            for place, words in self._words.places(_lower()[code_C]):
                for word in words:
                    if match := _compiled(self._values[self._word_of[word]]).match(text, place):
                        yield place, match.end(), self._word_of[word]
        if self._number_of:
            is_digit, is_separator = _digits_and_separators()
            place_D = np.flatnonzero(is_digit[code_C])
            separators_C1 = np.concatenate([[0], np.cumsum(is_separator[code_C], dtype=np.int32)])
            gap_D = np.diff(place_D, prepend=-_FAR) - 1
            between_D = separators_C1[place_D] - separators_C1[np.maximum(place_D - gap_D, 0)]
            joined_D = (gap_D <= _MOST_BETWEEN) & (between_D == gap_D)
            for first, last, number in self._numbers.places(code_C[place_D], joined_D):
                yield int(place_D[first]), int(place_D[last]) + 1, self._number_of[number]


@cache
def _lower() -> np.ndarray:
    """uint32 by code point: the letter that stands for it in any case, as patterns compare them, or more do."""
    lower_C = np.arange(LIMIT, dtype=np.uint32)
    for c in range(_CASED):
        plain = chr(c).casefold()
        lower_C[c] = ord(plain if len(plain) == 1 else chr(c).lower()[0])
    return lower_C


@cache
def _digits_and_separators() -> tuple[np.ndarray, np.ndarray]:
    """bool by code point: digits, and what may stand between those of a number."""
    is_digit, is_separator = np.zeros(LIMIT, bool), np.zeros(LIMIT, bool)
    is_digit[[c for c in range(_CASED) if chr(c).isdigit()]] = True
    is_separator[[c for c in range(_CASED) if chr(c).isspace() or chr(c) in "().-/"]] = True
    return is_digit, is_separator


def _codes(text: str) -> np.ndarray:
    """Code points, uint32."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _column(text: str) -> pa.Array:
    """One document; half a surrogate, which UTF-8 cannot hold, is a question mark."""
    return pa.array([text.encode("utf-8", "replace").decode()], pa.large_string())


def _too_short(value: str) -> bool:
    if _NUMBER.fullmatch(value):
        return sum(map(str.isdigit, value)) < LEAST_DIGITS
    return len(value) < (LEAST_LETTERS if value.isascii() else LEAST_OTHERS)


@lru_cache(maxsize=1 << 16)
def _compiled(value: str) -> re.Pattern:
    """What finds a value that is no number."""
    words = r"\s+".join(map(re.escape, value.split()))
    return re.compile(rf"(?<![A-Za-z]){words}(?![A-Za-z])" if _WORDS.fullmatch(value) else words, re.IGNORECASE)


def _joined(spans: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Spans that overlap as one, in order."""
    joined: list[tuple[int, int, int]] = []
    for doc, start, end in sorted(spans):
        if joined and joined[-1][0] == doc and start < joined[-1][2]:
            joined[-1] = (doc, joined[-1][1], max(end, joined[-1][2]))
        else:
            joined.append((doc, start, end))
    return joined


def _mask(text: pa.Array, doc: int, start: int, end: int) -> str:
    """As many bytes. A number of JSON stays one: digits that no string holds become nines."""
    data = text[doc].as_buffer().to_pybytes()
    bare = data[start:end].isdigit() and data[:start].rstrip()[-1:] in (b":", b"[", b",")
    number = b"9" if data[start:end].strip(b"9") else b"1"
    return ((number if bare and data[end : end + 1] in (b",", b"}", b"]") else MASK) * (end - start)).decode()
