"""The most likely pieces of a unigram model, in one run of characters that no piece can leave (runs.py).

Letters: S characters of a run, S1 = S + 1 places between them.
"""

import numpy as np

from gristmill.tokenizer.jit import kernel
from gristmill.tokenizer.models.vocabulary import NONE, find

RESET_BELOW = np.float32(-100_000)
"""SentencePiece then counts from zero again, so that a long document keeps some precision."""


@kernel
def reset_scores(score_S1, first, last):
    """Subtract the score of the first place from it and from all places to the last."""
    offset = score_S1[first]
    for place in range(first, last + 1):
        score_S1[place] -= offset


@kernel
def best_run(ids_S, links_3S, score_S1, count, scores_V, edges_H):
    """Encode one run in place: the first `count` of ids_S are characters, then pieces. Returns how many pieces.

    score_S1[0] comes with the score of everything before the run, score_S1[count] goes with it. Scores are added up in
    floats over the whole document, as SentencePiece 0.2.3 does, so that its ties and its rounding come out alike.
    """
    piece_S, begin_S, path_S = links_3S[0], links_3S[1], links_3S[2]
    for i in range(count):
        piece_S[i] = NONE
    farthest = np.int64(0)
    for i in range(count):
        if score_S1[i] < RESET_BELOW:
            reset_scores(score_S1, i, farthest)
        node = ids_S[i]
        end = i
        while node != NONE:
            if node < scores_V.size:
                score = scores_V[node] + score_S1[i]
                if end >= farthest:
                    farthest = np.int64(end + 1)
                if piece_S[end] == NONE or score > score_S1[end + 1]:
                    score_S1[end + 1] = score
                    piece_S[end], begin_S[end] = node, i
            end += 1
            node = find(node, ids_S[end], edges_H) if end < count else np.int32(NONE)
    pieces = 0
    end = count - 1
    while end >= 0:
        path_S[pieces] = piece_S[end]
        pieces += 1
        end = begin_S[end] - 1
    for i in range(pieces):
        ids_S[i] = path_S[pieces - 1 - i]
    return pieces
