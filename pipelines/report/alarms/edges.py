"""Bounds at the edge of what their signal can be, or was: a little further, and they decide nothing."""

from collections.abc import Iterator, Sequence

from gristmill.pipelines.report.alarms.alarm import EDGE, Alarm
from gristmill.pipelines.report.figures import Histogram, Threshold
from gristmill.pipelines.report.sections.decisions import Entry

SIGNED = ("score",)
"""Units of signals that may be below 0."""


def edge_alarms(entries: Sequence[Entry], least: int) -> Iterator[Alarm]:
    """Of every rule that keeps all that its signal can be, or stands exactly on the last value that occurs."""
    for entry in entries:
        for signal in entry.histograms:
            for bound in signal.thresholds if signal.documents >= least else ():
                if why := _edge(signal, bound):
                    text = (
                        f"The bound of {bound.rule} ({bound.comparison} {bound.value:,g}) is {why}: it drops nothing."
                    )
                    section = f"entry-{entry.number}"
                    yield Alarm(EDGE, "decide", bound.rule, "", signal.documents, text, section)
                elif signal.documents < entry.judged and (why := _beyond(signal, bound)):
                    text = (
                        f"The bound of {bound.rule} ({bound.comparison} {bound.value:,g}) is {why}: it drops all "
                        f"{signal.documents:,} documents that have that number, and none of the "
                        f"{entry.judged - signal.documents:,} without."
                    )
                    yield Alarm(EDGE, "decide", bound.rule, "", signal.documents, text, f"entry-{entry.number}")


def _beyond(signal: Histogram, bound: Threshold) -> str:
    """Where every document has the number, all are dropped, which is told elsewhere."""
    if bound.comparison == ">=" and bound.value > signal.largest:
        return "above all values that occur"
    if bound.comparison == "<=" and bound.value < signal.smallest:
        return "below all values that occur"
    return ""


def _edge(signal: Histogram, bound: Threshold) -> str:
    low = bound.comparison == ">="
    if low and bound.value <= 0 and signal.unit not in SIGNED and signal.smallest >= 0:
        return "what its signal never falls below"
    if not low and bound.value >= 1 and signal.unit == "share":
        return "what its signal, a share, never exceeds"
    if signal.smallest < signal.largest and bound.value == (signal.smallest if low else signal.largest):
        return f"the {'smallest' if low else 'largest'} value that occurs"
    return ""
