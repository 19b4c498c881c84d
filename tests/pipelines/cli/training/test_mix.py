"""`gristmill mix plan` on a terminal."""

import io

import pytest
from rich.console import Console

from gristmill.pipelines.cli.training.mix import _table

GROUP = {
    "documents": 26_943_112, "tokens": 29_430_000_000, "read": 117_000_000_000, "share": 0.9, "epochs": 4.0,
    "repeated": 88_100_000_000, "cut": 0, "missing": 18_700_000_000, "effective": 109_000_000_000,
}  # fmt: skip


def printed(**changes) -> str:
    groups = [
        {"group": "web", "most_epochs": 4.0, "stages": {"main": 0.9}, **GROUP, **changes},
        {"group": "图书", "most_epochs": 4.0, "stages": {"main": 0.1}, **GROUP},
    ]
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(_table("tokens=200B", {"groups": groups, "total": GROUP}))
    return console.export_text()


def test_plan__of_billions_fits_eighty_columns():
    text = printed()
    assert "…" not in text
    assert all(word in text for word in ("图书", "26,943,112", "29.4 B", "117 B", "90.0%", "4.00", "18.7 B", "109 B"))


@pytest.mark.parametrize(
    ("head", "changes"),
    [("cut", {"cut": 5}), ("at most", {"most_epochs": 8.0}), ("late", {"stages": {"a": 1.0, "late": 0.2}})],
)
def test_plan__a_column_that_says_nothing_is_left_out(head, changes):
    assert head not in printed()
    assert head in printed(**changes)
