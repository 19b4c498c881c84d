"""The figures of all seeds as tables: the mean, and in brackets the least and the most."""

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from tests.benchmarks.proof.trained import Figures


def tables(out: Path) -> str:
    """Of what stands in OUT/seed-N/found.json; a figure that not all seeds have is told of those that have it."""
    seeds = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(out.glob("*/found.json"))]
    for found in seeds:
        for name, figures in found.items():
            if "weak" in found and name != "weak" and "exact" in figures and "/" not in name:  # not another task's
                figures["points"] = 100 * (figures["exact"] - found["weak"]["exact"])
    names = list(dict.fromkeys(name for found in seeds for name in found))
    over = sorted((name for name in names if name.startswith("over-")), key=lambda name: int(name[5:]))
    parts = [
        _table(seeds, [n for n in names if "exact" in _one(seeds, n) and n not in over], ["exact", "score", "points"]),
        _table(seeds, [name for name in names if name.startswith("reward")],
               ["val_accuracy", "val_brier", "val_calibration_error", "pairs"]),
        _table(seeds, over, ["learned", "gold", "exact", "nats"]),
        _table(seeds, [name for name in names if name.startswith("ghost-")],
               ["turn 1", "turn 2", "turn 3", "turn 4", "right digits", "unasked"]),
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part)


def _table(seeds: Sequence[dict[str, Figures]], rows: Sequence[str], columns: Sequence[str]) -> str:
    if not rows:
        return ""
    lines = [f"| | {' | '.join(columns)} | seeds |", "|---" * (len(columns) + 2) + "|"]
    for row in rows:
        having = [found[row] for found in seeds if row in found]
        cells = [_span([one[column] for one in having if column in one]) for column in columns]
        lines.append(f"| {row} | {' | '.join(cells)} | {len(having)} |")
    return "\n".join(lines)


def _span(values: Sequence[float]) -> str:
    if not values:
        return ""
    spread = f" ({min(values):.3f} to {max(values):.3f})" if len(values) > 1 else ""
    return f"{fmean(values):.3f}{spread}"


def _one(seeds: Sequence[dict[str, Figures]], name: str) -> Figures:
    return next(found[name] for found in seeds if name in found)
