"""The distribution of a column, with the bounds of rules and how much lies beyond them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.report.figures import Bin, Histogram, Threshold, share
from pipelines.storage.ledger import Ledger, identifier

BINS = 40

_LOG_FROM = 20.0
"""A positive signal whose 99th percentile is so many times its median is drawn on a logarithmic axis."""

_FIRES = {">=": "<", "<=": ">", ">": "<=", "<": ">=", "==": "<>", "!=": "="}
"""A rule keeps documents whose signal stands in its comparison; it fires on the opposite."""


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


def histogram(ledger: Ledger, table: str, signal: str, where: str, bounds: Sequence[Bound]) -> Histogram | None:
    """Counts the documents of `table` that fulfil `where` by their `signal`. None when none of them has a value."""
    column = identifier(signal)
    source = f"FROM '{table}/*.parquet'\nWHERE isfinite({column}) AND {where}"
    found, beyond = _measure(ledger, column, source, bounds)
    if found is None:
        return None
    axis = _axis(found, [bound.threshold for bound in bounds])
    any_fires = " OR ".join(bound.fires(column) for bound in bounds) or "false"
    query = (
        f"SELECT {_bin(column, axis)} AS bin,\n"
        f"       count(*) AS documents, count(*) FILTER ({any_fires}) AS beyond\n"
        f"{source}\nGROUP BY bin ORDER BY bin"
    )
    counted = {row["bin"]: Bin(row["documents"], row["beyond"]) for row in ledger.rows(query)}
    bins = [counted.get(number, Bin(0, 0)) for number in range(axis.bins)]
    total = sum(item.beyond for item in bins)
    return Histogram(
        title=signal,
        documents=found.documents,
        scale=axis.scale,
        low=axis.low,
        high=axis.high,
        smallest=found.smallest,
        median=found.median,
        largest=found.largest,
        bins=bins,
        beyond=total,
        share_beyond=share(total, found.documents),
        thresholds=[
            Threshold(b.rule, b.comparison, b.threshold, b.sentence, n, share(n, found.documents))
            for b, n in zip(bounds, beyond, strict=True)
        ],
        query=query,
    )


def _measure(ledger: Ledger, column: str, source: str, bounds: Sequence[Bound]) -> tuple[_Range | None, list[int]]:
    """Range of a column and how often each bound is crossed, in one pass. Discrete quantiles: values that occur."""
    counts = "".join(
        f", count(*) FILTER ({bound.fires(column)}) AS beyond_{number}" for number, bound in enumerate(bounds)
    )
    row = ledger.row(
        f"SELECT count(*) AS documents, min({column}) AS smallest, max({column}) AS largest,"
        f" quantile_disc({column}, [0.01, 0.5, 0.99]) AS quantiles,"
        f" bool_and({column} = floor({column})) AS whole{counts} {source}"
    )
    if not row["documents"]:
        return None, []
    p01, median, p99 = row["quantiles"]
    found = _Range(row["documents"], row["smallest"], p01, median, p99, row["largest"], row["whole"])
    return found, [row[f"beyond_{number}"] for number in range(len(bounds))]


def _axis(found: _Range, thresholds: list[float]) -> _Axis:
    """The middle 98 % of the documents and every threshold, with a margin."""
    low, high = min([found.p01, *thresholds]), max([found.p99, *thresholds])
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
