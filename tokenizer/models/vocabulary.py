"""A vocabulary as compiled code reads it: every question is one look-up by ids.

Letters: V pieces, H slots of a hash table, E edges, N pairs of neighbours, B bytes of text.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from gristmill.tokenizer.jit import inline, kernel
from gristmill.tokenizer.special_ids import FIRST_BYTE, RESERVED, SPECIAL_IDS

SPACE = 0x2581
ASCII = 128
UNKNOWN = -1
ID_BITS = 21  # two keys and a value share one 64-bit slot: one cache miss per look-up
ID_MASK = np.uint64((1 << ID_BITS) - 1)
FREE = np.uint64(0xFFFFFFFFFFFFFFFF)
NONE = 1 << ID_BITS

UNKNOWN_PENALTY = np.float32(10)
"""How far below the worst piece its unigram model scores a character without one (unigram_model.cc, kUnkPenalty)."""


class Vocabulary(NamedTuple):
    """A BPE or unigram vocabulary. Ids below RESERVED are no text, but for newline and tab."""

    character_ids: np.ndarray
    """int32[0x110000]: code point -> id of its piece, or UNKNOWN."""
    edges: np.ndarray
    """uint64[H]: a hash table of (left, right) -> id. BPE: two pieces and what they merge into; the lower id merges
    first. Unigram: a node of the trie of pieces, a character, and the next node; nodes below V are pieces."""
    neighbours: np.ndarray
    """uint8[H]: a set of the pairs of character ids that stand side by side in some piece, as bits of a hash. It may
    hold a pair too many, which makes a run longer, but never one too few."""
    scores: np.ndarray
    """float32[V] of a unigram vocabulary; empty for BPE."""
    unknown_score: np.float32
    """Unigram: of a character without a piece."""
    ascii_pairs: np.ndarray
    """uint8[128 * 128]: whether some piece holds two ASCII characters side by side, exactly, at 128 * left + right."""
    made: np.ndarray
    """int32[V] of BPE: rank of a merge -> what it makes. Here the rank is the id, as in SentencePiece. Empty for
    unigram."""


@inline
def pair_of(left, right):
    """Two ids as one number."""
    return (np.uint64(left) << np.uint64(ID_BITS)) | np.uint64(right)


@inline
def spread(pair):
    """Fibonacci hashing; the good bits are the high ones."""
    return ((pair ^ (pair >> np.uint64(19))) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32)


@kernel
def fill_edges(left_E, right_E, value_E, edges_H):
    """Put every edge into the hash table (open addressing), whose size is a power of two."""
    mask = np.uint64(edges_H.size - 1)
    for e in range(left_E.size):
        pair = pair_of(left_E[e], right_E[e])
        slot = spread(pair) & mask
        while edges_H[slot] != FREE:
            slot = (slot + np.uint64(1)) & mask
        edges_H[slot] = (pair << np.uint64(ID_BITS)) | np.uint64(value_E[e])


@kernel
def fill_neighbours(left_N, right_N, neighbours_H):
    """Put every pair of neighbouring characters into the set, whose size is a power of two."""
    for n in range(left_N.size):
        bit = spread(pair_of(left_N[n], right_N[n])) & np.uint64(8 * neighbours_H.size - 1)
        neighbours_H[bit >> np.uint64(3)] |= np.uint8(1 << (bit & np.uint64(7)))


@inline
def are_neighbours(left, right, neighbours_H):
    """Whether some piece may hold the two characters side by side."""
    bit = spread(pair_of(left, right)) & np.uint64(8 * neighbours_H.size - 1)
    return (neighbours_H[bit >> np.uint64(3)] >> (bit & np.uint64(7))) & 1 == 1


@inline
def find(left, right, edges_H):
    """Where the edge from left by right leads, NONE if there is none."""
    mask = np.uint64(edges_H.size - 1)
    pair = pair_of(left, right)
    slot = spread(pair) & mask
    while edges_H[slot] >> np.uint64(ID_BITS) != pair:
        if edges_H[slot] == FREE:
            return np.int32(NONE)
        slot = (slot + np.uint64(1)) & mask
    return np.int32(edges_H[slot] & ID_MASK)


@inline
def next_character(data_B, i):
    """(code point, bytes) at i; (-1, 1) where no character begins or it is cut short, (-1, 0) at the text's end."""
    if i == data_B.size:
        return np.int32(-1), 0
    first = data_B[i]
    if first < 0x80:
        return np.int32(first), 1
    size = 2 if first < 0xE0 else 3 if first < 0xF0 else 4
    if first < 0xC2 or first > 0xF4 or i + size > data_B.size:
        return np.int32(-1), 1
    point = np.int32(first & (0x7F >> size))
    for k in range(1, size):
        point = (point << 6) | np.int32(data_B[i + k] & 0x3F)
    return (point, size) if point < 0x110000 else (np.int32(-1), 1)


def bpe_vocabulary(pieces: Sequence[str]) -> Vocabulary:
    """The vocabulary of pieces (by id) whose learnt ones stand in the order in which they merge."""
    ids = _textual(pieces)
    merges = (
        (ids[piece[:cut]], ids[piece[cut:]], number)
        for piece, number in ids.items()
        for cut in range(1, len(piece))
        if piece[:cut] in ids and piece[cut:] in ids
    )
    return _vocabulary(pieces, ids, merges, np.zeros(0, np.float32), np.float32(0))


def unigram_vocabulary(pieces: Sequence[str], scores: Sequence[float]) -> Vocabulary:
    """The vocabulary of pieces and their log probabilities, by id."""
    ids = _textual(pieces)
    nodes = dict(ids)
    edges = []
    for piece in ids:
        for end in range(2, len(piece) + 1):
            if piece[:end] not in nodes or end == len(piece):
                node = nodes.setdefault(piece[:end], len(pieces) + len(nodes) - len(ids))
                edges.append((nodes[piece[: end - 1]], ids[piece[end - 1]], node))
    scores_V = np.array(scores, np.float32)
    for number in range(len(SPECIAL_IDS), FIRST_BYTE):
        scores_V[number] = 0.1 * (len(pieces[number]) - 1)  # unigram_model.cc, GetUserDefinedScore
    return _vocabulary(pieces, ids, edges, scores_V, np.float32(min(scores[RESERVED:])) - UNKNOWN_PENALTY)


def _textual(pieces: Sequence[str]) -> dict[str, int]:
    """Piece -> id of those that text can produce, bytes aside.

    Raises ValueError when one holds a character that is no piece: SentencePiece trains no such model, and its pieces
    would not be found by ids.
    """
    ids = {p: n for n, p in enumerate(pieces) if len(SPECIAL_IDS) <= n < FIRST_BYTE or n >= RESERVED}
    for piece in ids:
        if not all(character in ids for character in piece):
            raise ValueError(f"piece {piece!r} holds a character that is no piece of the vocabulary")
    return ids


def _vocabulary(
    pieces: Sequence[str],
    ids: dict[str, int],
    edges: Iterable[tuple[int, int, int]],
    scores_V: np.ndarray,
    unknown_score: np.float32,
) -> Vocabulary:
    character_ids = np.full(0x110000, UNKNOWN, np.int32)
    for piece, number in ids.items():
        if len(piece) == 1:
            character_ids[ord(piece)] = number
    character_ids[ord(" ")] = character_ids[SPACE]  # SentencePiece spells the space U+2581;
    character_ids[SPACE] = UNKNOWN  # a U+2581 of the text itself becomes bytes, or it would come back as a space
    edges_H = edge_table(np.array(list(edges), np.int32).reshape(-1, 3))
    pairs = sorted({(ids[a], ids[b]) for piece in ids for a, b in pairwise(piece)})
    neighbours_H = np.zeros(_power_of_two(2 * len(pairs)), np.uint8)  # 16 bits a pair: 6 % of foreign pairs pass
    fill_neighbours(*np.array(pairs, np.int32).reshape(-1, 2).T.copy(), neighbours_H)
    ascii_pairs = np.zeros(ASCII * ASCII, np.uint8)
    ascii_of = {number: byte for byte, number in enumerate(character_ids[:ASCII].tolist()) if number >= 0}
    for left, right in pairs:
        if left in ascii_of and right in ascii_of:
            ascii_pairs[ASCII * ascii_of[left] + ascii_of[right]] = 1
    made = np.arange(0 if scores_V.size else len(pieces), dtype=np.int32)
    return Vocabulary(character_ids, edges_H, neighbours_H, scores_V, unknown_score, ascii_pairs, made)


def edge_table(edge_E3: np.ndarray) -> np.ndarray:
    """The hash table of edges, int32[E, 3]: left, right, value. Raises ValueError for numbers that are too large."""
    if edge_E3.size and edge_E3.max() >= NONE:
        raise ValueError(f"the vocabulary has more than {NONE} pieces, nodes or merges")
    edges_H = np.full(_power_of_two(2 * len(edge_E3)), FREE, np.uint64)
    fill_edges(*edge_E3.T.copy(), edges_H)
    return edges_H


def _power_of_two(at_least: int) -> int:
    return 1 << max(4, (at_least - 1).bit_length())
