"""The figures of all seeds as tables: the mean, and in brackets the least and the most; what was aimed at, and how many
seeds reached it."""

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from tests.benchmarks.proof.settings import GOALS
from tests.benchmarks.proof.trained import Figures

Found = dict[str, Figures]


def tables(out: Path) -> str:
    """Of what stands in OUT/TASK/seed-N/found.json; a figure that not all seeds have is told of those that have it."""
    parts = []
    for folder in sorted({path.parent.parent for path in out.glob("*/*/found.json")}):
        seeds = [_read(path / "found.json") for path in sorted(folder.glob("seed-*"))]
        teacher = _read(folder / "teacher" / "found.json").get("teacher", {})
        for found in seeds:
            _compare(found, teacher)
        parts += [f"**{folder.name}**", *_of_task(seeds, teacher)]
    return "\n\n".join(part for part in parts if part)


def _compare(found: Found, teacher: Figures) -> None:
    """Adds points over `weak`, and the share of the way from there to the teacher."""
    weak = found.get("weak", {}).get("exact")
    for name, figures in found.items():
        if weak is not None and "exact" in figures and name not in ("base", "weak"):
            figures["points"] = 100 * (figures["exact"] - weak)
    if teacher and "distill" in found:
        found["distill"]["share"] = found["distill"]["points"] / 100 / (teacher["exact"] - found["weak"]["exact"])


def _of_task(seeds: Sequence[Found], teacher: Figures) -> list[str]:
    names = list(dict.fromkeys(name for found in seeds for name in found))
    over = sorted((name for name in names if name.startswith("over-")), key=lambda name: int(name[5:]))
    tuned = [name for name in names if "exact" in _one(seeds, name) and name not in over]
    told = _table(seeds, tuned, ["exact", "en", "zh", "score", "points", "share"])
    if teacher:
        told += (
            f"\n| teacher | {' | '.join(f'{teacher[key]:.3f}' for key in ('exact', 'en', 'zh', 'score'))} | | | | 1 |"
        )
    return [
        told,
        _table(seeds, [name for name in names if name.startswith("reward")],
               ["val_accuracy", "val_brier", "val_calibration_error", "pairs"]),
        _table(seeds, over, ["learned", "gold", "exact", "nats"]),
        _table(seeds, [name for name in names if name.startswith("ghost-")],
               ["turn 1", "turn 2", "turn 3", "turn 4", "right digits", "unasked"]),
    ]  # fmt: skip


def _table(seeds: Sequence[Found], rows: Sequence[str], columns: Sequence[str]) -> str:
    if not rows:
        return ""
    lines = [f"| | {' | '.join(columns)} | goal | seeds |", "|---" * (len(columns) + 3) + "|"]
    for row in rows:
        having = [found[row] for found in seeds if row in found]
        cells = [_span([one[column] for one in having if column in one]) for column in columns]
        lines.append(f"| {row} | {' | '.join(cells)} | {_goal(row, having)} | {len(having)} |")
    return "\n".join(lines)


def _goal(row: str, having: Sequence[Figures]) -> str:
    if row not in GOALS:
        return ""
    name, least = GOALS[row]
    values = [one[name] for one in having if name in one]
    return f"{name} >= {least:g}: {sum(value >= least for value in values)} of {len(values)}"


def _span(values: Sequence[float]) -> str:
    if not values:
        return ""
    spread = f" ({min(values):.3f} to {max(values):.3f})" if len(values) > 1 else ""
    return f"{fmean(values):.3f}{spread}"


def _read(path: Path) -> Found:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _one(seeds: Sequence[Found], name: str) -> Figures:
    return next(found[name] for found in seeds if name in found)
