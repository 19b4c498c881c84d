"""Numbers of payment cards: presidio's type, and Chinese debit cards."""

from collections.abc import Iterable
from typing import ClassVar

import regex

from gristmill.filters.pii.presidio import Pattern, PatternRecognizer, predefined_recognizers
from gristmill.filters.pii.recognizers.checksums import luhn
from gristmill.filters.pii.recognizers.patterns import RIGHT, InContext, after, apart, before, in_table

_WRITTEN = r"\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{1,3})?|\d{4}([ -])\d{6}\2\d{4,5}"
_APART = r"[,;/|\s]{1,2}"
_CARD_LEFT = regex.compile(rf"(?<!\d)(?:{_WRITTEN}){_APART}$", regex.ASCII)
_CARD_RIGHT = regex.compile(rf"{_APART}(?:{_WRITTEN})(?!\d)", regex.ASCII)
_NAMES = ("card", "card ?no", "no", "visa", "mastercard", "amex", "cc")
_ENDS_LEFT = regex.compile(apart(*_NAMES, ends=r"\d[.,:/+-]") + "$", regex.ASCII)
_ENDS_RIGHT = regex.compile(RIGHT, regex.ASCII)
_WORDS = regex.compile(r"\p{L}{2}")
_ORDERED = regex.compile(
    r"(?:\b(?:order|invoice|tracking|shipment|transaction|reference|ref|ticket|case)(?: ?(?:no|number|id))?|"
    r"[订訂][单單]|[单單]号|流水|交易|订单编号|编号|序列)[号號]?[\s.:：#]{0,4}$",
    regex.IGNORECASE | regex.ASCII,
)
"""What numbers other things that have sixteen digits."""
_NETWORKS = regex.compile(
    r"[3-6]\d{15}"  # JCB, Visa, Mastercard, Discover, Maestro, UnionPay
    r"|4\d{12}(?:\d{6})?"  # Visa of 13 and 19
    r"|3[47]\d{13}|(?:2131|1800)\d{11}"  # American Express, JCB of 15
    r"|3(?:0[0-5]|09|[689]\d)\d{11}"  # Diners Club
)
_DEBIT = regex.compile(
    r"62\d{15,17}|955(?:88[01238]|9[5-9]\d)\d{13}|103\d{16}|(?:436742|436745|456351|601382)\d{13}|(?:601428|405512)\d{11}"
)
"""Of Chinese banks: UnionPay's 17-19 digits, older ranges of the large ones."""


def digits_of(number: str) -> str:
    """Without spaces and hyphens."""
    return number.replace(" ", "").replace("-", "")


def _is_card(match: regex.Match | None) -> bool:
    digits = digits_of(match[0].strip(",;/|\t\r\n ")) if match else ""
    return luhn(digits) and bool(_NETWORKS.fullmatch(digits) or _DEBIT.fullmatch(digits))


def stands_apart(text: str, start: int, end: int) -> bool:
    """Whether text[start:end] is no piece of something longer: a decimal, a date, a row of a table. A row of cards is
    none: each stands beside another one."""
    left, right = before(text, start), after(text, end)
    table = in_table(text, start, end)
    if not table and _ENDS_LEFT.search(left) and _ENDS_RIGHT.match(right):
        return True
    row = left.rpartition("\n")[2] + right.partition("\n")[0]
    begins, ends = _ENDS_LEFT.search(left) or left[-1:] == ",", _ENDS_RIGHT.match(right) or right[:1] == ","
    if begins and ends and not table and _WORDS.search(row):
        return True  # a field of a row that holds words
    beside_left, beside_right = _is_card(_CARD_LEFT.search(left)), _is_card(_CARD_RIGHT.match(right))
    goes_on_left = (table and left[-1:] == " " and left[-2:-1].isdigit()) or not _ENDS_LEFT.search(left)
    goes_on_right = (table and right[:1] == " " and right[1:2].isdigit()) or not _ENDS_RIGHT.match(right)
    return (beside_left or beside_right) and (beside_left or not goes_on_left) and (beside_right or not goes_on_right)


class CreditCardRecognizer(InContext, predefined_recognizers.CreditCardRecognizer):
    """presidio's pattern and Luhn check beside a word such as `card` or 卡; elsewhere only numbers of a length and in
    groups that some network issues. A tenth of all numbers pass Luhn; of those of 16 digits from 3 to 6, none of
    documentation did (217 MB)."""

    DIGITS: ClassVar[dict[str, Iterable[int]]] = {
        "All Credit Cards (weak)": (4, *range(7, 18)),
        "as issued": (4, *range(13, 20)),
    }
    _BEHIND_FOUR = r"(?:\d{9,15}|([ -])\d{4}\1\d{4}\1\d{4}|([ -])\d{6}\2\d{4,5})"
    _AS_WRITTEN = regex.compile(rf"\d{{4}}{_BEHIND_FOUR}")
    _MASTERCARD_2 = regex.compile(r"2[2-7]\d{2}([ -])\d{4}\1\d{4}\1\d{4}")
    """Mastercard's range of 2017, in groups only: 2702159776422298 is the mantissa of 0.3."""
    _WORD = regex.compile(
        r"(?:\b(?:card|visa|master ?card|amex|american express|credit|debit|diners|discover|jcb|maestro|unionpay|karte|"
        r"carte|tarjeta)|卡|银联|銀聯|карт|カード)[^\d\n]{0,20}$",
        regex.IGNORECASE | regex.ASCII,
    )

    def __init__(self) -> None:
        as_issued = apart(*_NAMES, begins=r"[1-6]\d{3}") + self._BEHIND_FOUR + "(?![A-Za-z0-9_])"
        super().__init__(patterns=[*self.PATTERNS, Pattern("as issued", as_issued, 0.3)])

    def keep(self, text: str, start: int, end: int) -> bool:
        """A number as a network writes it, or beside a word for cards and not all one digit."""
        number = text[start:end]
        digits = digits_of(number)
        left = before(text, start)
        goes_on = left[-2:-1].isdigit() and left[-1:] in ".,:/+-"
        if not goes_on and self._WORD.search(left) and (len(digits) <= 16 or digits[0] == "4"):  # longer: CN_BANK_CARD
            return len(set(digits)) > 1
        if _ORDERED.search(left):
            return False
        issued = self._AS_WRITTEN.fullmatch(number) and _NETWORKS.fullmatch(digits)
        return bool(issued or self._MASTERCARD_2.fullmatch(number)) and stands_apart(text, start, end)


class BankCardRecognizer(InContext, PatternRecognizer):
    """Debit cards of Chinese banks, 16-19 digits with Luhn: UnionPay's 17-19, older ranges of the large banks, and any
    after 银行卡 or 账号. UnionPay's 16 digits are CREDIT_CARD, as in presidio."""

    DIGITS: ClassVar[dict[str, Iterable[int]]] = {"card": (4, 6, *range(16, 20))}
    _NAME = regex.compile(r"(?:银行卡|储蓄卡|借记卡|工资卡|卡号|账号|帐号|账户|帐户|開戶|开户行|收款)[^\d\n]{0,14}$")

    def __init__(self) -> None:
        behind_four = r"(?:\d{12,15}|([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{1,3})?|\d{2}[ -]\d{10,13})"
        number = apart(*_NAMES, begins=r"\d{4}") + behind_four
        super().__init__(
            supported_entity="CN_BANK_CARD",
            supported_language="zh",
            patterns=[Pattern("card", rf"{number}(?![A-Za-z0-9_])", 0.4)],
        )

    def validate_result(self, pattern_text: str) -> bool:
        """Luhn, and not all one digit."""
        digits = digits_of(pattern_text)
        return len(set(digits)) > 1 and luhn(digits)

    def keep(self, text: str, start: int, end: int) -> bool:
        """In an issuer's range, or after a name for it; no piece of something longer."""
        left, right = before(text, start), after(text, end)
        if not (_DEBIT.fullmatch(digits_of(text[start:end])) or self._NAME.search(left)):
            return False
        alone = _ENDS_LEFT.search(left) and _ENDS_RIGHT.match(right)
        return bool(alone) or stands_apart(text, start, end)
