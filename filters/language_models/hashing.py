"""The hashes of words and n-grams: KenLM's, so that its binary files can be read without their words.

Letters: B bytes, W words, G n-grams.
"""

from collections.abc import Sequence

import numpy as np

from gristmill.filters.kernels.jit import inline, kernel

UNKNOWN = 0
"""The number of <unk> in every model."""
UNKNOWN_SPELLINGS = ("<unk>", "<UNK>")
BEGIN, END = "<s>", "</s>"


@inline
def combine(node, word):
    """The hash of an n-gram that has one more word on its left (lm/search_hashed.hh, CombineWordHash)."""
    return (node * np.uint64(8978948897894561157)) ^ (
        (np.uint64(1) + np.uint64(word)) * np.uint64(17894857484156487943)
    )


@inline
def murmur(data_B, begin, end):
    """MurmurHash64A, seed 0, of data_B[begin:end] (Appleby; util/murmur_hash.cc)."""
    m = np.uint64(0xC6A4A7935BD1E995)
    size = end - begin
    h = np.uint64(size) * m
    at = begin
    while end - at >= 8:
        k = np.uint64(0)
        for i in range(8):
            k |= np.uint64(data_B[at + i]) << np.uint64(8 * i)
        k *= m
        k ^= k >> np.uint64(47)
        k *= m
        h ^= k
        h *= m
        at += 8
    if at < end:
        for i in range(end - at):
            h ^= np.uint64(data_B[at + i]) << np.uint64(8 * i)
        h *= m
    h ^= h >> np.uint64(47)
    h *= m
    return h ^ (h >> np.uint64(47))


@kernel
def hash_ranges(data_B, begin_W, end_W, out_W):
    """out = the hash of every range of bytes."""
    for w in range(out_W.size):
        out_W[w] = murmur(data_B, begin_W[w], end_W[w])


@kernel
def hash_grams(word_GN, out_G):
    """out = the hash of every n-gram, its words from left to right."""
    last = word_GN.shape[1] - 1
    for g in range(out_G.size):
        node = np.uint64(word_GN[g, last])
        for i in range(last - 1, -1, -1):
            node = combine(node, word_GN[g, i])
        out_G[g] = node


@kernel
def combine_all(node_G, word_G):
    """The hashes of n-grams that have one more word on their left; uint64, both."""
    out_G = np.empty(node_G.size, np.uint64)
    for g in range(node_G.size):
        out_G[g] = combine(node_G[g], word_G[g])
    return out_G


def word_hashes(words: Sequence[bytes]) -> np.ndarray:
    """uint64[W]: the hash of every word."""
    data_B = np.frombuffer(b"".join(words), np.uint8)
    end_W = np.cumsum([len(word) for word in words], dtype=np.int64)
    begin_W = np.concatenate([np.zeros(1, np.int64), end_W[:-1]])
    out_W = np.empty(len(words), np.uint64)
    hash_ranges(data_B, begin_W, end_W, out_W)
    return out_W


def gram_hashes(word_GN: np.ndarray) -> np.ndarray:
    """uint64[G] of uint32[G, n], n from 2 on."""
    out_G = np.empty(len(word_GN), np.uint64)
    hash_grams(np.ascontiguousarray(word_GN, np.uint32), out_G)
    return out_G
