"""KenLM's binary files (`build_binary`; probing, the default type, and tries) as a table. The words are not needed: our
hashes are KenLM's.

After KenLM at 4cb443e: lm/binary_format.cc, vocab.cc, search_hashed.cc, weights.hh, util/probing_hash_table.hh.
"""

import struct
from pathlib import Path

import numpy as np

from gristmill.filters.language_models.errors import BadModelError
from gristmill.filters.language_models.kenlm_trie import read_trie
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
PROBING, FIRST_TRIE = 0, 2
QUANTISED, COMPRESSED = 1, 2
"""What is added to a trie's kind."""
VERSIONS = {PROBING: 0, FIRST_TRIE: 1}
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
    kind, counts, multiplier, at = _header(data)
    try:
        return _trie(data, kind, counts, at) if kind >= FIRST_TRIE else _probing(data, counts, multiplier, at)
    except EOFError as needed:
        what = f"the KenLM binary is cut off: {len(data):,} bytes of {needed.args[0]:,}"
        raise BadModelError(f"{what}; copy it again") from None
    except ValueError as error:
        raise BadModelError(f"the KenLM binary is damaged: {error}; copy it again") from None


def _trie(data: np.ndarray, kind: int, counts: list[int], at: int) -> Table:
    of = kind - FIRST_TRIE
    found = read_trie(data, counts, at, bool(of & QUANTISED), bool(of & COMPRESSED))
    words = Words.of(found.hash_V, np.arange(1, len(found.hash_V) + 1))
    return make_table(_unigrams(found.prob_V), found.backoff_V, words, found.orders)


def _probing(data: np.ndarray, counts: list[int], multiplier: float, at: int) -> Table:
    size = _buckets(counts[0], multiplier)
    header, at = at, at + 8
    version, bound = struct.unpack("<II", data[header:at].tobytes())
    sizes = [_buckets(count, multiplier) for count in counts[1:]]
    needed = at + _WORD.itemsize * size + _UNIGRAM.itemsize * (counts[0] + 1)
    needed += sum(_MIDDLE.itemsize * one for one in sizes[:-1]) + _LONGEST.itemsize * sizes[-1]
    if needed > len(data):
        raise EOFError(needed)
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
    if len(words) + 1 != bound or (words["id"] >= bound).any():
        raise ValueError("its words and their numbers contradict each other")
    return make_table(_unigrams(unigrams["prob"]), unigrams["backoff"], Words.of(words["key"], words["id"]), orders)


def _unigrams(prob_V: np.ndarray) -> np.ndarray:
    prob_V = _negative(prob_V)
    if prob_V[0] == 0:  # no <unk> was among them
        prob_V[0] = NO_UNKNOWN
    return prob_V


def _header(data: np.ndarray) -> tuple[int, list[int], float, int]:
    """(its kind, n-grams of each order, how many slots an n-gram has, where the words begin)."""
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
    if version != VERSIONS.get(min(kind, FIRST_TRIE)) or kind >= len(KINDS):
        named = f"`{KINDS[kind]}`" if 0 <= kind < len(KINDS) else f"type {kind}"
        what = f"the KenLM binary is of the kind {named}, version {version}, and `probing` and tries are read"
        raise BadModelError(f"{what}; {AGAIN}")
    if not 2 <= order <= HIGHEST_ORDER:
        raise BadModelError(f"the model has order {order}, and orders 2 to {HIGHEST_ORDER} are read")
    counts_at = fixed_at + FIXED.size
    raw = bytes(data[counts_at : counts_at + 8 * order])
    if len(raw) < 8 * order or not multiplier >= 1:
        raise BadModelError("the KenLM binary is cut off in its header; copy it again")
    end = counts_at + 8 * order
    return kind, list(struct.unpack(f"<{order}Q", raw)), multiplier, end + -end % 8


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
