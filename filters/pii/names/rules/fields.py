"""A given name alone in a field: `name: Eric`. No sentence stands around it, so that weights have little to go by.

Letters: T tokens.
"""

from gristmill.filters.kernels.jit import kernel
from gristmill.filters.pii.names.tagger.lists import COMMON, GIVEN, LABEL
from gristmill.filters.pii.names.tagger.places import COLON
from gristmill.filters.pii.names.tagger.tokens import BREAK, CAPITAL, MARK, WORD


@kernel
def mark_fields(count, kind_T, shape_T, mark_T, list_T, label_T):
    """Labels a given name that is no word, between a label with its colon and the end of the line."""
    for i in range(2, count):
        if label_T[i] != 0 or kind_T[i] != WORD or shape_T[i] != CAPITAL or mark_T[i - 1] != COLON:
            continue
        ends = i + 1 == count or kind_T[i + 1] == BREAK
        if ends and kind_T[i - 1] == MARK and kind_T[i - 2] == WORD and list_T[i - 2] & LABEL:
            label_T[i] = list_T[i] & GIVEN != 0 and list_T[i] & COMMON == 0
