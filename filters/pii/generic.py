"""presidio's recognizers for data written alike everywhere, made right beside Chinese and quiet on documentation."""

import ipaddress
from functools import cache

import regex
import tldextract

from filters.pii.patterns import LEFT, RIGHT, InContext, after, before
from filters.pii.presidio import Pattern, predefined_recognizers

_LETTER = "A-Za-z0-9À-ÖØ-öø-ɏ"

_MAIL = (
    rf"[{_LETTER}_][{_LETTER}_.%+-]{{0,63}}+@"  # RFC 5321: 64 characters; bounded, or a long run costs its square
    rf"(?:[{_LETTER}](?:[{_LETTER}-]{{0,61}}[{_LETTER}])?\.){{1,8}}"
    r"(?:[A-Za-z]{2,24}|xn--[A-Za-z0-9-]{2,59})(?![A-Za-z0-9_-])"
)

_ALGORITHM = regex.compile(r"@(?:openssh\.com|libssh\.org|lysator\.liu\.se)$")
"""Names of SSH algorithms and extensions are local parts at their inventor's domain (RFC 4251, section 6)."""

_PERSON_AT_OPENSSH = regex.compile(r"[a-z]+@", regex.IGNORECASE)
_NO_PERSON = {
    "zlib",
    "none",
    "tun",
    "hostkeys",
    "keepalive",
    "statvfs",
    "fstatvfs",
    "hardlink",
    "fsync",
    "lsetstat",
    "limits",
}


@cache
def _suffixes() -> tldextract.TLDExtract:
    """The public suffix list that tldextract brings; it must neither be fetched nor cached on disk."""
    return tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)


class EmailRecognizer(InContext, predefined_recognizers.EmailRecognizer):
    """presidio's, with a local part that ends at Chinese, `=` and quotes, and a suffix list that needs no network."""

    def __init__(self) -> None:
        super().__init__(patterns=[Pattern("address", _MAIL, 0.5)])

    def validate_result(self, pattern_text: str) -> bool:
        """Whether the domain ends in a public suffix. presidio asks about the whole, and `a.net/b@2x.png` passes."""
        return bool(_suffixes()(pattern_text.rpartition("@")[2]).fqdn)

    def keep(self, text: str, start: int, end: int) -> bool:
        """Not `git@host:path` nor `aes128-gcm@openssh.com`: these name a repository and an algorithm."""
        local = text[start : text.index("@", start)].lower()
        if local in ("git", "hg", "svn") and after(text, end).startswith((":", "/")):
            return False
        if _ALGORITHM.search(text[start:end].lower()):
            return local.isalpha() and local not in _NO_PERSON
        return True


class CreditCardRecognizer(InContext, predefined_recognizers.CreditCardRecognizer):
    """presidio's pattern and Luhn check beside a word such as `card` or 卡; elsewhere only numbers that some network
    issues, of its length, in its groups: of any 16-digit numbers a tenth pass Luhn."""

    _GROUPED = regex.compile(r"\d+|\d{4}([ -])\d{4}\1\d{4}\1\d{4}|\d{4}([ -])\d{6}\2\d{4,5}")
    _ISSUED = regex.compile(
        r"4\d{12}(?:\d{3}){0,2}"  # Visa: 13, 16, 19
        r"|(?:5[1-5]\d{2}|222[1-9]|22[3-9]\d|2[3-6]\d{2}|27[01]\d|2720)\d{12}"  # Mastercard
        r"|3[47]\d{13}"  # American Express
        r"|3(?:0[0-5]|09|[689]\d)\d{11}"  # Diners Club
        r"|(?:35(?:2[89]|[3-8]\d)|6011|64[4-9]\d|65\d{2}|62\d{2}|220[0-4])\d{12}"  # JCB, Discover, UnionPay, Mir
    )
    _WORD = regex.compile(
        r"\b(?:card|visa|master ?card|amex|american express|credit|debit|diners|discover|jcb|maestro|unionpay|karte|carte|"
        r"tarjeta)|卡|银联|銀聯|карт|カード",
        regex.IGNORECASE | regex.ASCII,
    )

    def __init__(self) -> None:
        issued = r"(?:[456]\d{3}|3\d{3}|2[2-7]\d{2})"
        grouped = rf"{LEFT}{issued}(?:\d{{9,12}}|([ -])\d{{4}}\1\d{{4}}\1\d{{4}}|([ -])\d{{6}}\2\d{{4,5}}){RIGHT}"
        super().__init__(patterns=[*self.PATTERNS, Pattern("issued numbers", grouped, 0.3)])

    def keep(self, text: str, start: int, end: int) -> bool:
        """A number of a network, or beside a word for cards and not all one digit."""
        number = text[start:end]
        digits = number.replace(" ", "").replace("-", "")
        if self._WORD.search(before(text, start)):
            return len(set(digits)) > 1
        whole = not (before(text, start)[-2:-1].isdigit() and before(text, start)[-1:] in ".,:/+-")
        return bool(whole and self._GROUPED.fullmatch(number) and self._ISSUED.fullmatch(digits))


_NOT_A_HOST = [ipaddress.ip_network(n) for n in (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4")]  # fmt: skip
"""RFC 6890 and IANA's registry of special addresses, without the three documentation networks: 203.0.113.7 stands for
somebody's address and is masked like one, as user@example.com is. Not ipaddress.is_global: it changed between patch
releases of Python."""
_GLOBAL_6 = ipaddress.ip_network("2000::/3")

_VERSION_BEFORE = regex.compile(
    r"(?:\b(?:versions?|ver|v|release|rev|revision|build|sections?|sect|chapter|clause|part|article|appendix|annex|figure|"
    r"fig|table|step|rule|rfc|sdk|driver|firmware|kernel|patch|update|upgrade|oid)|§|版本号?|版|第|章节?|节|条|附录|表|图|固件|内核)"
    r"[\s:：.#=(（\"'-]{0,4}(?:number|no\.?|号|为|是|to|from)?[\s:：]{0,2}$"
    r"|[A-Za-z]-$|(?<!ip|host|addr|address|//[\w.]{0,18})(?<=[A-Za-z])/$|\d\.$",
    regex.IGNORECASE | regex.ASCII,
)
_VERSION_AFTER = regex.compile(
    r"\.[A-Za-z0-9_]|-[A-Za-z0-9]|\s{0,2}(?:版|节|章|及以上|以上|以及更高|or (?:later|newer|above|higher)|and (?:later|newer|above|up)\b)"
)
_HEADING_AFTER = regex.compile(r"\.?[ \t]{1,3}[\p{Lu}\p{Han}]|\.[ \t]")
_NETWORK = regex.compile(
    r"\b(?:ip(?:v4)?|hosts?|addr|address(?:es)?|servers?|dns|ping|nameserver|gateway|proxy|https?|ssh|telnet|curl|wget|"
    r"port|from|via|route|subnet|netmask|client|peer|visitor|user|login)\b|@|//|^:\d|^/\d|地址|服务器|主机|网关|域名|解析|访问|连接|登录|"
    r"来自|来源|адрес|アドレス|주소",
    regex.IGNORECASE | regex.ASCII,
)


class IpRecognizer(InContext, predefined_recognizers.IpRecognizer):
    """presidio's, for addresses that can be somebody's: not private, loopback, multicast or a network, not a version."""

    def invalidate_result(self, pattern_text: str) -> bool:
        """True for what is no address, or none that a person can have."""
        try:
            interface = ipaddress.ip_interface(pattern_text)
        except ValueError:
            return True
        if interface.network.prefixlen < interface.max_prefixlen and interface.ip == interface.network.network_address:
            return True  # 46.51.192.0/20: a range of addresses
        address: ipaddress.IPv4Address | ipaddress.IPv6Address | None = interface.ip
        if isinstance(address, ipaddress.IPv6Address):
            if address in _GLOBAL_6:
                return False
            address = address.ipv4_mapped
        if address is None or any(address in network for network in _NOT_A_HOST):
            return True
        return address.packed[3] == 0 or address.packed[2:] == b"\xff\xff"  # where a range starts or ends

    def keep(self, text: str, start: int, end: int) -> bool:
        """Not a version or section number. Four numbers below 20 need a word such as `host` nearby."""
        address = text[start:end]
        if ":" in address:
            return True
        left, right = before(text, start), after(text, end)
        if _VERSION_BEFORE.search(left) or _VERSION_AFTER.match(right):
            return False
        largest = max(int(number) for number in address.partition("/")[0].split("."))
        if largest < 64 and (not left.strip(" ") or left.rstrip(" ").endswith("\n")) and _HEADING_AFTER.match(right):
            return False
        near = left.rpartition("\n\n")[2]
        return largest >= 20 or "/" in address or bool(_NETWORK.search(near) or _NETWORK.search(right))


class IbanRecognizer(InContext, predefined_recognizers.IbanRecognizer):
    """presidio's, as it is: country, length and check digits leave little to chance."""


class CryptoRecognizer(InContext, predefined_recognizers.CryptoRecognizer):
    """presidio's, as it is: Bitcoin addresses carry a checksum of 30 bits or more."""


class UsSsnRecognizer(InContext, predefined_recognizers.UsSsnRecognizer):
    """presidio's pattern in groups of 3-2-4, and nine digits after the words. Not its patterns of score 0.05, which take
    every number of nine digits."""

    def __init__(self) -> None:
        named = r"\b\d{9}\b(?<=\b(?:ssn|social security(?: number| no)?)[\s:#.=is]{0,6}\d{9})"
        patterns = [pattern for pattern in self.PATTERNS if pattern.score >= 0.4]
        super().__init__(patterns=[*patterns, Pattern("after its name", named, 0.5)])

    def keep(self, text: str, start: int, end: int) -> bool:
        """Not a piece of a longer number."""
        left, right = before(text, start), after(text, end)
        return not (left[-1:] in ".-/" and left[-2:-1].isdigit()) and not (right[:1] in ".-/" and right[1:2].isdigit())
