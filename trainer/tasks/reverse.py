"""Reverse a list."""

import random
from dataclasses import dataclass

from gristmill.trainer.tasks.lists import LETTERS, closeness, drawn
from gristmill.trainer.tasks.protocol import Example

ASKED = {"en": "Reverse: ", "zh": "倒序："}


@dataclass(frozen=True)
class Reverse:
    """`Reverse: a b c` -> `c b a`; in Chinese of characters."""

    size: int = 5
    """Letters or characters."""
    name = "reverse"

    def examples(self, seed: int, count: int, lang: str) -> list[Example]:
        """Of a `Task`."""

        def make(rng: random.Random) -> tuple[str, str, str]:
            items = [rng.choice(LETTERS[lang]) for _ in range(self.size)]
            return ASKED[lang] + " ".join(items), " ".join(reversed(items)), ""

        return drawn(self.name, seed, count, lang, make)

    def score(self, text: str, answer: str) -> float:
        """Of a `Task`: the share of items in their place counts half."""
        return closeness(text.split(), answer.split())
