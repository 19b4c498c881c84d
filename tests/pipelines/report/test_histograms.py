"""Bins against a count in Python; axes that show the data and every threshold."""

import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gristmill.pipelines.report.drawing.ticks import value_at
from gristmill.pipelines.report.figures import Histogram
from gristmill.pipelines.report.histograms import BINS, Bound, Wanted, histograms
from gristmill.pipelines.report.sections.decisions import entry_of, judged_by
from gristmill.pipelines.storage.ledger import Ledger

RANDOM = np.random.default_rng(3)
SHAPES = {
    "normal": RANDOM.normal(5, 2, 500),
    "long tail": RANDOM.lognormal(5, 2, 500),
    "share with zeros": np.where(RANDOM.random(500) < 0.8, 0.0, RANDOM.random(500)),
    "counts": RANDOM.poisson(3, 500).astype(float),
    "many counts": RANDOM.poisson(300, 500).astype(float),
    "yes or no": (RANDOM.random(500) < 0.1).astype(float),
    "constant": np.full(20, 0.25),
    "negative": RANDOM.normal(-1, 3, 500),
    "one": np.array([7.0]),
    "with gaps": np.array([1.0, math.nan, 3.0, math.inf, -math.inf, 2.0]),
}
PART = "0000000000000000-00-0000000000000000.parquet"


def drawn(folder: Path, values: np.ndarray, *bounds: Bound) -> Histogram | None:
    (folder / "ledger").mkdir()
    column = pa.array([*values.tolist(), None], pa.float64())
    verdict = ["kept" if k % 2 else "dropped" for k in range(len(column))]
    empty = pa.nulls(len(column), pa.float64())
    pq.write_table(
        pa.table({"signal": column, "empty": empty, "verdict": verdict, "other": column}), folder / "ledger" / PART
    )
    with Ledger(folder) as ledger:
        # Several at once: what one has no value of, or other bounds, changes nothing of the next.
        names = {"empty": (), "signal": bounds, "other": bounds[:1]}
        found = histograms(ledger, "ledger", [Wanted(name, "", of) for name, of in names.items()], "true")
    drawn = {data.title: data for data in found}
    assert set(drawn) in ({"signal", "other"}, set())
    return drawn.get("signal")


def bounds_of(values: np.ndarray) -> list[Bound]:
    finite = values[np.isfinite(values)]
    return [
        Bound("low", ">=", float(np.quantile(finite, 0.1)), "keeps more"),
        Bound("high", "<=", float(np.quantile(finite, 0.9)) * 1.5 + 0.5, "keeps less"),
    ]


@pytest.mark.parametrize("shape", SHAPES)
def test_histogram__every_document_in_its_bin(tmp_path: Path, shape: str) -> None:
    values = SHAPES[shape]
    low, high = bounds_of(values)
    found = drawn(tmp_path, values, low, high)
    assert found is not None
    finite = values[np.isfinite(values)]
    fires = (finite < low.threshold) | (finite > high.threshold)
    for number in range(1, len(found.bins)):
        edge = value_at(found.scale, found.low, found.high, number / len(found.bins))
        near, filled = abs(edge) * 1e-9 + 1e-12, sum(item.documents for item in found.bins[:number])
        assert (finite < edge - near).sum() <= filled <= (finite < edge + near).sum()
    assert sum(item.documents for item in found.bins) == found.documents == len(finite)
    assert found.beyond == int(fires.sum())
    assert sum(item.kept for item in found.bins) == int(np.isfinite(values[1::2]).sum())
    assert [t.beyond for t in found.thresholds] == [
        int((finite < low.threshold).sum()),
        int((finite > high.threshold).sum()),
    ]
    assert len(found.bins) <= BINS
    for bound in (low, high):
        assert found.low <= bound.threshold < found.high
    middle = np.quantile(finite, [0.02, 0.98], method="nearest")
    assert found.low <= middle[0] <= middle[1] <= found.high


def test_histogram__whole_numbers_get_a_bin_each(tmp_path: Path) -> None:
    found = drawn(tmp_path, np.array([1.0, 1, 2, 5]), Bound("r", "<=", 3, ""))
    assert found is not None
    assert (found.low, found.high) == (0.5, 5.5)
    assert [item.documents for item in found.bins] == [2, 1, 0, 0, 1]
    assert [item.kept for item in found.bins] == [1, 0, 0, 0, 1]
    assert found.beyond == 1


def test_histogram__long_tails_are_logarithmic_and_zero_has_a_place(tmp_path: Path) -> None:
    found = drawn(tmp_path, np.array([0.0, *(10.0 ** np.arange(1, 7))] * 5), Bound("r", ">=", 50, ""))
    assert found is not None
    assert found.scale == "linear"  # the smallest percentile is 0: no logarithm
    (tmp_path / "b").mkdir()
    found = drawn(tmp_path / "b", np.array([0.0, *np.geomspace(1, 1e6, 400)]), Bound("r", ">=", 50, ""))
    assert found is not None
    assert found.scale == "log"
    assert found.bins[0].documents >= 1
    assert found.documents == 401


def test_histogram__nothing_to_draw(tmp_path: Path) -> None:
    assert drawn(tmp_path, np.array([math.nan]), Bound("r", ">=", 50, "")) is None


def test_bound__equality_keeps() -> None:
    values = np.array([0.05, 0.1, 0.2])
    assert Bound("r", ">=", 0.1, "").fires(values).tolist() == [True, False, False]
    assert Bound("r", "<=", 0.1, "").fires(values).tolist() == [False, False, True]
    assert Bound("r", ">=", 0.1, "").fires(values.astype(np.float32)).tolist() == [True, False, False]


WHENS = [
    {"language": ["en"], "script": None, "source": ["web"]},
    {"language": ["en", "zh"]},
    {"script": ["Hani"]},
    {},
]


def test_judged_by__the_first_entry_that_admits_a_document(tmp_path: Path) -> None:
    """SQL and Python say the same, on every combination of language, script and source; nothing is judged twice."""
    rows = [
        {"lang": lang, "script": script, "source": source, "step": step}
        for lang in ("en", "zh", "it's", None)
        for script in ("Latn", "Hani", None)
        for source in ("web", "books")
        for step in (None, "decide", "deduplicate")
    ] + [{"lang": "en", "script": "Latn", "source": "web", "step": "extract"}]
    decide = [{"when": when} for when in WHENS]
    for row in rows:
        row["judged"] = None if row["step"] == "extract" else entry_of(row, decide) is not None
    (tmp_path / "ledger").mkdir()
    pq.write_table(
        pa.Table.from_pylist([row | {"k": k} for k, row in enumerate(rows)]),
        tmp_path / "ledger" / PART,
    )
    with Ledger(tmp_path) as ledger:
        for number in range(len(WHENS)):
            where = judged_by(number, WHENS)
            found = {row["k"] for row in ledger.rows(f"SELECT k FROM 'ledger/*.parquet' WHERE {where}")}
            expected = {k for k, row in enumerate(rows) if row["step"] != "extract" and entry_of(row, decide) == number}
            assert found == expected, number
