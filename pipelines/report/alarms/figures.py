"""The figures of a run, flat, by name: what gates bound (docs/figures.md)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from gristmill.pipelines.recipe.gates import OF_GROUP, OF_RULE, OF_STEP
from gristmill.pipelines.report.alarms.alarm import Alarms
from gristmill.pipelines.report.figures import share
from gristmill.pipelines.report.sections.decisions import Entry
from gristmill.pipelines.report.sections.funnel import Funnel
from gristmill.pipelines.report.sections.groups import Group
from gristmill.pipelines.report.sections.headline import Header
from gristmill.pipelines.report.sections.labels import Coverage

Figures = dict[str, float]
Named = Iterator[tuple[str, float | None]]


def figures_of(
    header: Header, funnel: Funnel, sources: Iterable[Group], languages: Iterable[Group], entries: Sequence[Entry],
    labels: Iterable[Coverage], contamination: Mapping[str, Any] | None = None,
) -> Figures:  # fmt: skip
    """Every figure that the run has; what cannot be computed (a share of nothing, tokens without shards) is absent."""
    unjudged = sum(of.count for of in funnel.unjudged)
    found: list[tuple[str, float | None]] = [
        *_documents("", header.records.documents, header.kept.documents, header.dropped, header.dead, unjudged),
        ("bytes", header.records.bytes),
        ("kept_bytes", header.kept.bytes),
        ("tokens", header.tokens),
        ("validation_tokens", header.held_out),
    ]
    if contamination is not None:
        left = contamination["documents_left"]
        found.append(("contaminated_documents", left))
        found.append(("contaminated_share", share(left, header.kept.documents)))
        found.append(("decontaminated_documents", contamination["documents"] - left))
    for kind, groups in (("sources", sources), ("languages", languages)):
        for of in groups:
            begin = f"{kind}.{of.name}."
            found += _documents(begin, of.documents, of.kept, of.dropped, of.dead, of.unjudged)
            found += [(f"{begin}bytes", of.bytes), (f"{begin}kept_bytes", of.kept_bytes), (f"{begin}tokens", of.tokens)]
    for step in funnel.steps:
        entered, dropped, dead = (count.documents for count in (step.entered, step.dropped, step.dead))
        parts = list(_documents("", entered, step.kept.documents, dropped, dead, 0))
        found += [(f"steps.{step.name}.{part}", value) for part, value in parts if part not in _NOT_OF_STEPS]
    found += _rules(entries)
    for labelled in (one.whole for one in labels):
        begin = f"labels.{labelled.name}."
        found += [(f"{begin}documents", labelled.documents), (f"{begin}matched_documents", labelled.matched)]
        found.append((f"{begin}matched_share", labelled.share_matched))
    return {name: value for name, value in found if value is not None}


_NOT_OF_STEPS = ("kept_share", "unjudged_documents", "unjudged_share")


def alarm_figures(alarms: Alarms) -> Figures:
    """How many alarms there are, in all and of each kind; of drift none where there was nothing to compare with."""
    counts = dict(alarms.counts)
    if alarms.compared_with is None:
        del counts["drift"]
    return {"alarms": sum(counts.values()), **{f"alarms.{kind}": number for kind, number in counts.items()}}


def _documents(begin: str, documents: int, kept: int, dropped: int, dead: int, unjudged: int) -> Named:
    yield f"{begin}documents", documents
    for name, number in (("kept", kept), ("dropped", dropped), ("dead", dead), ("unjudged", unjudged)):
        yield f"{begin}{name}_documents", number
        yield f"{begin}{name}_share", share(number, documents)


def _rules(entries: Sequence[Entry]) -> Named:
    fired: dict[str, list[int]] = {}
    most: dict[str, float] = {}
    for rule in (rule for entry in entries for rule in entry.rules):
        fired.setdefault(rule.name, []).append(rule.fired)
        most[rule.name] = max(most.get(rule.name, 0.0), rule.share_fired or 0.0)
    for name, numbers in fired.items():
        yield f"rules.{name}.fired_documents", sum(numbers)
        yield f"rules.{name}.fired_share", most[name]


_OPEN = {"languages": OF_GROUP, "rules": OF_RULE, "steps": OF_STEP}
"""What a run need not have any of."""


def value_of(figures: Mapping[str, float], name: str) -> float | None:
    """A figure of a run; None where the run does not have it. What a run has nothing of (a language without a document)
    counts 0."""
    if name in figures:
        return figures[name]
    kind, _, rest = name.partition(".")
    part = rest.rpartition(".")[2]
    counted = part in _OPEN.get(kind, ()) and not part.endswith("share")
    return 0 if counted and (part != "tokens" or "tokens" in figures) else None
