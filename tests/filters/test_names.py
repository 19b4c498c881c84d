"""A wrong name leads to the right one, or to a list that is not too long."""

import pytest

from gristmill.filters.names import LISTED, near, nearest

PRESETS = ["gopher@paper", "c4@tfds", "fineweb@datatrove", "chinese@gristmill", "any@gristmill"]


@pytest.mark.parametrize(
    ("wrong", "right"),
    {
        "gofer@paper": "gopher@paper", "gopher": "gopher@paper", "GOPHER@PAPER": "gopher@paper", "c4": "c4@tfds",
        "gopher-paper": "gopher@paper", "fineweb": "fineweb@datatrove", "datatrove": "fineweb@datatrove",
        "any": "any@gristmill",
    }.items(),
)  # fmt: skip
def test_near__typing_errors_capitals_beginnings_and_parts(wrong, right):
    assert near(wrong, PRESETS) == right
    assert nearest(wrong, PRESETS) == f"did you mean '{right}'?"


@pytest.mark.parametrize("wrong", ["", "x", "困惑度", "perplexity"])
def test_nearest__lists_what_there_is_where_nothing_is_near(wrong):
    assert nearest(wrong, PRESETS) == f"valid: {', '.join(sorted(PRESETS))}"


def test_nearest__a_long_list_is_cut_and_an_empty_one_said():
    assert nearest("x", [f"name{number}" for number in range(100)]).endswith(f"and {100 - LISTED} more")
    assert nearest("x", []) == "there is none"
