"""Encoding over Arrow buffers: the ids that SentencePiece gives, without a Python object per document.

SentencePiece looks at a whole document at once. But where no piece holds two neighbouring characters side by side, no
piece can span both, and the two sides are encoded alone. Such places are every few characters (no piece holds a space
after a letter, or Latin beside Han), so a run is short and stays in the cache.

Letters: B bytes of text, D documents, D1 = D + 1 offsets, S characters of a run, S1 = S + 1 places between them.
"""

import numpy as np

from gristmill.tokenizer.jit import kernel
from gristmill.tokenizer.models.bpe import merge_run
from gristmill.tokenizer.models.unigram import RESET_BELOW, best_run
from gristmill.tokenizer.models.vocabulary import UNKNOWN, are_neighbours, next_character
from gristmill.tokenizer.special_ids import FIRST_BYTE

LONGEST_RUN = 1 << 16
"""Characters; a run is cut there, so that 16 MB without a boundary need no memory. Only there do ids differ from
SentencePiece's, and still decode to the text."""


@kernel
def encode_text(data_B, vocabulary, ids_S, links_3S, score_S1, out, place):
    """Write the ids of one text (the whole of data_B) to out[place:]; returns the place after them.

    ids_S, links_3S and score_S1 are scratch.
    """
    character_ids, edges, neighbours, scores = vocabulary[:4]
    is_bpe = scores.size == 0
    score_S1[0] = 0
    run = np.int64(0)  # a plain 0 is a type of its own at first, and compiles every callee twice
    i = 0
    while i <= data_B.size:
        point, size = next_character(data_B, i)
        number = UNKNOWN if point < 0 else character_ids[point]
        if run > 0 and (number < 0 or run == LONGEST_RUN or not are_neighbours(ids_S[run - 1], number, neighbours)):
            if is_bpe:
                count = merge_run(ids_S, links_3S, run, edges)
            else:
                count = best_run(ids_S, links_3S, score_S1, run, scores, edges)
                score_S1[0] = score_S1[run]
            for k in range(count):
                out[place + k] = ids_S[k]
            place += count
            run = np.int64(0)
        if number >= 0:
            ids_S[run] = number
            run += 1
        else:
            for k in range(size):
                out[place + k] = FIRST_BYTE + data_B[i + k]
            place += size
            score_S1[0] = vocabulary.unknown_score + (score_S1[0] if score_S1[0] >= RESET_BELOW else np.float32(0))
        i += max(1, size)
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
    place = 0
    for d in range(count_D.size):
        begin = place
        if first_id >= 0:
            out[place] = first_id
            place += 1
        place = encode_text(data_B[start_D1[d] : start_D1[d + 1]], vocabulary, ids_S, links_3S, score_S1, out, place)
        if last_id >= 0:
            out[place] = last_id
            place += 1
        count_D[d] = place - begin
    return place
