"""Labelled texts as fit.py changes them: other names, names for pronouns, other letter case, addresses left open."""

import random
import re

import people
import values
from made import PERSON

from gristmill.filters.pii.names.rules import dotted

CAPITALS, SMALL = 0.08, 0.04
"""Of real texts with names, so many are also read in capitals, in small letters (Mayhew et al. 2019)."""


def exchanged(sample: tuple[str, list], rng: random.Random, share: float) -> tuple[str, list]:
    """The text with some of its names exchanged for made ones, in the form of each."""
    text, spans = sample
    out, places, at = "", [], 0
    for a, b, label in sorted(spans):
        value = text[a:b]
        if label == PERSON and rng.random() < share:
            if "·" in value or (all(c in dotted.SPELLED for c in value) and rng.random() < 0.5):
                value = people.foreign_in_chinese(rng)
            elif all("\u4e00" <= c <= "\u9fff" for c in value) and len(value) > 1:
                value = people.japanese_person(rng) if rng.random() < 0.08 else people.chinese_person(rng)
            elif value.isascii() and " " in value and value[0].isupper():
                value = people.english_person(rng)
            elif value.isascii() and value.isalpha() and value[0].isupper():
                value = rng.choice(
                    [people.US.first_name(), people.US.last_name(), people.GB.first_name(), people.GB.last_name()]
                )
        out += text[at:a]
        places.append([len(out), len(out) + len(value), label])
        out += value
        at = b
    return out + text[at:], places


_LIKELY = re.compile(
    r"(?i)\b(street|st|ave|avenue|road|rd|blvd|drive|lane|way|plaza|floor|suite|p\.?o\.? box)\b|\b[A-Z]{2} \d{5}\b|"
    r"\d\s?[号號室楼樓栋弄]|[路街巷]\s*\d"
)
AROUND = 50
"""Characters around what may be of an address that may be so, too, in its line."""


def unsure(sample: tuple[str, list]) -> tuple[str, list]:
    """What may be an address is open where only names are labelled: it would be learnt that it is none."""
    text, spans = sample
    opened = []
    for match in _LIKELY.finditer(text):
        start = max(text.rfind("\n", 0, match.start()) + 1, match.start() - AROUND)
        line = text.find("\n", match.end())
        end = min(line if line >= 0 else len(text), match.end() + AROUND)
        if not re.search(r"\d", text[start:end]):
            continue
        at = start
        for a, b, _ in sorted([*spans, *opened, [end, end, ""]]):
            if at < a <= end:
                opened.append([at, a, "?"])
            at = max(at, b)
    return text, sorted([*spans, *opened])


PRONOUN = re.compile(r"(?<!其)[他她](?![们們])|\b(?:[Hh]e|[Ss]he)\b")


def named(sample: tuple[str, list], rng: random.Random, share: float) -> tuple[str, list]:
    """The text with names where it says he or she: real sentences about persons."""
    text, spans = sample
    out, places, at = "", [], 0
    here = [(*match.span(), None) for match in PRONOUN.finditer(text) if rng.random() < share]
    for a, b, label in sorted([*here, *map(tuple, spans)], key=lambda span: span[:2]):
        if a < at:
            continue
        value = text[a:b]
        if label is None:
            if value.isascii():
                value = people.english_person(rng) if rng.random() < 0.6 else values.SLOTS[rng.choice("GL")](rng)
            else:
                value = people.foreign_in_chinese(rng) if rng.random() < 0.4 else people.chinese_person(rng)
        out += text[at:a]
        places.append([len(out), len(out) + len(value), label or PERSON])
        out += value
        at = b
    return out + text[at:], places


def recased(samples: list[tuple[str, list]], rng: random.Random) -> list[tuple[tuple[str, list], str]]:
    """Some of the texts in capitals or small letters, each with the text that it is of."""
    out = []
    for text, spans in samples:
        draw = rng.random()
        if spans and draw < CAPITALS + SMALL:
            other = text.upper() if draw < CAPITALS else text.lower()
            if len(other) == len(text) and other != text:
                out.append(((other, spans), text))
    return out
