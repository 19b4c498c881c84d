"""Whether a finished run passes the gates that its recipe, or anybody later, sets: its figures, compared."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import yaml

from gristmill.pipelines.errors import GateError, InputError, RecipeError
from gristmill.pipelines.recipe.gates import parse_gate
from gristmill.pipelines.report.alarms.figures import value_of
from gristmill.pipelines.storage.layout import RECIPE, REPORT
from gristmill.pipelines.storage.store import Store


@dataclass(frozen=True)
class GateResult:
    """A gate as it is written, the run's figure (None: it has none) and whether it holds."""

    gate: str
    figure: str
    value: float | None
    holds: bool

    @property
    def said(self) -> str:
        """ "dead_share <= 1%: dead_share is 0.043" """
        return f"{self.gate}: {_said(self.figure, self.value)}"


def compare(gates: Sequence[str], figures: Mapping[str, float]) -> list[GateResult]:
    """Every gate against the figures of a run. Raises ValueError for one that is not written as a gate."""
    results = []
    for text in gates:
        gate = parse_gate(text)
        value = value_of(figures, gate.figure)
        results.append(GateResult(" ".join(text.split()), gate.figure, value, gate.holds(value)))
    return results


def gates_of(store: Store, gates: Sequence[str] | None = None) -> list[GateResult]:
    """The gates of a finished run's recipe, or others, against its figures. Only its report and recipe are read.

    Raises RecipeError for a gate that cannot be one, InputError where the run has no figures.
    """
    figures = figures_in(store)
    if gates is None:
        gates = (yaml.safe_load(store.read_bytes(RECIPE)) or {}).get("gates") or []
    try:
        return compare(gates, figures)
    except ValueError as error:
        raise RecipeError(str(error), where="the gates", fix="docs/gates.md shows some") from None


def figures_in(store: Store) -> dict[str, float]:
    """The figures in a run's report, by name. Raises InputError where there are none."""
    found = json.loads(store.read_bytes(REPORT)) if store.exists(REPORT) else {}
    if "figures" not in found:
        fix = "finish the run; of an old one `gristmill report RUN` makes the report anew"
        raise InputError("the run has no report with figures", where=store.url(REPORT), fix=fix)
    figures: dict[str, float] = found["figures"]
    return figures


def gate_error(store: Store, results: Sequence[GateResult]) -> GateError | None:
    """The error of a run that does not pass; None where every gate holds."""
    failed = [of for of in results if not of.holds]
    if not failed:
        return None
    many = f"{len(failed)} of {len(results)} gates fail{'s' if len(failed) == 1 else ''}"
    what = "\n    ".join([f"{many}; the run is whole, and stays", *(of.said for of in failed)])
    fix = "look at the report (`gristmill report RUN`), correct the input or the recipe, or set other `gates`"
    return GateError(what, where=store.root, fix=fix)


def _said(name: str, value: float | None) -> str:
    if value is None:
        return f"this run has no {name}: it ended before, or it is a share of nothing"
    return f"{name} is {value:,.4g}" if not float(value).is_integer() else f"{name} is {int(value):,}"
