"""The entries of `decide`: which documents each judged, how often its rules fired, how its signals are distributed."""

import math
from dataclasses import dataclass, replace
from typing import Any

from gristmill.pipelines.records.accounts import LATER_RULES, PERSONAL
from gristmill.pipelines.report.figures import Histogram, share
from gristmill.pipelines.report.histograms import Bound, Wanted, histograms
from gristmill.pipelines.report.material import Material
from gristmill.pipelines.storage.sql import literal

OFTEN = 0.5
"""A rule that fires on more than this share of what it judged is probably wrong for these documents."""

_KEYS = (("language", "lang"), ("script", "script"), ("source", "source"))
"""Keys of an entry's `when`, and the ledger's columns that they speak about."""


@dataclass(frozen=True)
class RuleRow:
    """How often one rule fired among the documents that its entry judged. `flag`: '', 'never' or 'often'.

    `first`: it was the first to fire for a document that was dropped; `alone`: no other rule fired. `signal`: the
    column that it judges, which is the title of its histogram.
    """

    name: str
    signal: str
    sentence: str
    fired: int
    first: int
    alone: int
    share_fired: float | None
    flag: str


@dataclass(frozen=True)
class Entry:
    """One entry of `decide`: the documents that it judged, its rules and the distributions of their signals."""

    number: int
    admits: str
    presets: list[str]
    judged: int
    dropped: int
    share_dropped: float | None
    rules: list[RuleRow]
    histograms: list[Histogram]
    query: str


def build_entries(material: Material) -> list[Entry]:
    """One Entry per entry of the recipe's `decide`. Empty without a ledger or without rules."""
    decide = material.recipe.get("decide") or []
    if not material.ledger.has("ledger"):
        return []
    columns = set(material.ledger.columns("ledger"))
    return [_entry(material, number, decide, columns) for number in range(len(decide))]


def _entry(material: Material, number: int, decide: list[dict[str, Any]], columns: set[str]) -> Entry:
    where = judged_by(number, [entry.get("when") or {} for entry in decide])
    rules = [rule for rule in material.manifest.get("rules", []) if rule["entry"] == number]
    counts = material.ledger.row(
        f"SELECT count(*) AS judged, count(*) FILTER (step = 'decide') AS dropped FROM 'ledger/*.parquet' WHERE {where}"
    )
    query = _rules_query(where)
    fired = {row["rule"]: row for row in material.ledger.rows(query)}
    return Entry(
        number=number,
        admits=_admits(decide[number].get("when") or {}, number),
        presets=list(decide[number].get("presets") or []),
        judged=counts["judged"],
        dropped=counts["dropped"],
        share_dropped=share(counts["dropped"], counts["judged"]),
        rules=[_rule_row(rule, fired.get(rule["name"], {}), counts["judged"]) for rule in rules],
        histograms=_histograms(material, rules, where, columns),
        query=query,
    )


def judged_by(number: int, whens: list[dict[str, list[str] | None]]) -> str:
    """SQL condition for the documents that entry `number` judged: the first entry that admits a document judges it."""
    mine = whens[number]
    parts = ["judged", *_admitted(mine)]
    for earlier in whens[:number]:
        if not _disjoint(earlier, mine):
            parts.append(f"NOT coalesce({' AND '.join(_admitted(earlier)) or 'true'}, false)")
    return " AND ".join(parts)


def _admitted(when: dict[str, list[str] | None]) -> list[str]:
    return [
        f"{column} IN ({', '.join(literal(value) for value in values)})"
        for key, column in _KEYS
        if (values := when.get(key))
    ]


def _disjoint(one: dict[str, list[str] | None], other: dict[str, list[str] | None]) -> bool:
    """Whether no document can be admitted by both; keeps the printed queries short."""
    return any((left := one.get(key)) and (right := other.get(key)) and not set(left) & set(right) for key, _ in _KEYS)


def _admits(when: dict[str, list[str] | None], number: int) -> str:
    named = [f"{key} {', '.join(values)}" for key, _ in _KEYS if (values := when.get(key))]
    return "; ".join(named) or ("every other document" if number else "every document")


def _rules_query(where: str) -> str:
    later = " - ".join(f"list_contains(rules, {literal(rule)})::INTEGER" for rule in LATER_RULES)
    personal = f"len(list_filter(rules, lambda r: starts_with(r, {literal(PERSONAL)})))"
    return (
        "SELECT rule, count(*) AS fired,\n"
        "       count(*) FILTER (step = 'decide' AND rules[1] = rule) AS first,\n"
        "       count(*) FILTER (of_decide = 1) AS alone\n"
        "FROM (SELECT step, rules, unnest(rules) AS rule,\n"
        f"             len(rules) - {later} - {personal} AS of_decide\n"
        f"      FROM 'ledger/*.parquet' WHERE {where})\n"
        "GROUP BY rule ORDER BY rule"
    )


def _rule_row(rule: dict[str, Any], found: dict[str, int], judged: int) -> RuleRow:
    fired = found.get("fired", 0)
    flag = "" if not judged else "never" if not fired else "often" if fired > OFTEN * judged else ""
    return RuleRow(
        name=rule["name"],
        signal=rule["column"],
        sentence=rule["sentence"],
        fired=fired,
        first=found.get("first", 0),
        alone=found.get("alone", 0),
        share_fired=share(fired, judged),
        flag=flag,
    )


def _histograms(material: Material, rules: list[dict[str, Any]], where: str, columns: set[str]) -> list[Histogram]:
    """One per signal, in the order of the rules, with the bounds of all rules of this entry on it."""
    wanted: dict[str, Wanted] = {}
    for rule in rules:
        column = rule["column"]
        if column in columns and math.isfinite(rule["threshold"]):
            bound = Bound(rule["name"], rule["comparison"], float(rule["threshold"]), rule["sentence"])
            known = wanted.setdefault(column, Wanted(column, rule.get("unit", "")))
            wanted[column] = replace(known, bounds=(*known.bounds, bound))
    return histograms(material.ledger, "ledger", list(wanted.values()), where)


def signal_columns(material: Material) -> list[str]:
    """The ledger's columns that rules judge."""
    columns = set(material.ledger.columns("ledger"))
    judged = dict.fromkeys(rule["column"] for rule in material.manifest.get("rules", []))
    return [column for column in judged if column in columns]


def entry_of(document: dict[str, Any], decide: list[dict[str, Any]]) -> int | None:
    """Number of the entry that judged a row of the ledger; None when no entry admits it. The SQL twin: judged_by."""
    for number, entry in enumerate(decide):
        when = entry.get("when") or {}
        if all(not when.get(key) or document[column] in when[key] for key, column in _KEYS):
            return number
    return None
