"""How far a run has drifted from another one: the population stability index of its distributions.

PSI = sum over bins of (p - q) ln(p / q), p and q the shares of a bin in the two runs (Kullback's symmetric divergence).
Below 0.1 nothing has changed, from 0.25 on it has for certain (Siddiqi, Credit Risk Scorecards, 2006, p. 136, where the
index is customary); so the bound is 0.25. Bins are joined until each has a tenth of both runs (customary are tenths of
the reference, which overlooks what moves into its gaps): then chance alone gives about 9 (1 / n + 1 / m) (Yurdakul,
2018), 0.06 of 300 documents each. Counts get half a document more, so that an empty bin has a logarithm.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from gristmill.pipelines.report.alarms.alarm import DRIFT, Alarm
from gristmill.pipelines.report.alarms.reference import Reference
from gristmill.pipelines.report.figures import Histogram
from gristmill.pipelines.report.histograms import Axis, Wanted, histograms
from gristmill.pipelines.report.material import Material
from gristmill.pipelines.report.sections.decisions import Entry, judged_by
from gristmill.pipelines.report.theme import share

BIN_SHARE = 0.1
RARE = 0.01
"""Languages and sources with less of both runs are taken together."""


def drift_alarms(
    material: Material, entries: Sequence[Entry], figures: Mapping[str, float], reference: Reference, bound: float,
    least: int,
) -> Iterator[Alarm]:  # fmt: skip
    """Signals of every entry, lengths, languages, sources and the share kept that differ from the reference run."""
    for entry in entries:
        yield from _signals(material, entry, len(entries), reference, bound, least)
    for kind in ("languages", "sources"):
        ours, theirs = _mix(figures, kind), _mix(reference.figures, kind)
        if min(sum(ours.values()), sum(theirs.values())) >= least:
            index = psi(*_joined(theirs, ours))
            if index >= bound:
                names = ", ".join(_moved(theirs, ours))
                yield _alarm(f"the mix of {kind}", "", int(sum(ours.values())), index, names, "sources")
    now, before = _kept(figures), _kept(reference.figures)
    if min(sum(now), sum(before)) >= least and (index := psi(np.array(before), np.array(now))) >= bound:
        told = f"{share(before[0] / sum(before))} → {share(now[0] / sum(now))}"
        yield _alarm("the share kept", "", int(sum(now)), index, told, "funnel")


def psi(reference_B: np.ndarray, current_B: np.ndarray) -> float:
    """The population stability index of two counts of documents by bin."""
    p_B, q_B = (np.asarray(counts, np.float64) + 0.5 for counts in (current_B, reference_B))
    p_B, q_B = p_B / p_B.sum(), q_B / q_B.sum()
    return float(((p_B - q_B) * np.log(p_B / q_B)).sum())


def joined_bins(reference_B: np.ndarray, current_B: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Neighbouring bins taken together until each has BIN_SHARE of the two runs; what is left over is a bin."""
    ends, held = [], 0.0
    for at, both in enumerate(reference_B / reference_B.sum() + current_B / current_B.sum()):
        held += both / 2
        if held >= BIN_SHARE:
            ends.append(at + 1)
            held = 0.0
    starts = [0, *(end for end in ends if end < len(reference_B))]
    return np.add.reduceat(reference_B, starts), np.add.reduceat(current_B, starts)


def _signals(
    material: Material, entry: Entry, entries: int, reference: Reference, bound: float, least: int
) -> Iterator[Alarm]:
    known = reference.signals(entry.admits)
    shared = [(of, known[of.title]) for of in entry.histograms if of.title in known and of.documents >= least]
    shared = [(of, than) for of, than in shared if than["documents"] >= least]
    wanted = [Wanted(of.title, of.unit, axis=_axis(than)) for of, than in shared]
    whens = [of.get("when") or {} for of in material.recipe.get("decide") or []]
    counted = histograms(material.ledger, "ledger", wanted, judged_by(entry.number, whens))
    for (of, than), again in zip(shared, counted, strict=True):
        before_B = np.array([of_bin["documents"] for of_bin in than["bins"]])
        now_B = np.array([of_bin.documents for of_bin in again.bins])
        if (index := psi(*joined_bins(before_B, now_B))) >= bound:
            where = "" if entry.admits.startswith("every ") else entry.admits
            yield _alarm(
                f"the signal {of.title}", where, of.documents, index, _medians(of, than), f"entry-{entry.number}"
            )


def _axis(of: Mapping[str, Any]) -> Axis:
    return Axis(of["scale"], of["low"], of["high"], len(of["bins"]))


def _medians(of: Histogram, than: Mapping[str, Any]) -> str:
    return f"median {than['median']:,.4g} → {of.median:,.4g}"


def _mix(figures: Mapping[str, float], kind: str) -> dict[str, float]:
    """Documents by language or by source."""
    begin, end = f"{kind}.", ".documents"
    mine = {name: n for name, n in figures.items() if name.startswith(begin) and name.endswith(end)}
    return {name[len(begin) : -len(end)]: documents for name, documents in mine.items()}


def _joined(theirs: Mapping[str, float], ours: Mapping[str, float]) -> tuple[np.ndarray, np.ndarray]:
    common = sorted({name for of in (theirs, ours) for name in of if of[name] >= RARE * sum(of.values())})
    first, second = ([of.get(name, 0.0) for name in common] for of in (theirs, ours))
    rest = (sum(theirs.values()) - sum(first), sum(ours.values()) - sum(second))
    return np.array([*first, rest[0]]), np.array([*second, rest[1]])


def _moved(theirs: Mapping[str, float], ours: Mapping[str, float]) -> list[str]:
    """The three whose share has changed most."""
    moved = {
        name: (theirs.get(name, 0) / sum(theirs.values()), ours.get(name, 0) / sum(ours.values()))
        for name in {*theirs, *ours}
    }
    most = sorted(moved, key=lambda name: (-abs(math.log((moved[name][1] + 1e-3) / (moved[name][0] + 1e-3))), name))[:3]
    return [f"{name} {share(moved[name][0])} → {share(moved[name][1])}" for name in most]


def _kept(figures: Mapping[str, float]) -> tuple[float, float]:
    return figures.get("kept_documents", 0), figures.get("documents", 0) - figures.get("kept_documents", 0)


def _alarm(name: str, where: str, documents: int, index: float, told: str, section: str) -> Alarm:
    of = f" of {where}" if where else ""
    text = f"{name[0].upper()}{name[1:]}{of} has drifted from the reference run: {told} (PSI {index:.2f})."
    return Alarm(DRIFT, "decide" if section.startswith("entry") else "", name, where, documents, text, section)
