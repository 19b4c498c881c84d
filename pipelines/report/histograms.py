"""The distribution of a column, with the bounds of rules and how much lies beyond them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gristmill.pipelines.report.figures import Bin, Histogram, Threshold, share
from gristmill.pipelines.storage.sql import identifier

if TYPE_CHECKING:
    from gristmill.pipelines.storage.ledger import Ledger

BINS = 40

_LOG_FROM = 20.0
"""A positive signal whose 99th percentile is so many times its median is drawn on a logarithmic axis."""

_FIRES = {">=": "<", "<=": ">", ">": "<=", "<": ">=", "==": "<>", "!=": "="}
"""A rule keeps documents whose signal stands in its comparison; it fires on the opposite."""

_TOGETHER = 8
"""Columns counted in one pass over the ledger: exact quantiles hold a column in memory."""


@dataclass(frozen=True)
class Bound:
    """A rule's bound on a signal: it keeps documents whose signal stands in `comparison` to `threshold`."""

    rule: str
    comparison: str
    threshold: float
    sentence: str

    def fires(self, column: str) -> str:
        """SQL condition under which the rule fires. Raises KeyError for an unknown comparison."""
        return f"{column} {_FIRES[self.comparison]} {self.threshold!r}"


@dataclass(frozen=True)
class _Range:
    documents: int
    smallest: float
    p01: float
    median: float
    p99: float
    largest: float
    whole: bool


@dataclass(frozen=True)
class _Axis:
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

    @property
    def name(self) -> str:
        """The column, quoted for SQL."""
        return identifier(self.column)

    @property
    def fires(self) -> str:
        """SQL condition under which any of the bounds fires."""
        return " OR ".join(bound.fires(self.name) for bound in self.bounds) or "false"


def histograms(
    ledger: "Ledger", table: str, wanted: Sequence[Wanted], where: str, kept: str = "verdict = 'kept'"
) -> list[Histogram]:
    """Counts the documents of `table` that fulfil `where` by each column; those that fulfil `kept` apart.

    Left out: columns without a finite value. Two queries for every _TOGETHER columns.
    """
    found = []
    for first in range(0, len(wanted), _TOGETHER):
        found += _together(ledger, table, wanted[first : first + _TOGETHER], where, kept)
    return found


def _together(ledger: "Ledger", table: str, wanted: Sequence[Wanted], where: str, kept: str) -> list[Histogram]:
    source = f"FROM '{table}/*.parquet' WHERE {where}"
    measured = ledger.row(f"SELECT {', '.join(_measures(w, n) for n, w in enumerate(wanted))} {source}")
    ranges = [_range(measured, number) for number in range(len(wanted))]
    axes = [
        _axis(found, [bound.threshold for bound in of.bounds], of.scale) if found else None
        for of, found in zip(wanted, ranges, strict=True)
    ]
    # A value without a bin (NULL, infinite) is in no histogram.
    counts = [
        f"histogram({expression}) AS all_{n}, histogram({expression}) FILTER ({kept}) AS kept_{n}"
        for n, (of, axis) in enumerate(zip(wanted, axes, strict=True))
        if axis and (expression := f"CASE WHEN isfinite({of.name}) THEN {_bin(of.name, axis)} END")
    ]
    if not counts:
        return []
    counted = ledger.row(f"SELECT {', '.join(counts)} {source}")
    drawn = []
    for number, (of, found, axis) in enumerate(zip(wanted, ranges, axes, strict=True)):
        if found and axis:
            whole, part = counted[f"all_{number}"] or {}, counted[f"kept_{number}"] or {}
            bins = [Bin(whole.get(place, 0), part.get(place, 0)) for place in range(axis.bins)]
            query = _query(table, of, axis, where, kept)
            beyond = [measured[f"beyond_{number}_{place}"] for place in range(len(of.bounds))]
            drawn.append(_histogram(of, found, axis, bins, measured[f"any_{number}"], beyond, query))
    return drawn


def _histogram(
    of: Wanted, found: _Range, axis: _Axis, bins: list[Bin], any_beyond: int, beyond: list[int], query: str
) -> Histogram:
    return Histogram(
        title=of.column,
        unit=of.unit,
        documents=found.documents,
        scale=axis.scale,
        low=axis.low,
        high=axis.high,
        smallest=found.smallest,
        median=found.median,
        largest=found.largest,
        bins=bins,
        beyond=any_beyond,
        share_beyond=share(any_beyond, found.documents),
        thresholds=[
            Threshold(b.rule, b.comparison, b.threshold, b.sentence, n, share(n, found.documents))
            for b, n in zip(of.bounds, beyond, strict=True)
        ],
        query=query,
    )


def _query(table: str, of: Wanted, axis: _Axis, where: str, kept: str) -> str:
    """The bins of one column alone, to be printed: what `_together` counts for several at once."""
    return (
        f"SELECT {_bin(of.name, axis)} AS bin,\n"
        f"       count(*) AS documents, count(*) FILTER ({kept}) AS kept\n"
        f"FROM '{table}/*.parquet'\nWHERE isfinite({of.name}) AND {where}\nGROUP BY bin ORDER BY bin"
    )


def _measures(of: Wanted, number: int) -> str:
    """Range of a column and how often its bounds are crossed. Discrete quantiles: values that occur."""
    finite = f"isfinite({of.name})"
    counts = "".join(
        f", count(*) FILTER ({finite} AND {bound.fires(of.name)}) AS beyond_{number}_{place}"
        for place, bound in enumerate(of.bounds)
    )
    return (
        f"count(*) FILTER ({finite}) AS documents_{number},"
        f" count(*) FILTER ({finite} AND ({of.fires})) AS any_{number},"
        f" min({of.name}) FILTER ({finite}) AS smallest_{number}, max({of.name}) FILTER ({finite}) AS largest_{number},"
        f" quantile_disc({of.name}, [0.01, 0.5, 0.99]) FILTER ({finite}) AS quantiles_{number},"
        f" bool_and({of.name} = floor({of.name})) FILTER ({finite}) AS whole_{number}{counts}"
    )


def _range(row: dict[str, Any], number: int) -> _Range | None:
    if not row[f"documents_{number}"]:
        return None
    p01, median, p99 = row[f"quantiles_{number}"]
    return _Range(
        row[f"documents_{number}"],
        *(row[f"smallest_{number}"], p01, median, p99, row[f"largest_{number}"], row[f"whole_{number}"]),
    )


def _axis(found: _Range, thresholds: list[float], scale: str) -> _Axis:
    """The middle 98 % of the documents and every threshold, with a margin. `scale`: log, or as the values are."""
    low, high = min([found.p01, *thresholds]), max([found.p99, *thresholds])
    if scale == "log":
        return _Axis("log", max(low, 1.0) / 1.15, max(high, 1.0) * 1.15, BINS)
    if found.whole and found.largest - found.smallest < BINS and high - low < BINS:
        low, high = min(low, found.smallest), max(high, found.largest)
        first, last = math.floor(low) - 0.5, math.ceil(high) + 0.5
        return _Axis("linear", first, last, int(last - first))
    if low > 0 and found.median > 0 and high / max(found.median, low) > _LOG_FROM:
        return _Axis("log", low / 1.15, high * 1.15, BINS)
    margin = (high - low) * 0.04 or max(abs(high) * 0.1, 0.5)
    padded = low - margin
    return _Axis("linear", max(padded, 0.0) if found.smallest >= 0 and low >= 0 else padded, high + margin, BINS)


def _bin(column: str, axis: _Axis) -> str:
    """SQL for the number of a value's bin; the outer bins take everything beyond the axis."""
    if axis.scale == "log":
        width = (math.log10(axis.high) - math.log10(axis.low)) / axis.bins
        # greatest(): a logarithmic axis has no place for 0, which belongs to the first bin.
        place = f"(log10(greatest({column}, {axis.low!r})) - {math.log10(axis.low)!r}) / {width!r}"
    else:
        place = f"({column} - {axis.low!r}) / {(axis.high - axis.low) / axis.bins!r}"
    return f"least({axis.bins - 1}, greatest(0, floor({place})))::INTEGER"
