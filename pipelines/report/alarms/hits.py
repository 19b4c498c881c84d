"""Rules, lists, classifiers, labels and steps that did nothing or everything: in all, in a source, in a language.

That nothing happened among `least` documents (300) says that it happens to less than one in 100, with 95 % confidence
(the rule of three: 3 / n; Hanley & Lippman-Hand, JAMA 249, 1983). Of a source or language it is an alarm only where by
the rate of the whole run SURPRISING documents would have been hit: so many fail to appear by chance once in 1,000 times
(Poisson: exp(-7) = 0.0009).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gristmill.pipelines.records.accounts import DEAD, DROPPED, IN
from gristmill.pipelines.report.alarms.alarm import EVERYTHING, NOTHING, Alarm
from gristmill.pipelines.report.material import Material
from gristmill.pipelines.report.sections.decisions import judged_by
from gristmill.pipelines.report.sections.edits import ENTITY
from gristmill.pipelines.report.theme import count
from gristmill.pipelines.storage.sql import identifier

SURPRISING = 7.0
Case = tuple[str, str]
"""A source and a language."""
Cases = Mapping[Case, tuple[int, int]]
"""(documents, those of them that something happened to)."""


@dataclass(frozen=True)
class Doing:
    """What something did to documents. `verb`: "fired for", "dropped"; an alarm if it did it to none, or to all."""

    step: str
    name: str
    verb: str
    section: str
    cases: Cases
    none: bool = True
    all: bool = True


def hit_alarms(material: Material, least: int) -> Iterator[Alarm]:
    """What did nothing or everything. Nothing without a ledger."""
    if not material.ledger.has("ledger"):
        return
    for doing in (*_rules(material), *_marks(material), *_steps(material), *_scrubbed(material)):
        yield from alarms_in(doing, least)
    yield from _constant(material, least)


def alarms_in(doing: Doing, least: int) -> Iterator[Alarm]:
    """Alarms of one thing: of the whole run, else of sources and languages."""
    documents, hits = (sum(of) for of in zip(*doing.cases.values(), strict=True)) if doing.cases else (0, 0)
    if documents < least:
        return
    if doing.none and not hits:
        yield _alarm(doing, NOTHING, "", documents)
    elif doing.all and hits == documents:
        yield _alarm(doing, EVERYTHING, "", documents)
    else:
        seen: set[frozenset[Case]] = set()
        for where, group in _groups(doing.cases):
            of_group, hit = (sum(of) for of in zip(*(doing.cases[case] for case in group), strict=True))
            if of_group < least or group in seen:
                continue
            seen.add(group)
            if doing.all and hit == of_group:
                yield _alarm(doing, EVERYTHING, where, of_group)
            elif doing.none and not hit and of_group * hits / documents >= SURPRISING:
                yield _alarm(doing, NOTHING, where, of_group)


def _groups(cases: Cases) -> Iterator[tuple[str, frozenset[Case]]]:
    for place, kind in enumerate(("source", "language")):
        for name in sorted({case[place] for case in cases} - {""}):
            yield f"{kind} {name}", frozenset(case for case in cases if case[place] == name)


def _alarm(doing: Doing, kind: str, where: str, documents: int) -> Alarm:
    many = "none" if kind == NOTHING else "all"
    of = f"the {count(documents)} documents" + (f" of {where}" if where else "")
    return Alarm(
        kind, doing.step, doing.name, where, documents, f"{doing.name} {doing.verb} {many} of {of}.", doing.section
    )


def _rules(material: Material) -> Iterator[Doing]:
    decide = material.recipe.get("decide") or []
    whens = [entry.get("when") or {} for entry in decide]
    for number in range(len(decide)):
        where = judged_by(number, whens)
        judged = _counted(material, f"SELECT source, lang FROM 'ledger/*.parquet' WHERE {where}")
        fired: dict[str, dict[Case, int]] = defaultdict(dict)
        each = f"SELECT source, lang, unnest(rules) AS rule FROM 'ledger/*.parquet' WHERE {where}"
        for row in material.ledger.rows(f"SELECT *, count(*) AS documents FROM ({each}) GROUP BY ALL ORDER BY ALL"):
            fired[row["rule"]][_case(row)] = row["documents"]
        for rule in material.manifest.get("rules", []):
            if rule["entry"] == number:
                hits = fired.get(rule["name"], {})
                cases = {case: (documents, hits.get(case, 0)) for case, documents in judged.items()}
                yield Doing("decide", rule["name"], "fired for", f"entry-{number}", cases)


def _counted(material: Material, rows: str) -> dict[Case, int]:
    found = material.ledger.rows(f"SELECT *, count(*) AS documents FROM ({rows}) GROUP BY ALL ORDER BY ALL")
    return {_case(row): row["documents"] for row in found}


def _marks(material: Material) -> Iterator[Doing]:
    """Lists that match no or every document; labels that no document has."""
    lists = [column for name in material.recipe.get("lists") or () for column in _columns(material, name)]
    lists = [column for column in lists if not column.endswith((".share", ".different"))]
    labels = [name for name in material.recipe.get("labels") or () if name in _columns(material, name)]
    named = [*lists, *labels]
    if not named:
        return
    counts = ", ".join(
        f"count({column}) AS n{at}, count(*) FILTER ({column} > 0) AS h{at}"
        for at, column in enumerate(map(identifier, named))
    )
    rows = material.ledger.rows(f"SELECT source, lang, {counts} FROM 'ledger/*.parquet' GROUP BY ALL ORDER BY ALL")
    for at, name in enumerate(named):
        cases = {_case(row): (row[f"n{at}"], row[f"h{at}"]) for row in rows if row[f"n{at}"]}
        if name in labels:
            yield Doing("score", f"labels.{name}", "have", "sources", cases, all=False)
        else:
            yield Doing("score", f"lists.{name}", "matched", "rules", cases)


def _constant(material: Material, least: int) -> Iterator[Alarm]:
    """Classifiers that say the same of every document."""
    for name in material.recipe.get("classifiers") or ():
        for column in _columns(material, name):
            quoted = identifier(column)
            rows = material.ledger.rows(
                f"SELECT source, lang, count({quoted}) AS documents, min({quoted}) AS low, max({quoted}) AS high"
                f" FROM 'ledger/*.parquet' WHERE {quoted} IS NOT NULL GROUP BY ALL ORDER BY ALL"
            )
            spread = {_case(row): row for row in rows}
            whole = [("", frozenset(spread))] if spread else []
            seen: set[frozenset[Case]] = set()
            for where, group in (*whole, *_groups(dict.fromkeys(spread, (0, 0)))):
                of = [spread[case] for case in group]
                documents = sum(row["documents"] for row in of)
                same = min(row["low"] for row in of) == max(row["high"] for row in of)
                if same and documents >= least and not any(group <= other for other in seen):
                    seen.add(group)
                    doing = Doing("score", f"classifiers.{column}", "tells apart", "rules", {})
                    yield _alarm(doing, NOTHING, where, documents)


def _steps(material: Material) -> Iterator[Doing]:
    """Steps after which nothing of a source or language is left; deduplication that removes nothing."""
    cases: dict[str, dict[Case, list[int]]] = {step: defaultdict(lambda: [0, 0]) for step in material.steps}
    for account in material.accounts:
        if account.outcome in (IN, DROPPED, DEAD) and account.step in cases:
            case = cases[account.step][account.source, account.lang]
            case[account.outcome != IN] += account.documents
    for step, found in cases.items():
        done = {case: (documents, gone) for case, (documents, gone) in found.items()}
        options = material.recipe.get(step) or {}
        finds_none = step == "deduplicate" and not (options.get("passages") or options.get("substrings"))
        yield Doing(step, step, "removed", "funnel", done, none=finds_none)


def _scrubbed(material: Material) -> Iterator[Doing]:
    if "scrub" in material.steps and material.recipe.get("scrub"):
        rows = material.ledger.rows(
            "SELECT source, lang, count(*) AS documents,"
            f" count(*) FILTER (len(list_filter(edits, lambda e: regexp_full_match(e.kind, '{ENTITY.pattern}'))) > 0)"
            " AS hits FROM 'ledger/*.parquet' WHERE verdict = 'kept' GROUP BY ALL ORDER BY ALL"
        )
        cases = {_case(row): (row["documents"], row["hits"]) for row in rows}
        yield Doing("scrub", "scrub", "found personal data in", "changes", cases)


def _columns(material: Material, name: str) -> list[str]:
    """The ledger's columns of a list, a classifier or labels."""
    return [column for column in material.ledger.columns("ledger") if column.split(".")[0] == name]


def _case(row: Mapping[str, Any]) -> Case:
    return row["source"] or "", row["lang"] or ""
