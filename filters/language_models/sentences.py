"""The sentences of documents, and their words: what a model scores one at a time.

A sentence is a line without the white space around it; what is empty then is none. Letters: B bytes, D documents, D1 =
D + 1 offsets, L sentences, E = 2 L edges, W or T words.
"""

import numpy as np

from gristmill.filters.kernels.jit import inline, kernel
from gristmill.filters.language_models.hashing import UNKNOWN, murmur


@inline
def is_space(byte):
    """ASCII white space."""
    return byte == 32 or 9 <= byte <= 13


@kernel
def find_sentences(data_B, start_D1, edge_E, first_D1):
    """Begin and end of every sentence, by turns, to edge_E, and a document's first sentence to first_D1.

    edge_E may be empty: then they are only counted. Returns how many sentences there are.
    """
    count = 0
    for d in range(start_D1.size - 1):
        first_D1[d] = count
        at, end = start_D1[d], start_D1[d + 1]
        while at < end:
            while at < end and is_space(data_B[at]):
                at += 1
            begin = at
            last = at
            while at < end and data_B[at] != 10 and data_B[at] != 13:
                if not is_space(data_B[at]):
                    last = at + 1
                at += 1
            if last > begin:
                if edge_E.size:
                    edge_E[2 * count], edge_E[2 * count + 1] = begin, last
                count += 1
    first_D1[start_D1.size - 1] = count
    return count


def sentences(data_B: np.ndarray, start_D1: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(begin and end of every sentence by turns, int64[2 L + 1]; each document's first sentence int64[D1]).

    The last edge is the end of the data, so that edges are also offsets of sentences and of what lies between.
    """
    first_D1 = np.empty(len(start_D1), np.int64)
    count = find_sentences(data_B, start_D1, np.zeros(0, np.int64), first_D1)
    edge_E = np.full(2 * count + 1, start_D1[-1], np.int64)
    if count:
        find_sentences(data_B, start_D1, edge_E, first_D1)
    edge_E.flags.writeable = False  # as Arrow's offsets are: one compilation of every kernel
    return edge_E, first_D1


def whole_documents(start_D1: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same, each document that is not empty one sentence."""
    filled_D = np.diff(start_D1) > 0
    edge_E = np.stack([start_D1[:-1][filled_D], start_D1[1:][filled_D]], axis=1).ravel()
    edge_E = np.append(edge_E, start_D1[-1])
    edge_E.flags.writeable = False
    return edge_E, np.concatenate([np.zeros(1, np.int64), np.cumsum(filled_D)])


@kernel
def find_words(data_B, edge_E, hash_V, number_V, word_T, first_E):
    """The numbers of the words between spaces of every sentence; returns how many. first_E: as offsets of edge_E."""
    count = 0
    for e in range(edge_E.size - 1):
        first_E[e] = count
        if e % 2 == 1:
            continue
        at, end = edge_E[e], edge_E[e + 1]
        while at < end:
            begin = at
            while at < end and not is_space(data_B[at]):
                at += 1
            if at > begin:
                word = murmur(data_B, begin, at)
                place = np.searchsorted(hash_V, word)
                found = place < hash_V.size and hash_V[place] == word
                word_T[count] = number_V[place] if found else np.uint32(UNKNOWN)
                count += 1
            at += 1
    first_E[edge_E.size - 1] = count
    return count


@kernel
def find_characters(data_B, edge_E, point_T, first_E):
    """The code points of every sentence, white space of ASCII aside; returns how many. The bytes are valid UTF-8."""
    count = 0
    for e in range(edge_E.size - 1):
        first_E[e] = count
        if e % 2 == 1:
            continue
        at = edge_E[e]
        while at < edge_E[e + 1]:
            byte = np.uint32(data_B[at])
            size = 1 if byte < 0x80 else 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            point = byte if size == 1 else byte & np.uint32(0x7F >> size)
            for i in range(1, size):
                point = (point << np.uint32(6)) | np.uint32(data_B[at + i] & 0x3F)
            if not is_space(point):
                point_T[count] = point
                count += 1
            at += size
    first_E[edge_E.size - 1] = count
    return count


def encode_words(
    data_B: np.ndarray, edge_E: np.ndarray, hash_V: np.ndarray, number_V: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(the numbers of the words of every sentence uint32, where those of each range between edges begin)."""
    word_T, first_E = _room(edge_E)
    count = find_words(data_B, edge_E, hash_V, number_V, word_T, first_E)
    return word_T[:count], first_E


def encode_characters(data_B: np.ndarray, edge_E: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(the code points of every sentence uint32, where those of each range between edges begin)."""
    point_T, first_E = _room(edge_E)
    count = find_characters(data_B, edge_E, point_T, first_E)
    return point_T[:count], first_E


def _room(edge_E: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.empty(int(edge_E[-1] - edge_E[0]) + 1, np.uint32), np.empty(len(edge_E), np.int64)
