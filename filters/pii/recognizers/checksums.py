"""Check digits of cards and of identity numbers of East Asia. All take ASCII without separators."""

_RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_RESIDENT_CHECKS = "10X98765432"
_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_MONTH_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

_PROVINCES = "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83"
PROVINCE_CODES = frozenset(_PROVINCES.split())
"""First two digits of a division code (GB/T 2260); 83 is used on permits for residents of Taiwan (2018)."""


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1 annex B: every second digit from the right doubled, digit sums add up to a multiple of ten."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + position % 2)
        total += value - 9 if value > 9 else value
    return bool(digits) and total % 10 == 0


def resident_check(first17: str) -> str:
    """The 18th character of a resident identity number: GB 11643-1999, ISO 7064 MOD 11-2."""
    return _RESIDENT_CHECKS[sum(int(d) * w for d, w in zip(first17, _RESIDENT_WEIGHTS, strict=True)) % 11]


def is_resident_id(number: str) -> bool:
    """18 characters: division, date of birth (1850-2099), order, check. An x may be small."""
    return (
        len(number) == 18
        and number[:17].isascii()
        and number[:17].isdecimal()
        and (number[:2] in PROVINCE_CODES or number[0] == "9")  # 9: foreign permanent residents, since 2023
        and is_date(number[6:14])
        and resident_check(number[:17]) == number[17].upper()
    )


def is_date(digits: str) -> bool:
    """YYYYMMDD of the years 1850 to 2099. Fixed bounds: nothing here may depend on today."""
    year, month, day = int(digits[:4]), int(digits[4:6]), int(digits[6:8])
    if not (1850 <= year <= 2099 and 1 <= month <= 12 and 1 <= day <= _MONTH_DAYS[month - 1]):
        return False
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return leap or (month, day) != (2, 29)


def organisation_check(first8: str) -> str:
    """The 9th character of an organisation code: GB 11714-1997, letters count from A = 10."""
    total = sum(int(c, 36) * w for c, w in zip(first8, _ORGANISATION_WEIGHTS, strict=True))
    return "0123456789X0"[11 - total % 11]


def credit_check(first17: str) -> str:
    """The 18th character of a unified social credit code: GB 32100-2015, modulo 31."""
    total = sum(_CREDIT_ALPHABET.index(c) * w for c, w in zip(first17, _CREDIT_WEIGHTS, strict=True))
    return _CREDIT_ALPHABET[-total % 31]


def is_credit_code(code: str) -> bool:
    """18 capitals and digits: register, kind, division, organisation code with its own check, check."""
    return (
        len(code) == 18
        and all(c in _CREDIT_ALPHABET for c in code)
        and code[2:8].isdecimal()
        and (code[2:4] in PROVINCE_CODES or code[2:4] == "10")  # 10: registered with the State, not a province
        and organisation_check(code[8:16]) == code[16]
        and credit_check(code[:17]) == code[17]
    )


_TAIWAN_LETTERS = "ABCDEFGHJKLMNPQRSTUVXYWZIO"
"""The letter of a household's registry counts as 10, 11, ... in this order."""


def is_taiwan_id(code: str) -> bool:
    """A letter of a registry, sex (1, 2; 8, 9 of foreigners; A-D on older permits), seven digits, check: two digits of
    the letter and the others weighted 1 9 8 7 6 5 4 3 2 1 1 add up to ten times something (內政部; permits: 移民署).
    """
    if len(code) != 10 or code[0] not in _TAIWAN_LETTERS or not code[2:].isdecimal():
        return False
    second = str(_TAIWAN_LETTERS.index(code[1]) % 10) if code[1] in "ABCD" else code[1]
    digits = str(_TAIWAN_LETTERS.index(code[0]) + 10) + second + code[2:]
    return sum(int(d) * w for d, w in zip(digits, (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1), strict=True)) % 10 == 0


def is_hong_kong_id(code: str) -> bool:
    """One or two letters (A = 10; a space before one counts 36), six digits, check 0-9 or A: weighted 9 to 1 they add
    up to a multiple of eleven (香港入境事務處)."""
    values = [36] * (9 - len(code)) + [int(c, 36) for c in code]
    return len(values) == 9 and sum(v * w for v, w in zip(values, range(9, 0, -1), strict=True)) % 11 == 0


def korean_check(number: str) -> bool:
    """13 digits of a resident registration number: the last is 11 minus the others weighted 2-9, 2-5, modulo 11, modulo
    10; of a foreigner's 13 minus (주민등록법 시행규칙)."""
    total = sum(int(d) * w for d, w in zip(number[:12], (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5), strict=True))
    return int(number[12]) == ((13 if number[6] in "5678" else 11) - total % 11) % 10


def is_my_number(number: str) -> bool:
    """12 digits: eleven weighted 6 5 4 3 2 7 6 5 4 3 2, check 11 minus the sum modulo 11, 0 where that is above 9
    (総務省令第85号, 2014)."""
    rest = sum(int(d) * w for d, w in zip(number[:11], (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2), strict=True)) % 11
    return len(set(number)) > 1 and int(number[11]) == (0 if rest <= 1 else 11 - rest)


def is_short_date(digits: str) -> bool:
    """YYMMDD of some century."""
    return is_date("20" + digits) or is_date("19" + digits)
