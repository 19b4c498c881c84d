"""Marks of charts as SVG. Coordinates are rounded to a tenth, so equal data give equal bytes on every machine."""

from collections.abc import Iterable, Sequence

from markupsafe import Markup


def curve_mark(kind: str, places: Sequence[tuple[float, float]], title: str) -> Markup:
    """A line through places; of one place a dot."""
    if len(places) == 1:
        x, y = places[0]
        return Markup('<circle class="{}" cx="{}" cy="{}" r="3"><title>{}</title></circle>').format(
            f"dot {kind}", coordinate(x), coordinate(y), title
        )
    path = "".join(f"{'L' if i else 'M'}{coordinate(x)} {coordinate(y)}" for i, (x, y) in enumerate(places))
    return Markup('<path class="{}" d="{}"><title>{}</title></path>').format(kind, path, title)


def svg(kind: str, size: tuple[float, float], label: str, marks: Iterable[Markup], stretch: bool = False) -> Markup:
    """A picture of this size in user units; `label` is read aloud."""
    aspect = Markup(' preserveAspectRatio="none"') if stretch else Markup("")
    return Markup('<svg class="{}" viewBox="0 0 {} {}"{} role="img" aria-label="{}">{}</svg>').format(
        kind, coordinate(size[0]), coordinate(size[1]), aspect, label, Markup("").join(marks)
    )


def rect_mark(kind: str, x: float, y: float, width: float, height: float, title: str = "") -> Markup:
    """A rectangle; nothing where it has no area."""
    if width <= 0 or height <= 0:
        return Markup("")
    inside = Markup("<title>{}</title>").format(title) if title else Markup("")
    return Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}">{}</rect>').format(
        kind, coordinate(x), coordinate(y), coordinate(width), coordinate(height), inside
    )


def line_mark(kind: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    """A straight line."""
    return Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(
        kind, coordinate(x1), coordinate(y1), coordinate(x2), coordinate(y2)
    )


def text_mark(kind: str, x: float, y: float, text: str, anchor: str) -> Markup:
    """A text; `anchor`: start, middle, end."""
    return Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>').format(
        kind, coordinate(x), coordinate(y), anchor, text
    )


def coordinate(value: float) -> str:
    """A coordinate to a tenth, without a trailing zero."""
    return f"{value:.1f}".removesuffix(".0")
