"""Made-up values in the place of personal data: right in form, the same for the same value and key, and nobody's where
there are values that nobody has.

Reserved: example.com, .net, .org (RFC 2606); 192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24 (RFC 5737), 2001:db8::/32
(RFC 3849); 555-0100 to 0199 of every North American area (NANPA); 020 7946 0xxx and 07700 900xxx (Ofcom); cards that
payment services publish for tests; social security numbers of area 666 and resident numbers of order 000, which are not
issued. China has no such telephone numbers: the first three digits stay, the others are drawn, and may be somebody's.
"""

import hmac
import ipaddress
import re
from collections.abc import Callable, Sequence
from hashlib import sha256

from gristmill.filters.patterns import lazy_pattern
from gristmill.filters.pii.fold import fold
from gristmill.filters.pii.operators.audit import normal_form
from gristmill.filters.pii.recognizers.checksums import resident_check


def _listed(words: str) -> list[str]:
    return words.split()


TEST_CARDS = _listed(
    "4111111111111111 4242424242424242 4012888888881881 4000056655665556 5555555555554444 5105105105105100 "
    "5200828282828210 2223003122003222 378282246310005 371449635398431 6011111111111117 6011000990139424 "
    "3530111333300000 3566002020360505 30569309025904 38520000023237 6200000000000005 6205500000000000004"
)
"""Published by Stripe, Adyen, PayPal and networks for tests."""
_GIVEN = _listed(
    "Alice Brian Carol David Emma Frank Grace Henry Irene James Karen Louis Megan Nathan Olivia Peter Quinn "
    "Rachel Simon Teresa Ursula Victor Wendy Xavier Yvonne Zachary Anna Bernard Clara Dennis Ellen Felix Helen "
    "Ian Julia Kevin Laura Martin Nora Oscar Paula Robert Susan Thomas"
)
_SURNAMES = _listed(
    "Adams Baker Carter Dawson Ellis Fisher Graham Harris Irving Jensen Keller Lawson Mason Norris Osborne "
    "Palmer Quigley Reeves Saunders Turner Underwood Vaughan Watson Young Abbott Barnes Collins Dixon Emerson "
    "Foster Grant Hudson Ingram Jordan Knight Lowell Morris Newton Porter Ramsey Sutton Tucker Walsh"
)
_CHINESE_SURNAMES = "王李林何高周徐朱胡郭江石田方金史白姚沈汪曾曹魏余杜丁薛邱雷江尹黎易常武康"
_CHINESE_GIVEN = "明文志安平子雨心佳宇天海山川竹梅春秋冬月星晨光和正玉青雪可以家美立民生如若思念永久成功士良"
"""Characters that are written alike in both scripts."""
_FOREIGN = _listed("安娜 玛丽 约翰 彼得 保罗 露西 托马斯 马丁 艾玛 凯文 索菲 大卫 罗伯特 海伦 卡尔 诺拉")
_STREETS = _listed("Maple Cedar Willow Juniper Chestnut Hillside Meadow Orchard Lakeview Garden Station Mill")
_KINDS = _listed("Street Avenue Road Lane Drive")
_ROADS = _listed("示范路 样例路 光明路 和平路 花园路 文化路 建设路 新华路")
_CITIES = _listed("北京市 上海市 广州市 杭州市 成都市 武汉市 南京市 西安市")
_TITLES = frozenset(_listed("mr mrs ms miss mx dr prof sir dame lord lady rev"))
_WORD = lazy_pattern(r"[A-Za-zÀ-ɏ]+(?:['’-][A-Za-zÀ-ɏ]+)*")
_HAN = lazy_pattern(r"[\u3400-\u9fff]")


class _Draw:
    """Numbers drawn by key and value: HMAC-SHA256 in counter mode."""

    def __init__(self, key: bytes, what: str, value: str):
        self._key, self._message, self._count = key, f"surrogate\0{what}\0{value}".encode(), 0

    def below(self, n: int) -> int:
        """A number from 0 to n - 1."""
        self._count += 1
        drawn = hmac.new(self._key, self._message + self._count.to_bytes(4, "big"), sha256).digest()
        return int.from_bytes(drawn[:8], "big") % n

    def of(self, choices: Sequence[str]) -> str:
        """One of them."""
        return choices[self.below(len(choices))]

    def digits(self, n: int) -> str:
        """So many digits."""
        return "".join(str(self.below(10)) for _ in range(n))


def surrogate(key: bytes, entity: str, value: str) -> str:
    """What stands for `value`, of a type of ENTITIES: a function of the key and of the value's normal form, written as
    the value is. Secrets become their tag: nobody learns from one."""
    plain = fold(value)
    if entity == "PERSON":
        return _person(key, plain)
    draw = _Draw(key, entity, one_form(entity, plain))
    return _MAKERS.get(entity, _alike)(plain, draw)


_GROUPED = frozenset(_listed("IBAN_CODE CN_PLATE HK_ID KR_RRN CN_RESIDENT_ID"))
"""Types whose values have letters, and are written in groups, too."""


def one_form(entity: str, value: str) -> str:
    """The normal form, and as one what it tells apart: a Chinese mobile number and one of North America with and
    without their countries' codes, groups of an IBAN or a plate, zeros of an IPv6 address."""
    normal = normal_form(value)
    if entity == "PHONE_NUMBER":
        number = re.fullmatch(r"(?:0086|86)(1[3-9]\d{9})", normal)
        if re.match(r"\s*(?:\+1|001|1\D)", value):  # 13812345678 is Chinese
            number = re.fullmatch(r"(?:00)?1([2-9]\d{2}[2-9]\d{6})", normal)
        return number[1] if number else normal
    if entity in _GROUPED:
        return re.sub(r"[ \-·•.()]", "", normal)
    if entity == "IP_ADDRESS":
        try:
            return str(ipaddress.ip_interface(normal).ip)
        except ValueError:
            return normal
    return normal


def _alike(value: str, draw: _Draw) -> str:
    """Digits for digits, letters for letters."""
    return "".join(
        str(draw.below(10)) if c.isdigit() else chr(65 + draw.below(26)) if "A" <= c <= "Z"
        else chr(97 + draw.below(26)) if "a" <= c <= "z" else c
        for c in value
    )  # fmt: skip


def _as_written(value: str, digits: str) -> str:
    """`digits` in the places of those of a value; without its marks where they are fewer or more."""
    places = [i for i, c in enumerate(value) if c.isalnum()]
    if len(places) != len(digits):
        return digits
    written = list(value)
    for place, digit in zip(places, digits, strict=True):
        written[place] = digit
    return "".join(written)


def _mail(value: str, draw: _Draw) -> str:
    name = f"{draw.of(_GIVEN)}.{draw.of(_SURNAMES)}{draw.below(1000)}".lower()
    return f"{name}@example.{draw.of(('com', 'net', 'org'))}"


def _phone(value: str, draw: _Draw) -> str:
    parts = re.match(r"([+()0-9\s.\-/]*[0-9]\)?)([^0-9]*)(.*)", value, re.DOTALL)
    if parts is None or sum(c in "0123456789" for c in parts[1]) < 5:
        return _alike(value, draw)
    head, mark, extension = parts.groups()
    digits = re.sub(r"\D", "", head)
    national = re.fullmatch(r"(001|1)?[2-9]\d{2}[2-9]\d{6}", digits)
    chinese = re.fullmatch(r"1[3-9]\d{9}", digits) and not re.match(r"\+|1\D", head)
    if national and not chinese and (digits[0] == "1" or head[0] != "+"):
        area = f"{2 + draw.below(8)}{draw.below(9)}{2 + draw.below(8)}"
        fake = digits[:-10] + area + f"55501{draw.below(100):02}"
    elif british := re.fullmatch(r"(44|0044|0)(0?)(7\d{9}|[12]\d{8,9})", digits):
        new = f"7700900{draw.below(1000):03}" if british[3][0] == "7" else f"2079460{draw.below(1000):03}"
        fake = british[1] + british[2] + new
    elif mobile := re.fullmatch(r"(0086|86)?(1[3-9]\d)\d{8}", digits):
        fake = (mobile[1] or "") + mobile[2] + draw.digits(8)
    else:
        drawn = min(7, max(len(digits) - 3, 4))
        fake = digits[:-drawn] + str(2 + draw.below(8)) + draw.digits(drawn - 1)
    return _as_written(head, fake) + mark + _alike(extension, draw)


def _card(value: str, draw: _Draw) -> str:
    digits = re.sub(r"\D", "", value)
    alike = [card for card in TEST_CARDS if card[:1] == digits[:1] and len(card) == len(digits)]
    return _as_written(value, draw.of(alike or [card for card in TEST_CARDS if len(card) == 16]))


def _resident(value: str, draw: _Draw) -> str:
    number = re.sub(r"[ -]", "", value)
    if not re.fullmatch(r"[0-9]{17}[0-9Xx]", number):
        return _alike(value, draw)
    date = f"{1950 + draw.below(55)}{1 + draw.below(12):02}{1 + draw.below(28):02}"
    first = f"{number[:2]}{draw.digits(4)}{date}000"
    return _as_written(value, first + resident_check(first))


def _iban(value: str, draw: _Draw) -> str:
    code = value.replace(" ", "").replace("-", "").upper()
    if not re.fullmatch(r"[A-Z]{2}[A-Z0-9]{10,32}", code):
        return _alike(value, draw)
    bank = "".join("0" if c.isdigit() else c for c in code[4:8]) + _alike(code[8:], draw)
    rest = int("".join(str(int(c, 36)) for c in bank + code[:2] + "00")) % 97
    return _as_written(value, f"{code[:2]}{98 - rest:02}{bank}")


def _host(value: str, draw: _Draw) -> str:
    address, mark, rest = re.match(r"([^/%]*)([/%]?)(.*)", value).groups()  # type: ignore[union-attr]
    if ":" in address:
        return f"2001:db8:{draw.below(1 << 16):x}::{1 + draw.below(65535):x}{mark}{rest}"
    return f"{draw.of(('192.0.2', '198.51.100', '203.0.113'))}.{1 + draw.below(254)}{mark}{rest}"


def _ssn(value: str, draw: _Draw) -> str:
    return _as_written(value, f"666{1 + draw.below(99):02}{1 + draw.below(9999):04}")


def _address(value: str, draw: _Draw) -> str:
    if _HAN.search(value):
        return f"{draw.of(_CITIES)}示例区{draw.of(_ROADS)}{1 + draw.below(400)}号"
    street = f"{100 + draw.below(9800)} {draw.of(_STREETS)} {draw.of(_KINDS)}"
    return f"{street}, Springfield" if "," in value else street


def _wechat(value: str, draw: _Draw) -> str:
    return value if not value else f"wxid_{''.join(draw.of('abcdefghijkmnpqrstuvwxyz23456789') for _ in range(12))}"


def _secret(entity: str) -> Callable[[str, _Draw], str]:
    return lambda value, draw: f"<{entity}>"


def _person(key: bytes, name: str) -> str:
    """Word by word: who is called Laura Whitfield in one place and Ms Whitfield in another stays one person."""
    if _HAN.search(name):
        return _chinese_person(key, name)
    words = list(_WORD.finditer(name))
    named = [word for word in words if word[0].lower() not in _TITLES]
    pieces, at = [], 0
    for word in words:
        pieces.append(name[at : word.start()])
        at = word.end()
        if word not in named:
            pieces.append(word[0])
            continue
        last = word is named[-1] and (len(named) > 1 or len(words) > 1)
        what, table = ("surname", _SURNAMES) if last else ("given", _GIVEN)
        new = _Draw(key, what, word[0].casefold()).of(table)
        new = new[0] if len(word[0]) == 1 else new
        pieces.append(new.upper() if word[0].isupper() else new.lower() if word[0].islower() else new)
    return "".join([*pieces, name[at:]])


def _chinese_person(key: bytes, name: str) -> str:
    parts = re.split(r"([·・•\s])", name)
    if len(parts) > 1 or len(name) > 4:
        return "".join(_Draw(key, "foreign", part).of(_FOREIGN) if _HAN.search(part) else part for part in parts)
    surname, given = (name[:2], name[2:]) if len(name) == 4 else (name[:1], name[1:])
    draw = _Draw(key, "given", given)
    return _Draw(key, "surname", surname).of(_CHINESE_SURNAMES) + "".join(draw.of(_CHINESE_GIVEN) for _ in given)


_MAKERS: dict[str, Callable[[str, _Draw], str]] = {
    "EMAIL_ADDRESS": _mail,
    "PHONE_NUMBER": _phone,
    "CREDIT_CARD": _card,
    "CN_RESIDENT_ID": _resident,
    "IBAN_CODE": _iban,
    "IP_ADDRESS": _host,
    "US_SSN": _ssn,
    "ADDRESS": _address,
    "WECHAT_ID": _wechat,
    "URL": lambda value, draw: f"https://example.com/{draw.below(1 << 32):08x}",
    **{entity: _secret(entity) for entity in ("URL_CREDENTIALS", "PRIVATE_KEY", "API_KEY", "SECRET")},
}
