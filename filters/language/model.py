"""fastText's model for 176 languages, read from its own file and asked for the probability of every label.

By kernels of ours and not by fastText's library: five times as fast, all labels at once, and the same numbers on every
CPU (the library is compiled for the one at hand).
"""

import struct
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from gristmill.filters.kernels.models.fasttext import label_probabilities

MODEL = Path(__file__).with_name("lid.176.ftz")
"""Shipped unchanged; source, authors and licence stand in NOTICE."""

MAGIC, VERSION = 793712314, 12
HIERARCHICAL = 1
END_OF_LINE = b"</s>"
LABEL = b"__label__"


@dataclass(frozen=True)
class Model:
    """What the kernel needs; letters as there."""

    labels: list[str]
    input_RH: np.ndarray
    slots_T: np.ndarray
    word_W: np.ndarray
    place_R1: np.ndarray
    kept_K: np.ndarray
    row_K: np.ndarray
    shortest: int
    longest: int
    end_row: int
    inner_NH: np.ndarray
    left_N: np.ndarray
    right_N: np.ndarray

    def scores(self, data_B: np.ndarray, start_D1: np.ndarray, floor: float = -np.inf) -> np.ndarray:
        """float32[D, L]: the natural logarithm of every label's probability, for texts as UTF-8 behind offsets;
        of those below `floor` no more than that they are."""
        score_DL = np.zeros((len(start_D1) - 1, len(self.labels)), np.float32)
        label_probabilities(
            data_B, start_D1, self.input_RH, self.slots_T, self.word_W, self.place_R1, self.kept_K, self.row_K,
            self.shortest, self.longest, self.end_row, self.inner_NH, self.left_N, self.right_N, floor, score_DL,
        )  # fmt: skip
        return score_DL


@cache
def load_model() -> Model:
    """The model, read once per process (0.9 MB, 50 ms; 12 MB in memory); before a fork, so that workers share it."""
    return parse(MODEL.read_bytes())


def parse(data: bytes) -> Model:
    """A model from the bytes of a .ftz file with quantized input and hierarchical softmax. Raises ValueError for
    another kind."""
    read = _Reader(data)
    if read("ii") != (MAGIC, VERSION):
        raise ValueError("not a model of fastText 0.9")
    arguments = read("12id")
    loss, buckets, shortest, longest = arguments[6], *arguments[8:11]
    if loss != HIERARCHICAL:
        raise ValueError("not a model with hierarchical softmax")
    size, words, labels, _, pruned = read("iiiqq")
    entries = [(read.name(), *read("qb")) for _ in range(size)]
    kept = read.array(np.int32, 2 * pruned).reshape(-1, 2)
    if read("?") != (True,):
        raise ValueError("not a quantized model")
    input_RH = read.quantized()
    inner_NH = read.quantized() if read("?") == (True,) else read.matrix()
    left_N, right_N = _tree([count for _, count, _ in entries[words:]])
    names = [name for name, _, _ in entries[:words]]
    row_K = np.full(buckets, -1, np.int32)
    row_K[kept[:, 0]] = kept[:, 1] + words
    slots_T = _table(list(map(_fnv, names)), list(range(words)))
    return Model(
        [name.removeprefix(LABEL).decode() for name, _, _ in entries[words:]],
        input_RH,
        slots_T,
        np.frombuffer(b"".join(names), np.uint8),
        np.cumsum([0, *map(len, names)]),
        np.packbits(row_K >= 0, bitorder="little"),
        row_K,
        shortest,
        longest,
        names.index(END_OF_LINE) if END_OF_LINE in names else -1,
        inner_NH[: labels - 1],
        left_N,
        right_N,
    )


class _Reader:
    """The numbers of a little-endian file, one after another."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def __call__(self, form: str) -> tuple:
        found = struct.unpack_from(f"<{form}", self._data, self._at)
        self._at += struct.calcsize(f"<{form}")
        return found

    def name(self) -> bytes:
        """A text that ends with a zero."""
        start, self._at = self._at, self._data.index(b"\0", self._at) + 1
        return self._data[start : self._at - 1]

    def array(self, kind: type, count: int) -> np.ndarray:
        """So many numbers of a type."""
        found: np.ndarray = np.frombuffer(self._data, kind, count, self._at)
        self._at += found.nbytes
        return found

    def matrix(self) -> np.ndarray:
        """float32, rows and width before it."""
        rows, width = self("qq")
        return self.array(np.float32, rows * width).reshape(rows, width)

    def quantized(self) -> np.ndarray:
        """A matrix of product-quantized rows, unpacked (arXiv 1612.03651, section 3.2)."""
        has_norm, rows, width, code_bytes = self("?qqi")
        codes = self.array(np.uint8, code_bytes).reshape(rows, -1)
        rows_RH = self._centroids(codes)
        if has_norm:
            norm_codes = self.array(np.uint8, rows).reshape(rows, 1)
            rows_RH = rows_RH * self._centroids(norm_codes)
        return np.ascontiguousarray(rows_RH[:, :width])

    def _centroids(self, codes: np.ndarray) -> np.ndarray:
        width, parts, part_width, last_width = self("iiii")
        centroids = self.array(np.float32, width * 256)
        found: list[np.ndarray] = []
        for part in range(parts):
            wide = last_width if part == parts - 1 else part_width
            table = centroids[part * 256 * part_width :][: 256 * wide].reshape(256, wide)
            found.append(table[codes[:, part]])
        return np.concatenate(found, axis=1)


def _fnv(word: bytes) -> int:
    value = 2166136261
    for byte in word:
        signed = byte - 256 if byte > 127 else byte
        value = (value ^ (signed & 0xFFFFFFFF)) * 16777619 & 0xFFFFFFFF
    return value


def _table(keys: list[int], values: list[int]) -> np.ndarray:
    """int64: the values in the slots of a hash table at most half full, -1 in empty ones."""
    size = 1 << (2 * len(keys)).bit_length()
    value_T = np.full(size, -1, np.int64)
    for key, value in zip(keys, values, strict=True):
        at = (key * 0x9E3779B97F4A7C15 % 2**64 >> 32) & (size - 1)
        while value_T[at] >= 0:
            at = (at + 1) & (size - 1)
        value_T[at] = value
    return value_T


def _tree(counts: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """(left, right) node of every inner node of the Huffman tree over labels, which come by falling count."""
    labels = len(counts)
    count = [*counts, *[10**15] * (labels - 1)]
    leaf, node = labels - 1, labels
    left_N, right_N = np.zeros(labels - 1, np.int32), np.zeros(labels - 1, np.int32)
    for i in range(labels - 1):
        least = []
        for _ in range(2):
            if leaf >= 0 and count[leaf] < count[node]:
                least.append(leaf)
                leaf -= 1
            else:
                least.append(node)
                node += 1
        left_N[i], right_N[i] = least
        count[labels + i] = count[least[0]] + count[least[1]]
    return left_N, right_N
