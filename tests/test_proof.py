"""What `make proof` is made from (tests/benchmarks/proof): what is told of several seeds, and what the plain model of
the proof of Ghost Attention learns."""

import json
import random
from pathlib import Path

import pytest

from gristmill.tokenizer.chat.ghost import BETWEEN
from tests.benchmarks.proof.ghost import INSTRUCTION, MARKS, plain_talk
from tests.benchmarks.proof.tables import tables


def test_mean_range_and_goals_over_seeds_and_a_figure_that_not_all_have(tmp_path: Path) -> None:
    over = {"learned": 1.0, "gold": 0.5, "exact": 0.0, "nats": 3.0}
    found = {
        "seed-0": {"weak": {"exact": 0.1, "score": 0.2}, "grpo": {"exact": 0.2, "score": 0.3}, "over-20": over},
        "seed-1": {
            "weak": {"exact": 0.3, "score": 0.4},
            "grpo": {"exact": 0.5, "score": 0.7},
            "distill": {"exact": 0.7},
        },
        "teacher": {"teacher": {"exact": 0.9, "en": 0.8, "zh": 1.0, "score": 0.95}},
    }
    for name, figures in found.items():
        (tmp_path / "sort-4" / name).mkdir(parents=True)
        (tmp_path / "sort-4" / name / "found.json").write_text(json.dumps(figures))
    lines = tables(tmp_path).splitlines()
    assert lines[0] == "**sort-4**"
    assert "| weak | 0.200 (0.100 to 0.300) |  |  | 0.300 (0.200 to 0.400) |  |  |  | 2 |" in lines
    spans = "0.350 (0.200 to 0.500) |  |  | 0.500 (0.300 to 0.700) | 15.000 (10.000 to 20.000) |  |"
    assert f"| grpo | {spans} points >= 15: 1 of 2 | 2 |" in lines
    assert "| distill | 0.700 |  |  |  | 40.000 | 0.667 | share >= 0.5: 1 of 1 | 1 |" in lines
    assert "| teacher | 0.900 | 0.800 | 1.000 | 0.950 | | | | 1 |" in lines
    assert "| over-20 | 1.000 | 0.500 | 0.000 | 3.000 |  | 1 |" in lines


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_plain_model_learns_that_an_instruction_within_the_talk_holds_for_its_answer_alone(lang: str) -> None:
    said = INSTRUCTION[lang].format("")[:5]
    rng = random.Random(3)
    kinds = {kind: [plain_talk(rng, lang, kind) for _ in range(20)] for kind in (0, 1, 2)}
    for talk in kinds[2]:
        for asked, answer in zip(talk[::2], talk[1::2], strict=True):
            assert (answer["content"][-1] in MARKS[lang]) == (said in asked["content"] and BETWEEN in asked["content"])
    assert all(talk[0]["role"] == "system" and talk[2]["content"][-1] in MARKS[lang] for talk in kinds[0])
    assert not any(turn["content"][-1] in MARKS[lang] for talk in kinds[1] for turn in talk)
