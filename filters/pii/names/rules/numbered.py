"""Chinese names in lists of contacts, before a mobile number: 包海 18007281603. No sentence stands around them.

Letters: B bytes, T tokens.
"""

from gristmill.filters.kernels.jit import kernel
from gristmill.filters.pii.names.tagger.decode import PERSON_BEGINS, put_label
from gristmill.filters.pii.names.tagger.lists import COMMON, COMPOUND, PLACE, SURNAME
from gristmill.filters.pii.names.tagger.tokens import HAN, NUMBER


@kernel
def _is_mobile(data_B, i, count, start_T, kind_T, shape_T, gap_T):
    """Whether token i is a Chinese mobile number, close behind what stands before it."""
    return i < count and kind_T[i] == NUMBER and shape_T[i] == 11 and data_B[start_T[i]] == 0x31 and gap_T[i] < 2


@kernel
def mark_numbered(data_B, count, start_T, kind_T, shape_T, gap_T, list_T, label_T):
    """Labels two or three characters, the first a surname, between the beginning of a field and a mobile number, unless
    they are a word or a place."""
    for i in range(count - 2):
        if kind_T[i] != HAN or not list_T[i] & SURNAME or (i > 0 and kind_T[i - 1] == HAN and gap_T[i] == 0):
            continue
        end = i + 1
        while end < count and end < i + 4 and kind_T[end] == HAN and gap_T[end] == 0:
            end += 1
        if not 2 <= end - i <= 3 or not _is_mobile(data_B, end, count, start_T, kind_T, shape_T, gap_T):
            continue
        word = (list_T[i] >> 16) & (COMMON | PLACE | COMPOUND)
        if end - i == 3:
            word |= ((list_T[i] >> 32) | (list_T[i + 1] >> 16)) & (COMMON | PLACE)
        if word or label_T[i] or label_T[i + 1] or label_T[end - 1]:
            continue
        put_label(PERSON_BEGINS, i, end, label_T)
