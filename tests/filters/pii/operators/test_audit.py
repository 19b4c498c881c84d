"""Findings as the ledger keeps them: in terms of the extracted text, hashed by a key, never a value."""

import hashlib
import hmac

import numpy as np
import pyarrow as pa
import pytest

from gristmill.filters.edits import Edits, apply
from gristmill.filters.pii.engine import Scrubber
from gristmill.filters.pii.operators.audit import findings, keyed_hash, normal_form

KEY = b"0123456789abcdef"


@pytest.mark.parametrize(
    ("value", "normal"),
    [
        ("Zhang@QQ.com", "zhang@qq.com"),
        ("ｚｈａｎｇ＠ｑｑ．ｃｏｍ", "zhang@qq.com"),
        ("138-1234 5678", "13812345678"),
        ("１３８１２３４５６７８", "13812345678"),
        ("+86 (138) 1234.5678", "8613812345678"),
        ("张伟", "张伟"),
        ("Wei\n  Li", "wei li"),
        ("11010519491231002X", "11010519491231002x"),
    ],
)
def test_normal_form__is_one_for_all_spellings(value, normal):
    assert normal_form(value) == normal
    expected = hmac.new(KEY, normal.encode(), hashlib.sha256).hexdigest()[:32]
    assert keyed_hash(KEY, value) == expected
    assert keyed_hash(KEY + b"!", value) != expected


def test_findings__stand_where_the_extracted_text_has_them():
    extracted = pa.array(
        ["cut 邮箱zhang@qq.com。", "nothing", "tel. 415-555-2671, &#122;hang&#64;qq.com"], pa.large_string()
    )
    before = Edits.of(3, [0], [0], [4], ["rule"])
    text = apply(extracted, before)
    found, score = Scrubber().scored_edits(text)
    rows = findings(text, found, score, before, lambda _: "tag", KEY).to_pylist()
    assert [len(row) for row in rows] == [1, 0, 2]
    values = [
        (one["type"], extracted[number].as_py().encode()[one["start"] : one["end"]].decode())
        for number, row in enumerate(rows)
        for one in row
    ]
    assert values[0] == ("EMAIL_ADDRESS", "zhang@qq.com")
    assert {kind for kind, _ in values[1:]} == {"PHONE_NUMBER", "EMAIL_ADDRESS"}
    mails = {one["hash"] for row in rows for one in row if one["type"] == "EMAIL_ADDRESS"}
    assert mails == {keyed_hash(KEY, "zhang@qq.com")}
    assert all(0 < one["score"] <= 1 and one["action"] == "tag" for row in rows for one in row)


def test_findings__without_a_key_have_no_hash():
    text = pa.array(["zhang@qq.com"], pa.large_string())
    found, score = Scrubber().scored_edits(text)
    (row,) = findings(text, found, score, Edits.none(1), lambda _: "mask", None).to_pylist()
    assert [(one["hash"], one["action"]) for one in row] == [(None, "mask")]


def test_findings__of_a_slice_and_of_nothing():
    text = pa.array(["x@qq.com", "", "li@qq.com"], pa.large_string()).slice(1)
    found, score = Scrubber().scored_edits(text)
    rows = findings(text, found, score, Edits.none(2), lambda _: "tag", KEY).to_pylist()
    assert [len(row) for row in rows] == [0, 1]
    assert rows[1][0]["hash"] == keyed_hash(KEY, "li@qq.com")
    assert findings(text[:0], Edits.none(0), np.zeros(0), Edits.none(0), lambda _: "tag", KEY).to_pylist() == []
