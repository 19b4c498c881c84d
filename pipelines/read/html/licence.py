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
from gristmill.pipelines.read.html.licence_cues import names_licence
from gristmill.pipelines.read.html.xml import VOID

HEAD, FOOTER, MAIN, ASIDE, WORK = "head", "footer", "main", "aside", "work"
"""Where on a page: `work` is a picture or another one's words in it, of which nothing counts."""


class Licence(NamedTuple):
    """The licence of a page: the most restrictive of `all`, and where it stands."""

    spdx: str
    place: str
    all: tuple[str, ...]


_TAG = re.compile(r"<(?:!--|(/?)([a-zA-Z][a-zA-Z0-9-]*)([^<>]*)>)")
_ATTRIBUTE = re.compile(r"""([a-zA-Z][\w:-]*)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>]+))""")
_LINKS = {"a", "area", "link"}
_CUE = re.compile("licen|copyleft|publicdomain", re.IGNORECASE)
"""What an address holds that is a licence's: of most links nothing more is read."""
_NO_ATTRIBUTES: dict[str, str] = {}
_RAW = {
    name: re.compile(f"</{name}", re.IGNORECASE)
    for name in ("script", "style", "textarea", "title", "noscript", "template")
}
"""Elements whose content is no text of the page, and how each ends."""
_PLACE_OF_ELEMENT = {
    **dict.fromkeys(("figure", "figcaption", "picture", "blockquote"), WORK),
    **dict.fromkeys(("main", "article"), MAIN),
    **dict.fromkeys(("nav", "aside"), ASIDE),
    "head": HEAD,
    "footer": FOOTER,
}
_STATE = re.compile(r"(?:has|no|with|is|js|not|sticky|show|hide)[-_]")
"""Begins a class that says how an element looks, not what it is (`has-post-thumbnail`)."""
_PLACE_OF_NAME = (
    (
        re.compile(
            r"thumb(?:nail|inner|caption)?|(?:wp-|image-|img-|photo-|media-)?(?:caption|credits?)(?:-text)?|gallery.*"
            r"|(?:photo|image|img|media)(?:[-_](?:wrap.*|box|container|info|item|card))?|carousel.*|slides?(?:how)?"
            r"|comments?(?:[-_]?(?:list|body|content|text|area|section))?|repl(?:y|ies)|reviews?|related.*|quote"
        ),
        WORK,
    ),
    (re.compile(r"foot|ft|.*(?:footer|copyright|copyleft|colophon|licen[sc]e|页脚|版权).*|legal|rights|cc"), FOOTER),
    (re.compile(r".*side-?bar.*|widgets?(?:-area)?|aside"), ASIDE),
)
"""What the words of an element's class or id say that it is."""
_RIGHTS = re.compile(
    r"(?:(?:dc|dcterms|og|article|citation)[.:])?(?:rights|licen[sc]e|copyright)(?:[.:-]?(?:url|uri|licen[sc]e))?",
    re.IGNORECASE,
)
_RELATIONS = {"license", "licence", "cc:license", "dct:license", "dcterms:license"}
_OF_PICTURES = re.compile(
    r"photo|image|picture|icon|illustration|video|music|audio|font|logo|\bmaps?\b|clip ?art"
    r"|图片|圖片|照片|图标|配图|摄影|攝影|影像|视频|音乐|字体|插图|地图",
    re.IGNORECASE,
)
_OF_THE_TEXT = re.compile(
    r"this (?:work|article|page|post|(?:web)?site|content|book|text|document|material|blog|wiki|entry|chapter|paper)"
    r"|this (?:guide|tutorial|course|lesson|journal|report)|(?:except|unless|save) (?:where|as )?\s?(?:otherwise|noted)"
    r"|(?:all|site|our|my|page|original) (?:content|text|articles|posts|material)s?|content (?:is|on|of|available)"
    r"|\btext (?:is|of|under|available)|article is"
    r"|[本此](?:文|站|作品|页|頁|博客|书|書|条目|條目|网站|網站|内容|內容|著作|教程|文档|文檔|刊|报告)|除[非特另]"
    r"|(?:文字|文本|内容|內容|原创|原創|文章|作品|站内)[^。]{0,12}(?:采用|遵循|以|依据|基于|在|按|授权|採用|許可)"
    r"|转载[^。]{0,20}(?:遵|注明|采用)",
    re.IGNORECASE,
)
_LICENSING = re.compile(
    r"licen[sc]e|(?:available|released|published|distributed|shared) under|under (?:a|the)\b"
    r"|采用|遵循|依据|基于|根据|按照|许可|授权|協議|协议|採用|依據|授權|釋出|发布|發布|共享",
    re.IGNORECASE,
)
_BEFORE, _BEHIND = 160, 80
"""Characters of text around a licence that say what it is of."""


@dataclass(slots=True)
class _Mention:
    licence: str
    place: str
    at: int
    """Of the text of the page; -1 where no words stand around."""
    declared: bool
    """By rel=license, or in <head>."""


def licence_of_page(html: str) -> Licence | None:
    """The licence of a page's text; None where it says none."""
    if not names_licence(html):
        return None
    text, mentions = _Scan(html).result()
    held = [one for one in mentions if _counts(one, text)]
    if not held:
        return None
    chosen = most_restrictive({one.licence for one in held})
    place = min((one.place for one in held if one.licence == chosen), key=(HEAD, MAIN, FOOTER, ASIDE).index)
    return Licence(chosen, place, _versions({one.licence for one in held}))


def _versions(licences: set[str]) -> tuple[str, ...]:
    """Without those that stand there with their version, too."""
    return tuple(sorted(name for name in licences if not any(re.match(rf"{name}-\d", other) for other in licences)))


def _counts(mention: _Mention, text: str) -> bool:
    """Whether a licence is said to be that of the text."""
    if mention.place == WORK:
        return False
    if mention.place == HEAD:
        return mention.declared
    around = text[max(0, mention.at - _BEFORE) : mention.at + _BEHIND]
    of_text = _OF_THE_TEXT.search(around) is not None
    if _OF_PICTURES.search(around) and not of_text:
        return False
    if mention.declared or mention.place == FOOTER:
        return True
    return of_text and _LICENSING.search(around) is not None


class _Scan:
    """One pass over the markup: where each licence is named, and the text."""

    def __init__(self, html: str):
        self.html = html
        self.open: list[tuple[str, str]] = []
        self.place = MAIN
        """Of what stands in the innermost open element."""
        self.count: dict[str, int] = {}
        self.text: list[str] = []
        self.length = 0
        self.mentions: list[_Mention] = []

    def result(self) -> tuple[str, list[_Mention]]:
        at, html = 0, self.html
        while (tag := _TAG.search(html, at)) is not None:
            start, end = tag.span()
            if start > at:
                self._words(html[at:start])
            at = end
            closing, name, inside = tag.groups()
            if name is None:  # a comment
                closed = html.find("-->", at)
                at = len(html) if closed < 0 else closed + 3
                continue
            name = name.lower()
            if closing:
                if self.count.get(name):
                    self._close(name)
                continue
            is_link = name in _LINKS
            attributes = _attributes(inside) if inside and not (is_link and not _CUE.search(inside)) else _NO_ATTRIBUTES
            if attributes and (is_link or name == "meta"):
                self._look(name, attributes)
            if name in _RAW:
                found = _RAW[name].search(html, at)
                behind = len(html) if found is None else found.start()
                if name == "script" and "ld+json" in attributes.get("type", "").lower():
                    self._structured(html[at:behind])
                at = behind
            elif name not in VOID and not inside.endswith("/"):
                self.place = self._place(name, attributes)
                self.open.append((name, self.place))
                self.count[name] = self.count.get(name, 0) + 1
        self._words(html[at:])
        return "".join(self.text), self.mentions

    def _place(self, name: str, attributes: dict[str, str]) -> str:
        """Of what stands in an element; what is inside a picture stays so, and nothing in <head> is on the page."""
        around = self.place
        if name == "body":
            return MAIN
        if around in (WORK, HEAD):
            return around
        if attributes and name not in ("html", "a"):
            place = _place_of_names(f"{attributes.get('class', '')} {attributes.get('id', '')}")
            if place is not None:
                return around if place == ASIDE and around == FOOTER else place
        return _PLACE_OF_ELEMENT.get(name, around)

    def _close(self, name: str) -> None:
        closed = ""
        while closed != name:
            closed, _ = self.open.pop()
            self.count[closed] -= 1
        self.place = self.open[-1][1] if self.open else MAIN

    def _look(self, name: str, attributes: dict[str, str]) -> None:
        place = HEAD if name in ("link", "meta") else self.place
        if name in ("a", "link", "area") and "href" in attributes:
            relations = " ".join(attributes.get(key, "") for key in ("rel", "itemprop", "property")).lower().split()
            declared = not _RELATIONS.isdisjoint(relations)
            if (licence := of_address(attributes["href"])) and (declared or name != "link"):
                self._add(licence, place, declared)
        elif name == "meta":
            key = attributes.get("name") or attributes.get("property") or attributes.get("itemprop") or ""
            if _RIGHTS.fullmatch(key):
                self._add_all(attributes.get("content", ""), place, declared=True)

    def _add(self, licence: str, place: str, declared: bool) -> None:
        self.mentions.append(_Mention(licence, place, self.length, declared))

    def _add_all(self, words: str, place: str, declared: bool) -> None:
        if (licence := of_address(words)) is not None:
            self._add(licence, place, declared)
        for _, _, licence in in_text(words):
            self._add(licence, place, declared)

    def _words(self, words: str) -> None:
        """Text between tags."""
        if not words or self.place == HEAD:
            return
        words = unescape(words) if "&" in words else words
        for start, _, licence in in_text(words) if _WORDS.search(words) else ():
            self.mentions.append(_Mention(licence, self.place, self.length + start, False))
        self.text.append(words)
        self.length += len(words)

    def _structured(self, text: str) -> None:
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            return
        for value in _licences_of(found):
            self._add_all(value, HEAD, declared=True)


_WORDS = re.compile(r"CC|cc[ -]|Creative|creative|署名|姓名")
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
