"""A policy's own answers as pairs: DPO reads of them what the sampler said of them."""

from statistics import fmean

import pytest

from gristmill.tokenizer.encode import Encoder
from gristmill.trainer.checkpoint.checkpoint import Checkpoint
from gristmill.trainer.data.corpus import Corpus
from gristmill.trainer.data.loader import DataConfig
from gristmill.trainer.devices.world import CPU, World
from gristmill.trainer.evaluate.sampling import PURE
from gristmill.trainer.evaluate.validation import Evaluator
from gristmill.trainer.objectives.pairs.preference import DpoConfig, Preference
from gristmill.trainer.rollouts.prompts import completion, prompt_messages, task_prompts
from gristmill.trainer.rollouts.sampler import roll_out
from tests.benchmarks.proof.runs import write_pairs
from tests.trainer.align.conftest import LENGTH, TASK


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_dpo__log_probabilities_of_answers_are_the_samplers(policy_run, tmp_path, lang):
    encoder = Encoder(policy_run / "tokenizer")
    model = Checkpoint.open(policy_run / "train" / "base").load_model(CPU).eval()
    said = roll_out(model, task_prompts(encoder, TASK, 3, 24, lang), 2, PURE, 24)
    talks = [
        [*prompt_messages(encoder, one.prompt), {"role": "assistant", "content": completion(encoder, one)}]
        for one in said
    ]
    # What was sampled may not be how its text is encoded; then it is another answer.
    same = [one.response_ids[:-1].tolist() == encoder.ids(completion(encoder, one)) and not one.truncated
            for one in said]  # fmt: skip
    pairs = [k for k in range(0, len(said), 2) if same[k] and same[k + 1] and talks[k] != talks[k + 1]]
    assert len(pairs) > 5
    both = [(talks[k], talks[k + 1]) for k in pairs]
    run = write_pairs(tmp_path / "pairs", policy_run / "tokenizer", {"train": both, "validation": both}, LENGTH)
    objective = Preference(encoder.vocabulary, DpoConfig())
    objective.attach(model, lambda: model)
    corpus = Corpus(run / "tokens" / "index.json", "validation")
    found = Evaluator(corpus, objective, DataConfig(tokens_per_batch=256), World(), 0)(model)
    for name, place in (("chosen", 0), ("rejected", 1)):
        wanted = fmean(float(said[k + place].log_probabilities.sum()) for k in pairs)
        assert found.figures[f"val_log_p_{name}"] == pytest.approx(wanted, abs=1e-4)
    assert found.loss == pytest.approx(0.6931472, abs=1e-6)
