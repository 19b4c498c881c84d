"""Names and addresses of a batch: `find(text, ...)`.

Letters: B bytes, D1 documents + 1 offsets, C code points, T tokens, H slots of lists, W slots of weights, L labels,
R4 ranges found, four numbers each.
"""

from collections.abc import Iterator
from functools import cache

import numpy as np
import pyarrow as pa

from gristmill.filters.batch import text_buffers
from gristmill.filters.kernels.jit import kernel
from gristmill.filters.pii.names.context import is_private, mark_contacts
from gristmill.filters.pii.names.reach import narrow
from gristmill.filters.pii.names.rules.blocks import mark_blocks
from gristmill.filters.pii.names.rules.chains import label_chains, mark_chains
from gristmill.filters.pii.names.rules.dotted import mark_dotted
from gristmill.filters.pii.names.rules.fields import mark_fields
from gristmill.filters.pii.names.rules.numbered import mark_numbered
from gristmill.filters.pii.names.rules.postal import is_capitals, mark_postal
from gristmill.filters.pii.names.rules.sentences import mark_sentences
from gristmill.filters.pii.names.rules.spread import SLOTS, forget, spread
from gristmill.filters.pii.names.rules.titled import mark_titled
from gristmill.filters.pii.names.tagger import lists, words
from gristmill.filters.pii.names.tagger.decode import LABELS, decode, read, weights
from gristmill.filters.pii.names.tagger.features import FEATURES
from gristmill.filters.pii.names.tagger.lists import TITLE, UNIT
from gristmill.filters.pii.names.tagger.places import LONGEST
from gristmill.filters.pii.names.tagger.tokens import BREAK, CAPITAL, HAN, MARK, UPPER, WORD, classes
from gristmill.filters.pii.names.tagger.words import clear_words

PERSON, ADDRESS = "PERSON", "ADDRESS"
SCORE = 0.6
"""presidio's score of every result: less than a check digit's, as much as that of a pattern after its name."""
AT = 0x40
PIECE = 1 << 16
"""Bytes that are looked at together: a longer text is cut after a line, or where there is none after so many bytes."""


def find(text: pa.Array, everywhere: bool = False, private: bool = False) -> Iterator[tuple[int, int, int, str]]:
    """(document, start byte, end byte, PERSON or ADDRESS) of a batch (large_string), in order. private: only where a
    context marks a private person. everywhere: nothing is skipped; the ranges are the same."""
    data_B, start_D1 = text_buffers(text)
    size = 256 + int(start_D1[-1] - start_D1[0]) // 16  # a list of names has one every 19 bytes
    while True:
        found_R4 = np.empty((size, 4), np.int64)
        found = _find(
            data_B,
            start_D1,
            classes(),
            *lists.table(),
            words.table(),
            *weights(),
            everywhere,
            private,
            *_room(PIECE + 8),
            found_R4,
        )
        if found <= size:
            break
        size = found
    for doc, start, end, label in found_R4[:found].tolist():
        yield doc, start, end, PERSON if label == 1 else ADDRESS


@cache
def _room(size: int) -> tuple[np.ndarray, ...]:
    """Arrays for the tokens of one piece."""
    return (
        np.zeros((8, size), np.int32),
        np.zeros(size, np.int64),
        np.zeros((3, size), np.int64),
        np.zeros(FEATURES, np.int64),
        np.zeros((size, LABELS), np.int64),
        np.zeros((size, LABELS), np.int8),
        np.zeros(size, np.int8),
        np.zeros(size, np.int8),
        np.zeros(size, np.int8),
        np.zeros(SLOTS, np.int64),
        np.zeros(3, np.int64),
    )


@kernel
def _cut(data_B, low, high):
    """Where the piece that begins at byte `low` ends."""
    if high - low <= PIECE:
        return high
    end = low + PIECE
    i = end
    while i > low + PIECE // 2:
        if data_B[i - 1] == 0x0A:
            return i
        i -= 1
    while data_B[end] & 0xC0 == 0x80:
        end -= 1
    return end


@kernel
def _find(
    data_B, start_D1, class_C, key_H, value_H, word_W, weight_WL, step_LL, everywhere, private,
    token_8T, list_T, hash_3T, slot_F, score_TL, back_TL, label_T, contact_T, chain_T, known_S, state_3, found_R4,
):  # fmt: skip
    start_T, end_T, kind_T, shape_T, gap_T, mark_T = (
        token_8T[0], token_8T[1], token_8T[2], token_8T[3], token_8T[4], token_8T[7],
    )  # fmt: skip
    found = 0
    for d in range(start_D1.size - 1):
        low = start_D1[d]
        forget(known_S, state_3)
        while low < start_D1[d + 1]:
            high = _cut(data_B, low, start_D1[d + 1])
            count = read(data_B, low, high, class_C, key_H, value_H, token_8T, list_T, hash_3T)
            mark_chains(data_B, count, token_8T, list_T, chain_T)
            mark_sentences(data_B, count, token_8T, list_T, chain_T)
            if private:
                mark_contacts(count, kind_T, shape_T, gap_T, mark_T, contact_T)
                if not everywhere:
                    narrow(count, kind_T, shape_T, gap_T, list_T, mark_T, hash_3T[0], contact_T, label_T, token_8T[6])
            decode(
                data_B,
                count,
                token_8T,
                list_T,
                hash_3T,
                weight_WL,
                step_LL,
                everywhere,
                slot_F,
                score_TL,
                back_TL,
                label_T,
            )
            clear_words(word_W, count, kind_T, list_T, hash_3T, label_T)
            mark_dotted(data_B, count, start_T, end_T, kind_T, mark_T, label_T)
            mark_titled(data_B, count, start_T, kind_T, gap_T, list_T, hash_3T[0], label_T)
            label_chains(count, kind_T, shape_T, list_T, chain_T, label_T)
            mark_fields(count, kind_T, shape_T, mark_T, list_T, label_T)
            mark_postal(count, start_T, end_T, kind_T, shape_T, gap_T, mark_T, list_T, label_T)
            mark_blocks(count, kind_T, shape_T, gap_T, mark_T, list_T, hash_3T[0], label_T)
            mark_numbered(data_B, count, start_T, kind_T, shape_T, gap_T, list_T, label_T)
            if private:
                for t in range(count):
                    contact_T[t] |= label_T[t] >= 3  # an address is one, too
            else:  # what marks a private person stands near, so what is far is nothing to `web`
                spread(
                    count, start_T, end_T, kind_T, shape_T, gap_T, mark_T, list_T, hash_3T[0], known_S, state_3, label_T
                )
            i = 0
            while i < count:
                label = label_T[i]
                if label == 0:
                    i += 1
                    continue
                first = i
                i += 1
                while i < count and label_T[i] == label + 1:
                    i += 1
                last = i
                while last > first and (kind_T[last - 1] == MARK or kind_T[last - 1] == BREAK):
                    last -= 1
                whole = last > first and _is_whole(first, last, count, label, kind_T, shape_T, list_T)
                if not whole and (
                    label == 1 or not is_capitals(first, last, start_T, end_T, kind_T, shape_T, gap_T, list_T)
                ):
                    continue
                if label == 1 and first > 0 and mark_T[first - 1] == AT and gap_T[first] == 0:
                    continue  # root@david, @david: a host, an account
                if label == 1 and _is_before_at(last, count, kind_T, gap_T, mark_T):
                    continue  # Anna.Fry@mill.example: of an e-mail address
                if private and not is_private(
                    first, last, count, label == 1, kind_T, shape_T, gap_T, list_T, mark_T, hash_3T[0], contact_T
                ):
                    continue
                if found < found_R4.shape[0]:
                    found_R4[found, 0], found_R4[found, 1] = d, start_T[first] - start_D1[d]
                    found_R4[found, 2], found_R4[found, 3] = end_T[last - 1] - start_D1[d], label
                found += 1
            low = high
    return found


@kernel
def _is_before_at(i, count, kind_T, gap_T, mark_T):
    """Whether an at-sign follows, with no blank before it: what stands here is of an e-mail address."""
    end = min(count, i + 8)
    while i < end and gap_T[i] == 0 and kind_T[i] != BREAK:
        if mark_T[i] == AT:
            return True
        i += 1
    return False


@kernel
def _is_whole(first, last, count, label, kind_T, shape_T, list_T):
    """Whether tokens [first, last) can be a name or an address: no Han character but a surname before a title, no row
    of characters, none of numbers."""
    if label == 1:
        titled = last + 1 < count and kind_T[last] == HAN and list_T[last] & (TITLE << 16) != 0
        return last - first <= LONGEST and (last - first > 1 or kind_T[first] != HAN or titled)
    words = 0
    for i in range(first, last):
        unit = list_T[i] & UNIT != 0  # Box 1, Box 2 are no address, PO Box 1 is
        words += kind_T[i] == HAN or (kind_T[i] == WORD and shape_T[i] == (UPPER if unit else CAPITAL))
    return last - first > 2 and words > 0
