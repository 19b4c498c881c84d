"""Scores as lines of text."""

import math
from collections.abc import Mapping, Sequence

from gristmill.trainer.evaluate.compare import Comparison
from gristmill.trainer.evaluate.contamination import Contamination
from gristmill.trainer.evaluate.examine import Examined
from gristmill.trainer.evaluate.results import notes
from gristmill.trainer.evaluate.scores.summary import Score

_SIGNS = {True: "B is better", False: "A is better", None: "they differ"}
TOLD_BY_GROUP = ("bits_per_byte", "memorised", "verbatim", "first_preferred", "log_ratio")
"""Whole texts by source and language, what is memorised by split, pairs by subject; others stand in results.json."""


def table(examined: Sequence[Examined], known: Mapping[str, Contamination]) -> str:
    """A line for each metric of each task and number of examples, then what to know of them."""
    rows = [("task", "shots", "metric", "score", "+- error", "items", "contaminated")]
    for one in examined:
        for (metric, name), score in one.scores.items():
            shown = metric if name == "none" else f"{metric}, {name}"
            rows.append((one.task.name, str(one.shots), shown, *_told(score), known[one.task.name].said()))
        for group, values in one.by_group.items():
            for value, scores in values.items():
                rows += [
                    (one.task.name, str(one.shots), f"{metric}, {group} {value}", *_told(score), "")
                    for (metric, _), score in scores.items()
                    if metric in TOLD_BY_GROUP
                ]
    return "\n".join([*aligned(rows), *_remarks(examined)])


def _told(score: Score) -> tuple[str, str, str]:
    return number(score.value), number(score.standard_error), str(score.count)


def comparison(found: Sequence[Comparison]) -> str:
    """A line for each metric that both folders have."""
    rows = [("task", "shots", "metric", "items", "A", "B", "B - A", "95 % of bootstrap", "")]
    for one in found:
        sign = _SIGNS[one.better] if one.told_apart else ""
        interval = f"{number(one.low)} to {number(one.high)}"
        rows.append(
            (
                one.task,
                str(one.shots),
                one.metric,
                str(one.items),
                number(one.first),
                number(one.second),
                number(one.difference),
                interval,
                sign,
            )
        )
    return "\n".join(aligned(rows))


def aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Columns below each other; the first of texts on the left, numbers on the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    left = {0, 2, len(widths) - 1}
    return ["  ".join(_cells(row, widths, left)).rstrip() for row in rows]


def _cells(row: tuple[str, ...], widths: list[int], left: set[int]) -> list[str]:
    sized = enumerate(zip(row, widths, strict=True))
    return [cell.ljust(width) if column in left else cell.rjust(width) for column, (cell, width) in sized]


def number(value: float) -> str:
    """Four digits that count; `-` for what is no number."""
    return f"{value:.4g}" if math.isfinite(value) else "-"


def _remarks(examined: Sequence[Examined]) -> list[str]:
    found = []
    for one in examined:
        told = notes(one)
        name = f"{one.task.name}, {one.shots} examples"
        if told["contexts_cut"]:
            found.append(f"{name}: the beginning of {told['contexts_cut']} contexts did not fit and was left out")
        if told["continuations_without_end"] and one.task.config.until:
            share = told["continuations_without_end"] / told["continuations"]
            found.append(f"{name}: {share:.0%} of continuations were cut by max_gen_toks")
    return found
