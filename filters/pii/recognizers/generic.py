"""presidio's recognizers for data written alike everywhere, made right beside Chinese and quiet on documentation."""

import importlib
import ipaddress
from collections.abc import Iterable
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, ClassVar

import regex

from gristmill.filters.imports import Later, standing_in
from gristmill.filters.pii.presidio import Pattern, predefined_recognizers
from gristmill.filters.pii.recognizers.patterns import InContext, after, apart, before, in_table
from gristmill.filters.pii.recognizers.runs import LONGEST
from gristmill.filters.pii.scan import Match

if TYPE_CHECKING:
    import tldextract

LETTER = "A-Za-z0-9À-ÖØ-öø-ɏ"

_LOCAL = 64
"""Characters of the part before the at-sign, at most (RFC 5321); bounded, or a long run costs its square."""
_HOST = (
    rf"@(?:[{LETTER}](?:[{LETTER}-]{{0,61}}[{LETTER}])?\.){{1,8}}"
    r"(?:[A-Za-z]{2,24}|xn--[A-Za-z0-9-]{2,59})(?![A-Za-z0-9_-])"
)
_BEFORE_AT = regex.compile(rf"(?r)(?:(?<![A-Za-z0-9'])[A-Za-z]{{1,3}}')?[{LETTER}_.%+-]*\Z")
"""What may stand before an at-sign: `o'neil` has an apostrophe, `'li` a quote."""

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


def _with(module: str, name: str) -> ModuleType:
    """Stands in for a module of which one class is named at import: that is loaded when it is called."""
    later = Later(module)
    later.__dict__[name] = type(name, (), {"__new__": lambda _: getattr(importlib.import_module(module), name)()})
    return later


@cache
def suffixes() -> "tldextract.TLDExtract":
    """The public suffix list that tldextract brings; it must neither be fetched nor cached on disk.

    requests, which would fetch it, takes a tenth of a second to load: it is where somebody else fetches a list.
    """
    with standing_in(_with("requests", "Session"), _with("requests_file", "FileAdapter")):
        import tldextract

    extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    extract("example.com", session=object())  # it would begin one to ask no address with
    return extract


@cache
def _host() -> regex.Pattern:
    return regex.compile(_HOST, regex.ASCII)


class EmailRecognizer(InContext, predefined_recognizers.EmailRecognizer):
    """presidio's, with a local part that ends at Chinese, `=` and quotes, and a suffix list that needs no network."""

    def __init__(self) -> None:
        super().__init__(patterns=[Pattern("address", _HOST, 0.5)])

    def _of_pattern(self, pattern: Pattern, text: str) -> list[Match]:
        """As InContext's: hosts, and what stands before each. At-signs are few, places where a name could begin are
        not."""
        found, valid, free = [], self._valid, 0
        for host in _host().finditer(text):
            at = host.start()
            left = _BEFORE_AT.search(text[max(free, at - _LOCAL) : at])[0].lstrip(".%+-")
            if not left:
                continue
            if "'" in left and text[host.end() : host.end() + 1] == "'":
                left = left.partition("'")[2]  # u'li@x.org'
            start = at - len(left)
            if valid(text[start : host.end()]):
                if text[start - 1 : start] == "@" and start > free:  # a@b.orgc@d.org: nobody can say where one ends
                    glued = _BEFORE_AT.search(text[max(free, start - 1 - _LOCAL) : start - 1])[0].lstrip(".%+-")
                    start -= len(glued) + 1 if glued else 0
                found.append((start, host.end(), 1.0))
                free = host.end()
        return found

    def validate_result(self, pattern_text: str) -> bool:
        """Whether the domain ends in a public suffix. presidio asks about the whole, and `a.net/b@2x.png` passes."""
        return bool(suffixes()(pattern_text.rpartition("@")[2]).fqdn)

    def keep(self, text: str, start: int, end: int) -> bool:
        """Not `git@host:path` nor `aes128-gcm@openssh.com`: these name a repository and an algorithm."""
        local = text[start : text.index("@", start)].lower()
        if local in ("git", "hg", "svn") and after(text, end).startswith((":", "/")):
            return False
        if _ALGORITHM.search(text[start:end].lower()):
            return local.isalpha() and local not in _NO_PERSON
        return True


_NOT_A_HOST = [ipaddress.ip_network(n) for n in (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4")]  # fmt: skip
"""RFC 6890 and IANA's registry of special addresses, without the three documentation networks: 203.0.113.7 stands for
somebody's address and is masked like one, as user@example.com is. Not ipaddress.is_global: it changed between patch
releases of Python."""
_GLOBAL_6 = ipaddress.ip_network("2000::/3")
_LOCAL_6 = [ipaddress.ip_network(n) for n in ("::/8", "fc00::/7", "fe80::/10", "ff00::/8")]
_VERSION_BEFORE = regex.compile(
    r"(?:\b(?:versions?|ver|v|release|rev|revision|build|sections?|sect|chapter|clause|part|article|appendix|annex|figure|"
    r"fig|table|step|rule|rfc|sdk|driver|firmware|kernel|patch|update|upgrade|oid)|§|版本号?|版|第|章节?|节|条|附录|表|图|固件|内核)"
    r"[\s:：.#=(（\"'-]{0,4}(?:number|no\.?|号|为|是|to|from)?[\s:：]{0,2}$"
    r"|[A-Za-z]-$|(?<!ip|host|addr|address|//[\w.]{0,18})(?<=[A-Za-z])/$|\d\.$",
    regex.IGNORECASE | regex.ASCII,
)
_VERSION_AFTER = regex.compile(
    r"\.[A-Za-z0-9_]|-[A-Za-z0-9]|\s{0,2}(?:版|节|章|及以上|以上|以及更高|or (?:later|newer|above|higher)\b|"
    r"and (?:later|newer|above|up)\b)"
)
_HEADING_AFTER = regex.compile(r"\.?[ \t]{1,3}[\p{Lu}\p{Han}]|\.[ \t]")
_TITLE_AFTER = regex.compile(r"\s?[–—,:-]?\s{0,2}[„“«‘»『「《]")
_NETWORK_BEFORE = regex.compile(
    r"\b(?:ip(?:v4)?|hosts?|addr|address(?:es)?|servers?|dns|ping|nameserver|gateway|proxy|ssh|telnet|curl|wget|"
    r"port|from|via|route|subnet|netmask|client|peer|visitor|user|login)\b|@|://|地址|服务器|主机|网关|域名|解析|访问|连接|登录|"
    r"来自|来源|адрес|アドレス|주소",
    regex.IGNORECASE | regex.ASCII,
)
_NETWORK_AFTER = regex.compile(
    r":\d|/\d|#\d| - - \[|\s?[(（]?(?:ip\b|host|server|port\b|client|地址|服务器|主机)", regex.IGNORECASE
)


class IpRecognizer(InContext, predefined_recognizers.IpRecognizer):
    """presidio's, for addresses that can be somebody's: not private, loopback, multicast, a network or a version."""

    NEEDS: ClassVar[dict[str, str]] = dict.fromkeys(("IPv4_mapped", "IPv4_embedded", "IPv6", "IPv6_unspecified"), ":")

    _NAME = r"(?<=(?<![A-Za-z])(?i:ip|ipv[46]|addr|host))"
    """Is written against an address, too: 登录IP8.8.8.8."""

    def __init__(self) -> None:
        begins = r"(?<![\w:])"  # what has no colon after four characters is looked at no further
        colon = rf"(?:{begins}|{self._NAME})(?=[0-9A-Fa-f]{{0,4}}:)"
        patterns = []
        for stock in self.PATTERNS:
            form = stock.regex.replace(begins, colon, 1)
            form = form if colon in form else form.replace(r"\b", rf"(?:\b|{self._NAME})", 1)
            patterns.append(Pattern(stock.name, form, stock.score))
        super().__init__(patterns=patterns)

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
                return not any(address.packed[8:])  # 2001:db8:2::, a network
            if _is_full_6(pattern_text) and not any(address in network for network in _LOCAL_6):
                return False
            address = address.ipv4_mapped
        if address is None or any(address in network for network in _NOT_A_HOST):
            return True
        return address.packed[3] == 0 or address.packed[2:] == b"\xff\xff"  # where a range starts or ends

    def keep(self, text: str, start: int, end: int) -> bool:
        """Not a version or section number. Four numbers below 64 need a word such as `host` nearby."""
        address = text[start:end]
        if ":" in address:
            return True
        left, right = before(text, start), after(text, end)
        if _VERSION_BEFORE.search(left) or _VERSION_AFTER.match(right):
            return False
        largest = max(int(number) for number in address.partition("/")[0].split("."))
        starts_line = not left.strip(" ") or left.rstrip(" ").endswith("\n")
        if largest < 64 and (_TITLE_AFTER.match(right) or (starts_line and _HEADING_AFTER.match(right))):
            return False
        near = left.rpartition("\n\n")[2]
        return largest >= 64 or "/" in address or bool(_NETWORK_BEFORE.search(near) or _NETWORK_AFTER.match(right))


def _is_full_6(address: str) -> bool:
    """All eight groups, three of them long: an IPv6 address made up for an example, not the bytes of a world-wide
    name."""
    groups = address.partition("/")[0].partition("%")[0].split(":")
    return len(groups) == 8 and all(groups) and sum(len(group) >= 3 for group in groups) >= 3


_LEAST_IBAN = 15


class IbanRecognizer(InContext, predefined_recognizers.IbanRecognizer):
    """presidio's pattern and check: country, length and check digits leave little to chance. What follows in capitals
    is taken by the pattern and given back until the rest is valid."""

    _BEGINS = r"(?:(?<![A-Z0-9])|(?<=(?<![A-Za-z])IBAN))"

    def _of_pattern(self, pattern: Pattern, text: str) -> list[Match]:
        """As InContext's, of each match the longest valid part that ends where a word or a group does."""
        found: list[Match] = []
        for match in regex.finditer(
            pattern.regex.replace("(?<![A-Z0-9])", self._BEGINS, 1), text, self.global_regex_flags, overlapped=True
        ):
            start = match.start()
            if found and start < found[-1][1]:
                continue
            ends = {match.end(group) for group in range(1, 4)} | {
                start + i for i, c in enumerate(match[0]) if c in " -"
            }
            for end in sorted(ends, reverse=True):
                if end - start >= _LEAST_IBAN and (said := self._valid(text[start:end])) is not False:
                    found.append((start, end, 1.0 if said else pattern.score))
                    break
        return found


class CryptoRecognizer(InContext, predefined_recognizers.CryptoRecognizer):
    """presidio's, as it is: Bitcoin addresses carry a checksum of 30 bits or more."""

    WORDS: ClassVar[dict[str, Iterable[int]]] = {"Crypto (Medium)": range(26, LONGEST + 1)}


class UsSsnRecognizer(InContext, predefined_recognizers.UsSsnRecognizer):
    """presidio's pattern in groups of 3-2-4, and nine digits after their name. Not its patterns of score 0.05, which
    take every number of nine digits; no area from 900 on, which none has (SSA, POMS RM 10201.030)."""

    DIGITS: ClassVar[dict[str, Iterable[int]]] = {"SSN5 (medium)": (3,), "after its name": (9,)}
    _NAME = regex.compile(r"\b(?:ssn|ss#|social security|social sec|security n)[^\d\n]{0,22}$", regex.IGNORECASE)

    def __init__(self) -> None:
        area, digits = (apart("ssn", "ss", begins=begins) for begins in ("[0-9]{3}", "[0-9]{9}"))
        patterns = [
            Pattern(p.name, p.regex.replace(r"\b([0-9]{3})", area, 1), p.score) for p in self.PATTERNS if p.score >= 0.4
        ]
        super().__init__(patterns=[*patterns, Pattern("after its name", rf"{digits}\b", 0.5)])

    def invalidate_result(self, pattern_text: str) -> bool:
        """presidio's, and areas that there are none of."""
        return pattern_text[0] == "9" or bool(super().invalidate_result(pattern_text))

    def keep(self, text: str, start: int, end: int) -> bool:
        """Not a piece of a longer number, nor of a row of them; without groups after its name alone."""
        left, right = before(text, start), after(text, end)
        if end - start == 9 and not self._NAME.search(left):
            return False
        goes_on = (left[-1:] in ".-/" and left[-2:-1].isdigit()) or (right[:1] in ".-/" and right[1:2].isdigit())
        return not goes_on and not in_table(text, start, end)
