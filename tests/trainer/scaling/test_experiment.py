"""The ladder on tiny models: it trains, predicts, checks, and does nothing twice."""

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from functools import partial

import pytest

from gristmill.trainer.devices.world import World
from gristmill.trainer.errors import ConfigError
from gristmill.trainer.evaluate.contamination import Contamination
from gristmill.trainer.evaluate.requests.text import OwnCodec
from gristmill.trainer.evaluate.tasks.config import config_of
from gristmill.trainer.evaluate.tasks.task import Task
from gristmill.trainer.loop.inputs import open_data
from gristmill.trainer.scaling import experiment
from gristmill.trainer.scaling import ladder as ladders
from gristmill.trainer.scaling.asked import Questions
from gristmill.trainer.scaling.fit import fit_law

SIZES, RATIOS = [(32, 1), (32, 2), (64, 1)], [0.05, 0.15]


@pytest.fixture(autouse=True)
def few_samples(monkeypatch):
    """Of the bootstrap, which is test_fit.py's."""
    monkeypatch.setattr(experiment, "fit_law", partial(fit_law, samples=20))


@pytest.fixture
def base(tiny):
    model = replace(tiny.model, kv_heads=0)
    return replace(tiny, model=model, data=replace(tiny.data, tokens_per_step=128, tokens_per_batch=128))


def test_plan__the_target_has_the_asked_compute(one_run_dir, base):
    data = open_data(one_run_dir)
    ladder = ladders.plan(base, data, SIZES, RATIOS, (96, 2), 10.0)
    assert [(r.width, r.layers) for r in ladder.rungs] == [size for size in SIZES for _ in RATIOS]
    for rung in ladder.rungs:
        assert rung.tokens == rung.steps * 4 * data.train.sequence_length
        assert rung.tokens >= 0.05 * rung.parameters
        heads = 12 * rung.layers * rung.width * data.train.sequence_length
        assert rung.flops == pytest.approx((6 * rung.parameters + heads) * rung.tokens)
    most = max(rung.flops for rung in ladder.rungs)
    assert 10.0 <= ladder.target.flops / most < 10.5


def test_plan__too_few_runs_are_refused(one_run_dir, base):
    with pytest.raises(ConfigError, match="3 sizes x 1 ratios are too few"):
        ladders.plan(base, open_data(one_run_dir), SIZES, [1.0], (96, 2), 10.0)


@pytest.mark.slow
def test_climb__predicts_then_measures_and_does_nothing_twice(one_run_dir, base, tmp_path):
    data, said = open_data(one_run_dir), []
    ladder = ladders.plan(base, data, SIZES, RATIOS, (64, 1), 1.5)
    result = experiment.run_ladder(base, data, ladder, tmp_path, World(), said.append)
    assert json.loads((tmp_path / "scaling.json").read_text()) == json.loads(json.dumps(result))
    nats, _ = data.train.unigram_entropy()
    assert all(0 < run["loss"] < 1.5 * nats for run in result["runs"])
    target = result["target"]
    assert target["error"] == pytest.approx(target["predicted"]["L(N, D)"]["loss"] / target["actual"] - 1)
    assert abs(target["error"]) < 0.5
    svg = ET.fromstring((tmp_path / "scaling.svg").read_text())
    assert len(svg.findall("{http://www.w3.org/2000/svg}circle")) == len(ladder.rungs) + 1
    assert len("\n".join(experiment.table(result)).splitlines()) >= len(ladder.rungs) + 4

    before = (tmp_path / "runs.jsonl").read_text()
    again = experiment.run_ladder(base, data, ladder, tmp_path, World(), said.append)
    assert (tmp_path / "runs.jsonl").read_text() == before
    assert again == result


def test_models_of_the_ladder_are_asked_and_none_twice(one_run_dir, base, tmp_path, monkeypatch):
    """Scores of every rung beside its loss; what was trained before and not asked is trained again."""
    data = open_data(one_run_dir)
    ladder = ladders.plan(base, data, SIZES, [0.01, 0.02], (32, 1), 1.0)
    items = [{"question": text, "answer": "mill", "lang": lang} for text, lang in (("the old", "en"), ("老磨坊", "zh"))]
    config = config_of({"task": "mill", "doc_to_text": "{{question}}", "doc_to_target": "{{answer}}",
                        "generation_kwargs": {"max_gen_toks": 4}}, "here")  # fmt: skip
    unknown = {"mill": Contamination(None, unmeasured=("run",))}
    questions = Questions([(Task(config, items), 0)], OwnCodec(one_run_dir / "tokenizer"), unknown)
    experiment.run_ladder(base, data, ladder, tmp_path, World(), lambda text: None)
    losses = (tmp_path / "runs.jsonl").read_text()
    result = experiment.run_ladder(base, data, ladder, tmp_path, World(), lambda text: None, questions)
    assert (tmp_path / "runs.jsonl").read_text() == losses
    for run in [*result["runs"], result["target"]]:
        scores = {one["metric"]: one for one in run["scores"]}
        assert set(scores) == {"exact_match", "likelihood_per_character"}
        assert scores["likelihood_per_character"]["value"] < 0
        assert (scores["exact_match"]["items"], scores["exact_match"]["contaminated"]) == (2, "not measured")
    told = json.loads((tmp_path / ladder.rungs[0].name / "scores" / "shots-0" / "results.json").read_text())
    assert told["model"]["flops"] == ladder.rungs[0].flops
    assert "likelihood_per_character" in "\n".join(experiment.table(result))
    monkeypatch.setattr(experiment, "fit", None)
    assert experiment.run_ladder(base, data, ladder, tmp_path, World(), lambda text: None, questions) == result
    with pytest.raises(ConfigError, match="there are 2"):
        experiment.run_ladder(base, data, ladder, tmp_path, World(0, 2), lambda text: None, questions)
