"""Add two numbers."""

import random
from dataclasses import dataclass

from gristmill.trainer.tasks.lists import closeness, drawn
from gristmill.trainer.tasks.protocol import Example

ASKED = {"en": "Add: ", "zh": "计算："}


@dataclass(frozen=True)
class Add:
    """`Add: 37 + 5` -> `42`."""

    size: int = 2
    """Most digits of a number."""
    name = "add"

    def examples(self, seed: int, count: int, lang: str) -> list[Example]:
        """Of a `Task`."""

        def make(rng: random.Random) -> tuple[str, str, str]:
            a, b = rng.randrange(10**self.size), rng.randrange(10**self.size)
            return f"{ASKED[lang]}{a} + {b}", str(a + b), ""

        return drawn(self.name, seed, count, lang, make)

    def score(self, text: str, answer: str) -> float:
        """Of a `Task`: the share of right digits, from the last one, counts half."""
        return closeness(text.strip()[::-1], answer[::-1])
