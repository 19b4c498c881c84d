"""Gates against the figures of a run."""

import pytest

from gristmill.pipelines.report.alarms.figures import value_of
from gristmill.pipelines.report.alarms.gates import compare, gate_error
from gristmill.pipelines.storage.store import Store

FIGURES = {"kept_documents": 1200.0, "dead_share": 0.0125, "sources.web.kept_share": 0.25, "alarms": 0, "tokens": 7}


@pytest.mark.parametrize(
    ("gate", "holds"),
    [
        ("kept_documents >= 1200", True),
        ("kept_documents > 1200", False),
        ("dead_share <= 1%", False),
        ("dead_share < 0.0126", True),
        ("sources.web.kept_share != 0.25", False),
        ("alarms == 0", True),
        ("languages.zh.documents == 0", True),
        ("languages.zh.tokens >= 1", False),
        ("languages.zh.kept_share >= 0", False),  # a share of nothing is none
        ("alarms.drift == 0", False),  # nothing to compare with is no pass
        ("languages.zh.documnts == 0", False),
    ],
)
def test_gate__holds_or_not(gate, holds) -> None:
    assert compare([gate], FIGURES)[0].holds is holds


def test_value_of__nothing_counts_zero_and_its_share_is_none() -> None:
    assert value_of(FIGURES, "languages.fr.kept_documents") == 0
    assert value_of(FIGURES, "rules.recipe/edu.science_min.fired_documents") == 0
    assert value_of({}, "languages.fr.tokens") is None
    assert value_of(FIGURES, "sources.new.documents") is None


def test_gate_error__names_every_gate_with_its_figure_and_what_to_do(tmp_path) -> None:
    results = compare(
        ["kept_documents >= 2000", "dead_share <= 1%", "alarms == 0", "steps.encode.dead_share < 1"], FIGURES
    )
    error = gate_error(Store.at(tmp_path), results)
    assert error is not None
    assert error.exit_code == 5
    assert "3 of 4 gates fail" in str(error)
    assert "kept_documents >= 2000: kept_documents is 1,200" in str(error)
    assert "dead_share <= 1%: dead_share is 0.0125" in str(error)
    assert "this run has no steps.encode.dead_share" in str(error)
    assert gate_error(Store.at(tmp_path), results[2:3]) is None
