"""Scores against brute force and figures worked out by hand."""

import hashlib
import itertools
import json
import math
import random

import numpy as np
import pytest

from gristmill.trainer.errors import ConfigError, InputError
from gristmill.trainer.evaluate.compare import compare, interval
from gristmill.trainer.evaluate.contamination import contamination_of
from gristmill.trainer.evaluate.scores import stack
from gristmill.trainer.evaluate.scores.choices import answer_scores, choice_scores, text_scores
from gristmill.trainer.evaluate.scores.filters import pipelines
from gristmill.trainer.evaluate.scores.programs import PassAtK
from gristmill.trainer.evaluate.scores.summary import METRICS, mean, metric_of, ratio
from gristmill.trainer.evaluate.scores.texts import ExactMatch, memorised, pass_at_k


@pytest.mark.parametrize(("samples", "right"), [(5, 0), (5, 1), (5, 3), (5, 5), (8, 2)])
def test_pass_at_k_is_the_share_of_all_choices_of_k_samples(samples, right):
    passed = [True] * right + [False] * (samples - right)
    for k in range(1, samples + 1):
        every = [any(chosen) for chosen in itertools.combinations(passed, k)]
        assert pass_at_k(samples, right, k) == pytest.approx(sum(every) / len(every))
    with pytest.raises(ValueError, match="needs 9 samples"):
        pass_at_k(8, 2, 9)


def test_scores_of_choices():
    found = choice_scores([-4.0, -3.0, -9.0], ["ab", "a", "水车带来"], [0])
    assert (found["acc"], found["acc_norm"], found["acc_bytes"]) == (0.0, 1.0, 0.0)
    assert choice_scores([-4.0, -3.0, -9.0], ["ab", "a", "水车带来"], [2])["acc_bytes"] == 1.0  # 9 / 12 is the least
    assert found["likelihood_per_character"] == -2.0
    p = np.exp([-4.0, -3.0, -9.0]) / np.exp([-4.0, -3.0, -9.0]).sum()
    assert found["brier_score"] == pytest.approx((p[0] - 1) ** 2 + p[1] ** 2 + p[2] ** 2)
    assert found["calibration_error"] == (pytest.approx(p[1]), 0.0)
    assert choice_scores([-1.0, -1.0], ["a", "b"], [1])["acc"] == 0.0, "of equal ones the first counts"
    assert answer_scores(-6.0, True, " ab")["likelihood_per_character"] == -2.0
    assert text_scores(-10.0, "水车 x")["bits_per_byte"] == (10.0, 8.0)


def test_mean_has_the_standard_error_of_a_sample():
    found = mean([1.0, 0.0, 1.0, 1.0])
    assert found.value == 0.75
    assert found.standard_error == pytest.approx(math.sqrt(0.75 * 0.25 * 4 / 3 / 4))
    assert math.isnan(mean([1.0]).standard_error)


def test_the_error_of_a_ratio_is_that_of_resamples():
    rng = np.random.default_rng(0)
    size = rng.integers(20, 400, 300).astype(float)
    values = [(float(n * rng.normal(1.2, 0.3)), float(n)) for n in size]
    found = ratio(values)
    pairs = np.array(values)
    again = [pairs[rng.integers(0, 300, 300)].sum(0) for _ in range(2000)]
    assert found.value == pytest.approx(pairs[:, 0].sum() / pairs[:, 1].sum())
    assert found.standard_error == pytest.approx(np.std([a / b for a, b in again]), rel=0.1)
    assert METRICS["bits_per_byte"].summarise(values).value == pytest.approx(found.value / math.log(2))
    assert METRICS["byte_perplexity"].summarise(values).value == pytest.approx(math.exp(found.value))


def test_calibration_error_by_hand_and_of_what_is_calibrated():
    values = [(0.95, 1.0), (0.95, 0.0), (0.55, 1.0), (1.0, 1.0)]
    wanted = (abs(2 - 0.95 * 2 - 1.0) + abs(1 - 0.55)) / 4  # two bins: three items, one item
    assert METRICS["calibration_error"].summarise(values).value == pytest.approx(wanted)
    rng = random.Random(0)
    fair = [(p, float(rng.random() < p)) for p in (rng.uniform(0.25, 1) for _ in range(4000))]
    assert METRICS["calibration_error"].summarise(fair).value < 0.03


def test_filters_as_in_the_harness():
    steps = {"function": "regex", "regex_pattern": r"#### (\-?[0-9\.\,]+)"}
    last = {"function": "regex", "regex_pattern": r"(-?[$0-9.,]{2,})|(-?[0-9]+)", "group_select": -1}
    strict, flexible, vote = pipelines(
        [
            {"name": "strict", "filter": [steps, {"function": "take_first"}]},
            {"name": "flexible", "filter": [last]},
            {"name": "vote", "filter": [steps, {"function": "majority_vote"}]},
        ],
        "here",
    )
    texts = ["so 1 #### 12", "#### 7", "no", "that is #### 7"]
    assert strict(texts) == ["12"]
    assert flexible(["first 3, then 1,200 it is", "none"]) == ["1,200", "[invalid]"]
    assert vote(texts) == ["7"], "self-consistency: the most frequent"
    assert pipelines([], "here")[0](["a", "b"]) == ["a", "b"]
    with pytest.raises(ConfigError, match="filter 'vote' is not known"):
        pipelines([{"name": "x", "filter": [{"function": "vote"}]}], "here")
    with pytest.raises(ConfigError, match="filter 'regex'"):
        pipelines([{"name": "x", "filter": [{"function": "regex", "regex_pattern": "("}]}], "here")


def test_exact_match_and_its_options():
    plain = ExactMatch({}, "here")
    assert (plain("a b", ["x", "a b"]), plain("a b ", ["a b"])) == (1.0, 0.0)
    loose = ExactMatch({"ignore_case": True, "ignore_punctuation": True, "regexes_to_ignore": [","]}, "here")
    assert loose("1,200. OK", ["1200 ok"]) == 1.0
    with pytest.raises(ConfigError, match="no option 'ignore_cases'"):
        ExactMatch({"ignore_cases": True}, "here")


def test_what_is_verbatim():
    assert memorised("磨坊在河边，", "磨坊在河边") == {"memorised": 1.0, "verbatim": 1.0}
    assert memorised("磨坊有", "磨坊在河") == {"memorised": 0.0, "verbatim": 0.5}
    assert memorised("", "ab")["verbatim"] == 0.0


@pytest.mark.parametrize(
    ("program", "before", "after"),
    [
        ("+", (3, 4), (7,)),
        ("dup *", (5,), (25,)),
        ("swap -", (3, 10), (7,)),
        ("over +", (1, 2), (1, 3)),
        ("-2 *", (4,), (-8,)),
        ("", (1,), (1,)),
        ("drop", (1, 2), (1,)),
        ("neg", (6,), (-6,)),
    ],
)
def test_the_stack_language(program, before, after):
    assert stack.run(program, before) == after
    assert stack.passes(program, [(before, after)])


@pytest.mark.parametrize(
    "program", ["+", "jump", "1 " * 65, "9999999999", "--1", "1-", "2 " + "dup * " * 40, "import os"]
)
def test_bad_programs_pass_nothing(program):
    with pytest.raises(stack.StackError):
        stack.run(program, (1,))
    assert not stack.passes(program, [((1,), (1,))])


def test_programs_are_tested_and_pass_at_k_follows():
    passes = PassAtK({"metric": "pass_at_k", "k": [1, 2, 8], "language": "stack"}, 4, False, "task t")
    item = {"tests": [[[3, 4], [7]], [[1, 1], [2]]]}
    assert passes([item], [["+", "*", "+", "-"]]) == [{"pass@1": 0.5, "pass@2": pytest.approx(5 / 6)}]
    with pytest.raises(InputError, match="has no tests"):
        passes([{"tests": []}], [["+"]])
    with pytest.raises(ConfigError, match="say `unsafe_code: true`"):
        PassAtK({"k": [1]}, 1, False, "task t")
    with pytest.raises(ConfigError, match="pass@10 needs 10 continuations"):
        PassAtK({"k": [10], "language": "stack"}, 4, False, "task t")


def test_paired_intervals_see_what_unpaired_ones_do_not():
    rng = random.Random(1)
    first = [float(rng.random() < 0.5) for _ in range(400)]
    second = [1.0 if value == 0 and rng.random() < 0.08 else value for value in first]
    low, high = interval(first, second, metric_of("acc").value)
    gain = sum(second) / 400 - sum(first) / 400
    assert 0 < low < gain < high
    assert high - low < 0.06 < 2 * 1.96 * math.sqrt(0.5 / 400)
    bits = [(value + 1.0, 10.0) for value in first]
    assert interval(bits, bits, metric_of("bits_per_byte").value) == (0.0, 0.0)


def test_tasks_of_the_same_items_are_paired(tmp_path):
    def line(number, **scores):
        return json.dumps({"doc_id": number, "doc_hash": f"h{number}", "scores": scores}) + "\n"

    folder = tmp_path / "a" / "shots-0"
    folder.mkdir(parents=True)
    (folder / "samples_direct.jsonl").write_text("".join(line(n, **{"exact_match,none": n % 2}) for n in range(40)))
    (folder / "samples_vote.jsonl").write_text("".join(line(n, **{"exact_match,vote": 1}) for n in range(50)))
    (found,) = compare(tmp_path / "a", tmp_path / "a", ["direct:exact_match=vote:exact_match,vote"])
    assert (found.items, found.first, found.second, found.told_apart, found.better) == (40, 0.5, 1.0, True, True)
    with pytest.raises(ConfigError, match="'direct=steps' is no pair of tasks"):
        compare(tmp_path / "a", tmp_path / "a", ["direct=steps"])
    with pytest.raises(InputError, match="no items of the same task"):
        compare(tmp_path / "a", tmp_path / "a", ["direct=vote"])


def test_contamination_is_found_by_hash_or_name_and_the_worst_run_counts():
    def manifest(rate, **more):
        facts = {"items": 10, "contaminated": round(10 * rate), "rate": rate, "documents": 1, "sha256": "no"}
        return {"contamination": {"sets": {"other": facts | more}}}

    files = {"x.jsonl": "abcd"}
    runs = [("base", manifest(0.3, sha256="abcd")), ("chat", manifest(0.1, sha256="abcd")), ("old", {}), ("gone", None)]
    found = contamination_of("mill", files, runs)
    assert (found.rate, found.contaminated, found.unmeasured) == (0.3, 3, ("old", "gone"))
    cut = contamination_of("mill", files, [("base", manifest(0.3, sha256="abcd", left=1, left_rate=0.1))])
    assert (cut.rate, cut.contaminated, cut.found_rate) == (0.1, 1, 0.3), "what was left is what was learnt"
    both = hashlib.sha256(bytes.fromhex("abcdef")).hexdigest()
    assert contamination_of("mill", {"x": "abcd", "y": "ef"}, [("base", manifest(0.2, sha256=both))]).rate == 0.2
    assert contamination_of("other", files, [("base", manifest(0.2))]).rate == 0.2
    nothing = contamination_of("mill", files, [("base", manifest(0.2))])
    assert (nothing.rate, nothing.said()) == (None, "not measured")
    assert nothing.facts()["rate"] == "not measured"
