"""Byte-level BPE, compiled: a text is cut by a known pattern (splits.py), each piece's bytes are merged by rank.

Letters: B bytes of text, D documents, D1 = D + 1 offsets, S bytes of a piece, V ids, R merges, H slots of a hash table.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from gristmill.tokenizer.foreign.splits import piece_end
from gristmill.tokenizer.jit import inline, kernel
from gristmill.tokenizer.models.bpe import merge_run
from gristmill.tokenizer.models.memory import LONGEST_KEY, key_of, new_memory, recall, remember, slot_of
from gristmill.tokenizer.models.vocabulary import edge_table
from gristmill.tokenizer.sampling import mix64

NO_PIECE = -1


class ByteVocabulary(NamedTuple):
    """The pieces and merges of a byte-level BPE."""

    byte_ids: np.ndarray
    """int32[256]: the id of each byte."""
    edges: np.ndarray
    """uint64[H]: (left id, right id) -> rank of their merge."""
    made: np.ndarray
    """int32[R]: rank -> the id that the merge makes."""
    whole: np.ndarray
    """int32[H]: ids by the hash of their bytes, NO_PIECE where none is: where a piece of the text that is one in the
    vocabulary is taken as it is (`ignore_merges`); else empty."""
    piece_B: np.ndarray
    """uint8: the bytes of all pieces, one after the other."""
    begin_V1: np.ndarray
    """int64[V + 1]."""


def byte_vocabulary(
    bytes_of: Mapping[int, bytes], merges: Sequence[tuple[int, int, int]], ignore_merges: bool
) -> ByteVocabulary:
    """bytes_of: of every id that text can become; merges: (left, right, made) by rank. Raises ValueError for more than
    the tables hold."""
    byte_ids = np.full(256, NO_PIECE, np.int32)
    for number, data in bytes_of.items():
        if len(data) == 1:
            byte_ids[data[0]] = number
    merge_R3 = np.array(merges, np.int32).reshape(-1, 3)
    rank_R = np.arange(len(merges), dtype=np.int32)
    edges = edge_table(np.column_stack([merge_R3[:, :2], rank_R]))
    pieces = [bytes_of.get(number, b"") for number in range(1 + max(bytes_of, default=0))] if ignore_merges else []
    begin_V1 = np.cumsum([0, *map(len, pieces)], dtype=np.int64)
    piece_B = np.frombuffer(b"".join(pieces), np.uint8)
    whole = np.full(1 << (2 * len(pieces)).bit_length() if pieces else 0, NO_PIECE, np.int32)
    fill_whole(piece_B, begin_V1, whole)
    return ByteVocabulary(byte_ids, edges, merge_R3[:, 2].copy(), whole, piece_B, begin_V1)


@inline
def hash_of(data_B, begin, end):
    """64-bit hash of some bytes."""
    value = np.uint64(end - begin)
    for i in range(begin, end):
        value = (value ^ np.uint64(data_B[i])) * np.uint64(0x100000001B3)
    return mix64(value)


@kernel
def fill_whole(piece_B, begin_V1, whole_H):
    """Put every piece into the table (open addressing), whose size is a power of two."""
    mask = np.uint64(whole_H.size - 1)
    for v in range(begin_V1.size - 1):
        if begin_V1[v + 1] > begin_V1[v]:
            slot = hash_of(piece_B, begin_V1[v], begin_V1[v + 1]) & mask
            while whole_H[slot] != NO_PIECE:
                slot = (slot + np.uint64(1)) & mask
            whole_H[slot] = v


@kernel
def whole_piece(data_B, begin, end, whole_H, piece_B, begin_V1):
    """The id whose bytes these are; NO_PIECE if there is none."""
    mask = np.uint64(whole_H.size - 1)
    slot = hash_of(data_B, begin, end) & mask
    while whole_H[slot] != NO_PIECE:
        number = whole_H[slot]
        first = begin_V1[number]
        if begin_V1[number + 1] - first == end - begin:
            k = 0
            while k < end - begin and piece_B[first + k] == data_B[begin + k]:
                k += 1
            if k == end - begin:
                return np.int64(number)
        slot = (slot + np.uint64(1)) & mask
    return np.int64(NO_PIECE)


@kernel
def encode_text(data_B, split, class_C, vocabulary, ids_S, links_3S, memory, out, place):
    """Write the ids of one text (the whole of data_B) to out[place:]; returns the place after them.

    ids_S and links_3S are scratch, as long as the longest text; memory is kept from text to text.
    """
    key_M2, found_MP = memory
    i = np.int64(0)
    while i < data_B.size:
        begin = i
        i = np.int64(piece_end(data_B, begin, split, class_C))
        if i - begin == 1:
            out[place] = vocabulary.byte_ids[data_B[begin]]
            place += 1
            continue
        slot, low, high = np.int64(-1), np.uint64(0), np.uint64(0)
        if i - begin < LONGEST_KEY:  # the last byte of the key says how many are meant: a text may hold NULs
            low, high = key_of(data_B, begin, i)
            high |= np.uint64(i - begin) << np.uint64(56)
            slot = slot_of(low, high, key_M2)
            if key_M2[slot, 0] == low and key_M2[slot, 1] == high:
                place = recall(slot, found_MP, out, place)
                continue
        count = np.int64(0)
        if vocabulary.whole.size:
            number = whole_piece(data_B, begin, i, vocabulary.whole, vocabulary.piece_B, vocabulary.begin_V1)
            if number != NO_PIECE:
                ids_S[0], count = number, np.int64(1)
        if count == 0:
            for k in range(i - begin):
                ids_S[k] = vocabulary.byte_ids[data_B[begin + k]]
            count = np.int64(merge_run(ids_S, links_3S, i - begin, vocabulary.edges, vocabulary.made))
        if slot >= 0:
            remember(slot, low, high, ids_S, count, key_M2, found_MP)
        for k in range(count):
            out[place + k] = ids_S[k]
        place += count
    return place


@kernel
def encode_documents(data_B, start_D1, first_id, last_id, split, class_C, vocabulary, out, count_D):
    """Write the ids of every document to out, one document after the other, and how many each has to count_D.

    first_id, last_id: what stands around a document, or -1 for nothing. out has room for one id per byte and two per
    document. Returns how many ids were written.
    """
    longest = 1
    for d in range(count_D.size):
        longest = max(longest, start_D1[d + 1] - start_D1[d])
    ids_S = np.empty(longest, np.int32)
    links_3S = np.empty((3, 4 * longest), np.int32)  # untouched pages cost nothing
    memory = new_memory(data_B.size)
    place = 0
    for d in range(count_D.size):
        begin = place
        if first_id >= 0:
            out[place] = first_id
            place += 1
        text_B = data_B[start_D1[d] : start_D1[d + 1]]
        place = encode_text(text_B, split, class_C, vocabulary, ids_S, links_3S, memory, out, place)
        if last_id >= 0:
            out[place] = last_id
            place += 1
        count_D[d] = place - begin
    return place
