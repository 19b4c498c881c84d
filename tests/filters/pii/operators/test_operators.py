"""What is done with findings, by type; surrogates; values that stay."""

import re

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill.filters.edits import apply
from gristmill.filters.pii.engine import Scrubber
from gristmill.filters.pii.operators.allow import Allowed
from gristmill.filters.pii.operators.surrogates import surrogate
from gristmill.filters.pii.recognizers.checksums import is_resident_id, luhn

KEY, OTHER = b"k" * 32, b"o" * 32


def scrubbed(text: str, **options) -> str:
    scrubber = Scrubber(options.pop("entities", None), options.pop("operator", "tag"), **options)
    column = pa.array([text], pa.large_string())
    return apply(column, scrubber.lines(column, scrubber.edits(column)).merged())[0].as_py()


def test_operators__by_type_and_set():
    text = "a@b.com 8.8.8.8 host\n秘密 4111111111111111\nhttps://x.org/?token=9f86d081884c7d65\nend"
    said = scrubbed(text, operators={"EMAIL_ADDRESS": "mask", "CREDIT_CARD": "drop_line", "secrets": "tag"})
    assert said == "******* <IP_ADDRESS> host\nhttps://x.org/?token=<SECRET>\nend"


def test_drop_line__every_line_once_and_no_other():
    text = "one\na@b.com c@d.com\n两行\ne@f.com"
    assert scrubbed(text, operator="drop_line") == "one\n两行\n"
    assert scrubbed("a@b.com", operator="drop_line") == ""


def test_hash__of_a_value_however_it_is_written_by_key_and_type():
    text = "li@qq.com LI@qq.com ｌｉ＠ｑｑ．ｃｏｍ li&#64;qq.com x@qq.com"
    said = scrubbed(text, operator="hash", key=KEY).split()
    assert all(re.fullmatch("<EMAIL_ADDRESS:[0-9a-f]{16}>", one) for one in said)
    assert len(set(said[:4])) == 1
    assert said[4] != said[0]
    assert scrubbed(text, operator="hash", key=OTHER).split()[0] != said[0]


@pytest.mark.parametrize(
    ("entity", "value", "form"),
    [
        ("EMAIL_ADDRESS", "li@qq.com", r"[a-z]+\.[a-z]+\d{1,3}@example\.(com|net|org)"),
        ("PHONE_NUMBER", "(212) 867-5309", r"\(\d{3}\) 555-01\d\d"),
        ("PHONE_NUMBER", "+1 212 867 5309", r"\+1 \d{3} 555 01\d\d"),
        ("PHONE_NUMBER", "138-1234-5678", r"138-\d{4}-\d{4}"),
        ("PHONE_NUMBER", "0755-86123456转801", r"0755-\d{8}转\d{3}"),
        ("PHONE_NUMBER", "07911 123456", r"07700 900\d{3}"),
        ("IP_ADDRESS", "8.8.8.8/32", r"(192\.0\.2|198\.51\.100|203\.0\.113)\.\d+/32"),
        ("IP_ADDRESS", "2a02:1::7", r"2001:db8:[0-9a-f]+::[0-9a-f]+"),
        ("US_SSN", "536-22-8726", r"666-\d\d-\d{4}"),
        ("CN_PLATE", "京A12345", r"京[A-Z]\d{5}"),
        ("PERSON", "Dr. Laura B. Whitfield", r"Dr\. [A-Z][a-z]+ [A-Z]\. [A-Z][a-z]+"),
        ("PERSON", "张晓明", r"\p"),
        ("ADDRESS", "浙江省杭州市西湖区文三路90号", r"\p\d*号?"),
        ("ADDRESS", "1600 Maple Ave, Austin", r"\d+ [A-Z][a-z]+ [A-Z][a-z]+, Springfield"),
        ("API_KEY", "ghp_x", "<API_KEY>"),
    ],
)
def test_surrogate__in_form(entity, value, form):
    made = surrogate(KEY, entity, value)
    assert made == surrogate(KEY, entity, value) != value
    assert re.fullmatch(form.replace("\\p", "[\u4e00-\u9fff]+"), made), made


def test_surrogate__checks_hold_and_nobody_has_it():
    made = surrogate(KEY, "CN_RESIDENT_ID", "110105 19491231 002X")
    assert is_resident_id(made.replace(" ", "")), made
    assert made.replace(" ", "")[14:17] == "000"
    assert re.fullmatch(r"\d{4}( \d{4}){3}", card := surrogate(KEY, "CREDIT_CARD", "4929 1234 5678 9012"))
    assert luhn(card.replace(" ", ""))
    iban = surrogate(KEY, "IBAN_CODE", "GB82 WEST 1234 5698 7654 32").replace(" ", "")
    assert int("".join(str(int(c, 36)) for c in iban[4:] + iban[:4])) % 97 == 1


def test_surrogate__one_person_is_one():
    full, last = surrogate(KEY, "PERSON", "Laura Whitfield"), surrogate(KEY, "PERSON", "Ms Whitfield")
    assert full.split()[1] == last.split()[1]
    phones = [surrogate(KEY, "PHONE_NUMBER", one) for one in ("13812345678", "138 1234 5678", "+86 13812345678")]
    assert len({re.sub(r"\D", "", one)[-11:] for one in phones}) == 1
    assert surrogate(OTHER, "PERSON", "Laura Whitfield") != full


@given(st.sampled_from(["PHONE_NUMBER", "IP_ADDRESS", "IBAN_CODE", "CN_RESIDENT_ID", "PERSON", "URL"]), st.text())
def test_surrogate__of_anything_never_raises(entity, value):
    assert isinstance(surrogate(KEY, entity, "1" + value), str)


@pytest.mark.parametrize(
    ("allow", "text", "said"),
    [
        ("examples", "li@example.com li@qq.com", "li@example.com <EMAIL_ADDRESS>"),
        ("examples", "host 203.0.113.7 host 82.50.72.202", "host 203.0.113.7 host <IP_ADDRESS>"),
        ("examples", "4111111111111111, (212) 555-0123", "4111111111111111, (212) 555-0123"),
        ("roles", "info@qq.com support-cn@qq.com li@qq.com", "info@qq.com support-cn@qq.com <EMAIL_ADDRESS>"),
        ("organisations", "电话400-123-4567 或 1-800-555-0199", "电话400-123-4567 或 1-800-555-0199"),
        ("@mill.org", "li@mill.org a@b.mill.org c@windmill.org", "li@mill.org a@b.mill.org <EMAIL_ADDRESS>"),
        ("(212) 867-5309", "212-867-5309 212-867-5308", "212-867-5309 <PHONE_NUMBER>"),
    ],
)
def test_allow(allow, text, said):
    assert scrubbed(text, allow=[allow]) == said


def test_scrubber__mistakes():
    with pytest.raises(ValueError, match="did you mean 'examples'"):
        Allowed(["exmaples"])
    with pytest.raises(ValueError, match="'hash' needs a key"):
        Scrubber(operators={"PERSON": "hash"})
    with pytest.raises(ValueError, match="unknown operator 'redact'; there are tag, mask"):
        Scrubber(operators={"PHONE_NUMBER": "redact"})
    with pytest.raises(ValueError, match="did you mean 'PHONE_NUMBER'"):
        Scrubber(operators={"PHONE_NUMBERS": "mask"})
    assert "API_KEY" not in Scrubber(without=["secrets"]).entities


@pytest.mark.parametrize(
    ("entity", "spellings"),
    [
        ("PHONE_NUMBER", ("13812345678", "+86 138-1234-5678", "008613812345678")),
        ("PHONE_NUMBER", ("(415) 555-2671", "+1 415 555 2671", "1-415-555-2671")),
        ("IBAN_CODE", ("DE89370400440532013000", "DE89 3704 0044 0532 0130 00")),
        ("CN_PLATE", ("京A12345", "京A·12345")),
        ("IP_ADDRESS", ("2a02:8108:e9d9:a2c4::df", "2A02:8108:E9D9:A2C4:0:0:0:DF")),
        ("EMAIL_ADDRESS", ("li.wei@qq.com", "ＬＩ．ＷＥＩ@QQ.COM")),
    ],
)
def test_one_value__however_it_is_written(entity, spellings):
    """One surrogate but for marks and the country's code, and what an allow-list names stays."""
    made = {re.sub(r"[^0-9a-z@]", "", surrogate(KEY, entity, one).lower())[-10:] for one in spellings}
    assert len(made) == 1, made
    if entity != "CN_PLATE":
        assert all(Allowed([spellings[0]])(entity, one) for one in spellings)


def test_scrub__a_hidden_value_has_its_own_surrogate():
    scrubber = Scrubber(operator="surrogate", key=KEY)
    assert scrubber.scrub("li.wei&#64;qq.com") == scrubber.scrub("li.wei@qq.com")
