"""A Chinese surname before a title."""

import pytest

from gristmill.filters.pii.engine import Scrubber

STRICT = Scrubber(["strict"])


def names(text: str) -> list[str]:
    return [text[f.start : f.end] for f in STRICT.find(text) if f.entity == "PERSON"]


@pytest.mark.parametrize(
    ("text", "surname"),
    [
        ("7月14日程老师回国，看到这一切。", "程"),
        ("0712-8292455 王科长", "王"),
        ("大家都很担心卢老师的身体。", "卢"),
        ("“那次损失不小。”牟女士说。", "牟"),
        ("後來蔣總統親自到場。", "蔣"),
    ],
)
def test_titled__a_surname_is_a_name(text, surname):
    assert names(text) == [surname]


@pytest.mark.parametrize(
    "text", ["俄罗斯总统昨天说", "他任市长五年", "当时班主任不在", "《史书记载》", "向老师请教问题"]
)
def test_titled__the_end_of_a_word_is_none(text):
    assert names(text) == []
