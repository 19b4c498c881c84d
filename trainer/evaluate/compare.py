"""Two folders of results, paired by item: the difference, and its interval by bootstrap over items.

Letters: N items, R resamples.
"""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gristmill.trainer.errors import ConfigError, InputError
from gristmill.trainer.evaluate.examine import Examined
from gristmill.trainer.evaluate.scores.summary import Value, metric_of
from gristmill.trainer.evaluate.tasks.arms import base_of

RESAMPLES, SEED = 2000, 19_790_401
"""Efron's bootstrap (1979); percentile interval."""


@dataclass(frozen=True)
class Comparison:
    """Of one metric of one task: B against A, on the items that both have."""

    task: str
    shots: int
    metric: str
    items: int
    first: float
    second: float
    low: float
    """Of the difference: 2.5 % of resamples are below."""
    high: float
    higher_is_better: bool | None

    @property
    def difference(self) -> float:
        """B - A."""
        return self.second - self.first

    @property
    def told_apart(self) -> bool:
        """Whether the interval is on one side of 0."""
        return self.low > 0 or self.high < 0

    @property
    def better(self) -> bool | None:
        """Whether B is, as far as the difference says; None where neither is better."""
        return None if self.higher_is_better is None else (self.difference > 0) == self.higher_is_better

    def facts(self) -> dict[str, Any]:
        """As an object of JSON."""
        return asdict(self) | {"difference": self.difference, "told_apart": self.told_apart}


Items = dict[str, dict[str, Value]]
"""Hash of an item -> metric -> value."""

Samples = dict[tuple[int, str], Items]
"""By (shots, task)."""


def compare(first: Path, second: Path, pairs: Sequence[str] = ()) -> list[Comparison]:
    """Each metric of each task that both folders have. `pairs`: `TASK=OTHER`, tasks of the same items that are to be
    compared as one (direct answers and chains of thought), or `TASK:METRIC=OTHER:METRIC` for one metric of each.

    Raises InputError where they have no item in common, ConfigError for pairs that are not there.
    """
    ours, theirs = read_samples(first), read_samples(second)
    if pairs:
        found = [one for pair in pairs for one in _paired(pair, ours, theirs)]
    else:
        both = sorted(ours.keys() & theirs.keys())
        found = [one for key in both for one in _compared(key, ours[key], theirs[key])]
    if not found:
        raise InputError(
            "the folders have no items of the same task and number of examples in common",
            where=f"{first}, {second}",
            fix="evaluate both models on the same tasks, with the same --shots",
        )
    return found


def compare_arms(examined: Sequence[Examined]) -> list[Comparison]:
    """Each prompt of a task (B) against its first one (A), item by item; empty where no task has several."""
    found: list[Comparison] = []
    first: dict[tuple[str, int], Examined] = {}
    for one in examined:
        ours = first.setdefault((base_of(one.task.name), one.shots), one)
        if ours is not one:
            key = (one.shots, f"{ours.task.name}={one.task.name}")
            found += _compared(key, _items(ours), _items(one))
    return found


def _items(one: Examined) -> Items:
    return {
        item.hash: {f"{metric},{name}": value for (metric, name), value in item.scores.items()} for item in one.items
    }


def _paired(pair: str, ours: Samples, theirs: Samples) -> list[Comparison]:
    left, _, right = pair.partition("=")
    task, _, metric = left.partition(":")
    other, _, other_metric = right.partition(":")
    keys = [key for key in sorted(ours) if key[1] == task and (key[0], other) in theirs]
    if not keys or bool(metric) != bool(other_metric):
        raise ConfigError(
            f"{pair!r} is no pair of tasks that both were asked",
            where="--pair",
            fix="TASK=OTHER, or TASK:METRIC=OTHER:METRIC",
        )
    found = []
    for shots, _ in keys:
        a, b = ours[shots, task], theirs[shots, other]
        if metric:
            a, b = _only(a, metric, metric), _only(b, other_metric, metric)
        found += _compared((shots, pair), a, b)
    return found


def _only(items: Items, metric: str, name: str) -> Items:
    """One metric of each item, under another name."""
    full = _full(metric)
    return {item: {_full(name): one[full]} for item, one in items.items() if full in one}


def _full(metric: str) -> str:
    """With the filter that changes nothing, where none is named."""
    return metric if "," in metric else f"{metric},none"


def read_samples(folder: Path) -> Samples:
    """Scores of items as `eval` wrote them. Raises InputError."""
    found: Samples = {}
    paths = sorted(folder.glob("shots-*/samples_*.jsonl"))
    if not paths:
        raise InputError(
            "no results here", where=str(folder), fix="name a folder that `gristmill eval ... --out` wrote"
        )
    for path in paths:
        key = (int(path.parent.name.removeprefix("shots-")), path.stem.removeprefix("samples_"))
        try:
            with path.open(encoding="utf-8") as file:
                lines = [json.loads(line) for line in file]
            found[key] = {
                line["doc_hash"]: {name: _value(one) for name, one in line["scores"].items()} for line in lines
            }
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError("the samples cannot be read", where=str(path), fix="evaluate again") from error
    return found


def _value(found: Any) -> Value:
    return (float(found[0]), float(found[1])) if isinstance(found, list) else float(found)


def _compared(key: tuple[int, str], ours: Items, theirs: Items) -> list[Comparison]:
    shots, task = key
    found = []
    both = sorted(ours.keys() & theirs.keys())
    names = list(dict.fromkeys(name for item in both for name in ours[item]))
    for name in names:
        items = [item for item in both if name in ours[item] and name in theirs[item]]
        if not items:
            continue
        metric = metric_of(name.rpartition(",")[0])
        a, b = [ours[item][name] for item in items], [theirs[item][name] for item in items]
        low, high = interval(a, b, metric.value)
        shown = name.removesuffix(",none")
        found.append(
            Comparison(task, shots, shown, len(items), metric.value(a), metric.value(b), low, high,
                       metric.higher_is_better)
        )  # fmt: skip
    return found


def interval(
    first: Sequence[Value], second: Sequence[Value], summarise: Callable[[Sequence[Value]], float]
) -> tuple[float, float]:
    """95 % of the differences second - first over resamples of the items, the same ones for both: what makes an item
    hard for both is no difference. nan for fewer than two items."""
    if len(first) < 2:
        return math.nan, math.nan
    rng = np.random.default_rng(SEED)
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if a.ndim == 1 and summarise(first) == float(a.mean()):
        difference_N = b - a
        index_RN = rng.integers(0, len(a), (RESAMPLES, len(a)))
        found_R = difference_N[index_RN].mean(1)
    else:
        found_R = np.empty(RESAMPLES)
        for r in range(RESAMPLES):
            index_N = rng.integers(0, len(a), len(a))
            found_R[r] = summarise(b[index_N]) - summarise(a[index_N])  # type: ignore[arg-type]
    low, high = np.percentile(found_R, (2.5, 97.5))
    return float(low), float(high)
