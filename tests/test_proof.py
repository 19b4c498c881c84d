"""What `make proof` is made from (tests/benchmarks/proof): what is told of several seeds, and what the plain model of
the proof of Ghost Attention learns."""

import json
import random
from pathlib import Path

import pytest

from gristmill.tokenizer.chat.ghost import BETWEEN
from tests.benchmarks.proof.ghost import INSTRUCTION, MARKS, plain_talk
from tests.benchmarks.proof.tables import tables


def test_mean_and_range_over_seeds_and_a_figure_that_not_all_have(tmp_path: Path) -> None:
    found = (
        {"weak": {"exact": 0.1, "score": 0.2}, "over-20": {"learned": 1.0, "gold": 0.5, "exact": 0.0, "nats": 3.0}},
        {"weak": {"exact": 0.3, "score": 0.4}, "grpo": {"exact": 0.5, "score": 0.7}},
    )
    for seed, figures in enumerate(found):
        (tmp_path / f"seed-{seed}").mkdir()
        (tmp_path / f"seed-{seed}" / "found.json").write_text(json.dumps(figures))
    lines = tables(tmp_path).splitlines()
    assert "| weak | 0.200 (0.100 to 0.300) | 0.300 (0.200 to 0.400) |  | 2 |" in lines
    assert "| grpo | 0.500 | 0.700 | 20.000 | 1 |" in lines
    assert "| over-20 | 1.000 | 0.500 | 0.000 | 3.000 | 1 |" in lines


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
