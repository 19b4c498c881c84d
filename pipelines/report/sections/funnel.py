"""From record to kept document: what went into each step, how it came out, and whether it adds up."""

import itertools
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from gristmill.pipelines.records.accounts import ASIDE, DEAD, DROPPED, FIRED, IN, KEPT, UNJUDGED, Account
from gristmill.pipelines.report.figures import Count, Named, share
from gristmill.pipelines.report.material import Material

FUNNEL_QUERY = """\
SELECT a.step, a.outcome, a.reason, sum(a.documents) AS documents, sum(a.bytes) AS bytes
FROM (SELECT unnest(accounts) AS a FROM 'manifest.json')
GROUP BY ALL ORDER BY ALL"""


@dataclass(frozen=True)
class Check:
    """One equation that has to hold for the totals to reconcile."""

    what: str
    left: int
    right: int
    holds: bool


@dataclass(frozen=True)
class Reason:
    """Why documents left at a step. `first`: it was the first rule to fire; `fired`: it fired, alone or with others."""

    name: str
    first: int
    bytes: int
    fired: int
    share: float | None


@dataclass(frozen=True)
class StepFlow:
    """What went into a step and how it came out. Shares are of the records that the run read."""

    name: str
    entered: Count
    kept: Count
    dropped: Count
    dead: Count
    share_kept: float
    share_dropped: float
    share_dead: float
    share_gone_before: float
    reasons: list[Reason]


@dataclass(frozen=True)
class Funnel:
    """The whole way from record to kept document."""

    steps: list[StepFlow]
    checks: list[Check]
    aside: list[Named]
    unjudged: list[Named]
    """By language: documents that no entry of `decide` admits. `otherwise`: what became of them, keep or drop."""
    otherwise: str
    query: str


def build_funnel(material: Material) -> Funnel:
    """Steps, equations and what stands beside them, from the accounts of the manifest."""
    accounts, names = list(material.accounts), material.steps
    records = total(accounts, names[0], IN).documents
    steps: list[StepFlow] = []
    gone = 0
    for name in names:
        steps.append(_flow(accounts, name, records, gone))
        gone += steps[-1].dropped.documents + steps[-1].dead.documents
    return Funnel(
        steps=steps,
        checks=[*_step_checks(steps), *_table_checks(material, accounts, steps)],
        aside=_named((a.reason, a.documents) for a in accounts if a.outcome == ASIDE),
        unjudged=_named((a.lang or "unknown", a.documents) for a in accounts if a.outcome == UNJUDGED),
        otherwise=material.recipe.get("otherwise") or "keep",
        query=FUNNEL_QUERY,
    )


def total(accounts: Iterable[Account], step: str, outcome: str, source: str | None = None) -> Count:
    """Documents and bytes of an outcome at a step, of one source or of all."""
    documents = size = 0
    for a in accounts:
        if a.step == step and a.outcome == outcome and source in (None, a.source):
            documents += a.documents
            size += a.bytes
    return Count(documents, size)


def _flow(accounts: list[Account], step: str, records: int, gone: int) -> StepFlow:
    kept, dropped, dead = (total(accounts, step, outcome) for outcome in (KEPT, DROPPED, DEAD))
    whole = max(records, 1)
    return StepFlow(
        name=step,
        entered=total(accounts, step, IN),
        kept=kept,
        dropped=dropped,
        dead=dead,
        share_kept=kept.documents / whole,
        share_dropped=dropped.documents / whole,
        share_dead=dead.documents / whole,
        share_gone_before=gone / whole,
        reasons=_reasons(accounts, step),
    )


def _reasons(accounts: list[Account], step: str) -> list[Reason]:
    first, fired, size = Counter[str](), Counter[str](), Counter[str]()
    entered = total(accounts, step, IN).documents
    for a in accounts:
        if a.step == step and a.outcome == DROPPED:
            first[a.reason] += a.documents
            size[a.reason] += a.bytes
        elif a.step == step and a.outcome == FIRED:
            fired[a.reason] += a.documents
    # A step whose reasons exclude each other (deduplicate) need not write `fired`: there, fired is what it dropped.
    names = sorted(first | fired, key=lambda name: (-first[name], -fired[name], name))
    return [
        Reason(name, first[name], size[name], max(fired[name], first[name]), share(first[name], entered))
        for name in names
    ]


def _step_checks(steps: list[StepFlow]) -> list[Check]:
    within = [
        _check(
            f"{step.name}: in = kept + dropped + dead",
            step.entered.documents,
            step.kept.documents + step.dropped.documents + step.dead.documents,
        )
        for step in steps
    ]
    between = [
        _check(f"{step.name} kept = {following.name} in", step.kept.documents, following.entered.documents)
        for step, following in itertools.pairwise(steps)
    ]
    return within + between


def _table_checks(material: Material, accounts: list[Account], steps: list[StepFlow]) -> list[Check]:
    """The accounts were counted while documents passed; the tables were written beside: both must say the same."""
    ledger, checks = material.ledger, []
    decided = [step for step in steps if step.name != "encode"]
    dead = sum(step.dead.documents for step in decided)
    if ledger.has("ledger"):
        found = ledger.row(
            "SELECT count(*) FILTER (verdict = 'kept') AS kept, count(*) FILTER (verdict = 'dropped') AS dropped,"
            " count(*) FILTER (verdict = 'dead') AS dead FROM 'ledger/*.parquet'"
        )
        checks.append(_check("accounts kept = ledger kept", decided[-1].kept.documents, found["kept"]))
        dropped = sum(step.dropped.documents for step in decided)
        checks.append(_check("accounts dropped = ledger dropped", dropped, found["dropped"]))
        checks.append(_check("accounts dead = ledger dead", dead, found["dead"]))
    if ledger.has("dead"):
        found = ledger.row("SELECT count(*) AS dead FROM 'dead/*.parquet'")
        checks.append(_check("accounts dead = dead letters", dead, found["dead"]))
    return checks


def _check(what: str, left: int, right: int) -> Check:
    return Check(what, left, right, left == right)


def _named(pairs: Iterable[tuple[str, int]]) -> list[Named]:
    counts: Counter[str] = Counter()
    for name, number in pairs:
        counts[name] += number
    return [Named(name, number) for name, number in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))]
