"""Nothing takes the square of a text: every pattern, recognizer, rule and scan over adversarial repetitions.

Time is CPU time of this process, the best of three, so that a busy machine does not matter; below FLOOR nothing is
compared. A quadratic scan takes 16 times as long for four times the text, and 100,000 characters in minutes.
"""

import ast
import importlib
import itertools
import json
import pkgutil
import re
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pyarrow as pa
import pytest
import regex

from gristmill.filters.dedup.fingerprints import fingerprint
from gristmill.filters.dedup.substrings import Query, find_anchors, read
from gristmill.filters.edits import Edits, apply
from gristmill.filters.judge import Entry, Judge
from gristmill.filters.language.identify import identify, script_of
from gristmill.filters.line_rules import edit_c4
from gristmill.filters.lists.addresses import host_and_path, prefixes
from gristmill.filters.lists.addresses import words as address_words
from gristmill.filters.patterns import LazyPattern
from gristmill.filters.pii.engine import Scrubber
from gristmill.filters.pii.entities import ENTITIES
from gristmill.filters.pii.names.find import find as find_names
from gristmill.filters.pii.obfuscation import shadow_of
from gristmill.filters.pii.registry import recognizers
from gristmill.filters.pii.scan import scan
from gristmill.filters.pii.values import Values
from gristmill.filters.presets import PRESETS
from gristmill.filters.refinedweb import edit_refinedweb
from gristmill.filters.rules import own_rules
from gristmill.filters.signals import SIGNALS
from gristmill.pipelines.read.encodings.declared import declared_in
from gristmill.pipelines.read.html.nesting import measure
from gristmill.pipelines.recipe.schema import MinHash
from gristmill.pipelines.report.alignment import COMPARED, passages
from gristmill.pipelines.report.excerpts import Excerpts
from gristmill.pipelines.report.trace.index import LENGTH
from gristmill.pipelines.report.trace.spans import Passage
from gristmill.pipelines.storage.addresses import redacted
from gristmill.tokenizer.sentences import sentences

ROOT = Path(__file__).parents[1]
PACKAGES = ("filters", "tokenizer", "pipelines", "trainer", "infra")
PIECES = (
    "_vx", "http://", "a@", "@a", ".", "-", "1-", "+86 ", "(", "//", "a.a.", "::", "12:", " ", "\n", "\t ", "\r\n",
    "<div", "<!--", "<meta ", "&#", "&a=", "%40", "{", '"""', "?sig", "\\", '"', "*", "`", "地址省市", "的", "电话",
    "微信号", "QQ1", "京A1", "13812345678 ", "a@b.com ", "8.8.8.8 ", "4111111111111111", "DE89 ", "\u200b", "a\u0301",
    "a", "1", "A1", "0", "x", "é", "王", "卡·", "A. ", "12 St ", "Name: ", "号1", "\n\n", "token=",
    "://a:b@", "-----BEGIN PRIVATE KEY-----", "passport ", "加Q", "eyJa.", "1.1.1.1.", "a@b.co", "4111111111111111,",
    "江苏省南京市玄武区珠江路67号", "省市区路1 ", "password=", "密码：Aa1!aa ", "Bearer ", "EAAA", "-us1", "Q~", "eyJ-",
    "http://a:b@c.de/ ", "o'a@", "token=9f86d081884c7d65&", "护照E12345678 ", "ZXlK+",
)  # fmt: skip
CORE = ("_vx", "http://", "a@", ".", "-", "1", "(", " ", "\n", "<", "&#", "%40", '"', "电话", "\u200b", "a", ":", "A1")
SMALL, LARGE = 25_000, 100_000
PAIR = 6_000
FLOOR = 0.25
"""CPU seconds: what 100,000 characters may always take."""
SUSPECT = 0.05
"""CPU seconds of 6,000 characters from which a pair is looked at closely."""


def repeated(piece: str, size: int) -> str:
    return piece * (size // len(piece))


def pairs(size: int) -> Iterator[tuple[str, str, str]]:
    """(a, b, text): two pieces in turn, and a run of one before a run of the other."""
    for a, b in itertools.permutations(CORE, 2):
        yield a, b, repeated(a + b, size)
        yield a, b, repeated(a, size // 2) + repeated(b, size // 2)


def seconds(work: Callable[[str], object], text: str) -> float:
    """CPU seconds, the best of three; one run is enough where it is quick."""
    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        work(text)
        best = min(best, time.process_time() - began)
        if best < SUSPECT:
            break
    return best


def assert_linear(work: Callable[[str], object], in_pairs: bool = True) -> None:
    """Every piece at 25,000 and 100,000 characters; all pairs at 6,000, and larger where they take long."""
    for piece in PIECES:
        compare(work, lambda size, piece=piece: repeated(piece, size), repr(piece))
    if not in_pairs:
        return
    for number, (a, b, text) in enumerate(pairs(PAIR)):
        if seconds(work, text) > SUSPECT:
            compare(work, lambda size, n=number: next(itertools.islice(pairs(size), n, None))[2], f"{a!r} and {b!r}")


def compare(work: Callable[[str], object], text: Callable[[int], str], name: str) -> None:
    """Four times the text, at most eight times the time."""
    small = seconds(work, text(SMALL))
    assert small < 20 * FLOOR, f"{name}: {small:.1f} s for {SMALL} characters"
    large = seconds(work, text(LARGE))
    assert large < max(FLOOR, 8 * small), f"{name}: {small:.3f} s for {SMALL} characters, {large:.3f} s for {LARGE}"


def column(text: str) -> pa.Array:
    return pa.array([text], pa.large_string())


# Patterns


@cache
def written_patterns() -> dict[tuple[str | bytes, int], str]:
    """(pattern, flags) -> where: those that modules and classes hold, and those that stand in a call."""
    found: dict[tuple[str | bytes, int], str] = {}

    def hold(value: object, where: str) -> None:
        if isinstance(value, LazyPattern):
            value = value.compiled
        if isinstance(value, re.Pattern | regex.Pattern):
            found.setdefault((value.pattern, value.flags & ~regex.VERSION0), where)
        elif isinstance(value, list | tuple):
            for inner in value:
                hold(inner, where)
        elif isinstance(value, type) and value.__module__.startswith("gristmill."):
            for name, inner in list(vars(value).items()):
                if not isinstance(inner, type):
                    hold(inner, f"{where}.{name}")

    for package in ("filters", "tokenizer", "pipelines"):
        path = importlib.import_module(f"gristmill.{package}").__path__
        for info in pkgutil.walk_packages(path, f"gristmill.{package}."):
            if ".make_" in info.name:  # writes a table of ours, with packages that a run does not need
                continue
            for name, value in list(vars(importlib.import_module(info.name)).items()):
                hold(value, f"{info.name}.{name}")
    for file in sorted(file for name in PACKAGES for file in (ROOT / name).rglob("*.py")):
        if file.name.startswith("make_"):
            continue
        for pattern, line in patterns_in_calls(file):
            found.setdefault((pattern, 0), f"{file.relative_to(ROOT)}:{line}")
    return found


def patterns_in_calls(file: Path) -> Iterator[tuple[str | bytes, int]]:
    """(pattern, line) of re.sub(), regex.search(), ... with the pattern written there."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="re" | "regex"), attr=name), args=[ast.Constant(value=pattern), *_]
            ) if name not in ("compile", "escape"):
                yield pattern, node.lineno


@cache
def sources() -> str:
    """All code."""
    return "\n".join(file.read_text(encoding="utf-8") for name in PACKAGES for file in (ROOT / name).rglob("*.py"))


@cache
def is_searched(where: str) -> bool:
    """Whether a pattern is looked for at every place of a text; one of match() and fullmatch() is tried at one."""
    name = where.rpartition(".")[2]
    calls = rf"\b{re.escape(name)}\.(?:search|finditer|findall|sub|subn|split)\("
    return (
        ":" in where
        or re.search(rf"\b{re.escape(name)}\.(?:full)?match\(", sources()) is None
        or bool(re.search(calls, sources()))
    )


BOUNDED = {
    "gristmill.pipelines.recipe.yaml.plain.OTHER_NUMBER": "a piece of another pattern, which YAML tries at one place",
    "gristmill.pipelines.read.encodings.declared.ATTRIBUTES": "a tag of a page's first 4,096 bytes",
    "gristmill.pipelines.runners.said.OURS": "the end of a log",
}
"""Patterns that only ever see a text of bounded length, or are tried at one place of it."""


def test_patterns__are_found():
    assert len(written_patterns()) > 60
    assert any("declared" in where for where in written_patterns().values())


@pytest.mark.linear
def test_patterns__linear():
    slow = []
    for (pattern, flags), where in written_patterns().items():
        if where in BOUNDED:
            continue
        compiled = (regex if "filters" in where else re).compile(pattern, flags)

        def work(text: str, compiled=compiled, where=where, raw=isinstance(pattern, bytes)) -> None:
            subject = text.encode() if raw else text
            if not is_searched(where):
                compiled.match(subject)
                compiled.fullmatch(subject)
                return
            for _ in compiled.finditer(subject):
                pass

        is_searched(where)  # reads the code
        try:
            assert_linear(work)
        except AssertionError as error:
            slow.append(f"{where}: {error}")
    assert slow == []


# Recognizers, rules, scans


RECOGNIZERS = tuple(name for name, entity in ENTITIES.items() if entity.default or entity.recognizer)


@pytest.mark.linear
@pytest.mark.parametrize("entity", RECOGNIZERS)
def test_recognizer__linear_on_the_whole_text(entity):
    asked = recognizers((entity,))
    assert asked
    for recognizer in asked:
        assert_linear(recognizer.run)


PRESET_RULES = {name: Judge([Entry(None, None, None, (preset,))]) for name, preset in PRESETS.items()}
EDITING = (PRESETS["lines@gristmill"], PRESETS["refinedweb@dclm"], PRESETS["c4@tfds"])
EVERY_SIGNAL = Judge([Entry(None, None, None, (*EDITING, own_rules([(name, 0, None) for name in SIGNALS])))])


def judged(judge: Judge) -> Callable[[str], object]:
    def work(text: str) -> object:
        one = pa.array(["x"], pa.string())
        return [judge.judge(column(text), pa.array([lang], pa.string()), one, one) for lang in ("en", "zh")]

    return work


def edited(text: str) -> object:
    """Two rounds of edits, one every ten characters."""
    size = len(text.encode()) // 10
    plain = column("x" * size * 10)
    first = Edits.of(1, [0] * size, range(0, size * 10, 10), range(4, size * 10, 10), ["a"] * size, ["<A>"] * size)
    later = Edits.of(1, [0] * size, range(1, size * 9, 9), range(3, size * 9, 9), ["b"] * size, ["12345"] * size)
    assert apply(apply(plain, first), later).equals(apply(plain, first.then(later)))
    return first.concatenate([first, first]).merged()


def prescanned(text: str) -> object:
    return declared_in(text.encode()), declared_in(b"<meta " + text.encode())


def depth(text: str) -> object:
    return measure(text.encode(), 512)


SCRUBBER = Scrubber()
VALUES = Values(SCRUBBER)
EXCERPTS = Excerpts(SCRUBBER.scrub)
SCANS: dict[str, Callable[[str], object]] = {
    **{f"rules of {name}": judged(judge) for name, judge in PRESET_RULES.items()},
    "every signal": judged(EVERY_SIGNAL),
    "line rules": lambda text: (edit_c4(column(text)), edit_refinedweb(column(text))),
    "addresses": lambda text: [ask(*host_and_path(text)) for ask in (prefixes, address_words)],
    "language": lambda text: (identify(column(text)), identify(column(text), None), script_of(column(text))),
    "fingerprints": lambda text: fingerprint(column(text), MinHash()),
    "edits": edited,
    "charset": prescanned,
    "nesting": depth,
    "scan": lambda text: scan(column(text)),
    "hidden signs": lambda text: shadow_of(column(text)),
    "names": lambda text: (list(find_names(column(text))), list(find_names(column(text), private=True))),
    "scrubber": lambda text: SCRUBBER.edits(column(text)),
    "scrubbed text": SCRUBBER.scrub,
    "scrubbed values": lambda text: VALUES.column(column(text), "id"),
    "scrubbed JSON": lambda text: (VALUES.json(column(text)), VALUES.json(column(json.dumps({text: [text]})))),
    "redaction": redacted,
    "excerpts": lambda text: (EXCERPTS.excerpt(text), Excerpts(SCRUBBER.scrub).name(text)),
    "differences": lambda text: passages(
        EXCERPTS.excerpt(text, COMPARED)[0], EXCERPTS.excerpt("x" + text, COMPARED)[0]
    ),
    "sentences": lambda text: list(sentences(text)),
    "substrings": lambda text: find_anchors(read(column(text)), LENGTH),
    "spans": lambda text: Passage(Query.of(text[:2_000], LENGTH), LENGTH).maximal_spans(text.encode()),
}


OF_OTHERS = ("scrubbed text", "scrubbed values", "scrubbed JSON", "excerpts", "differences")
"""Made of what stands above: their pairs are seen there."""


@pytest.mark.linear
@pytest.mark.parametrize("scan_", SCANS)
def test_scan__linear(scan_):
    SCANS[scan_]("a b. 中文@1&#64;\n")  # compiles kernels
    assert_linear(SCANS[scan_], in_pairs=scan_ not in OF_OTHERS)


def test_assert_linear__sees_a_square():
    """The measure itself: a pattern that looks for its end from every start."""
    with pytest.raises(AssertionError, match="http"):
        compare(
            lambda text: re.sub(r"(?<=://)[^/\s@]+:[^\s@]*@", "", text),
            lambda size: repeated("http://", size // 2),
            "http://",
        )
