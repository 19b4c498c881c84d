"""Words by script: what bytes tell of blocks, against the table of all characters."""

from itertools import groupby

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.filters.batch import text_buffers
from gristmill.filters.kernels.text.scripts import BLOCK, count_words_by_script
from gristmill.filters.kernels.text.unicode import SCRIPT, SCRIPTS, UNSPACED_SCRIPTS

UNSPACED = np.array([script in UNSPACED_SCRIPTS for script in SCRIPTS])
WORDS = ["Mill", "ñandú", "磨坊", "ひらがな", "カタカナー", "한국", "мельница"]
OTHERS = "aéß×÷ªº·«ɐʰḿﬁⱡＡ１ｶ ,，。“…\n々〇䷀㐀一鿿豈𠀀・ゝ゠ㄅㄱ҂жמع😀\u0301\u3040\u3099"
PIECES = [*WORDS, *OTHERS]
TEXTS = st.lists(st.sampled_from(PIECES) | st.characters(exclude_categories=["Cs"]), max_size=4 * BLOCK).map("".join)


def counted(texts):
    words_DS = np.zeros((len(texts), len(SCRIPTS)), np.int64)
    count_words_by_script(*text_buffers(pa.array(texts, pa.large_string())), SCRIPT, UNSPACED, words_DS)
    return words_DS


def by_plain_python(text):
    words_S = [0] * len(SCRIPTS)
    for script, run in groupby(int(SCRIPT[ord(char)]) for char in text):
        words_S[script] += len(list(run)) if UNSPACED[script] else 1
    return [0, *words_S[1:]]


@settings(deadline=None, max_examples=300)
@given(texts=st.lists(TEXTS, max_size=4))
def test_count_words_by_script__as_in_plain_python(texts):
    assert counted(texts).tolist() == [by_plain_python(text) for text in texts]


@pytest.mark.parametrize("neighbour", ["a", "é", " ", "字", "か"])
def test_count_words_by_script__of_each_character_within_a_block(neighbour):
    """Of every one that bytes could be taken for another of: those of one to three bytes, and some of four."""
    texts = [f"{neighbour * 2}{chr(c)}{neighbour * BLOCK}" for c in [*range(1, 0xD800), *range(0xE000, 0x20100)]]
    script_D = SCRIPT[[ord(text[2]) for text in texts]]
    own, run = SCRIPT[ord(neighbour)], BLOCK + 2
    expected_DS = np.zeros((len(texts), len(SCRIPTS)), np.int64)
    expected_DS[:, own] = run if UNSPACED[own] else 1 + (script_D != own)
    np.add.at(expected_DS, (np.arange(len(texts)), script_D), (script_D != own) | UNSPACED[script_D])
    expected_DS[:, 0] = 0
    wrong = np.flatnonzero((counted(texts) != expected_DS).any(axis=1))
    assert [hex(ord(texts[at][2])) for at in wrong[:9]] == []


@pytest.mark.parametrize("other", ["", "×", "ª", "ḿ", "ж", "々", "字", "é", "😀"])
def test_count_words_by_script__where_a_block_begins_anywhere(other):
    """Behind what is read character by character, and within characters."""
    texts = [f"{'é' * n}{other}{'mill 磨坊、ñ ' * 20}" for n in range(BLOCK)]
    texts += [f"{' ' * n}{other}{'mill 磨坊、ñ ' * 20}" for n in range(BLOCK)]
    assert counted(texts).tolist() == [by_plain_python(text) for text in texts]
