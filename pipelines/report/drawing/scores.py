"""Scores with bands of a standard error, as inline SVG."""

from collections.abc import Sequence

from markupsafe import Markup

from gristmill.pipelines.report.drawing import ticks
from gristmill.pipelines.report.drawing.marks import coordinate, curve_mark, line_mark, svg, text_mark
from gristmill.pipelines.report.figures import ScoreChart, Scored
from gristmill.pipelines.report.theme import number

SIZE = (520.0, 240.0)
LEFT, RIGHT, TOP, BOTTOM = 46.0, SIZE[0] - 10, 26.0, SIZE[1] - 24


def scores(data: ScoreChart) -> Markup:
    """Curves of measured points; around each the band of one standard error; a point says its numbers on hover."""
    points = [point for curve in data.curves for point in curve.points]
    low = min(point.y - (point.error or 0.0) for point in points)
    high = max(point.y + (point.error or 0.0) for point in points)
    high = high if (low, high) != (0.0, 0.0) else 1.0  # nothing right yet: a share of nought, drawn at the foot
    margin = (high - low) * 0.06 or abs(high) * 0.1
    first, last = min(point.x for point in points), max(point.x for point in points)
    if first == last:
        first, last = (first / 2, last * 2) if data.scale == "log" else (first - 1, last + 1)
    across = ticks.axis(data.scale, first, last, LEFT + 12, RIGHT - 12)
    up = ticks.axis("linear", low - margin, high + margin, BOTTOM, TOP)
    marks = []
    for place, label in up.labels(5):
        marks += [line_mark("grid", LEFT, place, RIGHT, place), text_mark("tick", 40, place + 3.5, label, "end")]
    marks += [text_mark("tick", place, SIZE[1] - 8, label, "middle") for place, label in across.labels(6)]
    marks += [_band(f"curve{k}", curve.points, across, up) for k, curve in enumerate(data.curves)]
    for k, curve in enumerate(data.curves):
        places = [(across.place(point.x), up.place(point.y)) for point in curve.points]
        if len(places) > 1:
            marks.append(curve_mark(f"curve{k}", places, curve.name))
        marks += [
            _dot(f"curve{k}", place, f"{curve.name}, {number(point.x)} {data.across}: {_told(point)}")
            for place, point in zip(places, curve.points, strict=True)
        ]
    return svg("chart", SIZE, f"{data.task}, {data.metric}, over {data.across}", marks)


def _band(kind: str, points: Sequence[Scored], across: ticks.Axis, up: ticks.Axis) -> Markup:
    """Between a standard error below and above; of a lone point a vertical line."""
    known = [point for point in points if point.error is not None]
    if len(known) == 1:
        (point,) = known
        x, error = across.place(point.x), point.error or 0.0
        return line_mark(f"error {kind}", x, up.place(point.y - error), x, up.place(point.y + error))
    above = [(across.place(point.x), up.place(point.y + (point.error or 0.0))) for point in known]
    below = [(across.place(point.x), up.place(point.y - (point.error or 0.0))) for point in reversed(known)]
    path = "".join(f"{'L' if i else 'M'}{coordinate(x)} {coordinate(y)}" for i, (x, y) in enumerate([*above, *below]))
    return Markup('<path class="band {}" d="{}Z"/>').format(kind, path) if path else Markup("")


def _dot(kind: str, place: tuple[float, float], title: str) -> Markup:
    return Markup('<circle class="{}" cx="{}" cy="{}" r="2.6"><title>{}</title></circle>').format(
        f"dot {kind}", coordinate(place[0]), coordinate(place[1]), title
    )


def _told(point: Scored) -> str:
    return number(point.y) + (f" ± {number(point.error)}" if point.error is not None else "")
