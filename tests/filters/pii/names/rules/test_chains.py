"""Chinese addresses that are a field: found whole by their grammar; prose about places is none."""

import pytest

from gristmill.filters.pii.engine import Scrubber

STRICT, WEB = Scrubber(["strict"]), Scrubber(["web"])


def addresses(scrubber: Scrubber, text: str) -> list[str]:
    return [text[f.start : f.end] for f in scrubber.find(text) if f.entity == "ADDRESS"]


@pytest.mark.parametrize(
    "address",
    [
        "南京市玄武区珠江路67号",
        "江苏省南京市玄武区珠江路67号3栋2单元501室",
        "江蘇省南京市玄武區珠江路67號",
        "玄武区珠江路67号",
        "南京市玄武区同仁街道丹凤街甲3号",
        "四川省成都市武侯区科华路丽景花园8-3-1485",
        "广东省深圳市南山区科苑大厦",
        "广东省深圳市宝安区沙井街道大田工业园",
        "河南省新蔡县关津乡大李村",
        "河南省新蔡县关津乡大李村三组",
        "福田区彩田路蓝天广场B座302",
        "内蒙古自治区呼伦贝尔市海拉尔区胜利街四号",
    ],
)
@pytest.mark.parametrize("around", ["{}", "名称：某厂\n{}\n电话", "公司地址：{}", "收货地址: {}\n", "注册地|{}|李"])
def test_chain__a_field_is_one_address(address, around):
    assert addresses(STRICT, around.format(address)) == [address]


def test_chain__ends_with_its_last_part():
    assert addresses(STRICT, "南京市玄武区珠江路67号宏发五金店") == ["南京市玄武区珠江路67号"]
    assert addresses(STRICT, "请寄到江苏省南京市玄武区珠江路67号，谢谢") == ["江苏省南京市玄武区珠江路67号"]


def test_chain__no_name_is_left_of_what_stands_in_it():
    text = "南京市玄武区张晓明路67号"
    assert [(f.entity, text[f.start : f.end]) for f in STRICT.find(text)] == [("ADDRESS", text)]


def test_web__takes_one_with_a_number_or_a_label():
    assert addresses(WEB, "南京市玄武区珠江路67号") == ["南京市玄武区珠江路67号"]
    assert addresses(WEB, "公司地址：广东省深圳市南山区科苑大厦") == ["广东省深圳市南山区科苑大厦"]
    assert addresses(WEB, "广东省深圳市南山区科苑大厦") == []


@pytest.mark.parametrize(
    "text",
    [
        "浙江省杭州市是中国东部的一座城市。",
        "浙江省杭州市西湖区",
        "依照《浙江省历史文化名城名镇名村保护条例》",
        "新华社浙江省杭州市11月3日电",
        "江苏省南京市玄武区2019年财政预算",
        "广东省深圳市房地产市场",
        "北京上海房地产市场",
        "江苏省南京市玄武区人民法院诉讼服务中心",
        "（一）饮用水水源保护区、风景名胜区、湿地公园、地质公园；",
        "奖券不投放市场或者不同时投放市场；",
        "浙江省温州市鹿城区新城大道",
        "河南省新蔡县关津乡大李村。",
        "四川省绵阳市第3中学",
        "链路层\n省市区县三级联动",
    ],
)
def test_chain__prose_about_places_is_none(text):
    assert addresses(STRICT, text) == []


@pytest.mark.parametrize(
    "text",
    [
        "张晓明 13812345678 南京市玄武区珠江路67号",
        "南京市玄武区珠江路67号 张晓明 13812345678",
        "张晓明 南京市玄武区珠江路67号 13812345678",
    ],
)
def test_chain__a_row_of_name_telephone_and_address_is_three_findings(text):
    found = {f.entity: text[f.start : f.end] for f in STRICT.find(text)}
    assert found == {"PERSON": "张晓明", "PHONE_NUMBER": "13812345678", "ADDRESS": "南京市玄武区珠江路67号"}


def test_chain__behind_a_telephone_another_address_begins():
    first, second = "南京市玄武区珠江路67号", "湖北省武汉市洪山区高新大道路口光谷ONE39公寓5栋2103室"
    assert addresses(STRICT, f"{first} 18062018679\n {second}  13770980590") == [first, second]
