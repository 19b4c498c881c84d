"""A name that was recognized once is found again: its last word, its given name, the same Chinese characters."""

import numpy as np
import pyarrow as pa
import pytest

from gristmill.filters.batch import text_buffers
from gristmill.filters.pii.names.rules.spread import SLOTS, forget, spread
from gristmill.filters.pii.names.tagger import lists
from gristmill.filters.pii.names.tagger.decode import read
from gristmill.filters.pii.names.tagger.tokens import classes


def found_again(text: str, *names: str) -> list[str]:
    """What is labelled where only the first place of each name was."""
    data_B, _ = text_buffers(pa.array([text], pa.large_string()))
    size = len(data_B) + 8
    token_8T, list_T = np.zeros((8, size), np.int32), np.zeros(size, np.int64)
    hash_3T, label_T = np.zeros((3, size), np.int64), np.zeros(size, np.int8)
    count = read(data_B, 0, len(data_B), classes(), *lists.table(), token_8T, list_T, hash_3T)
    start_T, end_T, kind_T, shape_T, gap_T, _, _, mark_T = token_8T
    for name in names:
        low = len(text[: text.index(name)].encode())
        inside = np.flatnonzero((start_T[:count] >= low) & (start_T[:count] < low + len(name.encode())))
        label_T[inside], label_T[inside[0]] = 2, 1
    known_S, state_3 = np.zeros(SLOTS, np.int64), np.zeros(3, np.int64)
    forget(known_S, state_3)
    spread(count, start_T, end_T, kind_T, shape_T, gap_T, mark_T, list_T, hash_3T[0], known_S, state_3, label_T)
    found, data = [], text.encode()
    for i in range(count):
        if label_T[i] == 1:
            last = i
            while last + 1 < count and label_T[last + 1] == 2:
                last += 1
            found.append(data[start_T[i] : end_T[last]].decode())
    return found


@pytest.mark.parametrize(
    ("text", "name", "found"),
    [
        ("Laura Whitfield spoke. Whitfield had left, Laura stayed.", "Laura Whitfield", ["Whitfield", "Laura"]),
        ("Laura Whitfield spoke at Whitfield College.", "Laura Whitfield", []),
        ("Laura Whitfield wrote whitfield.py, Whitfield.parse() and Laura_2.", "Laura Whitfield", []),
        ("(Whitfield), “Whitfield” Mr. Whitfield's: by Laura Whitfield", "Laura Whitfield", ["Whitfield"] * 3),
        ("Laura Page turned a Page.", "Laura Page", []),
        ("Whitfield spoke. Whitfield left.", "Whitfield", []),
        ("张晓明到了。会后张晓明与张晓离开。", "张晓明", ["张晓明"]),
        ("洛维尔·汤玛斯来了，汤玛斯和洛维尔走了。", "洛维尔·汤玛斯", ["汤玛斯", "洛维尔"]),
        ("高兴来了。大家高兴。", "高兴", []),
        ("歐陽建國到了。歐陽建國說話。", "歐陽建國", ["歐陽建國"]),
    ],
)
def test_spread(text, name, found):
    assert sorted(found_again(text, name)) == sorted([name, *found])


def test_forget__of_a_document_before():
    known_S, state_3 = np.ones(SLOTS, np.int64), np.array([3, 8, 1])
    forget(known_S, state_3)
    assert not known_S.any()
    assert not state_3.any()


def test_spread__a_given_name_alone_is_known_after_the_whole():
    text = "王献之是王羲之的儿子。\n小献之问父亲。\n献之仍然不服。"
    assert found_again(text, "王献之", "王羲之") == ["王献之", "王羲之", "献之", "献之"]


@pytest.mark.parametrize(
    ("text", "name"), [("李志明是老师。\n他的同志明白了。", "李志明"), ("阿努语和埃及语。\n艾努语有三种。", "阿努语")]
)
def test_spread__what_is_part_of_a_word_or_no_name_is_no_given_name(text, name):
    assert found_again(text, name) == [name]
