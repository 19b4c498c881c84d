"""Chinese numbers that presidio has no recognizer for, as presidio recognizers.

Where a number has no check digit, its name must stand before it: nine characters such as E12345678 are a passport on
one page and an error code on the next.
"""

import regex

from gristmill.filters.pii.presidio import Pattern, PatternRecognizer
from gristmill.filters.pii.recognizers.checksums import PROVINCE_CODES, is_credit_code, is_date, is_resident_id, luhn
from gristmill.filters.pii.recognizers.patterns import LEFT, RIGHT, InContext, before
from gristmill.filters.pii.scan import PROVINCES

_CASED = regex.ASCII | regex.DOTALL | regex.MULTILINE


class ResidentIdRecognizer(InContext, PatternRecognizer):
    """Resident identity number: 18 characters with date and check (GB 11643), or the old 15 after their name."""

    _NAME = regex.compile(r"身份证|居民证|证件号|\bID (?:card|number|no)", regex.IGNORECASE | regex.ASCII)

    def __init__(self) -> None:
        today = rf"{LEFT}[1-9]\d{{5}}[ -]?(?:18[5-9]|19\d|20\d)\d[ -]?[01]\d[0-3]\d[ -]?\d{{3}}[\dXx]{RIGHT}"
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


class BankCardRecognizer(InContext, PatternRecognizer):
    """Debit cards of Chinese banks, 16-19 digits with Luhn: UnionPay's 17-19, older ranges of the large banks, and any
    after 银行卡 or 账号. UnionPay's 16 digits are CREDIT_CARD, as in presidio."""

    _NAME = regex.compile(r"(?:银行卡|储蓄卡|借记卡|工资卡|卡号|账号|帐号|账户|帐户|開戶|开户行|收款)[^\d\n]{0,14}$")
    _ISSUED = regex.compile(
        r"62\d{15,17}|955(?:88[01238]|9[5-9]\d)\d{13}|103\d{16}|(?:436742|436745|456351|601382)\d{13}|(?:601428|405512)\d{11}"
    )

    def __init__(self) -> None:
        number = r"\d{16,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{1,3})?|\d{6}[ -]\d{10,13}"
        super().__init__(
            supported_entity="CN_BANK_CARD",
            supported_language="zh",
            patterns=[Pattern("card", rf"{LEFT}(?:{number}){RIGHT}", 0.4)],
        )

    def validate_result(self, pattern_text: str) -> bool:
        """Luhn, and not all one digit."""
        digits = pattern_text.replace(" ", "").replace("-", "")
        return len(set(digits)) > 1 and luhn(digits)

    def keep(self, text: str, start: int, end: int) -> bool:
        """In an issuer's range, or after a name for it."""
        digits = text[start:end].replace(" ", "").replace("-", "")
        return bool(self._ISSUED.fullmatch(digits) or self._NAME.search(before(text, start)))


class SocialCreditCodeRecognizer(InContext, PatternRecognizer):
    """Unified social credit code with both check characters (GB 32100, GB 11714): sole traders' are personal.

    One without a letter needs its name before it: of any 18 digits with a province at the third one in 341 passes both.
    """

    _NAME = regex.compile(
        r"信用代码|信用代碼|统一代码|税号|纳税人|營業執照|营业执照|credit code|uscc", regex.IGNORECASE
    )

    def __init__(self) -> None:
        code = r"(?<![A-Za-z0-9])[1-9AHJNY][1-9]\d{6}[0-9A-HJ-NPQRTUWXY]{10}(?![A-Za-z0-9])"
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


class _NamedRecognizer(InContext, PatternRecognizer):
    """Codes without a check: found only after `NAME`, within before() and without another code between."""

    ENTITY: str
    NAME: str
    CODE: str
    GAP = r"[^A-Za-z0-9\n]{0,12}"
    FLAGS = _CASED

    def __init__(self) -> None:
        self._name = regex.compile(rf"(?:{self.NAME}){self.GAP}$", regex.IGNORECASE | regex.ASCII)
        super().__init__(
            supported_entity=self.ENTITY,
            supported_language="zh",
            patterns=[Pattern("code", rf"(?<![A-Za-z0-9])(?:{self.CODE})(?![A-Za-z0-9])", 0.6)],
            global_regex_flags=self.FLAGS,
        )

    def keep(self, text: str, start: int, end: int) -> bool:
        """After its name."""
        return bool(self._name.search(before(text, start)))


class PassportRecognizer(_NamedRecognizer):
    """Passports of China, Hong Kong and Macau, after 护照 or `passport`."""

    ENTITY = "CN_PASSPORT"
    NAME = r"护照|護照|passport(?:\s*(?:no|number|id))?"
    CODE = r"[EGDSPKH][A-Z0-9]?\d{7}|1[45]\d{7}|(?:MA|MB)\d{7}"


class TravelPermitRecognizer(_NamedRecognizer):
    """Permits for travel between the mainland, Hong Kong, Macau and Taiwan, after their name."""

    ENTITY = "CN_TRAVEL_PERMIT"
    NAME = r"通行证|通行證|回乡证|回鄉證|台胞证|臺胞證|台胞證|签注|(?:travel|entry) permit(?:\s*(?:no|number))?"
    CODE = r"[CWTL][A-Z0-9]\d{7}|[HM]\d{8}(?:\d{2})?|\d{8}"


class PlateRecognizer(InContext, PatternRecognizer):
    """Number plates of mainland China (GA 36): province, letter, five characters, six on new-energy cars."""

    def __init__(self) -> None:
        body = r"[A-HJ-NP-Z0-9]{4}(?:[A-HJ-NP-Z0-9]|[挂学警港澳领])|[A-HJ-NP-Z]\d{5}|\d{5}[A-HJ-NP-Z]"
        plate = rf"[{PROVINCES}][A-Z][·•. -]?(?:{body})(?![A-Za-z0-9])"
        super().__init__(
            supported_entity="CN_PLATE",
            supported_language="zh",
            patterns=[Pattern("plate", plate, 0.5)],
            global_regex_flags=_CASED,
        )

    def invalidate_result(self, pattern_text: str) -> bool:
        """True with fewer than three digits: at most two letters are issued."""
        return sum(c.isdigit() for c in pattern_text) < 3


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


class QqRecognizer(_HandleRecognizer):
    """QQ numbers: 5-11 digits after QQ or 扣扣."""

    ENTITY = "QQ_ID"
    _NAME = r"(?:(?<![A-Za-z/@._-])QQ|扣扣|企鹅)(?:群|号码?|號碼?|账号|帐号| ?number| ?id)?"
    PATTERNS = (rf"(?<={_NAME}{_GAP})[1-9]\d{{4,10}}{_WORD_END}",)


class WechatRecognizer(_HandleRecognizer):
    """WeChat accounts: a letter and 5-19 more after 微信号, or with a digit or a mark among them after 微信 alone."""

    ENTITY = "WECHAT_ID"
    _NAME = r"(?:[微薇威]信|V信|wechat|weixin)"
    _SHORT = r"(?<![A-Za-z/@._-])(?:vx|wx)"
    _ID = r"(?:号码?|號碼?|账号|帐号| ?id)"
    _START = r"(?<![A-Za-z0-9_-])"
    _ACCOUNT = r"[A-Za-z][A-Za-z0-9_-]{5,19}"
    PATTERNS = (
        rf"(?<={_NAME}{_ID}{_GAP}){_START}{_ACCOUNT}{_WORD_END}",
        rf"(?<={_NAME}{_GAP}){_START}(?=[A-Za-z-]*[0-9_]){_ACCOUNT}{_WORD_END}",
        rf"(?<={_SHORT}{_ID}?{_GAP}){_START}(?=(?:[A-Za-z_-]*\d){{3}}){_ACCOUNT}{_WORD_END}",  # wx is a toolkit, too
        rf"(?<=(?:{_NAME}|{_SHORT}){_ID}?{_GAP}){_START}1[3-9]\d{{9}}{_WORD_END}",
    )
