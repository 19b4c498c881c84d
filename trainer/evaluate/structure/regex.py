"""A regular expression of Python as an expression: read by `re`'s own parser, so that it means what it means there.

What a text is asked is `re.fullmatch`. Not regular, or not of one text alone, and refused by name: groups that are
repeated by number, what stands before or behind, possessive repeats, anchors inside, case that does not matter.
"""

import re
import re._constants as code  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
import warnings
from collections.abc import Sequence
from functools import cache
from typing import Any

from gristmill.trainer.errors import ConfigError
from gristmill.trainer.evaluate.structure.expressions import (
    LAST,
    Characters,
    Either,
    Expression,
    Joined,
    Range,
    Repeated,
    characters,
    others,
)

BEGIN, END = (code.AT_BEGINNING, code.AT_BEGINNING_STRING), (code.AT_END, code.AT_END_STRING)
CATEGORIES = {
    code.CATEGORY_DIGIT: (r"\d", False), code.CATEGORY_NOT_DIGIT: (r"\d", True),
    code.CATEGORY_SPACE: (r"\s", False), code.CATEGORY_NOT_SPACE: (r"\s", True),
    code.CATEGORY_WORD: (r"\w", False), code.CATEGORY_NOT_WORD: (r"\w", True),
}  # fmt: skip
UNSUPPORTED = {
    code.ASSERT: "what must stand before or behind: (?=...), (?<=...)",
    code.ASSERT_NOT: "what must not stand before or behind: (?!...), (?<!...)",
    code.GROUPREF: r"a group repeated by its number or name: \1, (?P=name)",
    code.GROUPREF_EXISTS: "a choice by whether a group was there: (?(1)...)",
    code.ATOMIC_GROUP: "an atomic group: (?>...)",
    code.POSSESSIVE_REPEAT: "a possessive repeat: *+, ++, ?+",
    code.AT: r"an anchor that is not at the very beginning or end: ^, $, \b",
}
FLAGS = {re.IGNORECASE: "(?i)", re.LOCALE: "(?L)"}


def regex(pattern: str, where: str) -> Expression:
    """Of the texts that `re.fullmatch(pattern, text)` takes. Raises ConfigError for what is no expression, or none that
    is supported, by name."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = parser.parse(pattern)
        for flag, spelt in FLAGS.items():
            _refuse_flag(tree.state.flags & flag, spelt, where)
        parts = list(tree)
        while parts and parts[0][0] is code.AT and parts[0][1] in BEGIN:  # fullmatch begins and ends there anyway
            parts.pop(0)
        while parts and parts[-1][0] is code.AT and parts[-1][1] in END:
            parts.pop()
        return _joined(parts, tree.state.flags, where)
    except re.error as error:
        raise ConfigError(f"no regular expression: {error}", where=where, fix="as Python's re reads it") from error
    except (RecursionError, OverflowError) as error:
        raise ConfigError("the regular expression is nested too deeply", where=where, fix="a simpler one") from error


def _joined(parts: Sequence[Any], flags: int, where: str) -> Expression:
    return Joined(tuple(_one(operation, value, flags, where) for operation, value in parts))


def _one(operation: Any, value: Any, flags: int, where: str) -> Expression:
    match operation:
        case code.LITERAL:
            return characters([(value, value)])
        case code.NOT_LITERAL:
            return others([(value, value)])
        case code.ANY:
            return characters([(0, LAST)]) if flags & re.DOTALL else others([(10, 10)])
        case code.IN:
            return _set(value, flags)
        case code.BRANCH:
            return Either(tuple(_joined(option, flags, where) for option in value[1]))
        case code.SUBPATTERN:
            _, added, removed, inside = value
            _refuse_flag(added & re.IGNORECASE, "(?i:...)", where)
            kept = flags & ~(re.ASCII | re.UNICODE) if added & (re.ASCII | re.UNICODE) else flags
            return _joined(inside, (kept | added) & ~removed, where)
        case code.MAX_REPEAT | code.MIN_REPEAT:
            least, most, part = value
            return Repeated(_joined(part, flags, where), least, None if most is code.MAXREPEAT else int(most))
    what = UNSUPPORTED.get(operation, str(operation).lower())
    raise ConfigError(
        f"the regular expression has {what}", where=where, fix="write it without; no mask of tokens can be made of it"
    )


def _set(members: Sequence[Any], flags: int) -> Characters:
    ranges: list[Range] = []
    for operation, value in members:
        match operation:
            case code.LITERAL:
                ranges.append((value, value))
            case code.RANGE:
                ranges.append(value)
            case code.CATEGORY:
                spelt, negated = CATEGORIES[value]
                found = category(spelt, bool(flags & re.ASCII))
                ranges += others(found).ranges if negated else found
    return others(ranges) if members[0][0] is code.NEGATE else characters(ranges)


@cache
def category(spelt: str, ascii_only: bool) -> tuple[Range, ...]:
    r"""The code points of `\d`, `\s` or `\w`: asked of `re` itself."""
    every = "".join(map(chr, range(LAST + 1)))
    found = re.finditer(f"{spelt}+", every, re.ASCII if ascii_only else 0)
    return tuple((one.start(), one.end() - 1) for one in found)


def _refuse_flag(given: int, spelt: str, where: str) -> None:
    if given:
        raise ConfigError(f"the regular expression has the flag {spelt}", where=where, fix="name both cases: [Aa]")
