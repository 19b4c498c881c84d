"""Chinese addresses inside sentences: found where a label or a unit stands before a house's number."""

import pytest

from gristmill.filters.pii.engine import Scrubber

STRICT = Scrubber(["strict"])


def addresses(text: str) -> list[str]:
    return [text[f.start : f.end] for f in STRICT.find(text) if f.entity == "ADDRESS"]


@pytest.mark.parametrize(
    ("before", "address", "behind"),
    [
        ("没问题，地址是在", "惠新东街9号", "，人均消费是93元。"),
        ("恭王府的地址是", "北京市西城区柳荫街甲14号", "，门票是40元。"),
        ("他被押送到", "河南開封市內北土街十號", "監護，家人有預感。"),
        ("该公司总部位于", "深圳市南山区南海大道21号", "，法人代表是毕某。"),
        ("地址就在", "劲松南路1号海文大厦1层", "。"),
        ("它位于", "景山前街4号", "的院子里，你去看看。"),
        ("地址是", "北京市昌平区南口镇马坊村1号", "的射击场。"),
    ],
)
def test_sentence__a_house_is_found(before, address, behind):
    (found,) = addresses(before + address + behind)
    assert found in address
    assert len(found) > len(address) - 3


def test_sentence__a_list_goes_on():
    text = "他分别租赁太原市小店区许坦西街58号、小店通达街39号作为经营的场所，雇了人。"
    assert addresses(text) == ["太原市小店区许坦西街58号", "小店通达街39号"]


@pytest.mark.parametrize(
    "text",
    [
        "中山路在1927年改名，后来的解放路有12座桥。",
        "北京市海淀区的地铁2号线在5月3号开通了。",
        "遭到劫持的美国航空77号航班撞入了五角大厦西侧。",
        "位于上海市浦东新区的3号机组是去年建成的。",
        "国务院令第15号规定，浙江省杭州市的企业应当申报。",
    ],
)
def test_sentence__what_counts_something_else_is_none(text):
    assert addresses(text) == []
