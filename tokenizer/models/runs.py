"""Encoding over Arrow buffers: the ids that SentencePiece gives, without a Python object per document.

SentencePiece looks at a whole document at once. But where no piece holds two neighbouring characters side by side, no
piece can span both, and the two sides are encoded alone. Such places are every few characters (no piece holds a space
after a letter, or Latin beside Han), so a run is short and stays in the cache.

Letters: B bytes of text, D documents, D1 = D + 1 offsets, S characters of a run, S1 = S + 1 places between them; those
of memory.py.
"""

import numpy as np

from gristmill.tokenizer.jit import inline, kernel
from gristmill.tokenizer.models.bpe import merge_run
from gristmill.tokenizer.models.memory import LONGEST_KEY, key_of, new_memory, recall, remember, slot_of
from gristmill.tokenizer.models.unigram import RESET_BELOW, best_run
from gristmill.tokenizer.models.vocabulary import UNKNOWN, are_neighbours, next_character
from gristmill.tokenizer.special_ids import FIRST_BYTE

LONGEST_RUN = 1 << 16
"""Characters; a run is cut there, so that 16 MB without a boundary need no memory. Only there do ids differ from
SentencePiece's, and still decode to the text."""


@inline
def run_end(data_B, begin, number, width, character_ids, neighbours, ascii_pairs):
    """(byte at which the run ends that begins with the character `number` of `width` bytes, its characters)."""
    characters = np.int64(1)
    i = begin + width
    before = data_B[begin] if width == 1 else np.uint8(0x80)
    while i < data_B.size and characters < LONGEST_RUN:
        byte = data_B[i]
        if (before | byte) < 0x80:  # most of a text in Latin letters: one look-up in a table that stays in the cache
            if ascii_pairs[(np.int64(before) << 7) | byte] == 0:
                break
            i += 1
            before = byte
        else:
            point, size = next_character(data_B, i)
            other = UNKNOWN if point < 0 else character_ids[point]
            left = character_ids[before] if before < 0x80 else number
            if other < 0 or not are_neighbours(left, other, neighbours):
                break
            number = other
            i += size
            before = byte if size == 1 else np.uint8(0x80)
        characters += 1
    return i, characters


@kernel
def encode_text(data_B, vocabulary, ids_S, links_3S, score_S1, memory, out, place):
    """Write the ids of one text (the whole of data_B) to out[place:]; returns the place after them.

    ids_S, links_3S and score_S1 are scratch; memory is kept from text to text (BPE).
    """
    character_ids, edges, neighbours, scores = vocabulary[:4]
    key_M2, found_MP = memory
    is_bpe = scores.size == 0
    score_S1[0] = 0
    i = np.int64(0)
    while i < data_B.size:
        point, size = next_character(data_B, i)
        number = UNKNOWN if point < 0 else character_ids[point]
        if number < 0:
            for k in range(size):
                out[place + k] = FIRST_BYTE + data_B[i + k]
            place += size
            score_S1[0] = vocabulary.unknown_score + (score_S1[0] if score_S1[0] >= RESET_BELOW else np.float32(0))
            i += size
            continue
        begin = i
        i, run = run_end(data_B, begin, number, size, character_ids, neighbours, vocabulary.ascii_pairs)
        if run == 1 and is_bpe:
            out[place] = number
            place += 1
            continue
        slot, low, high = np.int64(-1), np.uint64(0), np.uint64(0)
        if is_bpe and i - begin <= LONGEST_KEY:
            low, high = key_of(data_B, begin, i)
            slot = slot_of(low, high, key_M2)
            if key_M2[slot, 0] == low and key_M2[slot, 1] == high:
                place = recall(slot, found_MP, out, place)
                continue
        at = begin
        for k in range(run):
            point, size = next_character(data_B, at)
            ids_S[k] = character_ids[point]
            at += size
        if is_bpe:
            count = merge_run(ids_S, links_3S, run, edges, vocabulary.made)
            if slot >= 0:
                remember(slot, low, high, ids_S, count, key_M2, found_MP)
        else:
            count = best_run(ids_S, links_3S, score_S1, run, scores, edges)
            score_S1[0] = score_S1[run]
        for k in range(count):
            out[place + k] = ids_S[k]
        place += count
    return place


@kernel
def encode_documents(data_B, start_D1, first_id, last_id, vocabulary, out, count_D):
    """Write the ids of every document to out, one document after the other, and how many each has to count_D.

    first_id, last_id: BOS, EOS or -1 for none. out has room for one id per byte and two per document.
    Returns how many ids were written.
    """
    ids_S = np.empty(LONGEST_RUN, np.int32)
    links_3S = np.empty((3, 2 * LONGEST_RUN), np.int32)  # what a model needs beside; untouched pages cost nothing
    score_S1 = np.empty(LONGEST_RUN + 1, np.float32)
    memory = new_memory(data_B.size)
    place = 0
    for d in range(count_D.size):
        begin = place
        if first_id >= 0:
            out[place] = first_id
            place += 1
        place = encode_text(
            data_B[start_D1[d] : start_D1[d + 1]], vocabulary, ids_S, links_3S, score_S1, memory, out, place
        )
        if last_id >= 0:
            out[place] = last_id
            place += 1
        count_D[d] = place - begin
    return place
