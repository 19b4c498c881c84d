"""Known values are found in every form, masked byte for byte, and nothing is left."""

import json
import re

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.filters.pii.known.sought import Sought

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


def plainly(text: str, value: str) -> set[int]:
    """Characters of a text in which a value stands: its pattern tried at every place."""
    if re.fullmatch(r"[\d .-]+", value):
        pattern = r"[\s().\-/]{0,3}".join(c for c in value if c.isdigit())
    else:
        pattern = r"\s+".join(map(re.escape, value.split()))
        pattern = rf"(?<![A-Za-z]){pattern}(?![A-Za-z])" if re.fullmatch(r"[A-Za-z\s]+", value) else pattern
    found = (re.compile(pattern, re.IGNORECASE).match(text, at) for at in range(len(text)))
    return {at for match in found if match for at in range(*match.span())}


MANY = [
    "12121",
    "121 21 2",
    "aBab",
    "ab ab ab",
    "ſkKab",
    "ab张",
    "张ab-",
    "a.b@ab",
    "张张",
    "1212121212121212121212",
    "Kelv K",
]
PIECES = [*"12 -.(a\tbBA张@kKſ\u212a", "12121", "ab ab", "elv "]
TEXT = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


@settings(deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(PIECES), max_size=40).map("".join), max_size=3), st.sets(st.sampled_from(MANY))
)
def test_edits__are_those_of_each_value_s_pattern(texts, values):
    sought, seen = Sought([*values]), set()
    column = pa.array(texts, pa.large_string())
    edits = sought.edits(column, seen)
    for number, text in enumerate(texts):
        mine = edits.doc_E == number
        masked = {b for a, e in zip(edits.start_E[mine], edits.end_E[mine], strict=True) for b in range(a, e)}
        at, expected = 0, set()
        held = set().union(*(plainly(text, value) for value in values))
        for place, character in enumerate(text):
            size = len(character.encode())
            expected |= set(range(at, at + size)) if place in held else set()
            at += size
        assert masked == expected
    assert seen == {value for value in values if any(plainly(text, value) for text in texts)}


def test_seen__as_it_was_given():
    sought, seen = Sought(["ＺＨＡＮＧ@qq.com ", "zhang@qq.com", MOBILE]), set()
    assert sought.in_bytes("x\nzhang%40qq.com".encode("utf-16-le") + b" Zhang@qq.com", seen)
    assert seen == {"ＺＨＡＮＧ@qq.com ", "zhang@qq.com"}
