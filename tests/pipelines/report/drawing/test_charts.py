"""Charts are well-formed, show every count, and stay inside their box."""

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill.pipelines.report.drawing import charts, ticks
from gristmill.pipelines.report.figures import Bin, Count, Curve, Histogram, LineChart, Named, Point, Threshold
from gristmill.pipelines.report.sections.funnel import StepFlow


def parsed(markup: str) -> ET.Element:
    return ET.fromstring(markup)


def rects(svg: ET.Element, kind: str) -> list[ET.Element]:
    return [rect for rect in svg.iter("rect") if rect.get("class") == kind]


def a_histogram(counts: list[int], thresholds: list[float], scale: str = "linear", low: float = 1.0) -> Histogram:
    bounds = [Threshold(f"r{k}", "<=" if k % 2 else ">=", value, "", 0, 0.0) for k, value in enumerate(thresholds)]
    bins = [Bin(number, number // 3) for number in counts]
    total = sum(counts)
    return Histogram("s", "words", total, scale, low, 100.0, low, 5.0, 100.0, bins, 0, 0.1, bounds, "SELECT 1")


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=40).filter(any), st.lists(st.floats(-10, 200), max_size=6))
def test_histogram__every_filled_bin_has_a_bar_inside_the_box(counts: list[int], thresholds: list[float]) -> None:
    svg = parsed(charts.histogram(a_histogram(counts, thresholds)))
    titles = [title.text for rect in rects(svg, "bin") for title in rect.iter("title")]
    for number in filter(None, counts):
        assert f"{number // 3:,} kept, {number - number // 3:,} not" in " ".join(map(str, titles))
    _, _, width, height = map(float, (svg.get("viewBox") or "").split())
    for rect in svg.iter("rect"):
        x, y, w, h = (float(rect.get(name) or "nan") for name in ("x", "y", "width", "height"))
        assert -0.1 <= x <= x + w <= width + 0.1
        assert -0.1 <= y <= y + h <= height + 0.1
    assert sum(line.get("class") == "threshold" for line in svg.iter("line")) == len(
        {(value, k % 2) for k, value in enumerate(thresholds)}
    )


def test_histogram__one_tall_bar_is_cut_and_says_its_share() -> None:
    svg = parsed(charts.histogram(a_histogram([9000, 10, 20, 30], [])))
    assert [text.text for text in svg.iter("text") if text.get("class") == "note"] == ["99.3%"]
    for kind in ("kept", "dropped"):
        heights = [y for y in levels(svg, kind) if y < 172]
        assert len(heights) > 3
        assert max(heights) <= 171  # the others are visible


def levels(svg: ET.Element, kind: str) -> list[float]:
    """Where the edge of a series' area runs; 172 is the ground, and up is less."""
    (area,) = [path for path in svg.iter("path") if path.get("class") == f"area {kind}"]
    return [float(y) for y in re.findall(r"V([\d.]+)", area.get("d") or "")]


def test_histogram__kept_over_dropped_and_both_axes_labelled() -> None:
    bins = [Bin(100, 25), Bin(100, 100), Bin(0, 0)]
    data = Histogram("s", "words", 200, "log", 1.0, 1000.0, 1.0, 5.0, 900.0, bins, 0, 0.0, [], "")
    svg = parsed(charts.histogram(data))
    assert levels(svg, "kept") == [139, 40, 172, 172]  # a quarter of the way up, the top, the ground
    assert levels(svg, "dropped") == [73, 172, 172]
    texts = [text.text for text in svg.iter("text")]
    assert {"documents", "words", "0", "50", "100", "10"} <= set(texts)
    assert svg.get("aria-label") == "s: 125 documents kept, 75 not"


def test_histogram__no_mark_of_a_cut_where_bars_are_alike() -> None:
    svg = parsed(charts.histogram(a_histogram([30, 10, 20, 30], [50.0])))
    assert not [path for path in svg.iter("path") if path.get("class") == "cut"]


def test_histogram__shades_the_side_where_the_rule_fires() -> None:
    svg = parsed(charts.histogram(a_histogram([1, 1], [20.0, 80.0])))
    keeps_more, keeps_less = rects(svg, "beyond")
    assert float(keeps_more.get("x") or 0) == 44
    assert float(keeps_less.get("x") or 0) + float(keeps_less.get("width") or 0) == pytest.approx(394)


def step(kept: float, dropped: float, dead: float, before: float) -> StepFlow:
    none = Count(0, 0)
    return StepFlow("decide", none, none, none, none, kept, dropped, dead, before, [])


def test_flow_bar__widths_are_shares_and_a_trace_is_visible() -> None:
    svg = parsed(charts.flow_bar(step(0.6, 0.2, 0.0000001, 0.2)))
    widths = {rect.get("class"): float(rect.get("width") or 0) for rect in svg.iter("rect")}
    assert widths == {"gone": 200, "kept": 600, "dropped": 200, "dead": 1.5}


def test_columns__counts_above_names_below() -> None:
    svg = parsed(charts.columns([Named("2", 1200), Named("<script>", 0), Named("100+", 3)], "clusters"))
    assert [text.text for text in svg.iter("text")] == ["1.2k", "2", "<script>", "3", "100+"]


@pytest.mark.parametrize("points", [[(1, 2.0)], [(1, 2.0), (1, 3.0)], [(0, 0.0), (10, 0.0)], [(5, -1.0), (9, 4.0)]])
def test_lines__few_and_flat_points(points: list[tuple[float, float]]) -> None:
    curve = Curve("a&b", [Point(*point) for point in points])
    svg = parsed(charts.lines(LineChart("Loss", "nats", [curve, Curve("empty", [])], 1.5, "baseline")))
    assert [title.text for title in svg.iter("title")] == ["a&b"]
    assert any(text.text == "baseline 1.5" for text in svg.iter("text"))


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9), st.integers(2, 8))
def test_axis__labels_are_ordered_inside_and_not_too_many(low: float, width: float, wanted: int) -> None:
    axis = ticks.axis("linear", low, low + max(width, abs(low) * 1e-6), 40, 400)
    places = [place for place, _ in axis.labels(wanted)]
    assert places == sorted(places)
    assert all(40 <= place <= 400 for place in places)
    assert len(places) <= wanted + 1


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (8, 120, ["10", "20", "50", "100"]),
        (3, 2e5, ["10", "100", "1k", "10k", "100k"]),
        (1e-3, 0.9, ["0.003", "0.01", "0.03", "0.1", "0.3"]),
    ],
)
def test_axis__logarithmic_labels(low: float, high: float, labels: list[str]) -> None:
    assert [label for _, label in ticks.axis("log", low, high, 0, 300).labels(4)] == labels


@given(st.floats(1e-6, 1e6), st.floats(1.5, 1e6), st.floats(0, 1))
def test_axis__value_at_is_the_inverse_of_place(low: float, ratio: float, part: float) -> None:
    for scale in ("linear", "log"):
        axis = ticks.axis(scale, low, low * ratio, 0, 1)
        assert axis.place(ticks.value_at(scale, low, low * ratio, part)) == pytest.approx(part, abs=1e-6)
