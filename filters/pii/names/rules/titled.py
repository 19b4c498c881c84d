"""A Chinese surname before a title, and no more of a name: 程老师, 王女士.

Weights miss one of three of these: the surname is the rest of a word to them. Letters: B bytes, T tokens.
"""

import numpy as np

from gristmill.filters.kernels.jit import kernel
from gristmill.filters.pii.names.tagger.characters import character, holds, pair_at, pairs
from gristmill.filters.pii.names.tagger.lists import COMMON, NAME, PLACE, SPELLED, SURNAME
from gristmill.filters.pii.names.tagger.tokens import HAN, NUMBER

TITLES = (
    "先生 女士 小姐 太太 老师 老師 医生 醫生 大夫 护士 護士 经理 經理 主任 同志 教授 博士 律师 律師 师傅 師傅 "
    "局长 局長 院长 院長 校长 校長 部长 部長 市长 市長 省长 省長 县长 縣長 镇长 鎮長 书记 書記 "
    "主席 总统 總統 总理 總理 队长 隊長 科长 科長 处长 處長 所长 所長 "
    "法官 警官 检察 同学 同學 阿姨 叔叔 大爷 大爺 大妈 大媽 总裁 總裁 老板 老闆"
)
NO_SURNAME = (
    "和于於向由從从與与任時时代應应為为因自讓让請请對对同黨党班車车區区有是常全原各雙"
    "双單单家能可解連连過过來来但且而並并及以則则又還还都其所當当女老首國国該该本司查史"
)
"""Characters that are surnames and, before a title, mostly something else: 任市长, 时任总理, 向老师."""
_DATE = tuple(ord(c) for c in "日号月年點点")


_TITLES = pairs(TITLES)
_NO_SURNAME = np.array(sorted({ord(c) for c in NO_SURNAME}), np.int64)


@kernel
def mark_titled(data_B, count, start_T, kind_T, gap_T, list_T, hash_T, label_T):
    """Labels a surname that stands before a title and ends no word."""
    for i in range(count - 2):
        if kind_T[i] != HAN or not list_T[i] & SURNAME or not (list_T[i + 1] >> 16) & 0xFFFF or kind_T[i + 2] != HAN:
            continue  # every title is a word that the lists have
        if label_T[i] == 1 or label_T[i] == 2 or gap_T[i + 1] or gap_T[i + 2]:
            continue
        titled = holds(_TITLES, pair_at(data_B, i + 1, start_T))
        if not titled or holds(_NO_SURNAME, character(data_B, start_T[i])):
            continue
        if i > 0 and kind_T[i - 1] == HAN and gap_T[i] == 0:
            word = (list_T[i - 1] >> 16) & (COMMON | PLACE | SPELLED | NAME) or (
                i > 1 and (list_T[i - 2] >> 32) & (COMMON | PLACE)
            )
            dated = i > 1 and kind_T[i - 2] == NUMBER and character(data_B, start_T[i - 1]) in _DATE
            repeated = hash_T[i - 1] == hash_T[i]
            if repeated or label_T[i - 1] in (1, 2) or (word and not dated):
                continue
        label_T[i] = 1
        for j in range(i + 1, count):
            if label_T[j] not in (1, 2) or (label_T[j] == 1 and j > i + 1):
                break
            label_T[j] = 0
