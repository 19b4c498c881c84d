"""The pieces that sections of a report are made of: counts, named values, distributions, curves.

Counts are integers, shares are numbers in [0, 1] or None where nothing can be divided, sizes are bytes, times seconds.
"""

from dataclasses import dataclass, field


def share(part: float, whole: float) -> float | None:
    """Part of a whole; None where there is no whole."""
    return part / whole if whole else None


@dataclass(frozen=True)
class Count:
    """Documents, and bytes of their text (of the record as read, before extraction)."""

    documents: int
    bytes: int


@dataclass(frozen=True)
class Named:
    """A counted thing with a name: records that are no inputs, unjudged documents of a language."""

    name: str
    count: int


@dataclass(frozen=True)
class Figure:
    """A labelled value of an open-ended list (tokenizer evaluation, provenance)."""

    name: str
    value: str


@dataclass(frozen=True)
class Bin:
    """Documents in a bin, and those of them that the run kept."""

    documents: int
    kept: int


@dataclass(frozen=True)
class Threshold:
    """A bound that a rule draws: it keeps documents whose signal stands in `comparison` to `value`."""

    rule: str
    comparison: str
    value: float
    sentence: str
    beyond: int
    share_beyond: float | None


@dataclass(frozen=True)
class Histogram:
    """The distribution of a number. Bins are equally wide between low and high (of log10 when `scale` is log).

    The outer bins hold everything below and above as well; `smallest` and `largest` are the true extremes. `beyond`:
    documents for which one of the drawn rules fires.
    """

    title: str
    unit: str
    documents: int
    scale: str
    low: float
    high: float
    smallest: float
    median: float
    largest: float
    bins: list[Bin]
    beyond: int
    share_beyond: float | None
    thresholds: list[Threshold]
    query: str


@dataclass(frozen=True)
class Point:
    """A point of a curve."""

    x: float
    y: float


@dataclass(frozen=True)
class Curve:
    """A line of a chart; long ones are thinned to bucket means."""

    name: str
    points: list[Point]


@dataclass(frozen=True)
class LineChart:
    """Curves over training steps; `baseline` is a horizontal line, or None; `from_zero`: the axis starts at 0.

    `events`: steps that get a vertical line.
    """

    title: str
    unit: str
    curves: list[Curve]
    baseline: float | None
    baseline_name: str
    from_zero: bool = False
    events: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Scored:
    """A measured point of a curve, with its standard error; None where there was one item."""

    x: float
    y: float
    error: float | None


@dataclass(frozen=True)
class ScoreCurve:
    """Scores of one kind over tokens, examples or compute."""

    name: str
    points: list[Scored]


@dataclass(frozen=True)
class ScoreChart:
    """Scores of a task by one metric, in bands of a standard error on either side.

    `across`: what the points stand over; `scale`: linear or log; `contaminated`: how much of the task stood in the
    texts that the last of these models learnt from, in words.
    """

    task: str
    metric: str
    across: str
    scale: str
    items: int
    contaminated: str
    curves: list[ScoreCurve]
