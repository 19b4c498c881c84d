"""The distribution of a column, with the bounds of rules and how much lies beyond them."""

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gristmill.pipelines.report.figures import Bin, Histogram, Threshold, share
from gristmill.pipelines.storage.sql import identifier

if TYPE_CHECKING:
    from gristmill.pipelines.storage.ledger import Ledger

BINS = 40

_LOG_FROM = 20.0
"""A positive signal whose 99th percentile is so many times its median is drawn on a logarithmic axis."""

_FIRES: dict[str, Callable[[Any, Any], Any]] = {
    ">=": operator.lt,
    "<=": operator.gt,
    ">": operator.le,
    "<": operator.ge,
    "==": operator.ne,
    "!=": operator.eq,
}
"""A rule keeps documents whose signal stands in its comparison; it fires on the opposite."""

_TOGETHER = 8
"""Columns read in one pass over the ledger: they are held in memory."""


@dataclass(frozen=True)
class Bound:
    """A rule's bound on a signal: it keeps documents whose signal stands in `comparison` to `threshold`."""

    rule: str
    comparison: str
    threshold: float
    sentence: str

    def fires(self, values: np.ndarray) -> np.ndarray:
        """bool, for every value. Raises KeyError for an unknown comparison."""
        return _FIRES[self.comparison](values, self.threshold)


@dataclass(frozen=True)
class _Range:
    """Extremes and quantiles of finite values: all of them values that occur."""

    smallest: float
    p01: float
    median: float
    p99: float
    largest: float
    whole: bool


@dataclass(frozen=True)
class Axis:
    """Equally wide bins from low to high (of log10 where `scale` is log); the outer ones hold what lies beyond, too."""

    scale: str
    low: float
    high: float
    bins: int


@dataclass(frozen=True)
class Wanted:
    """A column whose distribution is wanted, its unit, the bounds to draw on it. `scale`: log where it must be that."""

    column: str
    unit: str
    bounds: Sequence[Bound] = ()
    scale: str = ""
    axis: Axis | None = None
    """The axis to count on; None: one that fits."""

    @property
    def name(self) -> str:
        """The column, quoted for SQL."""
        return identifier(self.column)


def histograms(
    ledger: "Ledger", table: str, wanted: Sequence[Wanted], where: str, kept: str = "verdict = 'kept'"
) -> list[Histogram]:
    """Counts the documents of `table` that fulfil `where` by each column; those that fulfil `kept` apart.

    Left out: columns without a finite value. A query for every _TOGETHER columns only reads them: DuckDB takes longer
    to prepare as many aggregates than NumPy to count a million documents.
    """
    found = []
    for first in range(0, len(wanted), _TOGETHER):
        some = wanted[first : first + _TOGETHER]
        columns = ", ".join(f"{of.name} AS c{number}" for number, of in enumerate(some))
        read = ledger.arrays(
            f"SELECT {columns}, coalesce({kept}, false) AS kept FROM '{table}/*.parquet' WHERE {where}"
        )
        is_kept = read["kept"]
        for number, of in enumerate(some):
            values = read[f"c{number}"]
            finite = np.isfinite(values)  # NULL is NaN here; what is infinite has no place on an axis
            if finite.any():
                values = values[finite]
                spread = _range(values)
                axis = of.axis or _axis(spread, [bound.threshold for bound in of.bounds], of.scale)
                bins = _bins(values, is_kept[finite], axis)
                found.append(_histogram(of, values, spread, axis, bins, _query(table, of, axis, where, kept)))
    return found


def _histogram(of: Wanted, values: np.ndarray, spread: _Range, axis: Axis, bins: list[Bin], query: str) -> Histogram:
    fires = [bound.fires(values) for bound in of.bounds]
    documents, beyond = len(values), int(np.logical_or.reduce(fires).sum()) if fires else 0
    return Histogram(
        title=of.column,
        unit=of.unit,
        documents=documents,
        scale=axis.scale,
        low=axis.low,
        high=axis.high,
        smallest=spread.smallest,
        median=spread.median,
        largest=spread.largest,
        bins=bins,
        beyond=beyond,
        share_beyond=share(beyond, documents),
        thresholds=[
            Threshold(b.rule, b.comparison, b.threshold, b.sentence, n, share(n, documents))
            for b, n in zip(of.bounds, (int(fired.sum()) for fired in fires), strict=True)
        ],
        query=query,
    )


def _query(table: str, of: Wanted, axis: Axis, where: str, kept: str) -> str:
    """The bins of one column as DuckDB counts them, to be printed."""
    return (
        f"SELECT {_bin(of.name, axis)} AS bin,\n"
        f"       count(*) AS documents, count(*) FILTER ({kept}) AS kept\n"
        f"FROM '{table}/*.parquet'\nWHERE isfinite({of.name}) AND {where}\nGROUP BY bin ORDER BY bin"
    )


def _range(values: np.ndarray) -> _Range:
    """A quantile is the smallest value that at least its share of all does not exceed."""
    places = [0, *(max(math.ceil(part * len(values)), 1) - 1 for part in (0.01, 0.5, 0.99)), len(values) - 1]
    smallest, p01, median, p99, largest = np.partition(values, places)[places].tolist()
    return _Range(smallest, p01, median, p99, largest, whole=bool((values == np.floor(values)).all()))


def _axis(found: _Range, thresholds: list[float], scale: str) -> Axis:
    """The middle 98 % of the documents and every threshold, with a margin. `scale`: log, or as the values are."""
    low, high = min([found.p01, *thresholds]), max([found.p99, *thresholds])
    if scale == "log":
        return Axis("log", max(low, 1.0) / 1.15, max(high, 1.0) * 1.15, BINS)
    if found.whole and found.largest - found.smallest < BINS and high - low < BINS:
        low, high = min(low, found.smallest), max(high, found.largest)
        first, last = math.floor(low) - 0.5, math.ceil(high) + 0.5
        return Axis("linear", first, last, int(last - first))
    if low > 0 and found.median > 0 and high / max(found.median, low) > _LOG_FROM:
        return Axis("log", low / 1.15, high * 1.15, BINS)
    margin = (high - low) * 0.04 or max(abs(high) * 0.1, 0.5)
    padded = low - margin
    return Axis("linear", max(padded, 0.0) if found.smallest >= 0 and low >= 0 else padded, high + margin, BINS)


def _bins(values: np.ndarray, kept: np.ndarray, axis: Axis) -> list[Bin]:
    """The documents of every bin: what `_query` says in SQL."""
    if axis.scale == "log":
        width = (math.log10(axis.high) - math.log10(axis.low)) / axis.bins
        places = (np.log10(np.maximum(values, axis.low)) - math.log10(axis.low)) / width
    else:
        places = (values - axis.low) / ((axis.high - axis.low) / axis.bins)
    number = np.clip(np.floor(places), 0, axis.bins - 1).astype(np.int64)
    counts = (np.bincount(some, minlength=axis.bins).tolist() for some in (number, number[kept]))
    return [Bin(*documents) for documents in zip(*counts, strict=True)]


def _bin(column: str, axis: Axis) -> str:
    """SQL for the number of a value's bin; the outer bins take everything beyond the axis."""
    if axis.scale == "log":
        width = (math.log10(axis.high) - math.log10(axis.low)) / axis.bins
        # greatest(): a logarithmic axis has no place for 0, which belongs to the first bin.
        place = f"(log10(greatest({column}, {axis.low!r})) - {math.log10(axis.low)!r}) / {width!r}"
    else:
        place = f"({column} - {axis.low!r}) / {(axis.high - axis.low) / axis.bins!r}"
    return f"least({axis.bins - 1}, greatest(0, floor({place})))::INTEGER"
