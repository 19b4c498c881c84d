"""Wikitext -> plain text, in one pass over its marks: linear in any markup, nested or never closed.

Templates, references, files and categories go, except templates that stand for their text; links give their label,
tables a line a row, lists a bullet, formulas their TeX; of the variants of `-{zh-hans:...; zh-hant:...}-` one stays.
"""

import html
import re
from dataclasses import dataclass, field

from gristmill.filters.patterns import lazy_pattern

_PARAMETER = lazy_pattern(r"\{\{\{[^{}|]*+(?:\|([^{}]*+))?+\}\}\}")
"""What a template is given, `{{{1|otherwise}}}`; in an article none is given."""
_REDIRECT = lazy_pattern(r"\s*+#[^\W\d_]{2,40}\s*+:?\s*+\[\[[^\[\]\n]*\]\]")
_MARK = lazy_pattern(
    r"\{\{|\}\}|\{\||\|\}|\[\[|\]\]|-\{|\}-|'{2,5}|<!--|</?[a-zA-Z][a-zA-Z0-9]*(?:\s[^<>]*)?/?>|__[A-Z]{3,20}__"
)
_TAG = lazy_pattern(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_EXTERNAL = lazy_pattern(r"\[(?:[a-z]{3,6}:)?//[^\s\[\]<>]{1,2000}([^\[\]\n]*)\]")
_HEADING = lazy_pattern(r"(={1,6})\s*(.*?)\s*\1\s*")
_RULE = lazy_pattern(r"-{4,}")
_BULLET = lazy_pattern(r"([*#:;]+)\s*")
_HOLLOW = lazy_pattern(r"(?<![A-Za-z0-9_])\([\s,，;；:：、/]*[)）]|（[\s,，;；:：、/]*[)）]")
"""What is left of brackets around a template that went; `main()` is none."""
_HOLLOW_BEGIN = lazy_pattern(r"([(（])[\s,，;；:：、/]+")
_LANGUAGE_LINK = lazy_pattern(r"[a-z]{2,3}(?:-[a-z-]{2,12})?:")
_VARIANT = lazy_pattern(r"\s*(zh(?:-[a-z]+)?)\s*:\s*")
_ATTRIBUTES = lazy_pattern(r"[^|\[\]{}<>]*\|(?!\|)")

DROPPED = {"ref", "references", "gallery", "timeline", "score", "imagemap", "templatestyles", "hiero", "mapframe",
           "maplink", "graph", "chem", "section", "categorytree", "inputbox", "style", "script"}  # fmt: skip
"""Tags whose content is no text of the article."""
VERBATIM = {"nowiki", "pre", "syntaxhighlight", "source", "math"}
"""Tags whose content is no wikitext."""
FIRST = {"nowrap", "small", "big", "nobold", "abbr", "le", "illm", "ill", "sub", "sup", "em", "strong", "nobr", "ruby",
         "link-en", "link-ja", "link-fr", "link-de", "kbd", "code", "var", "angbr", "nihongo", "nihongo2", "korean",
         "zh", "smallcaps", "sc", "math", "mvar"}  # fmt: skip
"""Templates that stand for their first argument."""
BEGIN = {"circa": "c. ", "c.": "c. ", "ca.": "c. ", "as of": "As of ", "since": "since "}
"""Templates that stand for some words and their first argument."""
FUNCTIONS = {"formatnum", "lc", "uc", "lcfirst", "ucfirst"}
"""What is written `{{formatnum:1000}}` and gives what stands behind the colon."""
LAST = {"lang", "transl", "lang-zh", "font", "color"}
"""Templates that stand for their last one; so do lang-en, lang-fr ... for their first."""
NAMES = {"file", "image", "media", "category", "文件", "图像", "圖像", "图片", "圖片", "檔案", "档案", "分类", "分類"}
"""Names of the namespaces of files and categories, beside those that the dump lists."""
CODE = "\0"
"""Before each line of code, which stays as it is; XML has no such character."""
DEPTH = 40
"""Of marks within each other (MediaWiki's own bound on templates); what is deeper is not opened."""
VARIANTS = ("zh-hans", "zh-cn", "zh", "zh-my", "zh-sg", "zh-hant", "zh-tw", "zh-hk", "zh-mo")
"""Of a conversion, the first of these that it has stays."""


@dataclass
class _Frame:
    """What has been read since a mark that is not yet closed."""

    opener: str
    parts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.parts)


class _Ends:
    """Where a tag is closed next, in linear time over all questions."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._never: set[str] = set()

    def after(self, closing: str, start: int) -> int:
        """Place of the closing mark, -1 where there is none from `start` on."""
        if closing in self._never:
            return -1
        found = self._text.find(closing, start)
        if found < 0:
            self._never.add(closing)
        return found


def plain_text(wikitext: str, namespaces: frozenset[str] = frozenset()) -> str:
    """The text of an article. `namespaces`: names, in small letters, of what is linked to and not shown."""
    hidden = NAMES | namespaces
    wikitext = _PARAMETER.sub(lambda one: one[1] or "", wikitext) if "{{{" in wikitext else wikitext
    ends = _Ends(wikitext)
    stack = [_Frame("")]
    at = 0
    while found := _MARK.search(wikitext, at):
        mark, top = found[0], stack[-1]
        top.parts.append(wikitext[at : found.start()])
        at = found.end()
        if len(stack) > DEPTH and mark not in _CLOSES:
            pass
        elif mark in ("{{", "[[", "-{") or (mark == "{|" and _begins_line(wikitext, found.start())):
            stack.append(_Frame(mark))
        elif mark in _CLOSES and top.opener == _CLOSES[mark]:
            stack.pop()
            stack[-1].parts.append(_closed(top, hidden))
        elif mark == "<!--":
            end = ends.after("-->", at)
            at = len(wikitext) if end < 0 else end + 3
        elif mark[0] == "<":
            kept, at = _tag(mark, wikitext, at, ends)
            top.parts.append(kept)
        elif mark[0] not in "'_":
            top.parts.append(mark)
    stack[-1].parts.append(wikitext[at:])
    while len(stack) > 1:  # never closed: as it stands
        frame = stack.pop()
        stack[-1].parts.append(frame.opener + frame.text)
    return _lines(_EXTERNAL.sub(lambda link: link[1].strip(), stack[0].text))


def is_redirect(wikitext: str) -> bool:
    """Whether an article leads to another one: `#REDIRECT [[Mill]]`, `#重定向 [[磨坊]]`; not all dumps say so."""
    return _REDIRECT.match(wikitext) is not None


_CLOSES = {"}}": "{{", "]]": "[[", "}-": "-{", "|}": "{|"}


def _begins_line(text: str, start: int) -> bool:
    line = text[text.rfind("\n", max(0, start - 100), start) + 1 : start]
    return not line.strip(" :*#")


def _closed(frame: _Frame, hidden: set[str] | frozenset[str]) -> str:
    text = frame.text
    if frame.opener == "{{":
        return _template(text)
    if frame.opener == "[[":
        return _link(text, hidden)
    return _variant(text) if frame.opener == "-{" else _table(text)


def _tag(mark: str, text: str, at: int, ends: _Ends) -> tuple[str, int]:
    """(what is kept, where to go on) of a tag that ends at `at`."""
    tag = _TAG.match(mark)
    closing, name = bool(tag and tag[1]), (tag[2].lower() if tag else "")
    if name in ("br", "p", "div", "tr", "li", "blockquote"):
        return "\n", at
    if closing or mark.endswith("/>") or name not in DROPPED | VERBATIM:
        return "", at
    end = ends.after(f"</{tag[2] if tag else ''}", at)
    if end < 0:
        return "", at
    after = text.find(">", end)
    content = text[at:end]
    go_on = after + 1 if after >= 0 else len(text)
    if name in DROPPED:
        return "", go_on
    if name == "math":
        return f"${content.strip()}$", go_on
    if name == "nowiki":
        return content, go_on
    return "\n" + "".join(f"{CODE}{line}\n" for line in content.strip("\n").split("\n")), go_on


def _template(text: str) -> str:
    name, *values = text.split("|")
    function, _, value = name.partition(":")
    if function.strip().lower() in FUNCTIONS:
        return value.strip()
    name = name.strip().lower().replace("_", " ")
    plain = [value.strip() for value in values if "=" not in value]
    if not plain:
        return ""
    if name in ("convert", "cvt"):
        return " ".join(plain[:2])
    if name in FIRST or name.startswith("lang-"):
        return plain[0]
    if name in BEGIN:
        return BEGIN[name] + plain[0]
    return plain[-1] if name in LAST else ""


def _link(text: str, hidden: set[str] | frozenset[str]) -> str:
    target, *labels = text.split("|")
    target = target.strip()
    if target.partition(":")[0].strip().lower() in hidden or (not labels and _LANGUAGE_LINK.match(target)):
        return ""
    label = "|".join(labels).strip() or target.lstrip(":")
    return label if labels else label.partition("#")[0] or label


def _variant(text: str) -> str:
    """Of `-{...}-`: `zh-hans:甲; zh-hant:乙;`, with flags before a bar; H, T and D only tell the converter."""
    flags, bar, rest = text.partition("|")
    if bar and re.fullmatch(r"\s*[A-Za-z;\s-]{0,40}", flags):
        if {flag.strip().upper() for flag in flags.split(";")} & {"H", "T", "D", "-"}:
            return ""
        text = rest
    choices: dict[str, str] = {}
    for part in text.split(";"):
        if found := _VARIANT.match(part.rpartition("=>")[2]):
            choices.setdefault(found[1].lower(), part.rpartition("=>")[2][found.end() :].strip())
    return next((choices[name] for name in VARIANTS if name in choices), text if not choices else "")


def _table(text: str) -> str:
    """A line a row, ` | ` between its cells; attributes go."""
    rows: list[list[str]] = [[]]
    for line in text.split("\n")[1:]:
        line = line.strip()
        if line.startswith("|+"):
            rows += [[_content(line[2:].strip())], []]
        elif line.startswith("|-"):
            rows.append([])
        elif line.startswith(("|", "!")):
            cells = re.split(r"\|\||!!", line.lstrip("|!"))
            rows[-1] += [_content(cell.strip()) for cell in cells]
        elif rows[-1]:
            rows[-1][-1] = f"{rows[-1][-1]} {line}".strip()
    lines = [" | ".join(cell for cell in row if cell) for row in rows]
    return "\n" + "\n".join(line for line in lines if line) + "\n"


def _content(cell: str) -> str:
    """A table's cell without its attributes: `style="..." | text`."""
    found = _ATTRIBUTES.match(cell)
    return (cell[found.end() :] if found and "=" in found[0] else cell).strip(" |")


def _lines(text: str) -> str:
    """Headings that stand above text, bullets, blank lines between paragraphs."""
    lines: list[str] = []
    pending: list[tuple[int, str]] = []  # headings that nothing stands below yet
    for line in html.unescape(text).replace("\xa0", " ").split("\n"):
        is_code = line.startswith(CODE)
        if is_code:
            line = line[1:].rstrip()
        else:
            line = _HOLLOW_BEGIN.sub(r"\1", _HOLLOW.sub("", line)).strip()
        if not is_code and line.startswith("=") and (heading := _HEADING.fullmatch(line)):
            level = len(heading[1])
            pending = [one for one in pending if one[0] < level] + [(level, heading[2])]
            continue
        if not is_code and _RULE.fullmatch(line):
            line = ""
        if not is_code and (bullet := _BULLET.match(line)):
            content = line[bullet.end() :]
            line = f"• {content}" if content and bullet[1][-1] in "*#" else content
        if line:
            lines += [part for _, title in pending for part in ("", title, "")]
            pending = []
            lines.append(line)
        elif lines and lines[-1]:
            lines.append("")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).replace(CODE, "").strip()
