"""fastText's own file format, read as far as it says what a model is: labels, sizes, and whether it is whole.

After fastText 0.9.3: fasttext.cc (loadModel), args.cc, dictionary.cc, densematrix.cc, quantmatrix.cc.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

MAGIC, VERSION, SUPERVISED = 793712314, 12, 3
SHARED_OUT = (1, 3)
"""Losses (hierarchical softmax, softmax) whose probabilities add up to 1 over the labels."""
LABEL = "__label__"
CHUNK = 1 << 22
CENTROIDS = 256
MOST_LABELS = 1000


class NoModelError(ValueError):
    """The file cannot be used as a classifier; the message says why."""


@dataclass(frozen=True, slots=True)
class About:
    """What a fastText classifier is."""

    labels: tuple[str, ...]
    """Without `__label__`, as fastText orders them: the most frequent in training first."""
    dimensions: int
    word_ngrams: int
    words: int
    quantized: bool


def read_about(file: Path) -> About:
    """What a model says of itself. Raises NoModelError for a file that is cut off, damaged, or no classifier."""
    with file.open("rb") as stream:
        try:
            return _read(stream, file.stat().st_size)
        except struct.error:
            raise NoModelError("the model is cut off") from None


def _read(stream: IO[bytes], size: int) -> About:
    magic, version = struct.unpack("<ii", stream.read(8)) if size >= 8 else (0, 0)
    if magic != MAGIC:
        raise NoModelError("this is no fastText model (.bin or .ftz)")
    if version > VERSION:
        raise NoModelError(f"the model has fastText's format {version}, and {VERSION} is the newest known")
    dimensions, _, _, _, _, ngrams, loss, kind, *_ = struct.unpack("<12id", stream.read(56))
    if kind != SUPERVISED:
        raise NoModelError("the model holds word vectors and no labels: it was not trained with `supervised`")
    entries, words, labels, _, pruned = struct.unpack("<iiiqq", stream.read(28))
    if not 0 < dimensions < 1 << 20 or words < 0 or labels <= 0 or entries != words + labels:
        raise NoModelError("the model is damaged: its sizes contradict each other")
    if labels == 1 and loss in SHARED_OUT:
        raise NoModelError("the model has one label, so it says 1 of every document; train it with several")
    if labels > MOST_LABELS:
        raise NoModelError(f"the model has {labels:,} labels, and {MOST_LABELS:,} are the most")
    names = [name.decode(errors="replace") for name in entries_of(stream, entries) if name.startswith(LABEL.encode())]
    if len(names) != labels:
        raise NoModelError(f"the model's labels do not begin with {LABEL}")
    stream.seek(8 * max(0, pruned), 1)
    quantized = _flag(stream)
    _matrix(stream, quantized, dimensions)
    output_quantized = _flag(stream)
    _matrix(stream, quantized and output_quantized, dimensions, labels)
    if stream.tell() != size:
        raise NoModelError("the model is cut off" if stream.tell() > size else "the model is damaged: bytes follow it")
    return About(tuple(name.removeprefix(LABEL) for name in names), dimensions, ngrams, words, quantized)


def _flag(stream: IO[bytes]) -> bool:
    (flag,) = struct.unpack("<B", stream.read(1))
    return bool(flag)


def entries_of(stream: IO[bytes], count: int) -> Iterator[bytes]:
    """The names of a dictionary's entries: text, 0, int64 count, int8 type."""
    rest, at = b"", 0
    for _ in range(count):
        end = rest.find(b"\0", at)
        while end < 0 or end + 10 > len(rest):
            more = stream.read(CHUNK)
            if not more:
                raise NoModelError("the model is cut off")
            rest, at = rest[at:] + more, 0
            end = rest.find(b"\0")
        yield rest[at:end]
        at = end + 10
    stream.seek(at - len(rest), 1)


def _matrix(stream: IO[bytes], quantized: bool, dimensions: int, rows: int | None = None) -> None:
    """Pass over a matrix, and look at its numbers."""
    if not quantized:
        found, columns = struct.unpack("<qq", stream.read(16))
        _fits(found, columns, dimensions, rows)
        _numbers(stream, found * columns)
        return
    normed = _flag(stream)
    found, columns, codes = struct.unpack("<qqi", stream.read(20))
    _fits(found, columns, dimensions, rows)
    stream.seek(codes, 1)
    _quantizer(stream)
    if normed:
        stream.seek(found, 1)
        _quantizer(stream)


def _fits(found: int, columns: int, dimensions: int, rows: int | None) -> None:
    if columns != dimensions or found < 0 or rows not in (None, found):
        raise NoModelError("the model is damaged: its sizes contradict each other")


def _quantizer(stream: IO[bytes]) -> None:
    dimensions, *_ = struct.unpack("<4i", stream.read(16))
    _numbers(stream, dimensions * CENTROIDS)


def _numbers(stream: IO[bytes], count: int) -> None:
    """fastText ends a whole batch with "Encountered NaN" at the first document that meets one: better said before."""
    while count > 0:
        some = min(count, CHUNK)
        data = stream.read(4 * some)
        if len(data) < 4 * some:
            raise NoModelError("the model is cut off")
        if not np.isfinite(np.frombuffer(data, np.float32)).all():
            raise NoModelError("the model holds numbers that are not finite: its training failed")
        count -= some
