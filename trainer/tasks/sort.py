"""Sort digits."""

import random
from dataclasses import dataclass

from gristmill.trainer.tasks.lists import closeness, drawn
from gristmill.trainer.tasks.protocol import Example

ASKED = {"en": "Sort: ", "zh": "排序："}


@dataclass(frozen=True)
class Sort:
    """`Sort: 3 1 2` -> `1 2 3`."""

    size: int = 5
    """Digits."""
    name = "sort"

    def examples(self, seed: int, count: int, lang: str) -> list[Example]:
        """Of a `Task`."""

        def make(rng: random.Random) -> tuple[str, str, str]:
            digits = [str(rng.randrange(10)) for _ in range(self.size)]
            return ASKED[lang] + " ".join(digits), " ".join(sorted(digits)), ""

        return drawn(self.name, seed, count, lang, make)

    def score(self, text: str, answer: str) -> float:
        """Of a `Task`: the share of digits in their place counts half."""
        return closeness(text.split(), answer.split())
