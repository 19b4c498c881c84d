"""Numbers as people read them; colours that can be read."""

import pytest

from gristmill.pipelines.report import theme


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("count", 0, "0"), ("count", 1234567, "1,234,567"), ("count", None, "–"),
        ("count", 10**12, "1,000,000,000,000"),
        ("share", 0, "0.0%"), ("share", 0.1234, "12.3%"), ("share", 1, "100.0%"), ("share", 1e-9, "<0.1%"),
        ("share", 0.9999, ">99.9%"), ("share", None, "–"),
        ("size", 0, "0 B"), ("size", 999, "999 B"), ("size", 1000, "1.0 kB"), ("size", 999_949, "999.9 kB"),
        ("size", 999_950, "1.0 MB"), ("size", 1.5e12, "1.5 TB"), ("size", 3.2e18, "3,200.0 PB"), ("size", None, "–"),
        ("number", 0.06, "0.06"), ("number", 3.0, "3"), ("number", 100_000, "100,000"), ("number", 12345.6, "12,346"),
        ("number", 0.123456, "0.1235"), ("number", -2.5, "-2.5"), ("number", 2e-5, "<0.0001"), ("number", None, "–"),
        ("rate", 0.534, "0.53"), ("rate", 8.06, "8.1"), ("rate", 1234.5, "1,234"), ("rate", None, "–"),
        ("duration", 0.44, "0.4 s"), ("duration", 9.96, "10 s"), ("duration", 59.4, "59 s"),
        ("duration", 59.6, "1 min 00 s"),
        ("duration", 192, "3 min 12 s"), ("duration", 7500, "2 h 05 min"), ("duration", None, "–"),
        ("moment", "2026-01-02T03:04:05+00:00", "2026-01-02 03:04 UTC"), ("moment", "yesterday", "yesterday"),
    ],
)  # fmt: skip
def test_formats(name: str, value: float | None, text: str) -> None:
    assert theme.FORMATS[name](value) == text


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance of sRGB."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("text", ["ink", "muted", "link", "kept", "dropped", "rule"])
def test_theme__text_reaches_aa(mode: int, text: str) -> None:
    grounds = ["ground", "panel", *(["sunken"] if text in ("ink", "muted") else [])]  # chips and queries
    for ground in grounds:
        assert contrast(theme.THEME[text][mode], theme.THEME[ground][mode]) >= 4.5, ground


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
def test_theme__marks_stand_out(mode: int) -> None:
    colours = {name: pair[mode] for name, pair in theme.THEME.items()}
    assert contrast(colours["notice_ink"], colours["notice"]) >= 4.5
    assert contrast(colours["ink"], colours["notice"]) >= 4.5
    for mark in ("kept", "dropped", "dead", "second"):
        assert contrast(colours[mark], colours["panel"]) >= 3
