"""Chinese words that are taken for names and are none."""

import pytest

from gristmill.filters.pii.engine import Scrubber
from gristmill.filters.pii.names.tagger import words

STRICT = Scrubber(["strict"])


def names(text: str) -> list[str]:
    return [text[f.start : f.end] for f in STRICT.find(text) if f.entity == "PERSON"]


@pytest.mark.parametrize(
    "text",
    [
        "武汉多云21℃／28℃长沙多云转小雨",
        "为弘扬民族文化，振兴京剧艺术",
        "语言：韩语\n唱片公司",
        "美元兑卢布比价升为1比6",
    ],
)
def test_words__a_word_alone_is_no_name(text):
    assert names(text) == []


@pytest.mark.parametrize(("text", "name"), [("联系人：石玉\n电话", "石玉"), ("记者高峰报道，昨天", "高峰")])
def test_words__what_people_are_called_stays(text, name):
    assert names(text) == [name]


def test_words__are_sorted_in_both_scripts():
    listed = words.WORDS.read_text(encoding="utf-8").split()
    assert listed == sorted(set(listed))
    assert {"韩语", "韓語", "法国", "法國"} <= set(listed)
