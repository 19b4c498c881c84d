"""Choices by hash: which documents train the tokenizer, which clusters are held out, in which order rows are read.
Never by position or by chance."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from gristmill.tokenizer.jit import inline, kernel

SAMPLE_SALT, VALIDATION_SALT = 0x7361_6D70_6C65, 0x7661_6C69_6461  # "sample", "valida": the two choices are independent

SPLITS = TRAIN, VALIDATION, TEST = "train", "validation", "test"

FEISTEL_ROUNDS = 4

Strings: TypeAlias = Sequence[str] | pa.Array | pa.ChunkedArray


@inline
def mix64(value):
    """splitmix64's finalizer (Steele et al. 2014): a bijection of uint64; every input bit moves every output bit."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@kernel
def mix_all(values_N, key, out_N):
    """out = mix64(value + key): a keyed bijection of uint64."""
    for n in range(values_N.size):
        out_N[n] = mix64(values_N[n] + key)


@kernel
def hash_bytes(data_B, start_D1, key, out_D):
    """64-bit hash of every byte string, eight bytes at a time, little-endian, the length first."""
    for d in range(out_D.size):
        value = mix64(key ^ np.uint64(start_D1[d + 1] - start_D1[d]))
        word, shift = np.uint64(0), np.uint64(0)
        for i in range(start_D1[d], start_D1[d + 1]):
            word |= np.uint64(data_B[i]) << shift
            shift += np.uint64(8)
            if shift == np.uint64(64):
                value = mix64(value ^ word)
                word, shift = np.uint64(0), np.uint64(0)
        out_D[d] = mix64(value ^ word)


def keyed_hash(strings: Strings, key: int) -> np.ndarray:
    """uint64[D]: hash of each string's UTF-8 bytes under a key (0 <= key < 2**64). A null hashes as "" does."""
    data_B, start_D1 = string_buffers(large_strings(strings))
    out_D = np.empty(len(start_D1) - 1, np.uint64)
    hash_bytes(data_B, start_D1, np.uint64(key), out_D)
    return out_D


def mixed(values: np.ndarray, key: int) -> np.ndarray:
    """uint64[N]: a keyed bijection of uint64 values, so that distinct values stay distinct."""
    out_N = np.empty(len(values), np.uint64)
    mix_all(np.ascontiguousarray(values, np.uint64), np.uint64(key), out_N)
    return out_N


def derived_key(*parts: int) -> int:
    """One uint64 key of several numbers (salt, seed, epoch): their order matters."""
    key = np.zeros(1, np.uint64)
    for part in parts:
        key = mixed(key, part & 0xFFFF_FFFF_FFFF_FFFF)
    return int(key[0])


def in_sample(doc_ids: Strings, share: float, seed: int) -> np.ndarray:
    """bool[D]: whether a document is in a sample of `share` (0 to 1) of all. A larger share contains a smaller."""
    return _below(keyed_hash(doc_ids, derived_key(SAMPLE_SALT, seed)), share)


def is_validation(cluster: Strings, share: float, seed: int) -> np.ndarray:
    """bool[D]: whether a document's duplicate cluster is held out. All members of a cluster fall on the same side."""
    return _below(keyed_hash(cluster, derived_key(VALIDATION_SALT, seed)), share)


def splits_of(cluster: Strings, validation: float, test: float, seed: int) -> dict[str, np.ndarray]:
    """Split -> bool[D]: which documents are in it, by their duplicate clusters' hash. Validation takes the lowest ones,
    test the highest, so that the share of one says nothing of what is in the other. They add up to 1 at most."""
    held_out = is_validation(cluster, validation, seed)
    tested = np.zeros_like(held_out)
    if test:
        tested = _below(~keyed_hash(cluster, derived_key(VALIDATION_SALT, seed)), test) & ~held_out
    return {TRAIN: ~held_out & ~tested, VALIDATION: held_out, TEST: tested}


def _below(hashes: np.ndarray, share: float) -> np.ndarray:
    if not 0 <= share <= 1:
        raise ValueError(f"share is {share}, expected 0 to 1")
    bound = int(share * 2**64)
    return np.ones(len(hashes), bool) if bound >= 2**64 else hashes < np.uint64(bound)


def shuffled(seed: int, epoch: int, position_R: np.ndarray, rows: int) -> np.ndarray:
    """int64 (R,): the rows at these positions of an epoch's order, a permutation of `rows` keyed by (seed, epoch).

    Nothing is stored: a Feistel network over the even number of bits that holds `rows` is a bijection, and walking
    until it lands inside keeps it one (Black and Rogaway 2002). Four rounds mix enough for an order of training.
    """
    half = (max(2, (rows - 1).bit_length()) + 1) // 2
    row_R = position_R.astype(np.uint64)
    walk(row_R, _keys(seed, epoch), np.uint64(half), np.uint64(rows))
    return row_R.astype(np.int64)


@lru_cache
def _keys(seed: int, epoch: int) -> np.ndarray:
    return np.random.SeedSequence([seed, epoch]).generate_state(FEISTEL_ROUNDS, np.uint64)


@kernel
def walk(row_R, keys, half, rows):
    """Every position through the network, again and again until it is a row."""
    low = (np.uint64(1) << half) - np.uint64(1)
    for r in range(row_R.size):
        x = row_R[r]
        while True:
            left, right = x >> half, x & low
            for key in keys:
                left, right = right, left ^ (mix64(right + key) & low)
            x = (left << half) | right
            if x < rows:
                break
        row_R[r] = x


def string_buffers(array: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """(data_B uint8, start_D1 int64) of a large_string array, views; a null reads as an empty string."""
    _, offsets, data = array.buffers()
    data_B, start_D1 = np.zeros(0, np.uint8), np.zeros(len(array) + 1, np.int64)
    if len(array) and offsets is not None:
        start_D1 = np.frombuffer(offsets, np.int64, len(array) + 1, array.offset * 8)
        data_B = np.frombuffer(data, np.uint8) if data is not None and data.size else data_B
    for view in (data_B, start_D1):
        view.flags.writeable = False  # Arrow's buffers are now one, now the other: two compilations of every kernel
    return data_B, start_D1


def large_strings(strings: Strings) -> pa.Array:
    """One large_string array of any sequence of str or string array."""
    if isinstance(strings, pa.ChunkedArray):
        strings = strings.combine_chunks()
    if isinstance(strings, pa.ChunkedArray):  # combine_chunks of several gigabytes of `string` stays chunked
        strings = pa.concat_arrays([chunk.cast(pa.large_string()) for chunk in strings.chunks])
    if isinstance(strings, pa.Array):
        return strings if pa.types.is_large_string(strings.type) else strings.cast(pa.large_string())
    return pa.array(strings, pa.large_string())
