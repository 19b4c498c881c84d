"""What is wrong with a text that is no YAML, in our words: the parser's own say where it stopped, not what to do."""

import re

import yaml

FULL_WIDTH = {"：": ":", "，": ",", "｛": "{", "｝": "}", "［": "[", "］": "]", "“": '"', "”": '"', "‘": "'", "’": "'",
              "【": "[", "】": "]", "－": "-", "　": " "}  # fmt: skip
"""Punctuation of a Chinese keyboard, and typographic quotes -> what YAML knows."""

_FAULTS = (
    (r"character '\\t'", "a tab at the beginning of a line", "indent with spaces"),
    (r"character '([%@`|>])'", "a text that begins with '{0}'", "put it in quotes"),
    (r"expected alphabetic or numeric character", "a text that begins with '*' or '&'", "put it in quotes: '*.jsonl'"),
    (r"unknown escape character|expected escape sequence", "a backslash in double quotes", "use single quotes"),
    (r"mapping values are not allowed", "a colon where none can stand",
     "check the indentation; put a text with ': ' in quotes"),
    (r"could not find expected ':'", "a key without its colon", "write `key: value`"),
    (r"while scanning a quoted scalar|unexpected end of stream", "a quotation mark that is not closed", "close it"),
    (r"but (?:got|found) '([\]}])'", "a '{0}' that opens nowhere", "remove it, or open the bracket before it"),
    (r"expected ',' or '([\]}])'", "a '{0}' or a comma that is missing", "close the bracket, or put a comma between"),
    (r"expected <block end>|expected the node content", "a line that fits none above it",
     "give the keys of one mapping the same indentation; lists begin with '- '"),
)  # fmt: skip


def fault(error: yaml.MarkedYAMLError, text: str) -> tuple[int, str, str]:
    """(line, what is wrong, what to do) of what the parser stumbled over."""
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    said = f"{error.context or ''} {error.problem or ''}"
    what, fix = "the line cannot be read", "check indentation, colons and quotes"
    for pattern, problem, advice in _FAULTS:
        if found := re.search(pattern, said):
            what, fix = problem.format(*found.groups()), advice
            break
    if what.endswith("missing") and error.context_mark:  # a bracket may stay open over many lines
        fix += f" (it opens at line {error.context_mark.line + 1})"
    lines = text.split("\n")
    for near in dict.fromkeys((line, error.context_mark.line + 1 if error.context_mark else line, line - 1)):
        if 1 <= near <= len(lines) and (advice := full_width(lines[near - 1])):
            return near, "punctuation that YAML does not know", advice
    return line, what, fix


def full_width(line: str) -> str:
    """Which full-width punctuation to replace by what; "" where a line has none outside of ASCII quotes."""
    outside = re.sub(r"\"[^\"]*\"|'[^']*'|#.*", "", line)
    found = [mark for mark in FULL_WIDTH if mark in outside]
    return "; ".join(f"write '{FULL_WIDTH[mark]}' for '{mark}'" for mark in found[:4])
