"""Colours and number formats: named once, for the page, the charts and the terminal.

Colour pairs are (on light, on dark). Text colours reach 4.5:1 on their ground (WCAG 2.2, AA); kept and dropped differ
in lightness as well as in hue, so that they stay apart for colour-blind readers and in print.
"""

import re
from collections.abc import Callable
from typing import Any

THEME: dict[str, tuple[str, str]] = {
    "ground": ("#fbfaf7", "#171816"),
    "panel": ("#ffffff", "#1f211e"),
    "sunken": ("#f3f1eb", "#272926"),
    "line": ("#e2dfd6", "#363935"),
    "ink": ("#22252a", "#e9e7e1"),
    "muted": ("#626660", "#a3a69d"),
    "link": ("#2b5c8a", "#8bbbe6"),
    "kept": ("#2f7d5b", "#58b48a"),
    "dropped": ("#b3541e", "#e58e56"),
    "dead": ("#6b6b6b", "#9a9a97"),
    "bar": ("#9fb0bd", "#5c6b77"),
    "rule": ("#8a2f12", "#ffb183"),
    "notice": ("#fdf3dc", "#3a3017"),
    "notice_ink": ("#6e4d00", "#f0cf83"),
    "second": ("#7355a8", "#b79ce6"),
}

TERMINAL = {"kept": "green", "dropped": "red", "dead": "bright_black", "notice": "yellow"}
"""The terminal's own colours: a terminal does not say whether its ground is light or dark, its palette knows."""

DASH = "–"
"""Shown where there is no number."""


def count(value: float | None) -> str:
    """12345 -> 12,345."""
    return DASH if value is None else f"{value:,.0f}"


def share(value: float | None) -> str:
    """0.1234 -> 12.3%; a trace is not nothing: <0.1%, and not quite all is not all: >99.9%."""
    if value is None:
        return DASH
    if 0 < value < 0.0005:
        return "<0.1%"
    if 0.9995 <= value < 1:
        return ">99.9%"
    return f"{value:.1%}"


def size(value: float | None) -> str:
    """Bytes in powers of ten, as MB/s is counted: 1234567 -> 1.2 MB."""
    if value is None:
        return DASH
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 999.95 or (unit == "B" and value < 1000):
            return f"{value:,.0f} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:,.1f} PB"


def number(value: float | None) -> str:
    """A measured value at four significant digits, no exponents: 0.06 -> 0.06, 12345.6 -> 12,346, 2e-5 -> <0.0001."""
    if value is None:
        return DASH
    if 0 < abs(value) < 0.0001:
        return "<0.0001" if value > 0 else ">-0.0001"
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def rate(value: float | None) -> str:
    """MB/s with the digits that matter: 0.53, 8.1, 112."""
    if value is None:
        return DASH
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def duration(value: float | None) -> str:
    """Seconds as people say them: 0.4 s, 41 s, 3 min 12 s, 2 h 05 min."""
    if value is None:
        return DASH
    if value < 9.95:
        return f"{value:.1f} s"
    seconds = round(value)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02} min"


def moment(value: str) -> str:
    """2026-01-02T03:04:05+00:00 -> 2026-01-02 03:04 UTC; anything else as it is."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)[\d:.]*(?:\+00:00|Z)", value)
    return f"{found[1]} {found[2]} UTC" if found else value


FORMATS: dict[str, Callable[[Any], str]] = {
    "count": count, "share": share, "size": size, "number": number, "rate": rate, "duration": duration,
    "moment": moment,
}  # fmt: skip
"""Jinja filters, as in {{ step.dropped.documents | count }}."""


def short(doc_id: str | None) -> str:
    """Enough of a doc_id to tell documents apart by eye; the page shows the whole one on hover."""
    return DASH if doc_id is None else doc_id[:8]
