"""Charts as inline SVG, one function per kind. Colours are classes of style.css, so that light, dark and print follow.

Geometry is in user units of a viewBox that CSS scales; coordinates are rounded to a tenth, so equal data give equal
bytes on every machine. Every mark has a <title>: the browser shows it on hover, a screen reader reads it.
"""

import math
from collections.abc import Iterable, Sequence

from markupsafe import Markup

from gristmill.pipelines.report.drawing import ticks
from gristmill.pipelines.report.drawing.marks import coordinate, curve_mark, line_mark, rect_mark, svg, text_mark
from gristmill.pipelines.report.figures import Histogram, LineChart, Named, Threshold
from gristmill.pipelines.report.sections.funnel import Funnel, StepFlow
from gristmill.pipelines.report.sections.groups import Group
from gristmill.pipelines.report.theme import count, number, share

_HISTOGRAM = (400.0, 210.0)
_COLUMNS = (340.0, 168.0)
_LINES = (520.0, 240.0)

_TALL = 3.0
"""A bar so many times as high as the next one is cut, and says its share: the others stay visible."""


def flow_bar(step: StepFlow) -> Markup:
    """What of all records was gone before a step, and what it kept, dropped and could not process."""
    return _stacked(
        [
            ("gone", step.share_gone_before, "gone before"),
            ("kept", step.share_kept, f"kept {count(step.kept.documents)}"),
            ("dropped", step.share_dropped, f"dropped {count(step.dropped.documents)}"),
            ("dead", step.share_dead, f"dead {count(step.dead.documents)}"),
        ],
        f"{step.name}: {share(step.share_kept)} of all records kept",
    )


def outcome_bar(funnel: Funnel) -> Markup:
    """Where every record ended: kept, or dropped or dead at one of the steps."""
    parts = [("kept", funnel.steps[-1].share_kept, f"kept {share(funnel.steps[-1].share_kept)}")]
    parts += [("dropped", s.share_dropped, f"dropped by {s.name} {share(s.share_dropped)}") for s in funnel.steps]
    parts += [("dead", s.share_dead, f"dead in {s.name} {share(s.share_dead)}") for s in funnel.steps]
    return _stacked(parts, "where the records ended", gap=2.0)


def group_bar(group: Group) -> Markup:
    """Kept, dropped and dead shares of a source, language or site."""
    return _stacked(
        [
            ("kept", group.share_kept or 0.0, f"kept {share(group.share_kept)}"),
            ("dropped", group.share_dropped or 0.0, f"dropped {share(group.share_dropped)}"),
            ("dead", group.share_dead or 0.0, f"dead {share(group.share_dead)}"),
        ],
        f"{group.name}: {share(group.share_kept)} kept",
    )


def meter(value: float | None, kind: str) -> Markup:
    """One share as a bar of the given colour class."""
    return _stacked([(kind, value or 0.0, share(value))], share(value))


def _stacked(parts: Iterable[tuple[str, float, str]], label: str, gap: float = 0.0) -> Markup:
    marks, x = [], 0.0
    for kind, part, title in parts:
        if part > 0:
            # Nothing that exists is invisible: a trace is drawn one and a half units of a thousand wide.
            width = max(part * 1000, 1.5)
            marks.append(rect_mark(kind, x, 0, max(width - gap, 1.0), 14, title))
            x += width
    return svg("bar", (1000.0, 14.0), label, marks, stretch=True)


def histogram(data: Histogram) -> Markup:
    """Kept documents against all others, overlaid; thresholds as dashed lines; axes with counts and the unit."""
    width, height = _HISTOGRAM
    left, right, top, bottom = 44.0, width - 6, 40.0, height - 38
    across = ticks.axis(data.scale, data.low, data.high, left, right)
    kept, gone = [item.kept for item in data.bins], [item.documents - item.kept for item in data.bins]
    full = _full([max(pair) for pair in zip(kept, gone, strict=True)])
    up = ticks.axis("linear", 0.0, full, bottom, top)
    marks = [_beyond(across, bound, top, bottom) for bound in data.thresholds]
    for place, label in up.labels(3):
        marks += [line_mark("grid", left, place, right, place), text_mark("tick", left - 5, place + 3.5, label, "end")]
    marks += [_area("kept", kept, across, up), _area("dropped", gone, across, up)]
    marks += [line_mark("axis", left, bottom, right, bottom)]
    marks += [text_mark("tick", place, bottom + 14, label, "middle") for place, label in across.labels(4)]
    marks += [
        text_mark("name", (left + right) / 2, height - 5, data.unit or data.title.replace("_", " "), "middle"),
        text_mark("name", 2, 11, "documents", "start"),
    ]
    marks += _bounds(across, data.thresholds, top, bottom)
    marks += _bars(data, across, full, top, bottom)
    label = f"{data.title}: {count(sum(kept))} documents kept, {count(sum(gone))} not"
    if data.thresholds:
        label += f", {share(data.share_beyond)} beyond a threshold"
    return svg("chart", _HISTOGRAM, label, marks)


def _full(peaks: Sequence[int]) -> float:
    """The count at the top of the axis: of the highest bin, or less where one stands out by far."""
    highest, *others = sorted(peaks, reverse=True)
    if others and others[0] and highest > _TALL * others[0]:
        return others[0] * 1.5
    return float(max(highest, 1))


def _area(kind: str, counts: Sequence[int], across: ticks.Axis, up: ticks.Axis) -> Markup:
    """One series as a stepped area; nothing where it has no document."""
    if not any(counts):
        return Markup("")
    step = (across.right - across.left) / len(counts)
    pieces, last = [f"M{coordinate(across.left)} {coordinate(up.left)}"], up.left
    for place, documents in enumerate(counts):
        # Nothing that exists is invisible: one unit is the least height.
        y = min(up.place(documents), up.left - 1) if documents else up.left
        if y != last:
            pieces.append(f"H{coordinate(across.left + place * step)}V{coordinate(y)}")
        last = y
    path = "".join(pieces) + f"H{coordinate(across.right)}V{coordinate(up.left)}Z"
    return Markup('<path class="area {}" d="{}"/>').format(kind, path)


def _bars(data: Histogram, axis: ticks.Axis, full: float, top: float, bottom: float) -> list[Markup]:
    """What a pointer finds over each bin: its counts; and the marks of bars that are higher than the axis."""
    marks, step = [], (axis.right - axis.left) / len(data.bins)
    for place, item in enumerate(data.bins):
        if item.documents:
            x, gone = axis.left + place * step, item.documents - item.kept
            title = f"{_span(data, place)}: {count(item.kept)} kept, {count(gone)} not"
            marks.append(rect_mark("bin", x, top, step, bottom - top, title))
            if max(item.kept, gone) > full:
                marks += _cut(x, step, top, item.documents / max(data.documents, 1), axis)
    return marks


def _cut(x: float, width: float, top: float, part: float, axis: ticks.Axis) -> list[Markup]:
    """The mark of a bar that is higher than drawn, and its true share beside it."""
    slash = f"M{coordinate(x - 2)} {coordinate(top + 12)}L{coordinate(x + width + 2)} {coordinate(top + 7)}"
    left = x > (axis.left + axis.right) / 2
    place = x - 4 if left else x + width + 4
    return [
        Markup('<path class="cut" d="{}"/>').format(slash),
        text_mark("note", place, top + 13, share(part), "end" if left else "start"),
    ]


def _span(data: Histogram, place: int) -> str:
    low, high = (ticks.value_at(data.scale, data.low, data.high, (place + i) / len(data.bins)) for i in (0, 1))
    return f"{number(low)} to {number(high)}"


def _beyond(axis: ticks.Axis, bound: Threshold, top: float, bottom: float) -> Markup:
    """The side of a threshold on which the rule fires, shaded."""
    x = axis.place(bound.value)
    if bound.comparison in (">=", ">"):
        return rect_mark("beyond", axis.left, top, x - axis.left, bottom - top)
    if bound.comparison in ("<=", "<"):
        return rect_mark("beyond", x, top, axis.right - x, bottom - top)
    return Markup("")


def _bounds(axis: ticks.Axis, thresholds: Sequence[Threshold], top: float, bottom: float) -> list[Markup]:
    """Dashed lines with the bound above; labels that would overlap go to a second row, then share their place."""
    marks, ends = [], [-math.inf, -math.inf]
    for value, comparison in sorted({(bound.value, bound.comparison) for bound in thresholds}):
        x, label = axis.place(value), f"{ticks.SIGNS.get(comparison, comparison)} {number(value)}"
        half = len(label) * 3.2
        middle = min(max(x, axis.left + half), axis.right - half)
        row = next((i for i, end in enumerate(ends) if middle - half > end), 1)
        ends[row] = middle + half + 4
        y = top - 4 - 12 * row
        marks += [line_mark("threshold", x, y + 3, x, bottom), text_mark("bound", middle, y, label, "middle")]
    return marks


def columns(items: Sequence[Named], unit: str) -> Markup:
    """A column per named count, with the count above and the name below."""
    width, height = _COLUMNS
    top, bottom = 22.0, height - 20
    full, step = max((item.count for item in items), default=0) or 1, (width - 8) / max(len(items), 1)
    marks = [line_mark("axis", 4, bottom, width - 4, bottom)]
    for place, item in enumerate(items):
        x, tall = 4 + place * step, item.count / full * (bottom - top)
        if item.count:
            tall, title = max(tall, 1.0), f"{item.name}: {count(item.count)} {unit}"
            marks.append(rect_mark("within", x + 2, bottom - tall, step - 4, tall, title))
            marks.append(text_mark("note", x + step / 2, bottom - tall - 4, ticks.compact(item.count), "middle"))
        marks.append(text_mark("tick", x + step / 2, height - 6, item.name, "middle"))
    return svg("chart", _COLUMNS, f"{unit} by size", marks)


def lines(data: LineChart) -> Markup:
    """Curves over steps, with a dashed baseline, and a vertical line at each event."""
    width, height = _LINES
    points = [point for curve in data.curves for point in curve.points]
    values = [point.y for point in points] + ([data.baseline] if data.baseline is not None else [])
    values += [0.0] if data.from_zero else []
    low, high = min(values), max(values)
    margin = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
    first, last = min(point.x for point in points), max(point.x for point in points)
    across = ticks.axis("linear", first, last if last > first else first + 1, 46.0, width - 10)
    up = ticks.axis("linear", max(low - margin, 0.0) if low >= 0 else low - margin, high + margin, height - 24, 26.0)
    marks = []
    for place, label in up.labels(5):
        marks += [line_mark("grid", 46, place, width - 10, place), text_mark("tick", 40, place + 3.5, label, "end")]
    marks += [text_mark("tick", place, height - 8, label, "middle") for place, label in across.labels(6)]
    marks += [
        line_mark("event", across.place(step), 26, across.place(step), height - 24)
        for step in data.events
        if first <= step <= last
    ]
    if data.baseline is not None:
        y = up.place(data.baseline)
        marks += [
            line_mark("baseline", 46, y, width - 10, y),
            text_mark("note", width - 12, y - 5, f"{data.baseline_name} {number(data.baseline)}", "end"),
        ]
    for place, curve in enumerate(data.curves):
        if curve.points:
            places = [(across.place(point.x), up.place(point.y)) for point in curve.points]
            marks.append(curve_mark(f"curve{place}", places, curve.name))
    return svg("chart", _LINES, f"{data.title}, {data.unit}, over {number(last)} steps", marks)
