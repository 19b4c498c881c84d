"""Texts with names and addresses, made: to fit the tagger with (fit.py). Values of values.py in templates of ours.

A template holds slots in braces; P is a person and A an address, which are labelled, everything else is filled in.
"""

import random

from people import FOLDER, chinese_masked, chinese_person, english_person, foreign_in_chinese, seed
from values import SLOTS, chinese_address, english_address

PERSON, ADDRESS = "PERSON", "ADDRESS"
Labelled = tuple[str, list[tuple[int, int, str]]]


def templates(name: str) -> list[str]:
    """A line each, line breaks and tabs written as in Python."""
    text = (FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    return [line.replace("\\n", "\n").replace("\\t", "\t") for line in text.splitlines()]


EN, ZH = templates("english"), templates("chinese")


def filled(template: str, rng: random.Random, language: str, carriers: list[str]) -> Labelled:
    """A template with its slots filled, and what of it is a name or an address."""
    text, spans = "", []
    person, address = (english_person, english_address) if language == "en" else (chinese_person, chinese_address)
    i = 0
    while i < len(template):
        if template[i] == "{" and template[i + 2] == "}":
            slot = template[i + 1]
            label = None
            if slot == "P":
                r = rng.random()
                value, label = (person(rng), PERSON)
                if language == "zh" and r < 0.06:
                    value = english_person(rng)
                elif language == "zh" and r < 0.1:
                    value = chinese_masked(rng)
                elif language == "en" and r < 0.03:
                    value = chinese_person(rng)
            elif slot == "Q":
                value, label = foreign_in_chinese(rng), PERSON
            elif slot == "A":
                value, label = address(rng), ADDRESS
                if language == "zh" and rng.random() < 0.03:
                    value = english_address(rng)
            elif slot in "glpsi":
                value, label = (english_person(rng) if slot == "p" else SLOTS[slot.upper()](rng)), PERSON
            elif slot == "W":
                value = (
                    rng.choice(carriers) if carriers and (language == "zh" or rng.random() < 0.7) else SLOTS["W"](rng)
                )
            else:
                value = SLOTS[slot](rng)
            if label:
                spans.append((len(text), len(text) + len(value), label))
            text += value
            i += 3
        else:
            text += template[i]
            i += 1
    if language == "zh" and rng.random() < 0.1:
        text = text.replace("：", ":").replace("，", ",").replace("（", "(").replace("）", ")")
    return text, spans


def made(seed_: int, count: int, carriers: dict[str, list[str]]) -> list[Labelled]:
    """`count` texts of each language; some are several templates one after another."""
    rng, found = seed(seed_), []
    for language, templates in (("en", EN), ("zh", ZH)):
        for _ in range(count):
            text, spans = "", []
            for _ in range(rng.choice([1, 1, 2, 3])):
                more, places = filled(rng.choice(templates), rng, language, carriers[language])
                spans += [(a + len(text), b + len(text), label) for a, b, label in places]
                text += more + rng.choice(["\n", "\n\n", " " if language == "en" else "，"])
            found.append((text, spans))
    return found
