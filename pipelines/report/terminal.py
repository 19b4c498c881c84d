"""The end of `gristmill run`: the funnel, the rules that dropped most, what to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from gristmill.pipelines.report.reasons import dropped_most
from gristmill.pipelines.report.theme import TERMINAL, count, duration, share, size

if TYPE_CHECKING:  # what a report is made from is not imported by whoever shows one
    from gristmill.pipelines.report.model import Report
    from gristmill.pipelines.report.sections.labels import Matched

TOP = 6
"""Reasons listed."""

_BAR = 24
"""Width of a step's bar in characters."""


def terminal_summary(report: Report) -> RenderableType:
    """A rich renderable of a dozen lines."""
    parts: list[RenderableType] = [_headline(report), _funnel(report)]
    if any(step.reasons for step in report.funnel.steps):
        parts.append(_reasons(report))
    parts += [_labelled(of.whole) for of in report.labels]
    parts += [Text(f"! {item.text}", style=TERMINAL["notice"]) for item in report.attention]
    for one in report.timing.bottlenecks if report.timing else ():
        named = f" ({one.file})" if one.file else ""
        parts.append(Text(f"! slow at {one.stage}: {one.what}{named}. To change: {one.change}.", TERMINAL["notice"]))
    return Group(*parts)


def _headline(report: Report) -> Text:
    head = report.header
    text = Text.assemble(
        (f"{count(head.records.documents)} records", "bold"),
        f" ({size(head.records.bytes)}) in, ",
        (f"{count(head.kept.documents)} documents kept", f"bold {TERMINAL['kept']}"),
        f" ({size(head.kept.bytes)}, {share(head.share_kept)})",
    )
    if head.tokens is not None:
        text.append(f", {count(head.tokens)} tokens")
        if head.held_out:
            text.append(f" ({count(head.held_out)} for validation)")
    if head.seconds is not None:
        text.append(f", {duration(head.seconds)}")
    text.append(". Totals reconcile." if head.reconciles else ". TOTALS DO NOT RECONCILE.")
    return text


def _funnel(report: Report) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("step")
    table.add_column("")
    for name in ("in", "dropped", "dead", "kept", "of all"):
        table.add_column(name, justify="right")
    for step in report.funnel.steps:
        numbers = (step.entered.documents, step.dropped.documents, step.dead.documents, step.kept.documents)
        parts = (step.share_gone_before, step.share_kept, step.share_dropped, step.share_dead)
        table.add_row(step.name, _bar(parts), *map(count, numbers), share(step.share_kept))
    return table


def _bar(parts: tuple[float, float, float, float]) -> Text:
    """What was gone before (blank), kept, dropped and dead; rounding goes to the running total, so ends line up."""
    text, begun, total = Text(), 0, 0.0
    for part, style in zip(parts, ("", TERMINAL["kept"], TERMINAL["dropped"], TERMINAL["dead"]), strict=True):
        total += part
        end = round(total * _BAR)
        text.append((" " if style == "" else "━") * (end - begun), style=style)
        begun = end
    return text


def _labelled(of: Matched) -> Text:
    whole = f"{count(of.matched)} of {count(of.documents)} documents have a label ({share(of.share_matched)})"
    return Text(f"labels {of.name}: {whole}")


def _reasons(report: Report) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("dropped most by")
    for name in ("dropped", "fired"):
        table.add_column(name, justify="right")
    for _, reason in dropped_most(report.funnel, TOP):
        table.add_row(Text(reason.name), count(reason.first), count(reason.fired))
    return table
