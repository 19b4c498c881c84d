"""What the tagger looks at, as slots of its table of weights.

Letters: T tokens, F features.
"""

from gristmill.filters.kernels.jit import kernel
from gristmill.filters.pii.names.tagger.tokens import BREAK, HAN, MARK, WORD, mix

FEATURES = 37
_OUTSIDE = 17


@kernel
def _hash(count, i, hash_T):
    return hash_T[i] if 0 <= i < count else _OUTSIDE


@kernel
def _class(count, i, kind_T, shape_T, list_T):
    """Kind, shape and lists of a token as one number."""
    if i < 0 or i >= count:
        return _OUTSIDE
    bits = list_T[i]
    bits ^= (bits >> 32) * 0x2C1B3C6D
    return (bits * 0x45D9F3B + shape_T[i] * 8 + kind_T[i]) & 0xFFFFFFFF


@kernel
def _suffix(data_B, i, start_T, end_T, kind_T):
    """The last three bytes of a word."""
    if kind_T[i] != WORD:
        return 0
    end = end_T[i]
    h = 0
    for j in range(max(start_T[i], end - 3), end):
        h = h * 256 + data_B[j]
    return h


@kernel
def _prefix(data_B, i, start_T, end_T, kind_T):
    """The first three bytes of a word."""
    if kind_T[i] != WORD:
        return 0
    h = 0
    for j in range(start_T[i], min(end_T[i], start_T[i] + 3)):
        h = h * 256 + (data_B[j] | 0x20)
    return h


@kernel
def line_context(count, kind_T, hash_T, first_T, above_T, label_T):
    """Of each token: how far into its line it is (up to 7), what the line above begins with, and what the last colon
    within eight tokens stands after."""
    first, above, line = 0, 19, 19
    colon = -100
    for i in range(count):
        if i > 0 and kind_T[i - 1] == BREAK:
            above, first = line, i
            colon = -100
        if i == first:
            line = mix(hash_T[i], hash_T[i + 1] if i + 1 < count else 0)
        first_T[i] = min(i - first, 7)
        above_T[i] = above
        if kind_T[i] == MARK and (hash_T[i] == mix(7, 0x3A)):
            colon = i
        if i - colon <= 8 and colon > 0 and i > colon:
            label_T[i] = mix(hash_T[colon - 1], hash_T[colon - 2] if colon > 1 and kind_T[colon - 1] == HAN else 0)
        else:
            label_T[i] = 0


@kernel
def features(
    data_B, count, i, start_T, end_T, kind_T, shape_T, gap_T, hash_T, list_T, first_T, above_T, label_T, size, slot_F
):
    """The slots of token i. `size` is that of the table, a power of two."""
    w0 = hash_T[i]
    w1, w2, w3 = _hash(count, i + 1, hash_T), _hash(count, i + 2, hash_T), _hash(count, i + 3, hash_T)
    v1, v2, v3 = _hash(count, i - 1, hash_T), _hash(count, i - 2, hash_T), _hash(count, i - 3, hash_T)
    c0 = _class(count, i, kind_T, shape_T, list_T)
    c1, c2 = (_class(count, i + 1, kind_T, shape_T, list_T), _class(count, i + 2, kind_T, shape_T, list_T))
    d1, d2 = (_class(count, i - 1, kind_T, shape_T, list_T), _class(count, i - 2, kind_T, shape_T, list_T))
    c3, d3 = _class(count, i + 3, kind_T, shape_T, list_T), _class(count, i - 3, kind_T, shape_T, list_T)
    gap1 = gap_T[i + 1] if i + 1 < count else 0
    slot_F[0] = mix(101, w0)
    slot_F[1] = mix(102, v1)
    slot_F[2] = mix(103, w1)
    slot_F[3] = mix(104, v2)
    slot_F[4] = mix(105, w2)
    slot_F[5] = mix(mix(106, v1), w0)
    slot_F[6] = mix(mix(107, w0), w1)
    slot_F[7] = mix(mix(108, w1), w2)
    slot_F[8] = mix(mix(109, v2), v1)
    slot_F[9] = mix(110, c0)
    slot_F[10] = mix(mix(111, d1), c0)
    slot_F[11] = mix(mix(112, c0), c1)
    slot_F[12] = mix(mix(mix(113, d1), c0), c1)
    slot_F[13] = mix(mix(mix(114, c0), c1), c2)
    slot_F[14] = mix(mix(mix(115, d2), d1), c0)
    slot_F[15] = mix(mix(116, _suffix(data_B, i, start_T, end_T, kind_T)), shape_T[i])
    slot_F[16] = mix(117, (gap_T[i] * 4 + gap1) * 64 + shape_T[i] * 8 + kind_T[i])
    slot_F[17] = mix(mix(118, above_T[i]), first_T[i])
    slot_F[18] = mix(mix(119, label_T[i]), shape_T[i] * 8 + kind_T[i])
    slot_F[19] = mix(mix(mix(120, v1), w0), w1)
    slot_F[20] = mix(mix(mix(121, w0), w1), w2)
    slot_F[21] = mix(mix(122, v1), c0)
    slot_F[22] = mix(mix(123, c0), w1)
    slot_F[23] = mix(mix(mix(124, d1), c0), w1)
    slot_F[24] = mix(mix(mix(125, v1), c0), c1)
    slot_F[25] = mix(mix(126, v3), d1)
    slot_F[26] = mix(mix(127, w3), w2)
    slot_F[27] = mix(mix(mix(128, c1), c2), c3)
    slot_F[28] = mix(mix(mix(129, d3), d2), d1)
    slot_F[29] = mix(mix(mix(130, c0), w2), w1)
    slot_F[30] = mix(mix(131, _prefix(data_B, i, start_T, end_T, kind_T)), shape_T[i])
    slot_F[31] = mix(mix(mix(132, v2), v1), w0)
    slot_F[32] = mix(mix(mix(mix(133, d1), c0), c1), c2)
    # what stands before and behind a name of three tokens, seen from its first and its last
    slot_F[33] = mix(mix(134, w3), _hash(count, i + 4, hash_T))
    slot_F[34] = mix(mix(135, v3), _hash(count, i - 4, hash_T))
    slot_F[35] = mix(mix(136, v1), w2)
    slot_F[36] = mix(mix(137, v1), w3)
    for f in range(FEATURES):
        slot_F[f] &= size - 1
