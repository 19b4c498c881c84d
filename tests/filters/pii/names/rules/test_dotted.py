"""Names with a middle dot between Han characters."""

import pyarrow as pa
import pytest

from gristmill.filters.pii.names.find import find
from gristmill.filters.pii.names.rules.dotted import NO_PERSON, SPELLED


def persons(text: str, **options: bool) -> list[str]:
    data = text.encode()
    found = find(pa.array([text], pa.large_string()), **options)
    return [data[start:end].decode() for _, start, end, label in found if label == "PERSON"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("在杰克·华纳逝世后", "杰克·华纳"),
        ("威廉·莱昂·麦肯齐·金的联邦政府", "威廉·莱昂·麦肯齐·金"),
        ("由阿蘭‧圖靈（數學家）發表", "阿蘭‧圖靈"),
        ("接触过让·蒂迦纳。", "让·蒂迦纳"),
        ("其中香侬・帕搏做过", "香侬・帕搏"),
    ],
)
def test_person__from_the_first_character_that_spells_to_the_last(text, name):
    assert persons(text) == [name]
    assert persons(text, everywhere=True) == [name]


@pytest.mark.parametrize(
    "text",
    [
        "马克斯·普朗克奖章",
        "约翰·霍普金斯大学",
        "二·一八事件",
        "俗·绝望先生",
        "歌手・演员・艺人",
        "史记·货殖列传",
        "a·b",
        "·",
        "杰·",
        "·克",
    ],
)
def test_nobody(text):
    assert persons(text) == []


def test_characters__are_han_of_three_bytes():
    assert {len(c.encode()) for c in SPELLED + NO_PERSON} == {3}
    assert all(0x4E00 <= ord(c) < 0xA000 for c in SPELLED + NO_PERSON)


def test_runs__are_bounded_and_read_once():
    assert persons("克·华" * 10_000) == [], "a row is no name"
    assert all(len(part) <= 7 for name in persons("阿" * 50 + "·" + "阿" * 50) for part in name.split("·"))
