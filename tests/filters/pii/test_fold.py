"""Folding keeps positions: one character for one."""

from hypothesis import given
from hypothesis import strategies as st

from gristmill.filters.pii.fold import FOLDED, fold


@given(st.text())
def test_fold__keeps_length_and_all_that_is_not_wide(text):
    folded = fold(text)
    assert len(folded) == len(text)
    assert all(new == FOLDED.get(old, old) for old, new in zip(text, folded, strict=True))


def test_fold__numbers_and_addresses_in_full_width():
    assert fold("ｚｈａｎｇ＠ｑｑ．ｃｏｍ　１３８－１２３４（＋８６）") == "zhang@qq.com 138-1234(+86)"


def test_fold__chinese_punctuation_stays():
    assert fold("电话：１，！？。、；") == "电话：1，！？。、；"
