"""Codes without a check, found after their name: nine characters such as E12345678 are a passport on one page and an
error code on the next.
"""

import regex

from gristmill.filters.pii.presidio import Pattern, PatternRecognizer
from gristmill.filters.pii.recognizers.patterns import FLAGS, InContext, after, before

_PASSPORT = (
    r"护照|護照|旅券|パスポート|여권|passports?|reisepass|passnummer|passeport|pasaporte|passaporto|paspoort|paszportu?|"
    r"pass-nr"
)
_NUMBER = r"(?:\s*(?:no|nos|number|num|nr|numéro|numero|número|id|card|book|#|n[°º]|号码?|號碼?|番号|번호))*"


_AND = r"\s{0,2}(?:[,、，/;；&]|\b(?:and|or|und|et|y)\b|[和与與及或])\s{0,2}"
"""Between codes of one name."""


class NamedRecognizer(InContext, PatternRecognizer):
    """What matches `CODE` after `NAME`, within before() and with no other code between but of its form in a row.
    `COUNTRY` before it too, or behind it, makes it surer than another country's of the same form."""

    ENTITY: str
    NAME: str
    CODE: str
    COUNTRY = ""
    GAP = r"[^A-Za-z0-9\n]{0,12}"

    def __init__(self) -> None:
        flags = regex.IGNORECASE | regex.ASCII
        announced = rf"(?:{self.NAME}){self.GAP}(?:(?:is|was|es|ist|est|为|是)[\s:：]{{1,3}})?"
        self._name = regex.compile(rf"{announced}(?:(?:{self.CODE}){_AND}){{0,2}}$", flags)
        self._country = regex.compile(self.COUNTRY, flags) if self.COUNTRY else None
        super().__init__(
            supported_entity=self.ENTITY,
            patterns=[Pattern("code", rf"(?<![A-Za-z0-9])(?:{self.CODE})(?![A-Za-z0-9])", 0.6)],
            global_regex_flags=FLAGS,
        )

    def keep(self, text: str, start: int, end: int) -> bool:
        """After its name."""
        return bool(self._name.search(before(text, start)))

    def matches(self, text: str) -> list[tuple[int, int, float]]:
        """As InContext's; of a country that is named, and of one whose form it has, surer."""
        found = super().matches(text)
        if self._country is None:
            return found
        return [(start, end, 0.9 if self._is_of_country(text, start, end) else score) for start, end, score in found]

    def _is_of_country(self, text: str, start: int, end: int) -> bool:
        assert self._country is not None
        return bool(
            self._country.search(before(text, start)) or self._country.search(after(text, end).partition("\n")[0])
        )


class _Passport(NamedRecognizer):
    NAME = f"(?:{_PASSPORT}){_NUMBER}"
    GAP = r"[^A-Za-z0-9\n]{0,12}(?:\([A-Za-z ]{1,10}\)[^A-Za-z0-9\n]{0,4})?"


class ChinesePassportRecognizer(_Passport):
    """Passports of China, Hong Kong and Macau."""

    ENTITY = "CN_PASSPORT"
    CODE = r"[EGDSPKH][A-Z0-9]?\d{7}|1[45]\d{7}|(?:MA|MB)\d{7}"
    COUNTRY = r"中国|中國|\b(?:chinese|china|prc|hong kong|macau|macao)\b"


class AmericanPassportRecognizer(_Passport):
    """Passports of the United States: nine digits, since 2021 a letter and eight."""

    ENTITY = "US_PASSPORT"
    CODE = r"\d{9}|[A-Z]\d{8}"
    COUNTRY = r"\b(?:us|u\.s\.?|usa|united states|american)\b|美国|美國"


class BritishPassportRecognizer(_Passport):
    """Passports of the United Kingdom: nine digits, or two letters and seven."""

    ENTITY = "UK_PASSPORT"
    CODE = r"\d{9}|[A-Z]{2}\d{7}"
    COUNTRY = r"\b(?:uk|u\.k\.?|gbr|united kingdom|british|hmpo)\b|英国|英國"


class EuropeanPassportRecognizer(_Passport):
    """Passports of countries of the European Union, by the forms that they have (PRADO, the Council's register)."""

    ENTITY = "EU_PASSPORT"
    CODE = (
        r"[CFGHJKLMNPRTVWXYZ](?=[A-Z]*\d[A-Z]*\d)[CFGHJKLMNPRTVWXYZ0-9]{7}\d"  # Germany
        r"|\d{2}[A-Z]{2}\d{5}"  # France
        r"|[A-Z]{2}\d{7}"  # Italy, Poland, Sweden, Finland, Ireland (two letters)
        r"|[A-Z]{3}\d{6}"  # Spain
        r"|[A-NP-Z]{2}[A-NP-Z0-9]{6}\d"  # Netherlands
        r"|[A-Z]{2}\d{6}|[A-Z]\d{6,7}"  # Belgium, Portugal; Austria
        r"|\d{8,9}"  # Czechia, Denmark, Romania
    )
    COUNTRY = (
        r"reisepass|passnummer|pass-nr|passeport|pasaporte|passaporto|paspoort|paszport|\b(?:eu|european|german|deutsche[rn]?|french|"
        r"italian|spanish|dutch|polish|austrian|belgian|irish|swedish|finnish|danish|portuguese|greek|czech)\b|德国|法国|"
        r"意大利|西班牙|荷兰"
    )


class JapanesePassportRecognizer(_Passport):
    """Passports of Japan: two letters and seven digits."""

    ENTITY = "JP_PASSPORT"
    CODE = r"[A-Z]{2}\d{7}"
    COUNTRY = r"旅券|パスポート|日本|\b(?:japan|japanese)\b"


class KoreanPassportRecognizer(_Passport):
    """Passports of Korea: M, S, R, O or D and eight digits, since 2021 with a letter among them."""

    ENTITY = "KR_PASSPORT"
    CODE = r"[MSROD]\d{8}|[MSROD]\d{3}[A-Z]\d{4}"
    COUNTRY = r"여권|대한민국|\b(?:korea|korean)\b|韩国|韓國"
