"""Check digits, worked out by hand from the standards."""

import pytest

from gristmill.filters.pii.recognizers.checksums import (
    credit_check,
    is_credit_code,
    is_date,
    is_resident_id,
    luhn,
    organisation_check,
    resident_check,
)


@pytest.mark.parametrize(
    ("digits", "valid"),
    [
        ("79927398713", True),  # ISO/IEC 7812-1's example: 7+9+9+4+7+6+9+7+7+2+3 = 70
        ("79927398710", False),
        ("4111111111111111", True),
        ("378282246310005", True),
        ("18", True),  # 8 + 2 * 1 = 10
        ("0", True),
        ("1", False),
        ("", False),
    ],
)
def test_luhn__standard_example_and_card_test_numbers(digits, valid):
    assert luhn(digits) is valid


def test_resident_check__example_of_gb_11643():
    # 1*7+1*9+0*10+1*5+0*8+5*4+1*2+9*1+4*6+9*3+1*7+2*9+3*10+1*5+0*8+0*4+2*2 = 167 = 15 * 11 + 2; 2 stands for X
    assert resident_check("11010519491231002") == "X"
    # 4*7+4*9+0*10+5*5+2*8+4*4+1*2+8*1+8*6+0*3+0*7+1*9+0*10+1*5+0*8+0*4+1*2 = 195 = 17 * 11 + 8; 8 stands for 4
    assert resident_check("44052418800101001") == "4"


@pytest.mark.parametrize(
    ("number", "valid"),
    [
        ("11010519491231002X", True),
        ("11010519491231002x", True),
        ("440524188001010014", True),
        ("110105194912310021", False),  # check
        ("110105194902300020", False),  # 30 February
        ("00010519491231002X", False),  # no such province
        ("1101051949123100２X", False),  # not ASCII
        ("11010519491231002", False),
    ],
)
def test_is_resident_id(number, valid):
    assert is_resident_id(number) is valid


@pytest.mark.parametrize(
    ("digits", "valid"),
    [("20000229", True), ("19000229", False), ("20240229", True), ("20231301", False), ("20230431", False),
     ("18491231", False), ("18500101", True), ("20991231", True), ("21000101", False), ("20230100", False)],
)  # fmt: skip
def test_is_date(digits, valid):
    assert is_date(digits) is valid


def test_credit_check__example_of_gb_32100():
    # Organisation M000100Y: M=22*3 + 0*7 + 0*9 + 0*10 + 1*5 + 0*8 + 0*4 + Y=34*2 = 139 = 12 * 11 + 7; 11 - 7 = 4
    assert organisation_check("M000100Y") == "4"
    # 9*1+1*3+3*9+5*27+0*19+1*26+0*16+0*17+M=21*20+0*29+0*25+0*13+1*8+0*24+0*10+Y=30*30+4*28 = 1640 = 52 * 31 + 28
    assert credit_check("91350100M000100Y4") == "3"


@pytest.mark.parametrize(
    ("code", "valid"),
    [
        ("91350100M000100Y43", True),
        ("91350100M000100Y44", False),  # last check
        ("91350100M000100Y53", False),  # check of the organisation
        ("91990100M000100Y43", False),  # division
        ("91350100m000100Y43", False),
        ("91350100I000100Y43", False),  # I is not in the alphabet
        ("91350100M000100Y4", False),
    ],
)
def test_is_credit_code(code, valid):
    assert is_credit_code(code) is valid
