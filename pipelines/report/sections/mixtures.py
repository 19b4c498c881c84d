"""Mixtures of the run's tokens: what each of them reads of what, and how often."""

import json
from dataclasses import dataclass

from gristmill.pipelines.report.material import Material

MIXTURES, GROUPS = 4, 20
"""Shown: the first by name; groups by what is read of them."""


@dataclass(frozen=True)
class MixedGroup:
    """What a mixture reads of a group; of the others together where there are more than GROUPS."""

    name: str
    documents: int
    tokens: int
    read: int
    share: float
    epochs: float
    cut: int
    """Tokens that it never reads."""
    effective: int
    """Tokens that, read once, would be worth as much."""


@dataclass(frozen=True)
class Mixture:
    """A written mixture (docs/mixing.md)."""

    name: str
    runs: int
    rows: int
    read: int
    epochs: float
    effective: int
    most_epochs: float
    padding: float
    left_out: int
    """Training documents that are held out by a run."""
    groups: list[MixedGroup]


def build_mixtures(material: Material) -> list[Mixture]:
    """One for every mix/<name>/mix.json of the run, by name; at most MIXTURES. One that cannot be read is left out."""
    found = []
    for file in sorted(material.run.glob("mix/*/mix.json"))[:MIXTURES]:
        try:
            card = json.loads(file.read_text(encoding="utf-8"))
            total, groups = card["total"], sorted(card["groups"], key=lambda group: (-group["read"], group["group"]))
            found.append(
                Mixture(
                    name=material.excerpts.name(file.parent.name),
                    runs=len(card["runs"]),
                    rows=card["rows"],
                    read=total["read"],
                    epochs=total["epochs"],
                    effective=total["effective"],
                    most_epochs=max((group["most_epochs"] for group in groups), default=0.0),
                    padding=card["padding"],
                    left_out=sum(card["left_out"].values()),
                    groups=[_group(material, group["group"], [group]) for group in groups[:GROUPS]]
                    + ([_group(material, f"{len(groups) - GROUPS} more", groups[GROUPS:])] if groups[GROUPS:] else []),
                )
            )
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found


def _group(material: Material, name: str, groups: list[dict]) -> MixedGroup:
    sums = {key: sum(group[key] for group in groups) for key in ("documents", "tokens", "read", "cut", "effective")}
    epochs = sums["read"] / sums["tokens"] if sums["tokens"] else 0.0
    share = sum(group["share"] for group in groups)
    return MixedGroup(material.excerpts.name(name), share=share, epochs=epochs, **sums)
