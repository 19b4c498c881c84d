"""Licences by their SPDX identifiers: as addresses and texts name them, in English and Chinese, and how open each is.

Creative Commons without a version is told without one (`CC-BY-SA`), ports to a jurisdiction as the licence itself.
"""

import re
from collections.abc import Iterable, Iterator

from gristmill.filters.patterns import lazy_pattern

PUBLIC, ATTRIBUTION, SHARE_ALIKE, RESTRICTED, NONE = 4, 3, 2, 1, 0
"""How open: public domain; attribution and permissive; share-alike and copyleft; no commerce or no derivatives, or one
that is not known here; no licence."""

_LEVELS = {
    PUBLIC: r"CC0(?:-.*)?|CC-PDM(?:-.*)?|CC-PDDC|PDDL-1\.0|Unlicense|0BSD|MIT-0|WTFPL|blessing",
    ATTRIBUTION: r"CC-BY(?:-[0-9].*)?|MIT(?:-.*)?|BSD-.*|Apache-.*|ISC|Zlib|BSL-1\.0|NCSA|PostgreSQL|X11|Python-2\.0.*"
    r"|PSF-.*|Ruby|ODC-By-.*|OGL-.*|MulanPSL-.*|UPL-.*|Vim|curl|libpng.*|OpenSSL|PHP-.*|AFL-.*|Artistic-2\.0",
    SHARE_ALIKE: r"CC-BY-SA(?:-.*)?|[AL]?GPL-.*|GFDL(?:-.*)?|MPL-.*|EPL-.*|ODbL-.*|EUPL-.*|CDDL-.*|OSL-.*|CECILL-.*"
    r"|MulanPubL-.*|Artistic-1.*",
}
_LEVEL = [(lazy_pattern(pattern, re.IGNORECASE), level) for level, pattern in _LEVELS.items()]

_ADDRESSES = (
    (r"creativecommons\.org/publicdomain/zero/(?P<v>\d\.\d)", "CC0"),
    (r"creativecommons\.org/publicdomain/mark/(?P<v>\d\.\d)", "CC-PDM"),
    (r"creativecommons\.org/licen[sc]es/publicdomain", "CC-PDDC"),
    (r"creativecommons\.org/licen[sc]es/(?P<cc>[a-z]{2}(?:-[a-z]{2}){0,3})(?:/(?P<v>\d\.\d))?(?![a-z0-9-])", "CC"),
    (r"gnu\.org/(?:licen[sc]es|copyleft)/(?:[a-z-]+/)?fdl(?:-(?P<v>\d\.\d))?", "GFDL"),
    (r"gnu\.org/licen[sc]es/(?:[a-z-]+/)?(?P<gnu>a?gpl|lgpl)(?:-(?P<v>\d\.\d))?", ""),
    (r"apache\.org/licen[sc]es/license-(?P<v>2\.0)", "Apache"),
    (r"opensource\.org/licen[sc]es?/(?P<spdx>[a-z0-9][a-z0-9.-]*)", ""),
    (r"spdx\.org/licen[sc]es/(?P<spdx>[a-z0-9][a-z0-9.-]*?)(?:\.html)?(?=$|[?#/\s\"'<])", ""),
    (r"opendatacommons\.org/licen[sc]es/(?P<odc>pddl|by|odbl)", ""),
    (r"nationalarchives\.gov\.uk/doc/open-government-licence/version/(?P<v>\d)", "OGL-UK"),
)
_ADDRESS = [(lazy_pattern(pattern, re.IGNORECASE), name) for pattern, name in _ADDRESSES]
_ODC = {"pddl": "PDDL-1.0", "by": "ODC-By-1.0", "odbl": "ODbL-1.0"}
_PLAIN = {"mit": "MIT", "isc": "ISC", "zlib": "Zlib"}

_DASH = r"[\s\u00a0_\u2010-\u2015\u2212\u2500\uff0d·/-]{0,3}"
_PARTS = {
    "nc": r"non[-\s]?commercial(?:\s?use)?|nc|非商业性?(?:使用)?|非商業性?(?:使用)?",
    "nd": r"no[-\s]?deriv(?:ative)?s?(?:\s?works)?|nd|禁止演绎|禁止演繹|禁止改作|不得演绎|禁止衍生",
    "sa": r"share[-\s]?alike|sa|相同方式(?:共享|分享)|以相同方式(?:共享|分享)",
}
_SUFFIX = "|".join(_PARTS.values())
_BEHIND = r"(?:[\s\u00a0-]{0,2}(?:v|version|licen[sc]e,?(?: version)?|international|国际|國際))?[\s\u00a0-]{0,2}"
_VERSION = r"(?:" + _BEHIND + r"(?P<v>[1-4]\.[05])(?!\.?\d))?"
_CONDITIONS = rf"(?P<conditions>(?:{_DASH}(?:{_SUFFIX})(?![A-Za-z])){{0,3}})"
_ZERO = lazy_pattern(r"(?<![A-Za-z0-9])CC[\s\u00a0-]?(?:0|zero)(?![A-Za-z0-9])", re.IGNORECASE)
_BY = lazy_pattern(
    rf"(?<![A-Za-z0-9])(?:CC|Creative[\s\u00a0]Commons)(?:[\s\u00a0]Licen[sc]e)?{_DASH}\(?"
    rf"(?:BY(?![A-Za-z])|Attribution){_CONDITIONS}{_VERSION}",
    re.IGNORECASE,
)
_PLAINLY = lazy_pattern("BY|-by|Attribution")
"""What tells CC BY from the English word."""
_CHINESE = lazy_pattern(
    r"(?P<named>(?:知识共享|知識共享|创作共用|創用\s?CC|CC|Creative Commons)[^。<>\n]{0,24}?)?"
    rf"(?:署名|姓名標示|姓名标示){_CONDITIONS}{_VERSION}",
    re.IGNORECASE,
)
_PART = lazy_pattern("|".join(f"(?P<{name}>{pattern})" for name, pattern in _PARTS.items()), re.IGNORECASE)


_UNSAID = ("", "none", "unknown", "noassertion", "n/a", "null", "other", "unlicensed", "no license")


def of_address(address: str) -> str | None:
    """The licence that an address is of."""
    for pattern, name in _ADDRESS:
        if found := pattern.search(address):
            return _told(name, {key: value for key, value in found.groupdict().items() if value})
    return None


def _told(name: str, parts: dict[str, str]) -> str | None:
    version = f"-{parts['v']}" if "v" in parts else ""
    if "cc" in parts:
        return _creative_commons(parts["cc"].lower().split("-"), parts.get("v"))
    if "gnu" in parts:
        return f"{parts['gnu'].upper()}{version or '-3.0'}"
    if "odc" in parts:
        return _ODC[parts["odc"].lower()]
    if "spdx" in parts:
        return _PLAIN.get(parts["spdx"].lower(), _cased(parts["spdx"]))
    return f"{name}.0" if name == "OGL-UK" and not version else f"{name}{version}" + (".0" if name == "OGL-UK" else "")


def _cased(name: str) -> str:
    known = {"apache": "Apache", "bsd": "BSD", "gpl": "GPL", "lgpl": "LGPL", "agpl": "AGPL", "mpl": "MPL", "epl": "EPL"}
    head, dash, rest = name.partition("-")
    return f"{known.get(head.lower(), head)}{dash}{rest}"


def _creative_commons(parts: list[str], version: str | None) -> str | None:
    """In SPDX's order: by, nc, then nd or sa. None for what is no such licence (the sampling and devnations ones)."""
    if not set(parts) <= {"by", "nc", "nd", "sa"} or not parts:
        return None
    ordered = [part for part in ("by", "nc", "nd", "sa") if part in parts]
    return "-".join(["CC", *(part.upper() for part in ordered), *([version] if version else [])])


def in_text(text: str) -> Iterator[tuple[int, int, str]]:
    """(where it begins, where it ends, licence) of every Creative Commons licence that a text names, by its letters or
    by its words, in English and Chinese. 署名 alone is a byline: with a condition behind or
    the name before it, it counts."""
    for found in _ZERO.finditer(text):
        yield found.start(), found.end(), "CC0-1.0"
    for pattern in (_BY, _CHINESE):
        for found in pattern.finditer(text):
            parts = [str(part.lastgroup) for part in _PART.finditer(found["conditions"])]
            licence = _creative_commons(["by", *parts], found["v"])
            told = parts or found["v"] or _PLAINLY.search(found[0]) if pattern is _BY else parts or found["named"]
            if licence is not None and told:
                yield found.start(), found.end(), licence


_EXPRESSION = lazy_pattern(r"\(?[A-Za-z0-9][A-Za-z0-9.+-]*(?:\s+(?:AND|OR|WITH)\s+\(?[A-Za-z0-9.+-]+\)?)*\)?")


def licence_of(value: str) -> str | None:
    """The SPDX expression of what a field says: an identifier, an address, or words; None where it says none."""
    value = value.strip()
    if "://" in value or value.startswith("//"):
        return of_address(value)
    if value.casefold() in _UNSAID:
        return None
    spelt = re.sub(r"\s+", "-", value) if re.match(r"(?i)cc[\s-]", value) else value
    if (found := next(in_text(value), None)) is not None and not re.search(r"\b(?:AND|OR|WITH)\b", value):
        return found[2]
    return spelt if _EXPRESSION.fullmatch(spelt) else None


def openness(expression: str | None) -> int:
    """From NONE to PUBLIC, of an SPDX expression: of licences joined by AND the least open, by OR the most open one."""
    if not expression:
        return NONE
    choices = re.split(r"\s+OR\s+", expression.replace("(", " ").replace(")", " "))
    return max(min(_level(one) for one in re.split(r"\s+AND\s+", choice)) for choice in choices)


def _level(name: str) -> int:
    name = re.split(r"\s+WITH\s+", name.strip())[0].strip()
    if re.match(r"(?i)cc-by-(?:nc|nd)", name):
        return RESTRICTED
    return next((level for pattern, level in _LEVEL if pattern.fullmatch(name)), RESTRICTED if name else NONE)


def most_restrictive(licences: Iterable[str]) -> str:
    """Of several licences the least open one; of equally open ones the one with most conditions, then by name."""
    return min(licences, key=lambda name: (openness(name), -name.count("-"), name))
