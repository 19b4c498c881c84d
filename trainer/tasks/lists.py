"""What the tasks on short lists share: how they are drawn, written, and compared."""

import random
from collections.abc import Callable, Sequence
from itertools import zip_longest

from gristmill.trainer.errors import ConfigError
from gristmill.trainer.tasks.protocol import LANGUAGES, Example

LETTERS = {"en": list("abcdefghij"), "zh": list("天地人日月水火山石田")}


def drawn(
    name: str, seed: int, count: int, lang: str, make: Callable[[random.Random], tuple[str, str, str]]
) -> list[Example]:
    """Examples of (question, answer, solution); the chance of each is its own, so that a count changes none. Raises
    ConfigError for a language that the task does not speak."""
    if lang not in LANGUAGES:
        raise ConfigError(
            f"task {name!r} does not speak {lang!r}", where="the task's language", fix=f"one of: {', '.join(LANGUAGES)}"
        )
    made = (make(random.Random(f"{name} {lang} {seed} {number}")) for number in range(count))
    return [Example([{"role": "user", "content": asked}], answer, solution) for asked, answer, solution in made]


def closeness(found: Sequence[str], wanted: Sequence[str]) -> float:
    """1 where both are equal, else half the share of places at which they are."""
    if list(found) == list(wanted):
        return 1.0
    same = [a == b for a, b in zip_longest(found, wanted)]
    return sum(same) / len(same) / 2
