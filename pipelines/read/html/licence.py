"""The licence of a page's text, as its markup and its words say, and where they say it.

A page names licences for many reasons: of its own text, of a picture in it, because it is about licences. What counts:

* in <head>: <link rel=license>, <meta> of rights, the license of the page's JSON-LD (not of its pictures);
* a link with rel=license, or a link or words in a footer, unless what stands around speaks of pictures;
* elsewhere a link or words only in a sentence that licenses this text ("this work is licensed under", "本文采用").

Nothing in <figure>, captions, galleries and comments counts. One pass over the markup, and only of pages that name a
licence at all.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from typing import Any, NamedTuple

from gristmill.filters.licences import in_text, most_restrictive, of_address
from gristmill.filters.patterns import lazy_pattern
from gristmill.pipelines.read.html.licence_cues import names_licence
from gristmill.pipelines.read.html.licence_marks import LINK, META, PARENT, TEXT, find_marks

HEAD, FOOTER, MAIN, ASIDE, WORK = "head", "footer", "main", "aside", "work"
"""Where on a page: `work` is a picture or another one's words in it, of which nothing counts."""


class Licence(NamedTuple):
    """The licence of a page: the most restrictive of `all`, and where it stands."""

    spdx: str
    place: str
    all: tuple[str, ...]


_ATTRIBUTE = lazy_pattern(r"""([a-zA-Z][\w:-]*)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>]+))""")
_PLACE_OF_ELEMENT = {
    **dict.fromkeys(("figure", "figcaption", "picture", "blockquote"), WORK),
    **dict.fromkeys(("main", "article"), MAIN),
    **dict.fromkeys(("nav", "aside"), ASIDE),
    "head": HEAD,
    "footer": FOOTER,
}
_STATE = lazy_pattern(r"(?:has|no|with|is|js|not|sticky|show|hide)[-_]")
"""Begins a class that says how an element looks, not what it is (`has-post-thumbnail`)."""
_PLACE_OF_NAME = (
    (
        lazy_pattern(
            r"thumb(?:nail|inner|caption)?|(?:wp-|image-|img-|photo-|media-)?(?:caption|credits?)(?:-text)?|gallery.*"
            r"|(?:photo|image|img|media)(?:[-_](?:wrap.*|box|container|info|item|card))?|carousel.*|slides?(?:how)?"
            r"|comments?(?:[-_]?(?:list|body|content|text|area|section))?|repl(?:y|ies)|reviews?|related.*|quote"
        ),
        WORK,
    ),
    (lazy_pattern(r"foot|ft|.*(?:footer|copyright|copyleft|colophon|licen[sc]e|页脚|版权).*|legal|rights|cc"), FOOTER),
    (lazy_pattern(r".*side-?bar.*|widgets?(?:-area)?|aside"), ASIDE),
)
"""What the words of an element's class or id say that it is."""
_RIGHTS = lazy_pattern(
    r"(?:(?:dc|dcterms|og|article|citation)[.:])?(?:rights|licen[sc]e|copyright)(?:[.:-]?(?:url|uri|licen[sc]e))?",
    re.IGNORECASE,
)
_RELATIONS = {"license", "licence", "cc:license", "dct:license", "dcterms:license"}
_OF_PICTURES = lazy_pattern(
    r"photo|image|picture|icon|illustration|video|music|audio|font|logo|\bmaps?\b|clip ?art"
    r"|图片|圖片|照片|图标|配图|摄影|攝影|影像|视频|音乐|字体|插图|地图",
    re.IGNORECASE,
)
_OF_THE_TEXT = lazy_pattern(
    r"this (?:work|article|page|post|(?:web)?site|content|book|text|document|material|blog|wiki|entry|chapter|paper)"
    r"|this (?:guide|tutorial|course|lesson|journal|report)|(?:except|unless|save) (?:where|as )?\s?(?:otherwise|noted)"
    r"|(?:all|site|our|my|page|original) (?:content|text|articles|posts|material)s?|content (?:is|on|of|available)"
    r"|\btext (?:is|of|under|available)|article is"
    r"|[本此](?:文|站|作品|页|頁|博客|书|書|条目|條目|网站|網站|内容|內容|著作|教程|文档|文檔|刊|报告)|除[非特另]"
    r"|(?:文字|文本|内容|內容|原创|原創|文章|作品|站内)[^。]{0,12}(?:采用|遵循|以|依据|基于|在|按|授权|採用|許可)"
    r"|转载[^。]{0,20}(?:遵|注明|采用)",
    re.IGNORECASE,
)
_LICENSING = lazy_pattern(
    r"licen[sc]e|(?:available|released|published|distributed|shared) under|under (?:a|the)\b"
    r"|采用|遵循|依据|基于|根据|按照|许可|授权|協議|协议|採用|依據|授權|釋出|发布|發布|共享",
    re.IGNORECASE,
)
_BEFORE, _BEHIND, _PIECES = 160, 80, 400
"""Characters of text around a licence that say what it is of; runs of text that they are looked for in."""


@dataclass(slots=True)
class _Mention:
    licence: str
    place: str
    piece: int
    """The run of text that it stands in, or before."""
    at: int
    """Characters of that run before it."""
    declared: bool
    """By rel=license, or in <head>."""


def licence_of_page(page: bytes) -> Licence | None:
    """The licence of the text of a page in UTF-8; None where it says none."""
    if not names_licence(page):
        return None
    scan = _Scan(page)
    held = [one for one in scan.mentions() if _counts(one, scan)]
    if not held:
        return None
    chosen = most_restrictive({one.licence for one in held})
    place = min((one.place for one in held if one.licence == chosen), key=(HEAD, MAIN, FOOTER, ASIDE).index)
    return Licence(chosen, place, _versions({one.licence for one in held}))


def _versions(licences: set[str]) -> tuple[str, ...]:
    """Without those that stand there with their version, too."""
    return tuple(sorted(name for name in licences if not any(re.match(rf"{name}-\d", other) for other in licences)))


def _counts(mention: _Mention, scan: "_Scan") -> bool:
    """Whether a licence is said to be that of the text."""
    if mention.place == WORK:
        return False
    if mention.place == HEAD:
        return mention.declared
    around = scan.around(mention)
    of_text = _OF_THE_TEXT.search(around) is not None
    if _OF_PICTURES.search(around) and not of_text:
        return False
    if mention.declared or mention.place == FOOTER:
        return True
    return of_text and _LICENSING.search(around) is not None


class _Scan:
    """A page whose marks were found: what each says, the places they stand in, the text around them."""

    def __init__(self, page: bytes):
        self.page = page
        self.marks = find_marks(page)
        self.places: dict[int, str] = {-1: MAIN}
        """By element: of what stands in it."""

    def mentions(self) -> Iterator[_Mention]:
        """Every licence that is named."""
        for kind, name, inside, end, behind, node, piece in self.marks.mark_MC.tolist():
            if kind == TEXT:
                yield from self._in_text(node, piece)
                continue
            attributes = _attributes(self._slice(inside, end))
            if kind == LINK:
                in_head = self.page[name:inside].lower() == b"link"
                yield from self._of_link(attributes, HEAD if in_head else self.place(node), in_head, piece)
            elif kind == META:
                key = attributes.get("name") or attributes.get("property") or attributes.get("itemprop") or ""
                if _RIGHTS.fullmatch(key):
                    yield from _declared(attributes.get("content", ""))
            elif "ld+json" in attributes.get("type", "").lower():
                yield from _structured(self._slice(end + 1, behind))

    def around(self, mention: _Mention) -> str:
        """The text before and behind a mention."""
        words, at, last = self._words(mention.piece), mention.at, len(self.marks.piece_P3)
        before, behind = words[max(0, at - _BEFORE) : at], words[at : at + _BEHIND]
        for piece in range(mention.piece - 1, max(mention.piece - _PIECES, -1), -1):
            if len(before) >= _BEFORE:
                break
            before = (self._words(piece) + before)[-_BEFORE:]
        for piece in range(mention.piece + 1, min(mention.piece + _PIECES, last)):
            if len(behind) >= _BEHIND:
                break
            behind = (behind + self._words(piece))[:_BEHIND]
        return before + behind

    def place(self, node: int) -> str:
        """Of what stands in an element; what is inside a picture stays so, and nothing in <head> is on the page."""
        path = []
        while node not in self.places:
            path.append(node)
            node = int(self.marks.element_EC[node, PARENT])
        around = self.places[node]
        for inner in reversed(path):
            _, name, inside, end, _ = self.marks.element_EC[inner].tolist()
            around = self.places[inner] = _place(around, self._slice(name, inside).lower(), self._slice(inside, end))
        return around

    def _slice(self, start: int, end: int) -> str:
        return self.page[start:end].decode()

    def _words(self, piece: int) -> str:
        """A run of text; "" for one in <head>, and behind the last."""
        if piece >= len(self.marks.piece_P3):
            return ""
        start, end, node = self.marks.piece_P3[piece].tolist()
        return "" if self.place(node) == HEAD else unescape(self._slice(start, end))

    def _in_text(self, node: int, piece: int) -> Iterator[_Mention]:
        words = self._words(piece)
        for start, _, licence in in_text(words) if _WORDS.search(words) else ():
            yield _Mention(licence, self.place(node), piece, start, False)

    def _of_link(self, attributes: dict[str, str], place: str, in_head: bool, piece: int) -> Iterator[_Mention]:
        relations = " ".join(attributes.get(key, "") for key in ("rel", "itemprop", "property")).lower().split()
        declared = not _RELATIONS.isdisjoint(relations)
        if (licence := of_address(attributes.get("href", ""))) and (declared or not in_head):
            yield _Mention(licence, place, piece, 0, declared)


def _place(around: str, name: str, inside: str) -> str:
    """Of what stands in an element, by what is around it, its name and its attributes."""
    if name == "body":
        return MAIN
    if around in (WORK, HEAD):
        return around
    if inside and name not in ("html", "a"):
        attributes = _attributes(inside)
        place = _place_of_names(f"{attributes.get('class', '')} {attributes.get('id', '')}")
        if place is not None:
            return around if place == ASIDE and around == FOOTER else place
    return _PLACE_OF_ELEMENT.get(name, around)


def _declared(words: str) -> Iterator[_Mention]:
    """What a declaration names."""
    found = [of_address(words), *(licence for _, _, licence in in_text(words))]
    return (_Mention(licence, HEAD, 0, 0, True) for licence in found if licence is not None)


def _structured(text: str) -> Iterator[_Mention]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return
    for value in _licences_of(found):
        yield from _declared(value)


_WORDS = lazy_pattern(r"CC|cc[ -]|Creative|creative|署名|姓名")
"""What text must hold to name a licence: looked for before the longer patterns."""
_MEDIA = ("imageobject", "videoobject", "audioobject", "mediaobject", "photograph", "dataset", "softwareapplication")


def _licences_of(node: Any) -> Iterator[str]:
    """The `license` of the things that JSON-LD says the page is, not of pictures in it."""
    if isinstance(node, list):
        for one in node:
            yield from _licences_of(one)
    elif isinstance(node, dict):
        kinds = node.get("@type", "")
        if not any(str(kind).lower() in _MEDIA for kind in (kinds if isinstance(kinds, list) else [kinds])):
            licence = node.get("license")
            values = licence if isinstance(licence, list) else [licence]
            for value in values:
                value = (value.get("@id") or value.get("url")) if isinstance(value, dict) else value
                if isinstance(value, str):
                    yield value
        yield from _licences_of(node.get("@graph") or node.get("mainEntity"))


@lru_cache(4096)
def _place_of_names(names: str) -> str | None:
    """What an element's classes and id say that it is; the same ones come again and again in a page."""
    named = [word for word in names.lower().split() if not _STATE.match(word)]
    return next((place for pattern, place in _PLACE_OF_NAME if any(map(pattern.fullmatch, named))), None)


@lru_cache(4096)
def _attributes(text: str) -> dict[str, str]:
    return {m[1].lower(): unescape(m[2] or m[3] or m[4] or "") for m in _ATTRIBUTE.finditer(text)}
