"""Chinese numbers that presidio has no recognizer for, as presidio recognizers.

Where a number has no check digit, its name must stand before it: nine characters such as E12345678 are a passport on
one page and an error code on the next.
"""

from collections.abc import Iterable
from typing import ClassVar

import regex

from gristmill.filters.pii.presidio import Pattern, PatternRecognizer
from gristmill.filters.pii.recognizers.checksums import PROVINCE_CODES, is_credit_code, is_date, is_resident_id
from gristmill.filters.pii.recognizers.named import NamedRecognizer
from gristmill.filters.pii.recognizers.patterns import LEFT, RIGHT, InContext, after, apart, before
from gristmill.filters.pii.scan import PROVINCES

_CASED = regex.ASCII | regex.DOTALL | regex.MULTILINE
_HAN_NEAR = regex.compile(r"\p{Han}")


class ResidentIdRecognizer(InContext, PatternRecognizer):
    """Resident identity number: 18 characters with date and check (GB 11643), or the old 15 after their name."""

    DIGITS: ClassVar[dict[str, Iterable[int]]] = {"18": (6, 14, 17, 18), "15": (15,)}
    _NAME = regex.compile(r"身份证|居民证|证件号|\bID (?:card|number|no)", regex.IGNORECASE | regex.ASCII)

    def __init__(self) -> None:
        # In a row of a table, too: it has a check.
        division = apart("id", "id ?card", "id ?no", "no", "sfz", begins=r"[1-9]\d{5}", ends=r"\d[.:/+-]")
        right = RIGHT.replace(",", "")
        today = rf"{division}[ -]?(?:18[5-9]|19\d|20\d)\d[ -]?[01]\d[0-3]\d[ -]?\d{{3}}[\dXx]{right}"
        super().__init__(
            supported_entity="CN_RESIDENT_ID",
            supported_language="zh",
            patterns=[Pattern("18", today, 0.5), Pattern("15", rf"{LEFT}[1-8]\d{{7}}[01]\d[0-3]\d{{4}}{RIGHT}", 0.4)],
        )

    def validate_result(self, pattern_text: str) -> bool | None:
        """The check digit; the old number has none, only a division and a date of the last century."""
        number = pattern_text.replace(" ", "").replace("-", "")
        if len(number) == 15:
            return None if number[:2] in PROVINCE_CODES and is_date("19" + number[6:12]) else False
        return is_resident_id(number)

    def keep(self, text: str, start: int, end: int) -> bool:
        """15 digits only after their name."""
        return end - start != 15 or bool(self._NAME.search(before(text, start)))


class SocialCreditCodeRecognizer(InContext, PatternRecognizer):
    """Unified social credit code with both check characters (GB 32100, GB 11714): sole traders' are personal.

    One without a letter needs its name before it: of any 18 digits with a province at the third one in 341 passes both.
    """

    WORDS: ClassVar[dict[str, Iterable[int]]] = {"code": (18, 20, 22)}  # alone, or behind a word
    _NAME = regex.compile(
        r"信用代码|信用代碼|统一代码|税号|纳税人|營業執照|营业执照|credit code|uscc", regex.IGNORECASE
    )

    def __init__(self) -> None:
        code = apart("no", "code", "uscc", begins=r"[1-9AHJNY][1-9]\d{6}") + r"[0-9A-HJ-NPQRTUWXY]{10}(?![A-Za-z0-9])"
        super().__init__(
            supported_entity="CN_SOCIAL_CREDIT_CODE",
            supported_language="zh",
            patterns=[Pattern("code", code, 0.5)],
            global_regex_flags=_CASED,
        )

    def validate_result(self, pattern_text: str) -> bool:
        """Both check characters."""
        return is_credit_code(pattern_text)

    def keep(self, text: str, start: int, end: int) -> bool:
        """With a letter, or after its name."""
        return not text[start:end].isdecimal() or bool(self._NAME.search(before(text, start)))


class TravelPermitRecognizer(NamedRecognizer):
    """Permits for travel between the mainland, Hong Kong, Macau and Taiwan, after their name."""

    ENTITY = "CN_TRAVEL_PERMIT"
    NAME = r"通行证|通行證|回乡证|回鄉證|台胞证|臺胞證|台胞證|签注|(?:travel|entry) permit(?:\s*(?:no|number))?"
    CODE = r"[CWTL][A-Z0-9]\d{7}|[HM]\d{8}(?:\d{2})?|\d{8}"


class PlateRecognizer(InContext, PatternRecognizer):
    """Number plates of mainland China (GA 36): province, letter, five characters; six on new-energy cars, D or F (small
    ones also others) first or last among them. Marks or spaces may stand between, in groups too."""

    _NAME = regex.compile(r"(?:车牌|車牌|牌照|号牌|號牌|车号|車號|车辆)[^\n]{0,12}$")
    _HAN = regex.compile(r"\p{Han}$")

    def __init__(self) -> None:
        letter, mark = "[A-HJ-NP-Z]", r"[·•. -]?"
        body = rf"[A-HJ-NP-Z0-9]{{4}}(?:[A-HJ-NP-Z0-9]|[挂学警港澳领])|{letter}[A-HJ-NP-Z0-9]\d{{4}}|\d{{5}}{letter}"
        end = r"(?![A-Za-z0-9])"
        plate = rf"[{PROVINCES}]{mark}[A-Z](?: ?[·•.-] ?| )?(?:{body}){end}"
        grouped = rf"[{PROVINCES}]{mark}[A-Z]{mark}[A-HJ-NP-Z0-9]{{2,3}}([·•. -])[A-HJ-NP-Z0-9]{{2,3}}{end}"
        super().__init__(
            supported_entity="CN_PLATE",
            supported_language="zh",
            patterns=[Pattern("plate", plate, 0.5), Pattern("grouped", grouped, 0.5)],
            global_regex_flags=_CASED,
        )

    def validate_result(self, pattern_text: str) -> bool | None:
        """False with fewer than three digits: at most two letters are issued."""
        return None if sum(c.isdigit() for c in pattern_text) >= 3 else False

    def keep(self, text: str, start: int, end: int) -> bool:
        """In groups, or with its province apart, after its name or where no Chinese word goes on: 最新 A 12345."""
        body = text[start + 2 : end].strip("·•. -")
        if text[start + 1].isalpha() and not any(mark in body for mark in "·•. -"):
            return True
        left = before(text, start)
        return bool(self._NAME.search(left)) or not self._HAN.search(left)


class _HandleRecognizer(InContext, PatternRecognizer):
    """An account name after the name of its service; only the account is marked."""

    ENTITY: str
    PATTERNS: tuple[str, ...]

    def __init__(self) -> None:
        super().__init__(
            supported_entity=self.ENTITY,
            supported_language="zh",
            patterns=[Pattern(f"after its name {i}", pattern, 0.6) for i, pattern in enumerate(self.PATTERNS)],
        )


_GAP = r"[\s:：=是为「【\[(（]{0,4}"
_WORD_END = r"(?![A-Za-z0-9_-])"
_ALONE = r"(?<![A-Za-z/@._-])"
_ADD = r"[加+➕扣]"


class QqRecognizer(_HandleRecognizer):
    """QQ numbers: 5-11 digits after QQ, what it is called (扣扣, 企鹅, 球球), 加Q, Q：; after Q: among Chinese."""

    ENTITY = "QQ_ID"
    _ID = r"(?:群|号码?|號碼?|账号|帐号| ?number| ?id)?"
    _NAME = rf"(?:{_ALONE}Q ?Q|扣扣|抠抠|蔻蔻|球球|企鹅|{_ADD} ?Q|[加+➕]扣|{_ALONE}Q(?=[群号])|[我的]Q(?=[是:：为]))"
    _OR = r"(?: ?[/／、和或与&] ?(?:微信|VX|WX|V信?)号?)"
    PATTERNS = (
        rf"[1-9](?<={_NAME}{_ID}{_OR}?{_GAP}[1-9])\d{{4,10}}{_WORD_END}",
        rf"[1-9](?<={_ALONE}Q[:：]\s?[1-9])\d{{5,10}}{_WORD_END}",
    )
    _SHORT = regex.compile(r"(?<![A-Za-z])Q[:：]\s?$", regex.IGNORECASE)

    def keep(self, text: str, start: int, end: int) -> bool:
        """After Q: alone, questions in English begin so, only where Chinese is near."""
        left = before(text, start)
        return not self._SHORT.search(left) or bool(_HAN_NEAR.search(left + after(text, end)[:8])) or "：" in left[-2:]


class WechatRecognizer(_HandleRecognizer):
    """WeChat accounts: a letter and 5-19 more after 微信号, or with a digit or a mark among them after 微信 alone, or
    what it is called (威信, vx, 加V, 微❤); wxid_ anywhere."""

    ENTITY = "WECHAT_ID"
    _NAME = r"(?:[微薇威徽维溦]信|[微薇威Vv]❤|V信|wechat|weixin)"
    _ID = r"(?:号码?|號碼?|账号|帐号|同号| ?id)"
    _SHORT = rf"(?:{_ALONE}(?:vx|wx)|[加+➕]我? ?(?:[vV]|[微薇威]信?|卫星)|{_ALONE}[vV](?=[号:：]))"
    _BEGINS = r"(?<![A-Za-z0-9_-].)"
    _REST = rf"[A-Za-z0-9_-]{{5,19}}{_WORD_END}"
    PATTERNS = (  # what is looked back for stands behind a first character: most places are ruled out by that
        rf"[A-Za-z]{_BEGINS}(?<={_NAME}{_ID}{_GAP}.){_REST}",
        rf"[A-Za-z]{_BEGINS}(?=[A-Za-z-]*[0-9_])(?<={_NAME}{_GAP}.){_REST}",
        rf"[A-Za-z]{_BEGINS}(?=(?:[A-Za-z_-]*\d){{3}})(?<={_SHORT}{_ID}?{_GAP}.){_REST}",  # wx is a toolkit, too
        rf"1{_BEGINS}(?=[3-9]\d{{9}})(?<=(?:{_NAME}|{_SHORT}){_ID}?{_GAP}.)\d{{10}}{_WORD_END}",
        rf"wxid_(?<![A-Za-z0-9_-]wxid_)[a-z0-9]{{6,24}}{_WORD_END}",
    )
    _COLON = regex.compile(r"(?<![A-Za-z加➕])V[:：]\s?$", regex.IGNORECASE)

    def keep(self, text: str, start: int, end: int) -> bool:
        """After V: alone, which versions follow, only where Chinese is near."""
        left = before(text, start)
        return not self._COLON.search(left) or bool(_HAN_NEAR.search(left + after(text, end)[:8]))
