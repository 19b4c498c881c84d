"""Rules: what fires, what a missing number does, changes by name, and the one phrasing."""

import numpy as np
import pytest

from gristmill.filters.presets import GOPHER_PAPER
from gristmill.filters.rules import Preset, Rule, change, fired_matrix, own_rules
from gristmill.filters.signals import SIGNALS


def test_fires__equality_is_kept_and_missing_numbers_do_not_fire():
    value_D = np.array([0.0, 3.0, 3.5, np.nan, np.inf, -np.inf])
    at_least = Rule("r", "words", ">=", 3, "ours")
    at_most = Rule("r", "words", "<=", 3, "ours")
    assert at_least.fires(value_D).tolist() == [True, False, False, False, False, True]
    assert at_most.fires(value_D).tolist() == [False, False, True, False, True, False]


def test_fired_matrix__has_every_rule_that_fires():
    rules = [
        Rule("a", "words", ">=", 2, "ours"),
        Rule("b", "words", ">=", 3, "ours"),
        Rule("c", "lines", "<=", 0, "ours"),
    ]
    columns = [np.array([1.0, 2.0]), np.array([1.0, 2.0]), np.array([1.0, 0.0])]
    assert fired_matrix(rules, columns, 2).tolist() == [[True, False], [True, True], [True, False]]
    assert fired_matrix([], [], 2).shape == (0, 2)


def test_change__other_threshold_by_name():
    (changed,) = change([GOPHER_PAPER], {"gopher@paper/top_2grams": 0.25})
    rule = next(rule for rule in changed.rules if rule.name == "top_2grams")
    assert (rule.threshold, rule.provenance) == (0.25, "the recipe")
    assert [r for r in changed.rules if r.name != "top_2grams"] == [
        r for r in GOPHER_PAPER.rules if r.name != "top_2grams"
    ]


def test_change__none_turns_off():
    (changed,) = change([GOPHER_PAPER], {"gopher@paper/stop_words": None})
    assert "gopher@paper/stop_words" not in changed.rule_names()
    assert len(changed.rules) == len(GOPHER_PAPER.rules) - 1


def test_change__zero_is_a_threshold():
    (changed,) = change([GOPHER_PAPER], {"gopher@paper/hashes": 0})
    assert next(rule for rule in changed.rules if rule.name == "hashes").threshold == 0


def test_change__misspelt_name_gets_a_suggestion():
    with pytest.raises(ValueError, match="did you mean 'gopher@paper/top_2grams'"):
        change([GOPHER_PAPER], {"gopher@paper/top2grams": 0.25})
    with pytest.raises(ValueError, match="no rule"):
        change([], {"gopher@paper/top_2grams": 0.25})


def test_own_rules__names_and_bounds():
    preset = own_rules([("words", 10, 20), ("lines", None, 5)])
    assert preset.rule_names() == ["recipe/words_min", "recipe/words_max", "recipe/lines_max"]
    assert [rule.threshold for rule in preset.rules] == [10, 20, 5]
    with pytest.raises(ValueError, match="did you mean 'words'"):
        own_rules([("wrods", 1, None)])


def test_preset__names_of_rules_are_unique():
    with pytest.raises(ValueError, match="two rules"):
        Preset("p@q", "ours", (Rule("a", "words", ">=", 1, "x"), Rule("a", "words", "<=", 2, "x")))


def test_sentence__is_the_one_phrasing():
    assert GOPHER_PAPER.rules[2].sentence() == (
        "Mean length of the words that hold a letter or digit. Keeps documents ≥ 3 characters "
        "(Rae et al. 2021, A.1.1, quality; languages with spaces)."
    )
    assert (
        GOPHER_PAPER.rules[1]
        .sentence()
        .endswith("Keeps documents ≤ 100,000 words (Rae et al. 2021, A.1.1, quality; languages with spaces).")
    )
    assert Rule("r", "han_fraction", ">=", 0.25, "ours").sentence().endswith("≥ 0.25 (ours; Chinese).")
    assert Rule("r", "lines", "<=", 4, "ours").sentence().endswith("≤ 4 lines (ours).")
    assert Rule("r", "stop_words", ">=", 2, "ours", frozenset(["en"])).sentence().endswith("≥ 2 words (ours; en).")


@pytest.mark.parametrize("signal", SIGNALS.values(), ids=lambda signal: signal.name)
def test_signal__documents_itself(signal):
    assert signal.summary.endswith(".")
    assert "\n" not in signal.summary
    assert "{" not in signal.doc.replace("`{`", "")
