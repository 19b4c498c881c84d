"""Copy a list in the way that an instruction says."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from gristmill.trainer.tasks.lists import LETTERS, closeness, drawn
from gristmill.trainer.tasks.protocol import Example

WAYS: list[tuple[dict[str, str], Callable[[list[str]], list[str]]]] = [
    ({"en": "Copy: ", "zh": "照抄："}, lambda items: items),
    ({"en": "Copy twice: ", "zh": "照抄两遍："}, lambda items: items * 2),
    ({"en": "Copy without the first: ", "zh": "照抄，去掉第一个："}, lambda items: items[1:]),
    ({"en": "Copy only the last: ", "zh": "只抄最后一个："}, lambda items: items[-1:]),
    ({"en": "Copy in brackets: ", "zh": "照抄，加括号："}, lambda items: ["(", *items, ")"]),
]
"""Instruction by language, and what it does."""


@dataclass(frozen=True)
class Copying:
    """`Copy without the first: a b c` -> `b c`, and other instructions."""

    size: int = 4
    """Most letters or characters; at least 2."""
    name = "copy"

    def examples(self, seed: int, count: int, lang: str) -> list[Example]:
        """Of a `Task`."""

        def make(rng: random.Random) -> tuple[str, str, str]:
            asked, way = rng.choice(WAYS)
            items = [rng.choice(LETTERS[lang]) for _ in range(rng.randint(2, max(2, self.size)))]
            return asked[lang] + " ".join(items), " ".join(way(items)), ""

        return drawn(self.name, seed, count, lang, make)

    def score(self, text: str, answer: str) -> float:
        """Of a `Task`: the share of items in their place counts half."""
        return closeness(text.split(), answer.split())
