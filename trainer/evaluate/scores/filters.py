"""From what a model wrote to what is compared: `filter_list` of a task, as lm-evaluation-harness has it."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gristmill.trainer.errors import ConfigError

Filter = Callable[[list[str]], list[str]]
"""Continuations of one prompt to fewer, or others."""


@dataclass(frozen=True)
class Pipeline:
    """Filters one after the other; of what is left the first is compared."""

    name: str
    filters: tuple[Filter, ...]

    def __call__(self, texts: Sequence[str]) -> list[str]:
        """What is left of the continuations of one prompt."""
        found = list(texts)
        for one in self.filters:
            found = one(found)
        return found


def pipelines(filter_list: Sequence[dict[str, Any]], where: str) -> list[Pipeline]:
    """Those of a task; without any the first continuation as it is, named `none`. Raises ConfigError."""
    if not filter_list:
        return [Pipeline("none", ())]
    return [
        Pipeline(str(one.get("name", "none")), tuple(_filter(step, where) for step in one.get("filter", [])))
        for one in filter_list
    ]


def _filter(step: Any, where: str) -> Filter:
    name = step.get("function") if isinstance(step, dict) else None
    options = {key: value for key, value in step.items() if key != "function"} if isinstance(step, dict) else {}
    if name not in FILTERS:
        raise ConfigError(f"filter {name!r} is not known", where=where, fix=f"one of: {', '.join(FILTERS)}")
    try:
        return FILTERS[name](**options)
    except (TypeError, ValueError, re.error) as error:
        raise ConfigError(f"filter {name!r}: {error}", where=where, fix="see docs/evaluation.md") from error


def _regex(regex_pattern: str = r"#### (\-?[0-9\.\,]+)", group_select: int = 0, fallback: str = "[invalid]") -> Filter:
    pattern = re.compile(regex_pattern)

    def found_in(text: str) -> str:
        found = pattern.findall(text)
        if not -len(found) <= group_select < len(found):
            return fallback
        one = found[group_select]
        if isinstance(one, tuple):
            one = next((group for group in one if group), fallback)
        return one.strip()

    return lambda texts: [found_in(text) for text in texts]


def _take_first_k(k: int) -> Filter:
    return lambda texts: texts[:k]


def _each(change: Callable[[str], str]) -> Callable[[], Filter]:
    return lambda: lambda texts: [change(text) for text in texts]


def _majority(texts: list[str]) -> list[str]:
    """The most frequent (Wang et al. 2023, self-consistency); of equally frequent ones that which came first."""
    return [Counter(texts).most_common(1)[0][0]]


FILTERS: dict[str, Callable[..., Filter]] = {
    "regex": _regex,
    "take_first": lambda: lambda texts: texts[:1],
    "take_first_k": _take_first_k,
    "majority_vote": lambda: _majority,
    "remove_whitespace": _each(str.strip),
    "lowercase": _each(str.lower),
    "uppercase": _each(str.upper),
}
