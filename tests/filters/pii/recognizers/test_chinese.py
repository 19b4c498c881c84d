"""Chinese numbers and names of accounts."""

import pytest


def found(scrubber, text: str) -> list[tuple[str, str]]:
    return [(f.entity, text[f.start : f.end]) for f in scrubber.find(text)]


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("身份证11010519491231002X，", [("CN_RESIDENT_ID", "11010519491231002X")]),
        ("11010519491231002x", [("CN_RESIDENT_ID", "11010519491231002x")]),
        ("１１０１０５１９４９１２３１００２Ｘ", [("CN_RESIDENT_ID", "１１０１０５１９４９１２３１００２Ｘ")]),
        ("110105 19491231 002X", [("CN_RESIDENT_ID", "110105 19491231 002X")]),
        ("110105 1949 1231 002X", [("CN_RESIDENT_ID", "110105 1949 1231 002X")]),
        ("110105194912310021", []),
        ("A11010519491231002X", []),
        ("身份证110105491231002", [("CN_RESIDENT_ID", "110105491231002")]),
        ("序号110105491231002", []),
        ("110105********002X", []),
        ("张三,男,11010519491231002X,2024", [("CN_RESIDENT_ID", "11010519491231002X")]),
        ("银行卡6222021234567890128", [("CN_BANK_CARD", "6222021234567890128")]),
        ("6222 0212 3456 7890 128", [("CN_BANK_CARD", "6222 0212 3456 7890 128")]),
        ("622202 1234567890128", [("CN_BANK_CARD", "622202 1234567890128")]),
        ("6222021234567890127", []),
        ("卡号6250123456789019", [("CREDIT_CARD", "6250123456789019")]),  # UnionPay of 16: presidio's type
        ("账号：9400000000000000003", [("CN_BANK_CARD", "9400000000000000003")]),
        ("编号：9400000000000000003", []),
        ("信用代码91350100M000100Y43", [("CN_SOCIAL_CREDIT_CODE", "91350100M000100Y43")]),
        ("91350100M000100Y43", [("CN_SOCIAL_CREDIT_CODE", "91350100M000100Y43")]),
        ("91350100M000100Y44", []),
        ("税号522175938952716289", [("CN_SOCIAL_CREDIT_CODE", "522175938952716289")]),
        ("status/522175938952716289", []),  # both checks by chance
    ],
)
def test_numbers_with_a_check(scrubber, text, data):
    assert found(scrubber, text) == data


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("护照号码：E12345678", [("CN_PASSPORT", "E12345678")]),
        ("Passport No. EA1234567", [("CN_PASSPORT", "EA1234567")]),
        ("错误码E12345678", []),
        ("回乡证H12345678", [("CN_TRAVEL_PERMIT", "H12345678")]),
        ("港澳通行证：C12345678", [("CN_TRAVEL_PERMIT", "C12345678")]),
        ("编号C12345678", []),
        (
            "车牌京A12345、粤BD12345和沪A·1234警",
            [("CN_PLATE", "京A12345"), ("CN_PLATE", "粤BD12345"), ("CN_PLATE", "沪A·1234警")],
        ),
        ("新型号A12 京ABCDEF 苏A级 京A123456789", []),
    ],
)
def test_codes(scrubber, text, data):
    assert found(scrubber, text) == data


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("微信号：zhangsan", [("WECHAT_ID", "zhangsan")]),
        ("加微信zhang_123咨询", [("WECHAT_ID", "zhang_123")]),
        ("WeChat ID: lily2020", [("WECHAT_ID", "lily2020")]),
        ("VX：abc12345", [("WECHAT_ID", "abc12345")]),
        ("微信13812345678", [("WECHAT_ID", "13812345678")]),
        ("➕v：lili2008 加卫星 lili2008 薇❤：lili2008", [("WECHAT_ID", "lili2008")] * 3),
        ("加我V：lili2008", [("WECHAT_ID", "lili2008")]),
        ("卫星 modis2008 x2008y", []),
        ("q q：123456789 我的Q是123456789，找我Q：123456", [("QQ_ID", "123456789")] * 2 + [("QQ_ID", "123456")]),
        ("QQ/微信：123456789", [("QQ_ID", "123456789")]),
        ("微信支付createOrder，微信 download", []),
        ("a WeChat one-to-one chat", []),
        ("import wx123456; drwxr-xr-x 1234567", []),
        ("QQ：12345678，QQ群987654321", [("QQ_ID", "12345678"), ("QQ_ID", "987654321")]),
        ("qq12345678", [("QQ_ID", "12345678")]),
        ("ＱＱ：１２３４５６", [("QQ_ID", "１２３４５６")]),
        ("github.com/qq641472246", []),
        ("QQ 音乐 2024, QQ 0123456", []),
    ],
)
def test_accounts(scrubber, text, data):
    assert found(scrubber, text) == data
