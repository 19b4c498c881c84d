"""KenLM's tries (`build_binary trie`, `-q`, `-a`) as n-grams. Words lie in them from the last one to the first, and
the hash of an n-gram comes from that of its ending.

After KenLM at 4cb443e: lm/trie.hh, search_trie.cc, bhiksha.cc, quantize.hh, vocab.cc, util/bit_packing.hh.

Letters: B bytes, V words, G n-grams of an order, H = G + 1, O entries of a table of offsets.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gristmill.filters.language_models.hashing import combine_all
from gristmill.filters.language_models.table import Grams

_UNIGRAM = np.dtype([("prob", "<f4"), ("backoff", "<f4"), ("next", "<u8")])
_QUANTISED_VERSION, _ARRAY_VERSION = 2, 0
_MOST_BITS = 57
_SIGN = np.uint32(1 << 31)


@dataclass(frozen=True)
class Trie:
    """What a file holds."""

    hash_V: np.ndarray
    """uint64, rising: of the words 1, 2, ..."""
    prob_V: np.ndarray
    backoff_V: np.ndarray
    orders: list[Grams]


class _Reader:
    """The bytes of a file from a place on. Raises EOFError where it ends too early."""

    def __init__(self, data_B: np.ndarray, at: int) -> None:
        self.data_B, self.at = data_B, at

    def take(self, size: int) -> np.ndarray:
        """So many bytes."""
        begin, self.at = self.at, self.at + size
        if self.at > len(self.data_B):
            raise EOFError(self.at)
        return self.data_B[begin : self.at]

    def values(self, dtype: np.dtype | str, count: int) -> np.ndarray:
        """So many numbers."""
        return self.take(np.dtype(dtype).itemsize * count).view(dtype)


@dataclass(frozen=True)
class _Packed:
    """Entries of so many bits, one behind the other."""

    data_B: np.ndarray
    bits: int

    def field(self, count: int, begin: int, size: int) -> np.ndarray:
        """uint64 of the bits [begin, begin + size) of the first so many entries (ReadInt57)."""
        if size > _MOST_BITS:
            raise ValueError(f"it has a field of {size} bits")
        bit_G = np.arange(count, dtype=np.int64) * self.bits + begin
        word_B = np.ndarray(len(self.data_B) - 7, "<u8", self.data_B, strides=(1,))
        return (word_B[bit_G >> 3] >> (bit_G & 7).view(np.uint64)) & np.uint64((1 << size) - 1)


def read_trie(data_B: np.ndarray, counts: Sequence[int], at: int, quantised: bool, compressed: bool) -> Trie:
    """The n-grams of a trie whose words begin at byte `at`.

    Raises EOFError, with the bytes that are needed, for a file that is cut off; ValueError for one that is damaged.
    """
    reader = _Reader(data_B, at)
    (words,) = reader.values("<u8", 1)
    hash_V = reader.values("<u8", counts[0])
    if words > counts[0]:
        raise ValueError("it has more words than it says")
    tables = _tables(reader, len(counts), quantised)
    unigrams = reader.values(_UNIGRAM, counts[0] + 2)[: int(words) + 2]
    key_G, next_H = np.arange(int(words) + 1, dtype=np.uint64), unigrams["next"]
    orders = []
    for number, count in enumerate(counts[1:], start=2):
        is_last = number == len(counts)
        packed, offsets = _room(reader, count, counts, None if is_last else counts[number], tables, compressed)
        word_bits, of_prob, of_backoff = counts[0].bit_length(), 31, 0 if is_last else 32
        if tables:
            of_prob, of_backoff = (len(one).bit_length() - 1 for one in tables[number - 2])
        word_G = packed.field(count, 0, word_bits)
        edge_H = next_H.astype(np.int64)
        length_P = edge_H[1:] - edge_H[:-1]
        if (length_P < 0).any() or next_H[0] != 0 or next_H[-1] != count or (word_G > words).any():
            raise ValueError(f"its n-grams of order {number} contradict those of order {number - 1}")
        key_G = combine_all(np.repeat(key_G, length_P), word_G)
        if tables:  # backoff first
            probs, backoffs = tables[number - 2]
            prob_G = probs[packed.field(count, word_bits + of_backoff, of_prob)]
            backoff_G = backoffs[packed.field(count, word_bits, of_backoff)]
        else:
            prob_G = (packed.field(count, word_bits, 31).astype(np.uint32) | _SIGN).view(np.float32)
            backoff_G = packed.field(count, word_bits + 31, of_backoff).astype(np.uint32).view(np.float32)
        orders.append(Grams(key_G, prob_G, backoff_G + np.float32(0)))  # -0 says that nothing follows
        if not is_last:
            inline = packed.bits - word_bits - of_prob - of_backoff
            low_H = packed.field(count + 1, word_bits + of_prob + of_backoff, inline)
            high_H = np.searchsorted(offsets, np.arange(count + 1), side="right") - 1
            next_H = (high_H.astype(np.uint64) << np.uint64(inline)) | low_H if compressed else low_H
    return Trie(hash_V[: int(words)], unigrams["prob"][:-1], unigrams["backoff"][:-1] + np.float32(0), orders)


def _tables(reader: _Reader, order: int, quantised: bool) -> list[tuple[np.ndarray, np.ndarray]]:
    """(probabilities, backoff weights) by code, of the orders from 2 on; the last one has a single weight, 0.

    Empty: the file has the numbers themselves.
    """
    if not quantised:
        return []
    version, prob_bits, backoff_bits = struct.unpack("<BBB5x", reader.take(8).tobytes())
    if version != _QUANTISED_VERSION or not (0 < prob_bits <= 25 and 0 < backoff_bits <= 25):
        raise ValueError(f"its numbers are quantised by version {version}")
    made = [(reader.values("<f4", 1 << prob_bits), reader.values("<f4", 1 << backoff_bits)) for _ in range(order - 2)]
    return [*made, (reader.values("<f4", 1 << prob_bits), np.zeros(1, np.float32))]


def _room(
    reader: _Reader,
    count: int,
    counts: Sequence[int],
    longer: int | None,
    tables: list[tuple[np.ndarray, np.ndarray]],
    compressed: bool,
) -> tuple[_Packed, np.ndarray]:
    """(the entries of an order, the table of its compressed pointers). longer: how many n-grams the next order has."""
    numbers = (63 if longer is not None else 31) if not tables else _bits(tables, longer is None)
    pointer, offsets = 0, np.zeros(1, np.uint64)
    if longer is not None:
        pointer = longer.bit_length()
        if compressed:
            begin = reader.at
            version, most = reader.take(2).tolist()
            if version != _ARRAY_VERSION:
                raise ValueError(f"its pointers are compressed by version {version}")
            chopped = _chopped(count + 1, longer, most)
            pointer -= chopped
            entries = (longer >> pointer) + 1
            reader.at = begin
            reader.take(-begin % 8 + 8)
            offsets = reader.values("<u8", entries)
            reader.take(begin + 8 * (1 + entries) + 7 - reader.at)
    bits = counts[0].bit_length() + numbers + pointer
    return _Packed(np.asarray(reader.take(((1 + count) * bits + 7) // 8 + 8)), bits), offsets


def _bits(tables: list[tuple[np.ndarray, np.ndarray]], is_last: bool) -> int:
    probs, backoffs = tables[-1 if is_last else 0]
    return len(probs).bit_length() - 1 + len(backoffs).bit_length() - 1


def _chopped(entries: int, longer: int, most: int) -> int:
    """How many bits of a pointer lie in a table of offsets: the number that saves most (ChopBits)."""
    required = longer.bit_length()
    change = [(longer >> (required - chop)) * 64 - entries * chop for chop in range(min(required, most) + 1)]
    return change.index(min(change))
