"""Checks of answers that come with the prompts (`task` and `answer` of a run of prompts); they make no examples."""

import re
import unicodedata
from dataclasses import dataclass

from gristmill.trainer.errors import ConfigError
from gristmill.trainer.tasks.protocol import Example

NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?")


class _Check:
    name = ""

    def examples(self, seed: int, count: int, lang: str) -> list[Example]:
        """Of a `Task`. Raises ConfigError: the run has them."""
        raise ConfigError(
            f"task {self.name!r} has no examples of its own",
            where="the task",
            fix="use it on a run of prompts: source `prompts:` with the fields task and answer",
        )


@dataclass(frozen=True)
class Exact(_Check):
    """The response is the answer, but for white space and the width of characters."""

    name = "exact"

    def score(self, text: str, answer: str) -> float:
        """Of a `Task`."""
        return float(_plain(text) == _plain(answer))


@dataclass(frozen=True)
class Number(_Check):
    """The last number of the response is that of the answer: `so it is 1,200.` for `#### 1200`."""

    name = "number"

    def score(self, text: str, answer: str) -> float:
        """Of a `Task`."""
        wanted = _last_number(answer)
        return float(wanted is not None and _last_number(text) == wanted)


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).split())


def _last_number(text: str) -> float | None:
    found = NUMBER.findall(unicodedata.normalize("NFKC", text))
    return float(found[-1].replace(",", "")) if found else None
