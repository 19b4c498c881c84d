"""What a document is compared by: its id, the hash of its normalised text, its shingles, its LSH bands, its rank.

Signatures are bit-equal to datasketch 2.x; load them there with our hash function:
    m = datasketch.MinHash(num_perm=112, seed=1, scheme="affine32", hashfunc=shingle_hash)
    m.update_batch(shingles(text))
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from gristmill.filters.batch import each_value, text_buffers
from gristmill.filters.kernels.dedup.letters import SHINGLE_BASE, read_batch
from gristmill.filters.kernels.dedup.minhash import RADIX, band_keys, make_sets, sign
from gristmill.filters.kernels.text.hashes import MULTIPLIER
from gristmill.filters.kernels.text.unicode import ALNUM, FLAGS, LOWER, NFC_MAYBE, SPACE, UNSPACED

MASK64 = 2**64 - 1
NUL = pa.scalar(b"\0", pa.large_binary())

MARKS = 30
"""Marks in a row that are put in order together, as in UAX #15's Stream-Safe Text Format: the time for a run of n of
them is quadratic in n."""


class MinHashOptions(Protocol):
    """What `fingerprint` reads of the recipe's `deduplicate.minhash`."""

    @property
    def bands(self) -> int:
        """LSH bands; two documents that agree in one whole band are compared."""

    @property
    def rows(self) -> int:
        """Signature values per band."""

    @property
    def shingle(self) -> int:
        """Words per shingle; in scripts without spaces, characters."""

    @property
    def seed(self) -> int:
        """As in datasketch.MinHash(seed=...)."""


def doc_ids(source: str, own_ids: Sequence[str | None], raw: Sequence[bytes]) -> list[str]:
    """Public ids, 32 hex characters: xxh3 (128 bits) of source, NUL, the record's own id and NUL if it has one, and its
    raw bytes.

    Stable under re-sharding, and equal only for a record that was read twice: an own id may stand on other bytes.
    """
    head = source.encode() + b"\0"
    return [
        xxhash.xxh3_128_hexdigest(head + data if own is None else b"".join((head, own.encode(), b"\0", data)))
        for own, data in zip(own_ids, raw, strict=True)
    ]


def doc_ids_of(source: str, own_ids: pa.Array, *raw: pa.Array) -> list[str]:
    """As `doc_ids`, of columns; a record's raw bytes are its values in `raw`, a NUL between two. One copy of a text."""
    values = [column.cast(pa.large_binary()).fill_null(b"") for column in raw]
    columns = [pa.scalar(source.encode(), pa.large_binary()), own_ids.cast(pa.large_binary()), *values, NUL]
    rows = pc.binary_join_element_wise(*columns, null_handling="skip")
    return list(map(xxhash.xxh3_128_hexdigest, each_value(rows)))


def pack_ids(ids: pa.Array | Sequence[str]) -> np.ndarray:
    """uint8[D, 16]: the raw bytes of doc_ids written in hex. Raises ValueError for anything but 32 hex characters."""
    data = "".join(ids.to_pylist() if isinstance(ids, pa.Array) else ids)
    if len(data) != 32 * len(ids):
        raise ValueError("a doc_id is 32 hex characters")
    return np.frombuffer(bytes.fromhex(data), np.uint8).reshape(-1, 16)


def unpack_ids(packed_D16: np.ndarray) -> pa.Array:
    """The string column of doc_ids in hex, from their raw bytes (uint8[D, 16], or any array of 16-byte items)."""
    raw = np.ascontiguousarray(packed_D16)
    data = raw.tobytes().hex().encode()
    offsets = np.arange(0, len(data) + 1, 32, dtype=np.int32)
    return pa.StringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(data))


def composed(text: str) -> str:
    """Canonical composition (NFC), linear in the text's length: canonically equivalent texts are equal.

    Compatibility forms (full width, ligatures) stay apart. Runs of more than MARKS marks are composed piece by piece.
    """
    if text.isascii():
        return text
    marked = np.flatnonzero(FLAGS[np.frombuffer(text.encode("utf-32-le"), np.uint32)] & NFC_MAYBE)
    first = np.r_[True, np.diff(marked) > 1][: len(marked)]
    place = np.arange(len(marked)) - np.flatnonzero(first)[np.cumsum(first) - 1]
    cuts = marked[(place > 0) & (place % MARKS == 0)].tolist()
    return "".join(unicodedata.normalize("NFC", text[a:b]) for a, b in pairwise([0, *cuts, len(text)]))


def normalised(text: str) -> str:
    """The text that the exact hash reads: canonical composition, lower case, each run of white space one space, none at
    the ends."""
    lower = "".join(" " if FLAGS[c] & SPACE else chr(LOWER[c]) for c in map(ord, composed(text)))
    return " ".join(word for word in lower.split(" ") if word)


def shingles(text: str, size: int = 5) -> list[bytes]:
    """The shingles of a text, repeats included: `size` consecutive words joined by a space, NFC, lower case, UTF-8.

    A word is a run of letters, digits and marks; a character of a script without spaces (Han, Kana, Thai, ...) is a
    word of its own. 1 to size - 1 words make one shingle, none make none. What `fingerprint` hashes, in plain Python.
    """
    words: list[str] = []
    open_word = False
    for char in composed(text):
        flag = FLAGS[ord(char)]
        lower = chr(LOWER[ord(char)])
        if flag & UNSPACED or (flag & ALNUM and not open_word):
            words.append(lower)
        elif flag & ALNUM:
            words[-1] += lower
        open_word = bool(flag & ALNUM) and not flag & UNSPACED
    count = max(len(words) - size + 1, min(len(words), 1))
    return [" ".join(words[i : i + size]).encode() for i in range(count)]


def mixed64(h: int) -> int:
    """The kernels' mix64."""
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53, 1):
        h = ((h ^ (h >> 33)) * factor) & MASK64
    return h


def shingle_hash(data: bytes) -> int:
    """uint32 hash of a shingle, for datasketch's `hashfunc`: a polynomial over the hashes of its words.

    A function of the bytes alone; raises UnicodeDecodeError where they are not UTF-8.
    """
    total = 0
    for word in data.decode().split(" "):
        total = (total * int(SHINGLE_BASE) + _word_hash(word)) & MASK64
    return mixed64(total) >> 32


def _word_hash(word: str) -> int:
    """uint64 of a word, as letters.read_letters has it."""
    beyond = next((at for at, char in enumerate(word) if ord(char) >= 0x80), len(word))
    h, *further = [*_eights(word[:beyond]), *map(ord, word[beyond:])] or [0]
    for value in further:
        h = ((h ^ value) * int(MULTIPLIER)) & MASK64
        h ^= h >> 32
    return mixed64(h)


def _eights(text: str) -> list[int]:
    """ASCII eight characters at a time, the first lowest; fewer at the end with their number in the highest byte."""
    pieces = [text[at : at + 8].encode() for at in range(0, len(text), 8)]
    return [int.from_bytes(piece, "little") | (len(piece) % 8) << 56 for piece in pieces]


@lru_cache(maxsize=8)
def permutations(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """(a_P, b_P) uint32 of datasketch 2.x affine32 (its _init_permutations); a is odd, so a h + b is a bijection."""
    draw = np.random.RandomState(seed)  # datasketch's generator: any other one gives other signatures
    a_P = draw.randint(0, 1 << 31, count, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    b_P = draw.randint(0, 1 << 32, count, dtype=np.uint32)
    return a_P, b_P


def describe(minhash: MinHashOptions | None) -> str:
    """What fingerprints must have in common to be comparable, as files of them say it."""
    if minhash is None:
        return "exact only"
    return f"{minhash.bands} bands of {minhash.rows}, shingles of {minhash.shingle}, seed {minhash.seed}"


@dataclass(frozen=True)
class Fingerprints:
    """Of D documents; document d's shingle hashes are shingles[start[d]:start[d + 1]], sorted and unique."""

    minhash: str
    """`describe` of the options they were made with."""
    exact: np.ndarray
    """uint64[D, 2]: 128-bit hash of the normalised text (see `normalised`)."""
    shingles: np.ndarray
    """uint32[S]"""
    start: np.ndarray
    """int64[D + 1]"""
    bands: np.ndarray
    """uint64[D, bands] keys, the band number mixed in; meaningless where a document has no shingles."""
    signatures: np.ndarray | None
    """uint32[D, bands * rows], only on request: permutation p of band n is column n * rows + p."""


def fingerprint(text: pa.Array, minhash: MinHashOptions | None, *, signatures: bool = False) -> Fingerprints:
    """Fingerprints of a large_string column; a null counts as an empty text. Without `minhash` only the exact hash.
    Canonically equivalent texts have equal ones.

    190-270 MB/s on one core with 16 x 7 permutations, sorted shingles included (tests/benchmarks/bench_duplicates.py).
    """
    count = len(text)
    hash_S, shingle_D1, exact_D2 = _read_composed(text, minhash.shingle if minhash else 0)
    if minhash is None:
        bands = np.empty((count, 0), np.uint64)
        return Fingerprints(describe(None), exact_D2, hash_S, shingle_D1, bands, None)
    longest = int(np.diff(shingle_D1).max(initial=0))
    make_sets(hash_S, shingle_D1, np.empty(longest, np.uint32), np.empty((2, RADIX), np.uint32))
    signature_DP = np.empty((count, minhash.bands * minhash.rows), np.uint32)
    sign(hash_S, shingle_D1, *permutations(minhash.seed, minhash.bands * minhash.rows), signature_DP)
    band_DN = np.empty((count, minhash.bands), np.uint64)
    band_keys(signature_DP, minhash.rows, band_DN)
    shingle_S = hash_S[: shingle_D1[-1]].copy()  # the buffer is a multiple of what repeats and long words leave
    shown_DP = signature_DP if signatures else None
    return Fingerprints(describe(minhash), exact_D2, shingle_S, shingle_D1, band_DN, shown_DP)


def _read_composed(text: pa.Array, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(unsorted shingle hashes uint32, their offsets int64[D + 1], exact hashes uint64[D, 2]) of composed texts.

    Nearly every text is composed as it is, and one pass over its bytes tells: only the others are read again.
    """
    hash_S, shingle_D1, exact_D2, seen_D = _read(text, size)
    marked = np.flatnonzero(seen_D & NFC_MAYBE)
    originals = text.take(pa.array(marked)).to_pylist()
    composites = [composed(original) for original in originals]
    other = [at for at, (before, after) in enumerate(zip(originals, composites, strict=True)) if before != after]
    if not other:
        return hash_S, shingle_D1, exact_D2
    changed_C = marked[other]
    new_S, new_C1, exact_D2[changed_C], _ = _read(pa.array([composites[at] for at in other], pa.large_string()), size)
    pieces, done = [], 0
    for d, (start, end) in zip(changed_C.tolist(), pairwise(new_C1.tolist()), strict=True):
        pieces += [hash_S[done : shingle_D1[d]], new_S[start:end]]
        done = shingle_D1[d + 1]
    length_D = np.diff(shingle_D1)
    length_D[changed_C] = np.diff(new_C1)
    return np.concatenate([*pieces, hash_S[done : shingle_D1[-1]]]), np.r_[0, np.cumsum(length_D)], exact_D2


def _read(text: pa.Array, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """As _read_composed, of texts as they are, and the flags (uint8[D]) of their characters."""
    data_B, start_D1 = (_read_only(array) for array in text_buffers(text))
    count, length = len(text), int(start_D1[-1] - start_D1[0])
    word_W = np.empty(int(np.diff(start_D1).max(initial=0)) // 2 + 1, np.uint64)  # see read_letters
    hash_S = np.empty(length // 2 + count if size else 0, np.uint32)
    shingle_D1, exact_D2 = np.empty(count + 1, np.int64), np.empty((count, 2), np.uint64)
    seen_D = np.empty(count, np.uint8)
    read_batch(data_B, start_D1, FLAGS, LOWER, size, word_W, hash_S, shingle_D1, exact_D2, seen_D)
    return hash_S, shingle_D1, exact_D2, seen_D


def _read_only(array: np.ndarray) -> np.ndarray:
    """Arrow's own buffers are read-only; a writable array would make numba compile every kernel a second time."""
    view = array.view()
    view.flags.writeable = False
    return view


OWN_BIT = np.uint64(1 << 62)
"""Set in the rank of every document of a run, clear in those of an index: what an earlier dataset holds comes first."""

DERIVATIONS = ("original", "derived", "translated", "synthetic")
"""Where a text comes from, the best first. Index: the `derived` of a rank."""


def rank(
    kept: np.ndarray | bool,
    priority: np.ndarray | int,
    quality: np.ndarray | None,
    byte_length: np.ndarray,
    doc_id: pa.Array | Sequence[str],
    derived: np.ndarray | int = 0,
) -> np.ndarray:
    """uint64[D], smaller is better: who stays when documents are duplicates. Never depends on where a document lies.

    From the top: dropped by rules (1 bit), OWN_BIT, how the text was derived (2 bits, see DERIVATIONS; originals
    first), source priority (5 bits; 31 first), quality (10 bits; higher first, NaN last; without it all equal), UTF-8
    bytes (20 bits; longer first, exact to 512 KiB, in steps of 32 to 16.5 MiB), the first 25 bits of doc_id.
    kept: bool[D]; priority: 0..31, derived: 0..3, ValueError outside; quality: any float64.
    """
    count = len(byte_length)
    priority_D = _within(priority, 31, count, "a source's priority is 0 to 31")
    derived_D = _within(derived, len(DERIVATIONS) - 1, count, "a derivation is one of DERIVATIONS, by number")
    dropped_D = ~np.broadcast_to(np.asarray(kept, bool), count)
    level_D = np.zeros(count, np.int64) if quality is None else _quality_level(np.asarray(quality, np.float64))
    length_D = np.asarray(byte_length, np.int64)
    exact_limit, step = 1 << 19, 32
    over_D = np.minimum((length_D - exact_limit) // step, exact_limit - 1)
    size_D = np.where(length_D < exact_limit, length_D, exact_limit + over_D)
    head_D = np.ascontiguousarray(pack_ids(doc_id)[:, :4]).view(">u4").ravel().astype(np.uint64)
    own_D = np.ones(count, np.int64)
    fields = ((dropped_D, 1), (own_D, 1), (derived_D, 2), (31 - priority_D, 5), (1023 - level_D, 10),
              ((1 << 20) - 1 - size_D, 20))  # fmt: skip
    packed_D = np.zeros(count, np.uint64)
    for value_D, bits in fields:
        packed_D = (packed_D << np.uint64(bits)) | value_D.astype(np.uint64)
    return (packed_D << np.uint64(25)) | (head_D >> np.uint64(7))


def _within(value: np.ndarray | int, most: int, count: int, what: str) -> np.ndarray:
    """int64[count]. Raises ValueError with `what` where one is not 0 to `most`."""
    value_D = np.broadcast_to(np.asarray(value, np.int64), count)
    if count and not 0 <= value_D.min() <= value_D.max() <= most:
        raise ValueError(what)
    return value_D


def _quality_level(quality_D: np.ndarray) -> np.ndarray:
    """int64[D], 0..1023, monotone in quality; NaN is 0.

    512 levels for 0..1, where shares and probabilities lie; 8 an octave beyond, to 2**31, and below 0, down to -2**31.
    Octaves by frexp, which is exact: a logarithm may differ in its last bit between machines.
    """
    mantissa_D, exponent_D = np.frexp(np.clip(np.nan_to_num(np.abs(quality_D), nan=0.0), 0, 2.0**31))
    octaves_D = exponent_D * 8 + np.floor((mantissa_D - 0.5) * 16)  # of |quality|: 8 at 1, 256 at 2**31, less below 1
    level_D = np.where(quality_D > 1, 760 + octaves_D, 256 + np.floor(np.clip(quality_D, 0, 1) * 511))
    level_D = np.where(quality_D < 0, np.clip(255 - octaves_D, 1, 255), level_D)
    return np.where(np.isnan(quality_D), 0, level_D).astype(np.int64)
