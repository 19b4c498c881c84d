"""Whether a page names a licence at all: one look at its bytes, so that only those that do are gone through."""

import numpy as np

from gristmill.filters.kernels.jit import kernel

_CHINESE = [name.encode() for name in ("署名", "姓名標示", "姓名标示", "知识共享", "知識共享", "創用")]
_LONGEST = max(map(len, _CHINESE))
CHINESE_WC = np.array([list(name.ljust(_LONGEST, b"\0")) for name in _CHINESE], np.uint8)
_BEGINS_P = np.zeros(1 << 16, np.bool_)
"""By two bytes: whether something that is looked for may be found there: cc, Creative, /licenses, /version."""
for _pair in ("cc", "cC", "Cc", "CC", "cr", "cR", "Cr", "CR", *("/" + _c for _c in "lLcCvV")):
    _BEGINS_P[int.from_bytes(_pair.encode())] = True
for _name in _CHINESE:
    _BEGINS_P[int.from_bytes(_name[:2])] = True

# Letters: P pairs of bytes, B bytes, W words, C bytes of a word.


def names_licence(page: bytes) -> bool:
    """Whether a page in UTF-8 holds the name, or the address, of a licence that filters/licences.py knows."""
    return bool(_find(np.frombuffer(page, np.uint8), CHINESE_WC))


@kernel
def follows(data_B, i, word):
    """Whether a word in small letters stands at byte i."""
    if i < 0 or i + len(word) > data_B.size:
        return False
    for k in range(len(word)):
        c = data_B[i + k]
        if (c | 32 if 65 <= c <= 90 else c) != word[k]:
            return False
    return True


@kernel
def _behind_gap(data_B, i):
    """The first byte behind some spaces, hyphens, marks beyond ASCII and `&nbsp;`."""
    end = min(i + 10, data_B.size)
    while i < end:
        c = data_B[i]
        if follows(data_B, i, b"&nbsp;"):
            i += 6
        elif c == 32 or c == 45 or c == 10 or c == 40 or c == 95 or c >= 128:
            i += 1
        else:
            break
    return i


@kernel
def _find(data_B, chinese_WC):
    for i in range(data_B.size - 2):
        c = data_B[i]
        if not _BEGINS_P[np.int64(c) << 8 | data_B[i + 1]]:
            continue
        if c == 99 or c == 67:
            second = data_B[i + 1] | 32
            if second == 99:  # cc by, cc-by, cc0
                j = _behind_gap(data_B, i + 2)
                if follows(data_B, j, b"by") or follows(data_B, j, b"0") or follows(data_B, j, b"zero"):
                    return True
            elif second == 114 and follows(data_B, i + 2, b"eative"):
                j = _behind_gap(data_B, i + 8)
                if follows(data_B, j, b"commons"):
                    return True
        elif c == 47:
            if follows(data_B, i - 4, b".org/licen") or follows(data_B, i - 4, b".org/copyleft/"):
                return True
            if follows(data_B, i - 8, b"-licence/version"):
                return True
        else:
            for w in range(chinese_WC.shape[0]):
                k = 0
                while k < chinese_WC.shape[1] and chinese_WC[w, k] and i + k < data_B.size:
                    if data_B[i + k] != chinese_WC[w, k]:
                        break
                    k += 1
                if k == chinese_WC.shape[1] or (k and not chinese_WC[w, k]):
                    return True
    return False
