"""Values that somebody knows, found wherever they stand and however they are hidden, and masked byte for byte.

    sought = Sought(["zhang@qq.com", "13812345678", "张伟"])
    masked, edits = sought.mask(batch["text"])   # 请写信到************。

A mask is as long as what it covers, in UTF-8 bytes: every byte range that is known of the text stays true. Numbers are
found however they are grouped (138-1234 5678), letters in any case, all of it in full-width forms and behind what
`obfuscation` lifts. What goes on around a value does not save it (`li.zhang@qq.com` loses its end), but for words of a
name: `Li Wei` is not in `Li Weiss`.
"""

import re
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gristmill.filters.edits import Edits, apply
from gristmill.filters.pii.fold import fold
from gristmill.filters.pii.obfuscation import shadow_of

FORGOTTEN = "forgotten"
"""The kind of these edits."""
MASK = b"*"
LEAST_DIGITS, LEAST_LETTERS, LEAST_OTHERS = 5, 4, 2
"""A shorter value would be found in what is somebody else's: digits; ASCII; characters of other scripts, as 张伟."""

_NUMBER = re.compile(r"\+?[\d\s().\-/]+")
_SEPARATORS = r"[\s().\-/]{0,3}"
_WORDS = re.compile(r"[A-Za-z'\s]+")
_ENCODINGS = ("utf-16-le", "utf-16-be", "gb18030", "big5")
"""Of raw bytes, beside UTF-8, which nobody has decoded."""


class Sought:
    """Some known values. Raises ValueError, which names none of them, for one that is too short."""

    def __init__(self, values: Sequence[str]):
        self._values = list(dict.fromkeys(fold(value).strip() for value in values))
        for number, value in enumerate(self._values):
            if _too_short(value):
                what = f"value {number + 1} is too short: it would be found in what is not meant"
                raise ValueError(f"{what} ({LEAST_DIGITS} digits, {LEAST_LETTERS} letters, {LEAST_OTHERS} of Chinese)")
        self._pattern = re.compile("|".join(map(_pattern, self._values)) or r"(?!)", re.IGNORECASE)
        encoded = [value.encode(name, "ignore") for value in self._values for name in _ENCODINGS]
        self._raw = re.compile(b"|".join(map(re.escape, filter(None, encoded))) or rb"(?!)", re.IGNORECASE)

    def __bool__(self) -> bool:
        return bool(self._values)

    def edits(self, text: pa.Array) -> Edits:
        """Where they stand in a batch of strings, each a mask; nulls hold none. They do not touch each other."""
        text = text.cast(pa.large_string()).fill_null("")
        if not self or not len(text):
            return Edits.none(len(text))
        spans, shadow = list(self._spans(text)), shadow_of(text)
        if shadow is not None and (found := list(self._spans(shadow.text))):
            places = shadow.to_original(*np.array(found, np.int64).T)
            spans += [
                (doc, start, end)
                for doc, start, end, counts in zip(*(p.tolist() for p in places), strict=True)
                if counts
            ]
        joined = _joined(spans)
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

    def in_bytes(self, data: bytes) -> bool:
        """Whether one of them stands in bytes of unknown encoding."""
        return self._raw.search(data) is not None or self.in_text(data.decode("utf-8", "replace"))

    def _spans(self, text: pa.Array) -> Iterator[tuple[int, int, int]]:
        """(document, [start, end) in its bytes)."""
        for doc, original in enumerate(text.to_pylist()):
            for match in self._pattern.finditer(fold(original)):
                start = len(original[: match.start()].encode())
                yield doc, start, start + len(original[match.start() : match.end()].encode())


def _column(text: str) -> pa.Array:
    """One document; half a surrogate, which UTF-8 cannot hold, is a question mark."""
    return pa.array([text.encode("utf-8", "replace").decode()], pa.large_string())


def _too_short(value: str) -> bool:
    if _NUMBER.fullmatch(value):
        return sum(map(str.isdigit, value)) < LEAST_DIGITS
    return len(value) < (LEAST_LETTERS if value.isascii() else LEAST_OTHERS)


def _pattern(value: str) -> str:
    if _NUMBER.fullmatch(value):
        return _SEPARATORS.join(digit for digit in value if digit.isdigit())
    words = r"\s+".join(map(re.escape, value.split()))
    return rf"(?<![A-Za-z]){words}(?![A-Za-z])" if _WORDS.fullmatch(value) else words


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
