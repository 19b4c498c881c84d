"""What a change would keep, as a terminal shows it."""

from collections.abc import Callable, Sequence

from rich.console import Group as Together
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from gristmill.pipelines.cli.terminal.output import human_bytes
from gristmill.pipelines.errors import inert
from gristmill.pipelines.whatif.answer import Amount, Answer, Group, RuleChange, Sample

SHOWN = 12
"""Rows of a table; the rest is counted."""


def answer(found: Answer) -> RenderableType:
    """The change, all documents, then sources, languages, rules and documents at the margin."""
    parts: list[RenderableType] = [Text(inert(f"  {line}"), "bold") for line in found.changes]
    parts += [Text(""), _totals(found.total)]
    how = {"exact": "duplicates decided again", "estimated": "duplicates estimated", "none": "no deduplication"}
    parts.append(Text(f"  {how[found.duplicates]}; {found.seconds:.1f} s", "dim"))
    parts += [Text(f"  {note}", "dim") for note in found.notes]
    changed = [rule for rule in found.rules if rule.before != rule.after or rule.gained or rule.lost]
    for title, groups in (("source", found.sources), ("language", found.languages)):
        moved = [group for group in groups if group.gained.documents or group.lost.documents]
        if moved and len(groups) > 1:
            parts += [Text(""), _groups(title, moved)]
    if changed:
        parts += [Text(""), _rules(changed)]
    for gained, title in ((True, "coming in, nearest to the bound"), (False, "going out, nearest to the bound")):
        some = [sample for sample in found.samples if sample.gained is gained]
        if some:
            parts += [Text(f"\n{title}", "bold"), *(line for sample in some for line in _sample(sample))]
    return Together(*parts)


def _totals(total: Group) -> Table:
    table = _table("", "before", "after", "coming in", "going out")
    amounts = (total.before, total.after, total.gained, total.lost)
    rows: list[tuple[str, Callable[[Amount], str]]] = [
        ("documents", lambda a: f"{a.documents:,}"),
        ("bytes", lambda a: human_bytes(a.bytes)),
    ]
    if total.before.tokens is not None:
        rows.append(("tokens, estimated", lambda a: f"{a.tokens:,}"))
    for name, value in rows:
        table.add_row(f"  {name}", *map(value, amounts))
    return table


def _groups(title: str, groups: Sequence[Group]) -> RenderableType:
    table = _table(title, "before", "after", "coming in", "going out", "bytes")
    for group in groups[:SHOWN]:
        size = group.after.bytes - group.before.bytes
        amounts = (group.before, group.after, group.gained, group.lost)
        sign = "+" if size >= 0 else "-"
        table.add_row(
            inert(f"  {group.name}"), *(f"{a.documents:,}" for a in amounts), f"{sign}{human_bytes(abs(size))}"
        )
    return _and_more(table, len(groups))


def _rules(rules: Sequence[RuleChange]) -> RenderableType:
    table = _table("rule", "fires", "would fire", "coming in", "going out")
    for rule in sorted(rules, key=lambda one: -(one.gained + one.lost))[:SHOWN]:
        counts = ("-" if count is None else f"{count:,}" for count in (rule.before, rule.after))
        table.add_row(inert(f"  {rule.name}"), *counts, f"{rule.gained:,}", f"{rule.lost:,}")
    return _and_more(table, len(rules))


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column(f"  {columns[0]}", overflow="fold")
    for column in columns[1:]:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _and_more(table: Table, rows: int) -> RenderableType:
    return table if rows <= SHOWN else Together(table, Text(f"  and {rows - SHOWN} more", "dim"))


def _sample(sample: Sample) -> tuple[RenderableType, ...]:
    value = "" if sample.value is None else f" is {sample.value:,.6g}, bound {sample.bound:,.6g}"
    head = f"  {sample.doc_id[:12]}  {sample.source} {sample.lang}  {sample.rule}: {sample.signal}{value}"
    text = " ".join(sample.text.split()) + (" …" if sample.cut else "")
    return Text(inert(head)), Text(inert(f"    {text}") if sample.text else "    its text is not there", "dim")
