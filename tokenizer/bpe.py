"""Byte-pair encoding over Arrow buffers: the ids that SentencePiece gives, without a Python object per document.

SentencePiece keeps one queue of merges for a whole document. But where no piece holds two neighbouring characters side
by side, no merge can ever cross, and both sides are encoded alone. Such places are every few characters (no piece holds
a space after a letter, or Latin beside Han), so a run is short and a plain search for its best merge is fastest.

Letters: B bytes of text, D documents, D1 = D + 1 offsets, S symbols of a run, H slots of a hash table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tokenizer.jit import inline, kernel

SHORT_RUN = 48
"""Symbols; a longer run (base64, ruled lines, indentation) is merged by the tree."""

LONGEST_RUN = 1 << 16
"""Symbols; a run is cut there, so that 16 MB without a boundary need no memory. Only there do ids differ from
SentencePiece's, and still decode to the text."""

SPACE = 0x2581
UNKNOWN = -1
ID_BITS = 21  # left, right and merged id of a merge share one 64-bit slot: one cache miss per look-up
ID_MASK = np.uint64((1 << ID_BITS) - 1)
FREE = np.uint64(0xFFFFFFFFFFFFFFFF)
NO_MERGE = 1 << ID_BITS


@dataclass(frozen=True)
class Tables:
    """A BPE vocabulary, as the kernel reads it."""

    character_ids: np.ndarray
    """int32[0x110000]: code point -> id of its piece, or UNKNOWN."""
    byte_ids: np.ndarray
    """int32[256]: byte -> id of its piece."""
    newline_ids: np.ndarray
    """int32[3]: ids of "\\n", "\\n\\n" and "\\t", which never merge."""
    merges: np.ndarray
    """uint64[H]: left << 42 | right << 21 | merged id, open addressing. The lower id merges first."""
    neighbours: np.ndarray
    """uint8[H]: a set of the pairs of character ids that stand side by side in some piece, as bits of a hash. It may
    hold a pair too many, which makes a run longer, but never one too few."""


@inline
def pair_of(left, right):
    """Two ids as one number."""
    return (np.uint64(left) << np.uint64(ID_BITS)) | np.uint64(right)


@inline
def spread(pair):
    """Fibonacci hashing; the good bits are the high ones."""
    return ((pair ^ (pair >> np.uint64(19))) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32)


@kernel
def fill_merges(left_M, right_M, merged_M, merges_H):
    """Put every merge into the hash table, whose size is a power of two."""
    mask = np.uint64(merges_H.size - 1)
    for m in range(left_M.size):
        pair = pair_of(left_M[m], right_M[m])
        slot = spread(pair) & mask
        while merges_H[slot] != FREE:
            slot = (slot + np.uint64(1)) & mask
        merges_H[slot] = (pair << np.uint64(ID_BITS)) | np.uint64(merged_M[m])


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
def merged_id(left, right, merges_H):
    """The id of the piece that two pieces make, NO_MERGE if none."""
    mask = np.uint64(merges_H.size - 1)
    pair = pair_of(left, right)
    slot = spread(pair) & mask
    while merges_H[slot] >> np.uint64(ID_BITS) != pair:
        if merges_H[slot] == FREE:
            return np.int32(NO_MERGE)
        slot = (slot + np.uint64(1)) & mask
    return np.int32(merges_H[slot] & ID_MASK)


@kernel
def merge_short_run(ids_S, merged_S, count, merges_H):
    """Merge in place, by search: quadratic, but fastest for the few symbols of a usual run. Returns how many are left.

    merged_S[i] belongs to the pair (i, i + 1).
    """
    for i in range(count - 1):
        merged_S[i] = merged_id(ids_S[i], ids_S[i + 1], merges_H)
    while count > 1:
        best, at = np.int32(NO_MERGE), 0
        for i in range(count - 1):
            if merged_S[i] < best:
                best, at = merged_S[i], i
        if best == NO_MERGE:
            break
        ids_S[at] = best
        count -= 1
        for i in range(at + 1, count):
            ids_S[i] = ids_S[i + 1]
            merged_S[i - 1] = merged_S[i]
        if at > 0:
            merged_S[at - 1] = merged_id(ids_S[at - 1], best, merges_H)
        if at < count - 1:
            merged_S[at] = merged_id(best, ids_S[at + 1], merges_H)
    return count


@kernel
def set_leaf(tree_T, leaf, value):
    """Change a leaf of a tree of minima."""
    tree_T[leaf] = value
    while leaf > 1:
        leaf >>= 1
        tree_T[leaf] = min(tree_T[2 * leaf], tree_T[2 * leaf + 1])


@kernel
def merge_long_run(ids_S, tree_T, next_S, previous_S, count, merges_H):
    """As merge_short_run, in O(n log n): symbols are a linked list, the best pair is the leftmost minimum of a tree."""
    leaves = 1
    while leaves < count:
        leaves *= 2
    for i in range(leaves):
        next_S[i], previous_S[i] = i + 1, i - 1
        has_pair = i + 1 < count
        tree_T[leaves + i] = merged_id(ids_S[i], ids_S[i + 1], merges_H) if has_pair else np.int32(NO_MERGE)
    for node in range(leaves - 1, 0, -1):
        tree_T[node] = min(tree_T[2 * node], tree_T[2 * node + 1])
    while tree_T[1] != NO_MERGE:
        best = tree_T[1]
        node = 1
        while node < leaves:
            node = 2 * node if tree_T[2 * node] == best else 2 * node + 1
        at = node - leaves
        gone = next_S[at]
        after, before = next_S[gone], previous_S[at]
        ids_S[at] = best
        next_S[at] = after
        set_leaf(tree_T, leaves + gone, np.int32(NO_MERGE))
        if after < count:
            previous_S[after] = at
        set_leaf(tree_T, node, merged_id(best, ids_S[after], merges_H) if after < count else np.int32(NO_MERGE))
        if before >= 0:
            set_leaf(tree_T, leaves + before, merged_id(ids_S[before], best, merges_H))
    left = 0
    i = 0
    while i < count:
        ids_S[left] = ids_S[i]
        left += 1
        i = next_S[i]
    return left


@kernel
def merge_run(scratch_4S, count, merges_H, out, place):
    """Encode one run of character ids (the first `count` of scratch_4S[0]) into out[place:]; returns the place after.

    Always merges the pair whose piece has the lowest id, the leftmost of equals, as SentencePiece does.
    """
    ids_S = scratch_4S[0]
    if count <= SHORT_RUN:
        count = merge_short_run(ids_S, scratch_4S[1], count, merges_H)
    else:
        count = merge_long_run(ids_S, scratch_4S[1], scratch_4S[2], scratch_4S[3], count, merges_H)
    for i in range(count):
        out[place + i] = ids_S[i]
    return place + count


@inline
def next_character(data_B, i):
    """(code point, bytes) at i; (-1, 1) where no character begins or it is cut short: no read leaves the text."""
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


@kernel
def append_bytes(data_B, i, size, byte_ids, newline_ids, out, place):
    """Write what no learnt piece holds: a newline, two of them, a tab, else bytes. (bytes read, place after it)."""
    if data_B[i] == 0x0A:
        pair = i + 1 < data_B.size and data_B[i + 1] == 0x0A
        out[place] = newline_ids[1 if pair else 0]
        return (2 if pair else 1), place + 1
    if data_B[i] == 0x09:
        out[place] = newline_ids[2]
        return 1, place + 1
    for k in range(size):
        out[place + k] = byte_ids[data_B[i + k]]
    return size, place + size


@kernel
def encode_text(data_B, character_ids, byte_ids, newline_ids, merges_H, neighbours_H, scratch_4S, out, place):
    """Write the ids of one text (the whole of data_B) to out[place:]; returns the place after them."""
    ids_S = scratch_4S[0]
    run = 0
    i = 0
    while i < data_B.size:
        point, size = next_character(data_B, i)
        number = UNKNOWN if point < 0 else character_ids[point]
        alone = number < 0 or run == LONGEST_RUN or not are_neighbours(ids_S[run - 1], number, neighbours_H)
        if run > 0 and alone:
            place = merge_run(scratch_4S, run, merges_H, out, place)
            run = 0
        if number < 0:
            size, place = append_bytes(data_B, i, size, byte_ids, newline_ids, out, place)
        else:
            ids_S[run] = number
            run += 1
        i += size
    return merge_run(scratch_4S, run, merges_H, out, place)


@kernel
def encode_documents(
    data_B, start_D1, first_id, last_id, character_ids, byte_ids, newline_ids, merges_H, neighbours_H, out, count_D
):
    """Write the ids of every document to out, one document after the other, and how many each has to count_D.

    first_id, last_id: BOS, EOS or -1 for none. out has room for one id per byte and two per document.
    Returns how many ids were written.
    """
    scratch_4S = np.empty((4, 2 * LONGEST_RUN), np.int32)  # ids, tree of minima (or pairs), next and previous symbol
    place = 0
    for d in range(count_D.size):
        begin = place
        if first_id >= 0:
            out[place] = first_id
            place += 1
        text_B = data_B[start_D1[d] : start_D1[d + 1]]
        place = encode_text(
            text_B, character_ids, byte_ids, newline_ids, merges_H, neighbours_H, scratch_4S, out, place
        )
        if last_id >= 0:
            out[place] = last_id
            place += 1
        count_D[d] = place - begin
    return place


def tables_of(pieces: Sequence[str], first_learnt: int, first_byte: int, newline_ids: Sequence[int]) -> Tables:
    """The tables of a vocabulary (pieces by id), of which ids from first_learnt on are learnt, best merge first.

    Raises ValueError when a learnt piece holds a character that is no piece: SentencePiece trains no such model, and
    its merges would not be found by ids.
    """
    ids = {piece: number for number, piece in enumerate(pieces) if number >= first_learnt}
    character_ids = np.full(0x110000, UNKNOWN, np.int32)
    for piece, number in ids.items():
        if len(piece) == 1:
            character_ids[ord(piece)] = number
    character_ids[ord(" ")] = character_ids[SPACE]  # SentencePiece spells the space U+2581;
    character_ids[SPACE] = UNKNOWN  # a U+2581 of the text itself becomes bytes, or it would come back as a space
    merges: list[tuple[int, int, int]] = []
    pairs: set[tuple[int, int]] = set()
    for piece, number in ids.items():
        if not all(character in ids for character in piece):
            raise ValueError(f"piece {piece!r} holds a character that is no piece of the vocabulary")
        pairs.update((ids[a], ids[b]) for a, b in pairwise(piece))
        cuts = ((ids.get(piece[:cut]), ids.get(piece[cut:])) for cut in range(1, len(piece)))
        merges.extend((left, right, number) for left, right in cuts if left is not None and right is not None)
    merges_H = np.full(_power_of_two(2 * len(merges)), FREE, np.uint64)
    fill_merges(*np.array(merges, np.int32).reshape(-1, 3).T.copy(), merges_H)
    neighbours_H = np.zeros(_power_of_two(2 * len(pairs)), np.uint8)  # 16 bits a pair: 6 % of foreign pairs pass
    fill_neighbours(*np.array(sorted(pairs), np.int32).reshape(-1, 2).T.copy(), neighbours_H)
    byte_ids = np.arange(first_byte, first_byte + 256, dtype=np.int32)
    return Tables(character_ids, byte_ids, np.array(newline_ids, np.int32), merges_H, neighbours_H)


def _power_of_two(at_least: int) -> int:
    return 1 << max(4, (at_least - 1).bit_length())
