"""Words that announce personal data or begin a secret, found where they end.

Letters: B bytes of the batch, P pairs of the last two characters of a word (128 * the first + the second), W words.
"""

from typing import NamedTuple

import numpy as np

from gristmill.filters.kernels.jit import inline, kernel
from gristmill.filters.kernels.text.unicode import code_point

NONE, SHORT, LONG, EXACT, NAMED_CODE, URL, PREFIX, ASSIGNED, BEARER, BEGIN = range(10)
"""What an anchor is of: an account after a short name (vx), a long one (WeChat), an account that begins so (wxid_); a
code after its name (passport); ://; a secret that begins so (ghp_), that is assigned (token=), that follows (Bearer);
-----BEGIN."""

KEY_CHARS = 16_384
"""Characters of a private key in PEM, RSA of 16,384 bits and its comments included."""


class Anchors(NamedTuple):
    """ASCII words in small letters. first_P, next_W: int16, the first word of a pair and the next one of the same, -1:
    none; reversed_W: uint8[W, N], size_W; kind_W; apart_W: whether no letter may stand before it, and no digit, either,
    where it is none of SHORT."""

    first_P: np.ndarray
    next_W: np.ndarray
    reversed_W: np.ndarray
    size_W: np.ndarray
    kind_W: np.ndarray
    apart_W: np.ndarray


@inline
def fold(c):
    """Full-width ASCII -> ASCII (Unicode block Halfwidth and Fullwidth Forms)."""
    return c - 0xFEE0 if 0xFF01 <= c <= 0xFF5E else c


@inline
def lower(c):
    """Small ASCII letters."""
    return c | 0x20 if 0x41 <= c <= 0x5A else c


@kernel
def _char(data_B, i):
    """code_point(), compiled once: every copy of it costs compile time."""
    return code_point(data_B, i)


@kernel
def _back(data_B, i):
    """Start of the character before byte i."""
    i -= 1
    while data_B[i] & 0xC0 == 0x80:
        i -= 1
    return i


@kernel
def ascii_anchor(data_B, low, after, pair, anchors):
    """The kind of the anchor that ends at byte `after` in a pair of characters that some do; NONE if there is none."""
    w = anchors.first_P[pair]
    while w >= 0:
        i, k = after, 0
        while k < anchors.size_W[w] and i > low:
            i = _back(data_B, i)
            c, _ = _char(data_B, i)
            if lower(fold(c)) != anchors.reversed_W[w, k]:
                break
            k += 1
        if k == anchors.size_W[w]:
            if not anchors.apart_W[w] or i == low:
                return anchors.kind_W[w]
            c, _ = _char(data_B, _back(data_B, i))
            c = lower(fold(c))
            glued = 0x30 <= c <= 0x39 and anchors.kind_W[w] != SHORT  # a telephone number may stand before vx:
            if not (0x61 <= c <= 0x7A or glued):
                return anchors.kind_W[w]
        w = anchors.next_W[w]
    return NONE


@kernel
def other_anchor(c, before, before2):
    """The kind of the anchor that ends with c, which follows `before2 before` (folded, small letters): those that are
    not written in ASCII. A superset of what recognizers look behind for."""
    joined = before == 0x52A0 or before == 0x2B or before == 0x2795  # 加 + ➕
    if c == 0x71 or c == 0x76:  # 加q, 加v, 扣q, 我q, 的q; q q
        mine = before == 0x6263 or before == 0x6211 or before == 0x7684 or (before == 0x20 and before2 == c == 0x71)
        return SHORT if joined or mine else NONE
    if c == 0x3A or c == 0xFF1A:  # q: v:
        return SHORT if (before == 0x71 or before == 0x76) and not 0x61 <= before2 <= 0x7A else NONE
    if c == 0x53F7 or c == 0x7FA4:  # q号, q群, v号
        return SHORT if before == 0x71 or before == 0x76 else NONE
    if c == 0x4FE1:  # 信 after 微 薇 威 徽 维 溦 v
        known = before == 0x5FAE or before == 0x8587 or before == 0x5A01 or before == 0x5FBD or before == 0x7EF4
        return LONG if known or before == 0x6EA6 or before == 0x76 else NONE
    if c == 0x5FAE or c == 0x8587 or c == 0x5A01 or c == 0x6263 or c == 0x62A0:  # 加微, 加薇, 加威, 加扣, 扣扣, 抠抠
        return LONG if joined or (c == before and c != 0x5FAE) else NONE
    if c == 0x7403 or c == 0x853B:  # 球球, 蔻蔻
        return LONG if before == c else NONE
    if c == 0x9E45:  # 企鹅
        return LONG if before == 0x4F01 else NONE
    if c == 0x2764:  # 微❤, 薇❤, 威❤, v❤
        return LONG if before == 0x5FAE or before == 0x8587 or before == 0x5A01 or before == 0x76 else NONE
    if c == 0x661F:  # 卫星
        return LONG if before == 0x536B else NONE
    if c == 0x7167:  # 护照
        return NAMED_CODE if before == 0x62A4 or before == 0x8B77 else NONE
    if c == 0x8BC1 or c == 0x8B49:  # 通行证, 回乡证, 台胞证
        known = before == 0x884C or before == 0x4E61 or before == 0x9109 or before == 0x80DE
        return NAMED_CODE if known else NONE
    if c == 0x6CE8:  # 签注
        return NAMED_CODE if before == 0x7B7E else NONE
    if c == 0x5238:  # 旅券
        return NAMED_CODE if before == 0x65C5 else NONE
    if c == 0x30C8:  # パスポート
        return NAMED_CODE if before == 0x30FC and before2 == 0x30DD else NONE
    if c == 0xAD8C:  # 여권
        return NAMED_CODE if before == 0xC5EC else NONE
    if c == 0x7801 or c == 0x78BC:  # 密码
        return ASSIGNED if before == 0x5BC6 else NONE
    if c == 0x4EE4:  # 口令
        return ASSIGNED if before == 0x53E3 else NONE
    if c == 0x94A5 or c == 0x9470:  # 密钥, 秘钥, 金鑰
        return ASSIGNED if before == 0x5BC6 or before == 0x79D8 or before == 0x91D1 else NONE
    if c == 0x724C:  # 令牌
        return ASSIGNED if before == 0x4EE4 else NONE
    if c == 0x30C9:  # パスワード
        return ASSIGNED if before == 0x30FC and before2 == 0x30EF else NONE
    if c == 0xD638:  # 비밀번호
        return ASSIGNED if before == 0xBC88 and before2 == 0xBC00 else NONE
    return NONE


@kernel
def _starts(data_B, high, i, word):
    """Whether small ASCII letters and marks stand at byte i, full-width and capitals alike."""
    for k in range(word.size):
        if i >= high:
            return False
        c, i = _char(data_B, i)
        if lower(fold(c)) != word[k]:
            return False
    return True


_END = np.frombuffer(b"-----end", np.uint8)
_BEGIN = np.frombuffer(b"-----begin", np.uint8)


@kernel
def key_end(data_B, high, after):
    """Where a key ends whose -----BEGIN does at byte `after`: behind the dashes that follow its -----END, before the
    next -----BEGIN, or after KEY_CHARS characters."""
    i, steps, closing = after, 0, False
    while i < high and steps < KEY_CHARS:
        c, following = _char(data_B, i)
        if fold(c) == 0x2D:
            if _starts(data_B, high, i, _BEGIN):
                return i
            if closing:
                for _ in range(5):
                    if i < high and fold(_char(data_B, i)[0]) == 0x2D:
                        i = _char(data_B, i)[1]
                return i
            closing = _starts(data_B, high, i, _END)
            if closing:
                for _ in range(_END.size):
                    i = _char(data_B, i)[1]
                continue
        i, steps = following, steps + 1
    return i
