"""Which rules the page shows, and of which it draws the distribution: bounded, what dropped most first."""

from dataclasses import dataclass

from gristmill.pipelines.report.figures import Histogram
from gristmill.pipelines.report.model import Report
from gristmill.pipelines.report.sections.decisions import Entry, RuleRow

ENTRIES = 40
LINES = 240
DRAWN = 80
OPENED = 3
"""On the whole page: shown, drawn, unfolded when it opens. `report.json` has all."""


@dataclass(frozen=True)
class Line:
    """A rule as one line of the page, its anchor, and the histogram of its signal where it is drawn."""

    rule: RuleRow
    anchor: str
    histogram: Histogram | None


@dataclass(frozen=True)
class EntryLines:
    """The rules of an entry that fired, what dropped most first, and those that never did; `others` are not shown."""

    entry: Entry
    fired: list[Line]
    never: list[Line]
    others: int
    opened: bool


def entry_lines(report: Report) -> list[EntryLines]:
    """The entries that judged most, in the recipe's order."""
    largest = [entry.number for entry in sorted(report.entries, key=lambda entry: -entry.judged)]
    shown, opened = largest[:ENTRIES], largest[:OPENED]
    entries = [entry for entry in report.entries if entry.number in shown]
    most = LINES // max(len(entries), 1)
    rules = {entry.number: sorted(entry.rules, key=lambda rule: (-rule.first, -rule.fired))[:most] for entry in entries}
    ranked = [(rule, number, place) for number, of in rules.items() for place, rule in enumerate(of)]
    ranked.sort(key=lambda item: -item[0].fired)
    drawn = {(number, place) for _, number, place in ranked[:DRAWN]}
    found = []
    for entry in entries:
        histograms = {data.title: data for data in entry.histograms}
        lines = [
            Line(
                rule,
                f"rule-{entry.number}-{place}",
                histograms.get(rule.signal) if (entry.number, place) in drawn else None,
            )
            for place, rule in enumerate(rules[entry.number])
        ]
        fired, never = [line for line in lines if line.rule.fired], [line for line in lines if not line.rule.fired]
        found.append(EntryLines(entry, fired, never, len(entry.rules) - len(lines), entry.number in opened))
    return found


def anchors(entries: list[EntryLines]) -> dict[str, str]:
    """Where each rule stands: in the entry for which it fired most."""
    lines = sorted((line for of in entries for line in of.fired), key=lambda line: line.rule.fired)
    return {line.rule.name: line.anchor for line in lines}
