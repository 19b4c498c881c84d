"""Identity numbers of Japan, Korea, Taiwan and Hong Kong, which presidio has none of, or without their checks."""

from collections.abc import Iterable
from typing import ClassVar

import regex

from gristmill.filters.pii.presidio import Pattern, PatternRecognizer
from gristmill.filters.pii.recognizers.checksums import (
    is_hong_kong_id,
    is_my_number,
    is_short_date,
    is_taiwan_id,
    korean_check,
)
from gristmill.filters.pii.recognizers.patterns import FLAGS, LEFT, RIGHT, InContext, apart, before

_CASED = regex.ASCII | regex.DOTALL | regex.MULTILINE


class TaiwanIdRecognizer(InContext, PatternRecognizer):
    """Identity card (國民身分證) and residence permit (居留證, of 2021 and older): a letter, nine characters. One
    of ten strings of the form passes the check, so its name has to stand before."""

    WORDS: ClassVar[dict[str, Iterable[int]]] = {"code": (10,)}
    _NAME = regex.compile(
        r"身[分份][證证]|證號|证号|居留[證证]|\bID\b|\barc\b|identity|taiwan|統一編號", regex.IGNORECASE
    )

    def __init__(self) -> None:
        code = r"(?<![A-Za-z0-9_-])[A-Z](?:[1289]|[A-D])\d{8}(?![A-Za-z0-9_-])"
        super().__init__(supported_entity="TW_ID", patterns=[Pattern("code", code, 0.6)], global_regex_flags=_CASED)

    def validate_result(self, pattern_text: str) -> bool:
        """The check digit."""
        return is_taiwan_id(pattern_text)

    def keep(self, text: str, start: int, end: int) -> bool:
        """After its name."""
        return bool(self._NAME.search(before(text, start)))


class HongKongIdRecognizer(InContext, PatternRecognizer):
    """Identity card (香港身份證): one or two letters, six digits, the check in parentheses."""

    def __init__(self) -> None:
        code = r"(?<![A-Za-z0-9_])[A-Z]{1,2}\d{6}\([0-9A]\)"
        super().__init__(supported_entity="HK_ID", patterns=[Pattern("code", code, 0.6)], global_regex_flags=_CASED)

    def validate_result(self, pattern_text: str) -> bool:
        """The check."""
        return is_hong_kong_id(pattern_text.replace("(", "").replace(")", ""))


class HongKongIdNamedRecognizer(InContext, PatternRecognizer):
    """The same without parentheses, after its name."""

    WORDS: ClassVar[dict[str, Iterable[int]]] = {"code": (8, 9)}
    _NAME = regex.compile(
        r"身[分份][證证]|證號|证号|\bhkid|\bID card|identity card|\bID (?:no|number)", regex.IGNORECASE
    )

    def __init__(self) -> None:
        code = r"(?<![A-Za-z0-9_])[A-Z]{1,2}\d{6}[0-9A](?![A-Za-z0-9_])"
        super().__init__(supported_entity="HK_ID", patterns=[Pattern("code", code, 0.6)], global_regex_flags=_CASED)

    def validate_result(self, pattern_text: str) -> bool:
        """The check."""
        return is_hong_kong_id(pattern_text)

    def keep(self, text: str, start: int, end: int) -> bool:
        """After its name."""
        return bool(self._NAME.search(before(text, start)))


class KoreanIdRecognizer(InContext, PatternRecognizer):
    """Resident (주민등록번호) and foreigner registration number: date of birth, a digit for century and sex, six
    more. The check holds for numbers before October 2020; later ones are drawn, and need their name."""

    DIGITS: ClassVar[dict[str, Iterable[int]]] = {"code": (6, 13)}
    _NAME = regex.compile(
        r"주민\s?등록|주민\s?번호|외국인\s?등록|\brrn\b|resident registration|registration n", regex.IGNORECASE
    )

    def __init__(self) -> None:
        date = apart("rrn", begins=r"\d{6}", ends=r"\d[.,:/+-]")
        code = rf"{date} ?- ?[1-8]\d{{6}}{RIGHT}|{LEFT}\d{{6}}[1-8]\d{{6}}{RIGHT}"
        super().__init__(supported_entity="KR_RRN", patterns=[Pattern("code", code, 0.5)], global_regex_flags=FLAGS)

    def validate_result(self, pattern_text: str) -> bool | None:
        """False where the date is none."""
        return None if is_short_date(pattern_text[:6]) else False

    def keep(self, text: str, start: int, end: int) -> bool:
        """After its name; with a hyphen and its check digit anywhere."""
        number = text[start:end].replace(" ", "").replace("-", "")
        checked = "-" in text[start:end] and korean_check(number)
        return checked or bool(self._NAME.search(before(text, start)))


class MyNumberRecognizer(InContext, PatternRecognizer):
    """Individual number of Japan (マイナンバー, 個人番号): twelve digits with a check, after its name."""

    DIGITS: ClassVar[dict[str, Iterable[int]]] = {"code": (4, 12)}
    _NAME = regex.compile(r"マイナンバー|個人番号|\bmy ?number|\bindividual number", regex.IGNORECASE)

    def __init__(self) -> None:
        code = rf"{LEFT}(?:\d{{12}}|\d{{4}}([ -])\d{{4}}\1\d{{4}}){RIGHT}"
        super().__init__(
            supported_entity="JP_MY_NUMBER", patterns=[Pattern("code", code, 0.6)], global_regex_flags=FLAGS
        )

    def validate_result(self, pattern_text: str) -> bool:
        """The check digit."""
        return is_my_number(pattern_text.replace(" ", "").replace("-", ""))

    def keep(self, text: str, start: int, end: int) -> bool:
        """After its name."""
        return bool(self._NAME.search(before(text, start)))
