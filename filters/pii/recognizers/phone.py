"""Telephone numbers: phonenumbers' metadata, as in presidio, on what is written like one.

presidio asks phonenumbers about every group of digits, once per region: 700 hits on 4,000 pages of documentation,
nearly all of them timestamps, sizes and decimals, in 20 of its 25 seconds. Here a number must begin with +, be grouped
as numbers are where it is valid, stand among Chinese, or follow a word such as `phone` or 电话.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
import regex
from phonenumbers import Leniency

from gristmill.filters.pii.presidio import RecognizerResult, predefined_recognizers
from gristmill.filters.pii.recognizers.patterns import FLAGS, REMEMBERED, after, before, in_table, outer
from gristmill.filters.pii.recognizers.runs import LONGEST, bits, runs
from gristmill.filters.pii.scan import Match

_GLUED = r"(?<=(?<![A-Za-z])(?i:tel|phone|mobile|mob|fax|cell|whatsapp|call))"
_LEFT = r"(?<![A-Za-z0-9_+])(?<![A-Za-z]/|\d[./-]|\d[ ]\()"
_GLUED_LEFT = rf"(?:(?<![A-Za-z0-9_+])|{_GLUED})(?<![A-Za-z]/|\d[./-]|\d[ ]\()"
_RIGHT = r"(?:(?![A-WYZa-wyz0-9_]|[.-]\d)|(?=(?i:vx|wx|qq|v信)(?![A-Za-z])))"
"""Words that people write against a number; an x may follow: "x123" is an extension, and stays in the text."""

_REGIONS = (*predefined_recognizers.PhoneRecognizer.DEFAULT_SUPPORTED_REGIONS, "CN", "HK", "TW", "JP", "KR", "RU")
"""presidio's, and those of the languages that this product is for."""

_WORD = (
    r"(?:\b(?:(?:tele|cell)?phones?|tel|mobile|cell|call|caller|fax|whatsapp|hotline|contact|dial|ph|mob|sms|telefone?|telefax|"
    r"handy|mobil|rufnummer|portable|celular|(?:reach|text|ring) (?:me|us|him|her)|number is)\b|"
    r"\btél(?:éphone)?(?![a-zéè])|tel[eé]fono|m[oó]vil|"
    r"(?<![А-Яа-я])(?:[Тт]ел|[Тт]елефон|ТЕЛ|[Мм]об|[Фф]акс)(?![а-я])|☎|📞|📱|电话(?![机亭簿])|電話(?![機亭簿])|手机|手機|联系|聯繫|聯絡|致电|拨打|热线|熱線|专线|"
    r"座机|传真|傳真|咨询|短信|携帯|ファックス|전화|연락처|휴대|팩스)"
    r"[^\d\n]{0,14}\n?[^\d\n]{0,6}"
)
_WORDS = regex.compile(_WORD + "$", regex.IGNORECASE | regex.ASCII)
_SOME_WORD = regex.compile(r"(?r)[A-Za-z\u00c0-\U0010ffff]\D*\Z", regex.ASCII)
"""A letter or a sign before the number with no digit between: what _WORDS needs, and tables do not have."""
_LETTER = regex.compile(r"[A-Za-z\u00c0-\U0010ffff]", regex.ASCII)
_AMERICAN = regex.compile(r"1?[2-9]\d{2}[2-9]\d{6}")
_CHINESE_WORDS = regex.compile(r"(?:电话|電話|座机|热线|专线|传真|傳真|致电|拨打|联系方式)[\s:：是为]{0,4}$")
_NO_NUMBER = regex.compile(
    r"^\+?\d+\.\d+$|^\d{1,3}(?:\.\d{1,3}){3}(?:/\d+)?$|(?<!\d)[12]\d{3}[-/.][01]\d[-/.][0-3]\d(?!\d)"
)
"""A decimal fraction, an IP address, a date."""
_HAN = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]")
_CYRILLIC = regex.compile(r"\p{Cyrillic}")
_MEASURE = regex.compile(
    r"\s?(?:字节|个|元|次|条|位|人(?![事员員名])|秒|毫秒|行(?![政业长程李])|股|手(?![机機持])|份|吨|公斤|千克|亿|万(?![达科通家豪国丽总先女经寿])|"
    r"件|台(?![湾灣北中南州商胞])|户(?![主籍])|笔|页|字|部(?![门門长長])|美元|平方|人次|円|株|원|주(?!민)|"
    r"bytes?|B\b|KB|MB|ms\b|\.\d|%)",
    regex.IGNORECASE,
)
_COUNTED = regex.compile(
    r"(?:[量额額数數]|成交|库存|市值|股本|[单單物货貨流水序批文案证證票型工学學书書版标標件箱提仓][号號]码?|票号码|编号|編號|代码|条形?码|"
    r"取引高|출고량|거래량)(?:[:：]|\s|[为為是約约达達共])*+$|第\s?$"
)
"""What no telephone number follows."""
_NUMBERED = regex.compile(
    r"(?:(?:[单單物貨货流水序批文案票工型学學书書版标標件箱提仓][号號]码?|[发發]票号码|编号|編號)[:：为為是]?|"
    r"\b(?:isbn|issn|sku|order|invoice|tracking|serial|part|model|ticket|case|pages?)\s?(?:no\.?|number|id|#)?[:#=-]?)\s{0,2}$",
    regex.IGNORECASE,
)
"""What a number follows that is grouped like one for a telephone, and is none."""
_EXTENSION = r"(?P<ext>-\d{1,5}| ?(?:转|轉|分机|分機|内线|內線|#|x)[ -]?\d{1,6})?"
_LANDLINE_NEXT = regex.compile(r"[ \t]?[/、,，；;或][ \t]?([2-9]\d{2,3}[ -]?\d{4})(?![\d.%/-]|,\d)", regex.ASCII)
"""A Chinese landline behind another one: it has the same area."""
_FIELD_LEFT, _FIELD_RIGHT = regex.compile(r"[,\t|;，][\"' ]?$"), regex.compile(r"[\"' ]?(?:[,\t|;，\r\n]|$)")
_ROW_LEFT, _ROW_RIGHT = regex.compile(r"[^\r\n]*$"), regex.compile(r"[^\r\n]*")
"""A field of a table that is written with marks between, and the row around it."""
_NEXT = regex.compile(r"[ \t]?[,，、/;；|或 \t][ \t]?")
"""Between numbers in a row, of which the first is announced."""
_HAN_DISTANCE = 8
_LONGEST = 100
"""Characters that no shape goes beyond, with what it looks at after it: 15 digits with four marks between at most."""


@dataclass(frozen=True)
class _Shape:
    """A way to write numbers, and what must stand around one. regions: where phonenumbers must know it; None: where its
    country code says; empty: the shape is enough (area codes of North America change, and examples use free ones)."""

    pattern: str
    regions: tuple[str, ...] | None
    leniency: int = Leniency.VALID
    where: str = "anywhere"
    score: float = 0.5
    left: str = _LEFT
    extension: str = "(?P<ext>)"
    landline: bool = False
    """Whether others of its area may stand behind it."""
    digits: Iterable[int] = range(1, LONGEST + 1)
    """Lengths of runs of digits of which each number holds one whole."""

    def compiled(self) -> regex.Pattern:
        return regex.compile(self.left + self.pattern + self.extension + _RIGHT, FLAGS)


_DIGIT = r"[ .()/-]{0,3}\d"
_SHAPES = (
    _Shape(rf"(?:\+|00(?=86))\(?\d(?:{_DIGIT}){{6,14}}", None, score=0.75, left=rf"(?:(?<![A-Za-z0-9_+])|{_GLUED})"),
    _Shape(r"(?=[(\d])(?:(?:00)?1[ .-])?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[.-])[2-9]\d{2}[ .-]\d{4}", (), digits=(3,)),
    _Shape(r"(?=\d)(?:1 )?[2-9]\d{2} [2-9]\d{2} \d{4}", ("US",), digits=(3,)),
    _Shape(
        r"(?:86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}",
        ("CN",),
        where="chinese",
        left=_GLUED_LEFT,
        digits=(2, 3, 5, 7, 9, 11, 13),
    ),
    _Shape(r"0(?:9\d{8}|[789]0\d{8}|1[016789]\d{7,8})", ("TW", "JP", "KR"), where="chinese", digits=(10, 11)),
    _Shape(
        r"(?:\(0\d{2,3}\)[ -]?|0\d{2,3}[ -])\d{3,4}[ -]?\d{4}",
        ("CN",),
        left=_GLUED_LEFT,
        extension=_EXTENSION,
        landline=True,
        digits=(3, 4),
    ),
    _Shape(r"8[ -]?\(\d{3,5}\)[ -]?\d{1,3}[ -]?\d{2}[ -]?\d{2}", ("RU",), digits=(1,)),
    _Shape(r"8[ -]\d{3}[ -]\d{3}[ -]\d{2}[ -]\d{2}", ("RU",), digits=(3,)),
    _Shape(r"8[3489]\d{9}", ("RU",), where="russian", digits=(11,)),
    _Shape(
        r"(?=[(]?0[1-9](?:[ .()/-]{0,2}\d){7,11}(?!\d))"
        r"(?:\(0\d{1,5}\)[ ./-]?|0\d{1,5}[ ./-])\d{2,8}(?:([ ./-])\d{2,8}(?:\1\d{2,8}){0,3})?",
        tuple(region for region in _REGIONS if region not in ("US", "CA", "CN", "HK")),  # no 0 there, or shapes above
        Leniency.EXACT_GROUPING,
        digits=range(2, 7),
    ),
    _Shape(r"\(\d{2}\) ?9?\d{4}-\d{4}", ("BR",), digits=(2,)),
    _Shape(
        r"(?=[(]?\d(?:[ .()/-]{0,2}\d){6})"
        r"[(]?\d(?:[ .()-]{0,2}\d){1,5}(?: ?/ ?(?=\d)|[ .()-]{0,2})\d(?:[ .()-]{0,2}\d){0,12}",
        _REGIONS,
        where="named",
        score=0.75,
        left=_GLUED_LEFT,
    ),
    _Shape(
        r"[2-9]\d{2,3}[ -]?\d{4}", (), where="named in Chinese", landline=True, digits=(3, 4, 7, 8)
    ),  # without its area code
)


class PhoneRecognizer(predefined_recognizers.PhoneRecognizer):
    """presidio's, run on candidates of the shapes above instead of the whole text."""

    def __init__(self) -> None:
        super().__init__(supported_regions=_REGIONS)
        self._shapes = [(shape, shape.compiled(), bits(shape.digits)) for shape in _SHAPES]

    def analyze(self, text: str, entities: list[str], *args: object, **options: object) -> list[RecognizerResult]:
        """PHONE_NUMBER results; of those within another the longer."""
        return [RecognizerResult("PHONE_NUMBER", *match) for match in self.matches(text)]

    def matches(self, text: str) -> list[Match]:
        """(start, end, score), in order; of those within another the longer."""
        found: set[Match] = set()
        digits, named = runs(text)[0], _LETTER.search(text) is not None
        for number, (shape, pattern, lengths) in enumerate(self._shapes):
            if not digits & lengths or not (named or shape.where == "anywhere"):
                continue
            last = -1
            rows, extends = shape.where == "chinese", shape.extension == _EXTENSION
            for match in pattern.finditer(text):
                start, end = match.span()
                in_row = rows and 0 <= last < start <= last + 3 and _is_next(text[last:start])
                tail = match.start("ext") if extends and match["ext"] else end
                first, stop = start, tail  # each further one begins behind what was taken, so this ends
                while span := self._accepted(text, first, stop, number, in_row):
                    last = end if span[1] == tail else span[1]
                    found.add((span[0], last, shape.score))
                    if shape.landline:
                        found.update(_landlines_behind(text, last, shape.score))
                    if span[1] >= stop:
                        break
                    rest = pattern.search(text, span[1], stop + _LONGEST)
                    if rest is None or rest.start() >= stop:
                        break
                    first, stop = rest.span()
        return outer(found)

    def _accepted(self, text: str, start: int, end: int, number: int, in_row: bool = False) -> tuple[int, int] | None:
        """The part of a candidate of a shape that is a number, [start, end), if its surroundings or the number before
        allow it."""
        found = _judged(before(text, start), text[start:end], after(text, end), number, in_row)
        return (start + found[0], start + found[1]) if found else None


def _landlines_behind(text: str, end: int, score: float) -> Iterator[Match]:
    """Numbers of a Chinese area in a row, of which the first ends at `end`."""
    while match := _LANDLINE_NEXT.match(text, end):
        end = match.end(1)
        if _MEASURE.match(after(text, end)):
            return
        yield match.start(1), end, score


@lru_cache(maxsize=REMEMBERED)
def _is_next(between: str) -> bool:
    """Whether this stands between two numbers of a row."""
    return _NEXT.fullmatch(between) is not None


@lru_cache(maxsize=REMEMBERED)
def _judged(left: str, candidate: str, right: str, number: int, in_row: bool) -> tuple[int, int] | None:
    """Where in a candidate of a shape its number is, if what stands around or the number before says that it is one."""
    where = _SHAPES[number].where
    if where != "anywhere" and not in_row and not _surrounded(left, right, where):
        return None
    if where == "anywhere" and candidate[0] != "+" and _NUMBERED.search(left):
        return None
    skipped = candidate[0] == "(" and ")" not in candidate  # "热线（138-9817-1578）"
    found = _number(candidate[skipped:], number)
    table = where == "anywhere" and candidate[0] != "+"
    if found is None or (table and in_table(left + candidate + right, len(left), len(left) + len(candidate))):
        return None
    return found[0] + skipped, found[1] + skipped


@lru_cache(maxsize=1 << 14)  # a page names its numbers more than once, and every region costs 100 us
def _number(candidate: str, number: int) -> tuple[int, int] | None:
    """Where in a candidate of a shape its number is, by itself."""
    shape = _SHAPES[number]
    if _NO_NUMBER.search(candidate):
        return None
    if shape.regions is None:
        length = _international(candidate)
        return (0, length) if length else None
    if not shape.regions:
        return 0, len(candidate)
    found = _national(candidate, shape.regions, shape.leniency, shape.where == "named")
    american = shape.where == "named" and _AMERICAN.fullmatch(regex.sub(r"\D", "", candidate))
    return found or ((0, len(candidate)) if american else None)


def _national(candidate: str, regions: tuple[str, ...], leniency: int, part: bool) -> tuple[int, int] | None:
    """Where the first region that knows a number finds it in the candidate: all of it, or a part where that will do."""
    for region in regions:
        for match in phonenumbers.PhoneNumberMatcher(candidate, region, leniency=leniency):
            if part or match.end - match.start == len(candidate):
                return match.start, match.end
    return None


def _international(candidate: str) -> int:
    """Length of the longest number with a country code that ends where a group of digits does; 0 if none. Valid, or in
    groups and of a length that the country has: examples use numbers that nobody was given."""
    number = "+" + candidate[2:] if candidate.startswith("00") else candidate
    for end in reversed([group.end() for group in regex.finditer(r"\d+", number)]):
        try:
            parsed = phonenumbers.parse(number[:end])
        except phonenumbers.NumberParseException:
            continue
        grouped = end > 1 + sum(map(str.isdigit, number[:end]))
        if phonenumbers.is_valid_number(parsed) or (grouped and phonenumbers.is_possible_number(parsed)):
            return end + len(candidate) - len(number)
    return 0


def _surrounded(left: str, right: str, where: str) -> bool:
    """Whether what stands before and after a number says that it is one."""
    if where == "named in Chinese":
        return bool(_CHINESE_WORDS.search(left))
    if _SOME_WORD.search(left) and _WORDS.search(left):
        return not _COUNTED.search(left)
    if where == "named":
        return False
    near = left[-_HAN_DISTANCE:] + right[:_HAN_DISTANCE]
    if _FIELD_LEFT.search(left) and _FIELD_RIGHT.match(right):
        near = _ROW_LEFT.search(left)[0] + _ROW_RIGHT.match(right)[0]
    script = _CYRILLIC if where == "russian" else _HAN
    return bool(script.search(near)) and not _MEASURE.match(right) and not _COUNTED.search(left)
