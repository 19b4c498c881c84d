"""KenLM's binary files (`build_binary`, the default type `probing`) as a table. The words are not needed: our hashes
are KenLM's.

After KenLM at 4cb443e: lm/binary_format.cc, vocab.cc, search_hashed.cc, weights.hh, util/probing_hash_table.hh.
"""

import struct
from pathlib import Path

import numpy as np

from gristmill.filters.language_models.errors import BadModelError
from gristmill.filters.language_models.table import HIGHEST_ORDER, NO_UNKNOWN, Grams, Table, Words, make_table

START = b"mmap lm http://kheafield.com/code "
MAGIC = START + b"format version 5\n\0\0"
KINDS = (
    "probing",
    "probing with rest costs",
    "trie",
    "quantised trie",
    "trie with compressed pointers",
    "quantised trie with compressed pointers",
)
SANITY = struct.Struct("<3f3IQ")
REFERENCE = (0.0, 1.0, -0.5, 1, 2**32 - 1, 0, 1)
FIXED = struct.Struct("<B3xfiB3xI")
AGAIN = "build it again with `build_binary probing ARPA FILE`, or name the ARPA file"

_WORD = np.dtype([("key", "<u8"), ("id", "<u4")])
_UNIGRAM = np.dtype([("prob", "<f4"), ("backoff", "<f4")])
_MIDDLE = np.dtype([("key", "<u8"), ("prob", "<f4"), ("backoff", "<f4")])
_LONGEST = np.dtype([("key", "<u8"), ("prob", "<f4")])


def is_kenlm(file: Path) -> bool:
    """Whether a file begins as KenLM's binary files of any version do."""
    with file.open("rb") as stream:
        return stream.read(len(START)) == START


def read_kenlm(file: Path) -> Table:
    """The model of a binary file. Raises BadModelError for one that is cut off, of another kind or version."""
    data = np.memmap(file, np.uint8, "r")
    counts, multiplier, at = _header(data)
    size = _buckets(counts[0], multiplier)
    header, at = at, at + 8
    version, bound = struct.unpack("<II", data[header:at].tobytes())
    sizes = [_buckets(count, multiplier) for count in counts[1:]]
    needed = at + _WORD.itemsize * size + _UNIGRAM.itemsize * (counts[0] + 1)
    needed += sum(_MIDDLE.itemsize * one for one in sizes[:-1]) + _LONGEST.itemsize * sizes[-1]
    if needed > len(data):
        raise BadModelError(f"the KenLM binary is cut off: {len(data):,} bytes of {needed:,}; copy it again")
    if version != 0 or bound > counts[0] + 1:
        raise BadModelError(f"the KenLM binary has a vocabulary of another version; {AGAIN}")

    def take(dtype: np.dtype, count: int) -> np.ndarray:
        nonlocal at
        begin, at = at, at + dtype.itemsize * count
        return data[begin:at].view(dtype)

    words = take(_WORD, size)
    words = words[words["key"] != 0]
    unigrams = take(_UNIGRAM, counts[0] + 1)[:bound]
    orders = [_grams(take(_MIDDLE if number < len(sizes) else _LONGEST, one)) for number, one in enumerate(sizes, 1)]
    prob_V = _negative(unigrams["prob"])
    if prob_V[0] == 0:  # no <unk> was among them
        prob_V[0] = NO_UNKNOWN
    try:
        if len(words) + 1 != bound or (words["id"] >= bound).any():
            raise ValueError("its words and their numbers contradict each other")
        return make_table(prob_V, unigrams["backoff"], Words.of(words["key"], words["id"]), orders)
    except ValueError as error:
        raise BadModelError(f"the KenLM binary is damaged: {error}; copy it again") from None


def _header(data: np.ndarray) -> tuple[list[int], float, int]:
    """(n-grams of each order, how many slots an n-gram has, where the words begin)."""
    start = bytes(data[: len(MAGIC)])
    if start.startswith(START + b"incomplete"):
        raise BadModelError(f"the KenLM binary was never finished; {AGAIN}")
    if start != MAGIC:
        named = start.removeprefix(START).partition(b"\n")[0].decode("ascii", "replace")
        raise BadModelError(f"the KenLM binary has the '{named}', and version 5 is the one that is read; {AGAIN}")
    at = -len(MAGIC) % 8 + len(MAGIC)
    fixed_at = at + SANITY.size
    if len(data) < fixed_at + FIXED.size:
        raise BadModelError("the KenLM binary is cut off in its header; copy it again")
    if SANITY.unpack(bytes(data[at:fixed_at])) != REFERENCE:
        raise BadModelError(f"the KenLM binary was made on a machine of another kind; {AGAIN}")
    order, multiplier, kind, _, version = FIXED.unpack(bytes(data[fixed_at : fixed_at + FIXED.size]))
    if kind != 0 or version != 0:
        named = KINDS[kind] if 0 <= kind < len(KINDS) else f"type {kind}"
        raise BadModelError(f"the KenLM binary is of the kind `{named}`, and only `probing` is read; {AGAIN}")
    if not 2 <= order <= HIGHEST_ORDER:
        raise BadModelError(f"the model has order {order}, and orders 2 to {HIGHEST_ORDER} are read")
    counts_at = fixed_at + FIXED.size
    raw = bytes(data[counts_at : counts_at + 8 * order])
    if len(raw) < 8 * order or not multiplier >= 1:
        raise BadModelError("the KenLM binary is cut off in its header; copy it again")
    end = counts_at + 8 * order
    return list(struct.unpack(f"<{order}Q", raw)), multiplier, end + -end % 8


def _buckets(entries: int, multiplier: float) -> int:
    """Slots of a table of KenLM, reckoned in float32 as there (ProbingHashTable::Size)."""
    return max(entries + 1, int(np.float32(multiplier) * np.float32(entries)))


def _negative(prob_G: np.ndarray) -> np.ndarray:
    """KenLM keeps in the sign whether an n-gram extends to the left."""
    return -np.abs(prob_G.astype(np.float32))


def _grams(found: np.ndarray) -> Grams:
    found = found[found["key"] != 0]
    backoff = found["backoff"] if "backoff" in (found.dtype.names or ()) else np.zeros(len(found), np.float32)
    return Grams(found["key"].astype(np.uint64), _negative(found["prob"]), backoff.astype(np.float32))
