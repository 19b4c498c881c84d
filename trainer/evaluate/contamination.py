"""How much of a task stood in what a model was trained on: rates from the manifests of the runs behind a checkpoint.

`manifest["contamination"]["sets"][name]` has items, contaminated, rate, left, left_rate, documents, sha256: what
decontamination found, and what it left in the texts (all of it, where it only reports).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Contamination:
    """Of one task."""

    rate: float | None
    """Share of items that were left in a run's texts, the largest of the runs; None: not measured in any."""
    items: int = 0
    contaminated: int = 0
    """Items that were left."""
    found_rate: float = 0.0
    """Before documents were dropped and passages cut."""
    unmeasured: tuple[str, ...] = ()
    """Runs that the model learnt from, whose manifest says nothing of the task."""

    def facts(self) -> dict[str, Any]:
        """For results.json."""
        return {
            "rate": self.rate if self.rate is not None else "not measured",
            "items": self.items,
            "contaminated": self.contaminated,
            "found_rate": self.found_rate,
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
    """Of a task by the sha256 of its file (of several: of their digests one after the other, or of one of them), or by
    its name. `manifests`: (run, manifest) of every run behind the model; None where it is no longer there."""
    known = {*files.values(), hashlib.sha256(b"".join(bytes.fromhex(one) for one in files.values())).hexdigest()}
    unmeasured, found = [], []
    for run, manifest in manifests:
        sets = ((manifest or {}).get("contamination") or {}).get("sets") or {}
        own = [one for one in sets.values() if one.get("sha256") in known]
        own = own or [one for other, one in sets.items() if other == name]
        found += own
        unmeasured += [run] * (not own)
    if not found:
        return Contamination(None, unmeasured=tuple(unmeasured))
    worst = max(found, key=_left)
    return Contamination(
        _left(worst),
        worst["items"],
        worst.get("left", worst["contaminated"]),
        max(one["rate"] for one in found),
        tuple(unmeasured),
    )


def _left(one: Mapping[str, Any]) -> float:
    return float(one.get("left_rate", one["rate"]))
