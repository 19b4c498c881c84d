"""Known values are found in every form, masked byte for byte, and nothing is left."""

import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill.filters.pii.sought import Sought

MOBILE, MAIL, NAME = "13812345678", "zhang@qq.com", "张伟明"
ALL = Sought([MOBILE, MAIL, NAME, "Li Wei"])


def masked(text: str, sought: Sought = ALL) -> str:
    return sought.mask(pa.array([text], pa.large_string()))[0][0].as_py()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("电话13812345678。", "电话***********。"),
        ("+86 138-1234 5678, x", "+86 *************, x"),
        ("(138) 1234.5678", "(**************"),
        ("１３８１２３４５６７８", "*" * 33),
        ("Zhang@QQ.com，", "************，"),
        ("li.zhang@qq.com.html", "li.************.html"),
        ("zhang&#64;qq.com zhang%40qq.com", "*" * 16 + " " + "*" * 14),
        ("138\u200b1234\u200b5678", "*" * 17),
        ("\\u5f20\\u4f1f\\u660e", "*" * 18),
        ("联系张伟明和张伟", "联系*********和张伟"),
        ("Li  wei, LI WEI", "*******, ******"),
        ("Li Weiss, Eli Wei", "Li Weiss, Eli Wei"),
        ("1381234567 138123456 78x", "1381234567 ************x"),
    ],
)
def test_mask__covers_what_is_meant_and_no_more(text, left):
    assert masked(text) == left
    assert len(masked(text).encode()) == len(text.encode())


def test_mask__numbers_of_json_stay_numbers():
    text = '{"a":13812345678,"b":["13812345678",13812345678],"c":"zhang\\u0040qq.com","d": 13812345678}'
    assert json.loads(masked(text)) == {"a": 99999999999, "b": ["*" * 11, 99999999999], "c": "*" * 17, "d": 99999999999}
    assert json.loads(masked('{"n":99999}', Sought(["99999"]))) == {"n": 11111}


def test_mask__nulls_types_and_slices_stay():
    column = pa.array(["x", None, f"of {MAIL}", "y"], pa.string()).slice(1)
    found, edits = ALL.mask(column)
    assert found.to_pylist() == [None, "of ************", "y"]
    assert found.type == pa.string()
    assert (edits.doc_E.tolist(), edits.start_E.tolist(), edits.end_E.tolist()) == ([1], [3], [15])
    assert ALL.mask(pa.array([None, "x"], pa.string()))[0].to_pylist() == [None, "x"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "gb18030"])
def test_in_bytes__of_any_encoding(encoding):
    assert ALL.in_bytes(b"\xff" + f"见{NAME}。".encode(encoding))
    assert not ALL.in_bytes("张伟 1381234567".encode(encoding))


@pytest.mark.parametrize("value", ["1234", "abc", "张", " 1 2 3 4 ", "(--)"])
def test_short_values__are_refused_unnamed(value):
    with pytest.raises(ValueError, match="value 2 is too short") as caught:
        Sought([MAIL, value])
    assert value not in str(caught.value)


@given(
    st.text(st.sampled_from("a张1.-@ \u200b&#64;%40zhangqq.com5678"), max_size=80),
    st.sampled_from([MOBILE, MAIL, NAME]),
)
def test_mask__leaves_nothing(around, value):
    text = around + value + around
    assert len(masked(text).encode()) == len(text.encode())
    assert value not in masked(text)
    assert not ALL.in_text(masked(text))
