"""Chinese names before mobile numbers."""

import pytest

from gristmill.filters.pii.engine import Scrubber

WEB = Scrubber(["web"])


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("沙陀营路32号 包海 18007281603\n桂林北路16号 韩幸 13995971166", ["包海", "韩幸"]),
        ("武汉 13812345678", []),
        ("手机 13812345678", []),
        ('{"name": "刘老师", "tel": "18271232988"}', ["刘"]),
    ],
)
def test_web__names_in_lists_of_contacts(text, names):
    assert [text[f.start : f.end] for f in WEB.find(text) if f.entity == "PERSON"] == names
