"""What hides a value from a pattern: recognised all the same, masked in the bytes of the text, and nothing else is."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.filters.batch import text_buffers
from gristmill.filters.edits import apply
from gristmill.filters.kernels.pii.obfuscation import find_obfuscated
from gristmill.filters.pii.engine import Scrubber
from gristmill.filters.pii.obfuscation import MARGIN, _classes, shadow_of

MAIL, PHONE = "<EMAIL_ADDRESS>", "<PHONE_NUMBER>"


def plain_of(text: str) -> str:
    shadow = shadow_of(pa.array([text], pa.large_string()))
    return shadow.text[0].as_py() if shadow else text


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("zhang&#64;qq.com", MAIL),
        ("邮箱zhang&commat;qq.com，", f"邮箱{MAIL}，"),
        ("zhang&commatqq.com", MAIL),
        ("zhang&#64163.com", MAIL),
        ("zhang&#x40example.com", MAIL),
        ("zhang&#X0040;qq&#46;com", MAIL),
        ("zhang&#0000064;qq&period;com", MAIL),
        ("zhang&amp;#64;qq.com 和 li&amp;amp;commat;qq.com", f"{MAIL} 和 {MAIL}"),
        ("zhang%40qq.com", MAIL),
        ("zhang%2540qq.com, li%252540qq%2Ecom", f"{MAIL}, {MAIL}"),
        ("%7A%68%61%6E%67%40%71%71%2E%63%6F%6D", MAIL),
        ("?q=%E9%82%AE%E7%AE%B1zhang@qq.com&a=1", f"?q=%E9%82%AE%E7%AE%B1{MAIL}&a=1"),
        ("%E7%94%B5%E8%AF%9D13812345678", f"%E7%94%B5%E8%AF%9D{PHONE}"),
        ("%D3%CA%CF%E4zhang@qq.com", f"%D3%CA%CF%E4{MAIL}"),
        ("tel%3A%2B1%20650%20253%200000", f"tel%3A{PHONE}"),
        ("zha\u200bng@q\u2060q.com", MAIL),
        ("z\u0301hang@qq.com", MAIL),
        ("zhang@qq&shy;.com", MAIL),
        ("手机138\u200b1234\u200d5678。", f"手机{PHONE}。"),
        ("电\u200b话1\ufeff38-1234-5678", f"电\u200b话{PHONE}"),
        ("\u202a+1 650\u202c 253 0000", f"\u202a{PHONE}"),
        ("11010519&#8203;491231002X", "<CN_RESIDENT_ID>"),
        ("&#x5FAE;&#x4FE1;&#x53F7;：zhang_1234", "&#x5FAE;&#x4FE1;&#x53F7;：<WECHAT_ID>"),
        ("zhang﹫qq﹒com", MAIL),
        ("电话𝟏𝟑𝟖𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖", f"电话{PHONE}"),
        ("ｚｈａｎｇ\u200b＠ｑｑ．ｃｏｍ", MAIL),
        (r'{"mail":"zhang\u0040qq.com"}', f'{{"mail":"{MAIL}"}}'),
        ("zhang&#\u200b64;qq.com", MAIL),
    ],
)  # fmt: skip
def test_scrub__hidden_value(text, scrubbed, scrubber):
    assert scrubber.scrub(text) == scrubbed
    assert scrubber.find(text) == scrubber.find_everywhere(text)


@pytest.mark.parametrize(
    "text",
    [
        "AT&T, R&D and a&b=c; 100% of 5%20 &nbsp; &copy; 2024 &#169; &#xZZ; &unknown; %E4%BD%A0 %ZZ \\x4",
        "می\u200cخواهم 👨\u200d👩\u200d👧 ❤\ufe0f e\u0301te\u0301 क्\u200dष",
        "全角％４０和＆，版本&#49;.2.3.4",
        "价格&#65509;99 &lt;br&gt; %0D%0A",
    ],
)
def test_scrub__signs_without_a_value_stay_as_they_are(text, scrubber):
    assert scrubber.scrub(text) == text


@settings(deadline=None, max_examples=200)
@given(text=st.text("&#%\\u0x64;ag 箱é\u200b\u0301𝟏﹫", max_size=40), margin=st.integers(0, 9))
def test_find_obfuscated__finds_the_same_compiled_and_in_python(text, margin):
    data_B, start_D1 = text_buffers(pa.array([text, "", text[::-1]], pa.large_string()))
    found = [np.full((50, 3), -1, np.int64) for _ in range(2)]
    counts = [
        run(data_B, start_D1, _classes(), margin, found_P3)
        for run, found_P3 in zip((find_obfuscated.compiled, find_obfuscated.interpreted), found, strict=True)
    ]
    assert counts[0] == counts[1]
    assert (found[0] == found[1]).all()


def test_edits__cover_the_bytes_of_the_hidden_value_and_mask_its_characters():
    text = pa.array(["无", "é 邮箱zh\u200bang&#64;qq.com。", None, "a@b.com"], pa.large_string())
    edits = Scrubber(operator="mask").edits(text)
    value = "zh\u200bang&#64;qq.com"
    assert apply(text, edits).to_pylist() == ["无", f"é 邮箱{'*' * len(value)}。", None, "*" * 7]
    start = len("é 邮箱".encode())
    assert edits.column()[1].as_py()[0] | {"text": ""} == {
        "start": start, "end": start + len(value.encode()), "kind": "EMAIL_ADDRESS", "text": "",
    }  # fmt: skip


def test_shadow__only_what_stands_around_a_hidden_sign():
    text = pa.array(["plain", "x" * 9000 + "&#64;" + "汉" * 9000, "a%20b"], pa.large_string())
    shadow = shadow_of(text)
    assert shadow.doc_P.tolist() == [1, 2]
    assert shadow.text[0].as_py() == "x" * MARGIN + "@" + "汉" * 340
    assert shadow.text[1].as_py() == "a b"
    assert shadow_of(pa.array(["plain", None, "", "می\u200cخواهم"], pa.large_string())) is None


def test_shadow__half_a_number_at_the_end_of_a_piece_is_none(scrubber):
    """1,024 bytes before the hidden sign the piece begins in the middle of a row of digits."""
    for shift in range(12):
        text = "电话" + "1" * 500 + "13812345678" * 300 + "x" * (MARGIN - 200 + shift) + "&#64;"
        assert scrubber.find(text) == []


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("%2525252541", "%41"),  # four rounds
        ("&#1114112;&#0;&#xD800;&#99999999;", "&#1114112;&#0;&#xD800;&#99999999;"),
        ("%F0%9F%98%80%C3%A9", "😀é"),
        ("&fjlig;&NotEqualTilde;&ampx&ltb", "fj≂̸&x<b"),
    ],
)
def test_shadow__what_signs_stand_for(text, plain):
    assert plain_of(text).replace("\u0338", "") == plain.replace("\u0338", "")


PIECES = ["&", "#", "x", "40", ";", "%", "25", "amp", "\u200b", "é", "邮", "\\u", "0", "a@b.com"]


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES)))
def test_shadow__positions_lead_back_to_the_text(pieces):
    """Whatever is found behind obfuscation covers characters of the text, and scrubbing again finds nothing."""
    text = "".join(pieces)
    scrubber = Scrubber()
    assert scrubber.find(text) == scrubber.find_everywhere(text)
    for finding in scrubber.find(text):
        assert 0 <= finding.start < finding.end <= len(text)
