"""The one contract of a task. A new one is a file beside this one and a name in `registry.py`, or a user's own file."""

from dataclasses import dataclass, field
from typing import Any, Protocol

LANGUAGES = ("en", "zh")
PERFECT = 1.0
"""The score of a right response."""


@dataclass(frozen=True)
class Example:
    """A question whose answer can be checked."""

    messages: list[dict[str, Any]]
    """The conversation up to the assistant's turn: `[{"role": "user", "content": ...}]`."""
    answer: str
    """What `Task.score` compares with."""
    solution: str = field(default="")
    """A right response, for supervised training; "": the answer."""

    @property
    def response(self) -> str:
        """What a perfect policy says."""
        return self.solution or self.answer


class Task(Protocol):
    """Examples without end, and a check that needs no judge."""

    name: str

    def examples(self, seed: int, count: int, lang: str) -> list[Example]:
        """`count` examples; a function of its arguments alone, of which a smaller count gives the first."""

    def score(self, text: str, answer: str) -> float:
        """0 to 1; 1 exactly where the response is right, so that exact match is `score == 1`. What lies between rewards
        the way there."""


def is_exact(task: Task, text: str, answer: str) -> bool:
    """Whether a response is right."""
    return task.score(text, answer) >= PERFECT
