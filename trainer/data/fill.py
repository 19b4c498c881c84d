"""Compiled loops that write the segments of a batch into its rows.

Letters: P segments, S those of one shard, R rows, T tokens of a row.
"""

from gristmill.tokenizer.jit import kernel
from gristmill.tokenizer.special_ids import PAD


@kernel
def fill_segments(
    mine_S, row_P, slot_P, at_P, doc_P, start_P, length_P, tokens, offsets, source_of, ids_RT, targets_RT, positions_RT,
    documents_RT, sources_RT,
):  # fmt: skip
    """Write the tokens of one shard's segments, each in its row from `at` on, int32: the target of a token is the next
    one of its document; -1 for a document's last."""
    for p in mine_S:
        row, at, length, slot, source = row_P[p], at_P[p], length_P[p], slot_P[p], source_of[doc_P[p]]
        begin, stop = offsets[doc_P[p]] + start_P[p], offsets[doc_P[p] + 1]
        ids, targets, positions = ids_RT[row], targets_RT[row], positions_RT[row]
        documents, sources = documents_RT[row], sources_RT[row]
        for k in range(length):
            ids[at + k] = tokens[begin + k]
        for k in range(length - 1):
            targets[at + k] = tokens[begin + k + 1]
        targets[at + length - 1] = tokens[begin + length] if begin + length < stop else -1
        for k in range(length):
            positions[at + k] = k
        for k in range(length):
            documents[at + k] = slot
        for k in range(length):
            sources[at + k] = source


@kernel
def pad_rows(end_R, ids_RT, targets_RT, positions_RT, documents_RT, sources_RT):
    """Make what lies behind the last segment of every row padding: id PAD, document and target -1."""
    for r in range(end_R.size):
        for t in range(end_R[r], ids_RT.shape[1]):
            ids_RT[r, t] = PAD
            targets_RT[r, t] = -1
            positions_RT[r, t] = 0
            documents_RT[r, t] = -1
            sources_RT[r, t] = 0
