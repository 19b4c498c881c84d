"""Chinese words that are taken for names and are none: 多云, 弘扬, 卢布, 韩语.

Most are names to jieba's dictionary, which the tagger asks; words.txt is made by tests/benchmarks/names/make_words.py.
Letters: T tokens, W words.
"""

from functools import cache
from pathlib import Path

import numpy as np

from gristmill.filters.kernels.jit import kernel
from gristmill.filters.pii.names.tagger.characters import han_hash, holds
from gristmill.filters.pii.names.tagger.lists import SURNAME, TITLE
from gristmill.filters.pii.names.tagger.tokens import HAN, mix

WORDS = Path(__file__).with_name("words.txt")
_LANGUAGES = tuple(map(han_hash, "语語文"))


@cache
def table() -> np.ndarray:
    """word_W, int64: of each word, its characters' hashes one after the other; sorted. Not han_hash() of the word: that
    is the same for all that say a character twice, 常常, 井井."""
    found = set()
    for word in WORDS.read_text(encoding="utf-8").split():
        code = 0
        for c in word:
            code = int(mix.py_func(code, han_hash(c)))
        found.add(code)
    return np.array(sorted(found), np.int64)


@kernel
def clear_words(word_W, count, kind_T, list_T, hash_3T, label_T):
    """Takes back names that are such a word alone, but before a title, and behind a label where they begin with a
    surname: 联系人：石玉."""
    hash_T = hash_3T[0]
    i = 0
    while i < count:
        first = i
        i += 1
        if label_T[first] != 1 or kind_T[first] != HAN:
            continue
        code = mix(0, hash_T[first])
        while i < count and label_T[i] == 2:
            code = mix(code, hash_T[i])
            i += 1
        if i - first < 2 or not holds(word_W, code):
            continue
        titled = i < count and kind_T[i] == HAN and list_T[i] & (TITLE << 16) != 0
        labelled = hash_3T[2, first] != 0 and list_T[first] & SURNAME != 0 and hash_T[i - 1] not in _LANGUAGES
        if not (titled or labelled):
            label_T[first:i] = 0
