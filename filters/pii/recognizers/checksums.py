"""Check digits of cards and of Chinese identity and credit codes. All take ASCII without separators."""

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
