"""Characters and words as numbers: written in a list and read in a text they are the same."""

import numpy as np
import pyarrow as pa
import pytest

from gristmill.filters.batch import text_buffers
from gristmill.filters.pii.names.tagger.characters import character, han_hash, holds, pair, pair_at, pairs, word_hash
from gristmill.filters.pii.names.tagger.tokens import classes, tokenise


def tokens(text: str) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """(bytes, where tokens begin, their hashes)."""
    data_B, start_D1 = text_buffers(pa.array([text], pa.large_string()))
    start_T, end_T, kind_T, shape_T, gap_T = np.zeros((5, 64), np.int32)
    hash_T = np.zeros(64, np.int64)
    count = tokenise(data_B, 0, int(start_D1[1]), classes(), start_T, end_T, kind_T, shape_T, gap_T, hash_T)
    return data_B, start_T, hash_T[:count].tolist()


def test_hashes__of_lists_are_those_of_tokens():
    assert tokens("Élise wrote 路月")[2] == [word_hash("élise"), word_hash("Wrote"), han_hash("路"), han_hash("月")]


def test_pair_at__two_characters_of_a_text():
    data_B, start_T, _ = tokens("在地址𠀀")
    assert pair_at(data_B, 1, start_T) == pair("地址")
    assert chr(character(data_B, start_T[0])) == "在"
    assert character(data_B, start_T[3]) == 0


@pytest.mark.parametrize(
    ("text", "there"), [("地址", True), ("住址", True), ("址地", False), ("龘龘", False), ("一一", False)]
)
def test_holds__what_is_listed(text, there):
    assert holds(pairs("住址 地址 位于"), pair(text)) == there
