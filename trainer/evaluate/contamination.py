"""How much of a task stood in what a model was trained on: rates from the manifests of the runs behind a checkpoint.

`manifest["contamination"]["sets"][name] = {"items", "contaminated", "rate", "documents", "sha256"}` (decontamination).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Contamination:
    """Of one task."""

    rate: float | None
    """Share of items found in a run's texts, the largest of the runs; None: not measured in any."""
    items: int = 0
    contaminated: int = 0
    unmeasured: tuple[str, ...] = ()
    """Runs that the model learnt from, whose manifest says nothing of the task."""

    def facts(self) -> dict[str, Any]:
        """For results.json."""
        return {
            "rate": self.rate if self.rate is not None else "not measured",
            "items": self.items,
            "contaminated": self.contaminated,
            "not_measured_in": list(self.unmeasured),
        }

    def said(self) -> str:
        """For a table."""
        if self.rate is None:
            return "not measured"
        return f"{self.rate:.1%}" + ("+?" if self.unmeasured else "")


def contamination_of(
    name: str, files: Mapping[str, str], manifests: Sequence[tuple[str, Mapping[str, Any] | None]]
) -> Contamination:
    """Of a task by the sha256 of one of its files, or by its name. `manifests`: (run, manifest) of every run behind the
    model; None where it is no longer there."""
    unmeasured, found = [], []
    for run, manifest in manifests:
        sets = ((manifest or {}).get("contamination") or {}).get("sets") or {}
        own = [one for one in sets.values() if one.get("sha256") in set(files.values())]
        own = own or [one for known, one in sets.items() if known == name]
        found += own
        unmeasured += [run] * (not own)
    if not found:
        return Contamination(None, unmeasured=tuple(unmeasured))
    worst = max(found, key=lambda one: one["rate"])
    return Contamination(worst["rate"], worst["items"], worst["contaminated"], tuple(unmeasured))
