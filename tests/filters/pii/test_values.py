"""Ids, addresses, file names and JSON: what is masked in them, and that all else stays byte for byte."""

import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill.filters.pii.engine import Scrubber
from gristmill.filters.pii.values import Values


@pytest.fixture(scope="module")
def values(scrubber) -> Values:
    return Values(scrubber)


@pytest.mark.parametrize(
    ("name", "value", "scrubbed"),
    [
        ("id", "zhang@qq.com", "<EMAIL_ADDRESS>"),
        ("id", "user/zhang_san@qq.com.html", "user/<EMAIL_ADDRESS>.html"),
        ("id", "li.wei@example.com-record-7", "<EMAIL_ADDRESS>-record-7"),
        ("id", "zh\u200bang@qq.com_2024", "<EMAIL_ADDRESS>_2024"),
        ("id", "138-1234-5678", "<PHONE_NUMBER>"),
        ("url", "https://x.org/u?mail=li%40example.com&b=1", "https://x.org/u?mail=<EMAIL_ADDRESS>&b=1"),
        ("url", "https://x.org/u/13812345678/a", "https://x.org/u/<PHONE_NUMBER>/a"),
        ("url", "https://x.org/?tel=%2B86%20138%201234%205678", "https://x.org/?tel=<PHONE_NUMBER>"),
        ("url", "https://li:secret@x.org/a", "https://<URL_CREDENTIALS>@x.org/a"),
        ("file", "s3://b/zhang&#64;qq.com.jsonl.gz", "s3://b/<EMAIL_ADDRESS>.jsonl.gz"),
        ("file", "/data/2024/13812345678_张三.txt", "/data/2024/<PHONE_NUMBER>_张三.txt"),
        ("file", "身份证_20240102-11010519491231002X.pdf", "身份证_20240102-<CN_RESIDENT_ID>.pdf"),
        ("phone", "2125550123", "<PHONE_NUMBER>"),
        ("contactPhone_2", "6502530000", "<PHONE_NUMBER>"),
        ("qq", "12345678", "<QQ_ID>"),
        ("联系微信", "zhang_1234", "<WECHAT_ID>"),
    ],
)
def test_column__values_that_stand_alone(values, name, value, scrubbed):
    column = pa.array([value, None, "", "plain", value], pa.string())
    assert values.column(column, name).to_pylist() == [scrubbed, None, "", "plain", scrubbed]
    assert values.column(column.cast(pa.large_string()), name).type == pa.large_string()


@pytest.mark.parametrize(
    "value",
    [
        "https://unpkg.com/react@18.2.0/x",
        "https://twitter.com/a/status/1234567890123456789",
        "https://medium.com/@user/abc",
        "https://x.org/2024/01/02/12345.html?t=1700000000",
        "https://zh.wikipedia.org/wiki/%E7%A3%A8%E5%9D%8A",
        "550e8400-e29b-41d4-a716-446655440000",
        "<urn:uuid:a3b0c442-98fc-4fb1-8c14-9afb4c8996fb>",
        "en-12345678",
        "git@github.com:a/b",
        "2024-11-28T09:15:55Z",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ],
)
def test_column__ids_and_addresses_of_nobody_stay(values, value):
    column = pa.array([value], pa.string())
    for name in ("id", "url", "file"):
        assert values.column(column, name) is column


def scrubbed_json(values, text: str) -> str:
    return values.json(pa.array([text, None], pa.large_string()))[0].as_py()


def test_json__strings_keys_and_numbers_at_every_depth(values):
    meta = {
        "a": {"mail": "zhang@qq.com", "n": [13812345678, 1.5, "x"]},
        "zhang@qq.com": 1,
        "手机": 13812345678,
        "phone": ["6502530000", {"x": "y"}],
        "esc": "第一行\n13812345678\t\\ é",
        "ts": 1700000000,
    }
    text = json.dumps(meta, ensure_ascii=False)
    assert json.loads(scrubbed_json(values, text)) == {
        "a": {"mail": "<EMAIL_ADDRESS>", "n": ["<PHONE_NUMBER>", 1.5, "x"]},
        "<EMAIL_ADDRESS>": 1,
        "手机": "<PHONE_NUMBER>",
        "phone": ["<PHONE_NUMBER>", {"x": "y"}],
        "esc": "第一行\n<PHONE_NUMBER>\t\\ é",
        "ts": 1700000000,
    }
    assert json.loads(scrubbed_json(values, json.dumps(meta))) == json.loads(scrubbed_json(values, text)), "escapes"


def test_json__keys_that_would_become_one_are_told_apart_and_repeat_alike(values):
    text = '[{"a@qq.com":1,"b@qq.com":2},{"b@qq.com":3,"c":4}]'
    assert scrubbed_json(values, text) == '[{"<EMAIL_ADDRESS>":1,"<EMAIL_ADDRESS> 2":2},{"<EMAIL_ADDRESS> 2":3,"c":4}]'


def test_json__without_personal_data_is_the_same_bytes(values):
    for text in ("{}", '{"a": 1e999, "b":[ 1.50 , "\\u00e9\\/x", null,true]}', '{"n":123456789012345678901234567890}'):
        assert scrubbed_json(values, text) == text
    column = pa.array(["{}", None], pa.large_string())
    assert values.json(column) is column


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text() | st.sampled_from(["a@qq.com", 13812345678]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.just("a@qq.com"), inner, max_size=3),
)


@given(JSON)
def test_json__stays_json_of_the_same_shape(record):
    text = json.dumps(record, ensure_ascii=False).encode(errors="replace").decode()
    scrubbed = scrubbed_json(Values(Scrubber()), text)
    assert "a@qq.com" not in scrubbed
    assert shape(json.loads(scrubbed)) == shape(json.loads(text))


def shape(value: object) -> object:
    if isinstance(value, dict):
        return [shape(inner) for inner in value.values()]
    return [shape(inner) for inner in value] if isinstance(value, list) else None


def test_values__mask():
    values = Values(Scrubber(operator="mask"))
    assert values.column(pa.array(["li@qq.com.txt"], pa.string()), "id").to_pylist() == ["*********.txt"]
    assert scrubbed_json(values, '{"phone":13812345678}') == '{"phone":"***********"}'
