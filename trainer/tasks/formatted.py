"""Answer in a given format."""

import random
import re
from dataclasses import dataclass

from gristmill.trainer.tasks.lists import closeness, drawn
from gristmill.trainer.tasks.protocol import Example

ASKED = {
    "en": "What is {a} + {b}? Answer as <answer>number</answer>.",
    "zh": "{a} + {b} 等于多少？请写成 <answer>数字</answer>。",
}
WANTED = re.compile(r"\s*<answer>\s*([^<>]*?)\s*</answer>\s*")


@dataclass(frozen=True)
class Formatted:
    """`What is 3 + 4? Answer as <answer>number</answer>.` -> `<answer>7</answer>` and nothing else."""

    size: int = 1
    """Most digits of a number."""
    name = "format"

    def examples(self, seed: int, count: int, lang: str) -> list[Example]:
        """Of a `Task`."""

        def make(rng: random.Random) -> tuple[str, str, str]:
            a, b = rng.randrange(10**self.size), rng.randrange(10**self.size)
            return ASKED[lang].format(a=a, b=b), str(a + b), f"<answer>{a + b}</answer>"

        return drawn(self.name, seed, count, lang, make)

    def score(self, text: str, answer: str) -> float:
        """Of a `Task`: half for the format, the other half as in `Add`."""
        found = WANTED.fullmatch(text)
        return 0.0 if found is None else 0.5 + closeness(found[1][::-1], answer[::-1]) / 2
