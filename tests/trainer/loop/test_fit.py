"""The loop: normalisation, no waiting, what it reports, NaN, and that it learns."""

import gc
import json
import math
from dataclasses import replace

import pyarrow as pa
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from gristmill.trainer.data.loader import DataConfig
from gristmill.trainer.data.sampler import DataState
from gristmill.trainer.devices.world import World
from gristmill.trainer.errors import DivergedError
from gristmill.trainer.evaluate.validation import Evaluator
from gristmill.trainer.loop.fit import fit
from gristmill.trainer.loop.inputs import open_data
from gristmill.trainer.loop.reports.reporting import Report
from gristmill.trainer.model.transformer import Tokens


def lines(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def weights(run):
    return {name: p.detach().clone() for name, p in run.model.named_parameters()}


@pytest.mark.parametrize("micro", [1, 3])
def test_fit__gradient_accumulation_changes_nothing(run_dir, tiny, assemble, tmp_path, micro):
    """Rows of unequal target counts: a mean of means would differ (trl#2175)."""
    grads = []
    for name, rows in (("whole", 8), ("cut", micro)):
        data = DataConfig(tokens_per_step=8 * 32, tokens_per_batch=rows * 32)
        training, state = assemble(run_dir, replace(tiny, data=data), folder=tmp_path / name)
        with torch.no_grad():
            for p in training.model.parameters():
                p += 0.05  # residual branches start at zero, where half of the gradients are zero
        rows, weight = training.sampler.take(state.data), torch.zeros(())
        for batch in training.loader.batches(rows):
            found = training.objective(training.model, batch, 2)
            found.loss.backward()
            weight += found.weight
        training.guard.optimizers.clip(weight)
        grads.append([p.grad for p in training.model.parameters()])
    for a, b in zip(*grads, strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-4)


class CountWaits(TorchDispatchMode):
    """Counts the operations that read a number back from the device."""

    def __init__(self):
        super().__init__()
        self.waits = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.waits += "_local_scalar_dense" in str(func) or "is_nonzero" in str(func)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("kind", ["muon", "adamw"])
def test_fit__does_not_wait_for_the_device_between_reports(one_run_dir, tiny, assemble, monkeypatch, kind):
    config = replace(tiny, optim=replace(tiny.optim, kind=kind))
    training, state = assemble(one_run_dir, config, steps=6, report_every=1000)
    monkeypatch.setattr(Report, "flush", lambda self: [])
    monkeypatch.setattr(training.guard, "check", lambda: None)  # the end of a run waits
    training.evaluate, training.save = None, lambda state, evaluation: None
    with CountWaits() as counter:
        fit(training, state)
        assert counter.waits == 0
        torch.ones(1).item()
        assert counter.waits == 1, "the counter counts"


@pytest.mark.parametrize("seed", [0, 1])
def test_fit__learns_far_below_the_unigram_entropy(run_dir, tiny, assemble, tmp_path, seed):
    training, state = assemble(run_dir, replace(tiny, seed=seed), steps=60)
    nats, bits = open_data(run_dir).train.unigram_entropy()
    fit(training, state)
    last = lines(tmp_path / "train")[-1]
    assert last["val_loss"] < 0.75 * nats
    assert last["val_bits_per_byte"] < 0.75 * bits
    assert set(last["val_loss_by_source"]) == {"english", "chinese"}


def test_metrics__one_line_per_step_with_the_schema(one_run_dir, tiny, assemble, tmp_path):
    training, state = assemble(one_run_dir, tiny, steps=6, report_every=4, evaluate_every=3)
    fit(training, state)
    made = lines(tmp_path / "train")
    steps = [line for line in made if "loss" in line]
    assert [line["step"] for line in steps] == [1, 2, 3, 4, 5, 6]
    assert set(steps[0]) >= {
        "step", "loss", "lr", "grad_norm", "tokens", "tokens_per_second", "mfu", "data_wait_share", "memory",
    }  # fmt: skip
    assert {line["mfu"] for line in steps} == {None}  # no data sheet of this CPU
    assert all(line["ceiling_share"] > 0 for line in steps)
    assert [line["step"] for line in made if "val_loss" in line] == [3, 6]
    for line in steps:
        by_source = line["loss_by_source"].values()
        assert min(by_source) - 1e-5 <= line["loss"] <= max(by_source) + 1e-5
    assert steps[-1]["tokens"] == sum(training.sampler.take(p).tokens for p in data_states(training, 6))


def data_states(run, steps):
    data_state, out = DataState(), []
    for _ in range(steps):
        out.append(data_state)
        data_state = run.sampler.take(data_state).after
    return out


def test_evaluate__is_the_mean_over_all_validation_tokens_and_bytes(run_dir, tiny, assemble):
    training, _ = assemble(run_dir, tiny)
    corpus = open_data(run_dir).validation
    result = training.evaluate(training.model)
    nats, tokens, size = 0.0, 0, 0
    for shard in corpus.shards:  # document by document, without packing or masks
        for d in range(len(shard)):
            document = torch.tensor(shard.document(d).astype("int64"))
            for start in range(0, len(document) - 1, corpus.sequence_length):
                part = document[start : start + corpus.sequence_length + 1]
                with torch.no_grad():
                    logits = training.model.logits(training.model(Tokens(part[None, :-1])))[0]
                nats += torch.nn.functional.cross_entropy(logits, part[1:], reduction="sum").item()
                tokens += len(part) - 1
        size += shard.column("bytes").to_numpy().sum()
    assert result.count == tokens
    assert result.loss == pytest.approx(nats / tokens, rel=1e-4)
    assert result.bits_per_byte == pytest.approx(nats / math.log(2) / size, rel=1e-4)


class OneSource:
    """A shard whose documents are all of one source."""

    def __init__(self, shard):
        self.shard = shard

    def __getattr__(self, name):
        return getattr(self.shard, name)

    def __len__(self):
        return len(self.shard)

    def column(self, name):
        return pa.array(["web"] * len(self)) if name == "source" else self.shard.column(name)


def test_evaluate__by_language_too_where_a_source_has_several(run_dir, tiny, assemble):
    training, _ = assemble(run_dir, tiny)
    corpus = open_data(run_dir).validation
    corpus.shards = [OneSource(shard) for shard in corpus.shards]
    result = Evaluator(corpus, training.objective, tiny.data, World(), 0)(training.model)
    of_both = training.evaluate(training.model)
    assert result.loss_by_source == {"web": pytest.approx(of_both.loss)}
    named = {"en": "english", "zh": "chinese"}
    assert result.loss_by_language == {lang: pytest.approx(of_both.loss_by_source[named[lang]]) for lang in named}
    wanted = {lang: pytest.approx(of_both.bits_per_byte_by_source[named[lang]]) for lang in named}
    assert result.bits_per_byte_by_language == result.line()["val_bits_per_byte_by_language"] == wanted
    assert result.line()["val_loss_by_language"] == of_both.loss_by_language == result.loss_by_language


def test_fit__nan_stops_naming_the_step_and_leaves_the_weights_before_it(one_run_dir, tiny, assemble, tmp_path):
    training, state = assemble(one_run_dir, tiny, steps=12, report_every=4)
    calls, kept, objective = [], {}, training.objective

    def poisoned(model, batch, sources):
        batch_loss = objective(model, batch, sources)
        calls.append(1)
        if len(calls) == 6:
            kept.update(weights(training))
            batch_loss.loss = batch_loss.loss * float("nan")
        return batch_loss

    training.objective = poisoned
    with pytest.raises(DivergedError, match=r"step 6; the weights are those before it"):
        fit(training, state)
    assert len(calls) == 8, "stops at the next report"
    skipped = [line["step"] for line in lines(tmp_path / "train") if line["skipped"]]
    assert skipped == [6]
    assert not list((tmp_path / "train").glob("step-*"))


def test_fit__ends_when_interrupted_with_a_checkpoint(one_run_dir, tiny, assemble, tmp_path):
    asked = iter([False, False, False, True])
    training, state = assemble(one_run_dir, tiny, interrupted=lambda: next(asked))
    state = fit(training, state)
    assert state.step == 3
    assert [path.name for path in (tmp_path / "train").glob("step-*")] == ["step-000003"]
    assert [line["step"] for line in lines(tmp_path / "train")] == [1, 2, 3]


def test_fit__the_collector_leaves_alone_what_was_built(one_run_dir, tiny, assemble, monkeypatch):
    training, state = assemble(one_run_dir, tiny, steps=4, save_every=2, evaluate_every=100)
    frozen, collected, collect = [], [], gc.collect
    objective = training.objective

    def watched(model, batch, sources):
        frozen.append(gc.get_freeze_count())
        return objective(model, batch, sources)

    training.objective, training.save = watched, lambda state, evaluation: collected.append(state.step)
    before = gc.get_freeze_count()
    monkeypatch.setattr(gc, "collect", lambda *_: collected.append("collected") or collect())
    monkeypatch.setattr(gc, "unfreeze", lambda: collected.append("unfrozen"))
    fit(training, state)
    assert min(frozen) > before, "what was built"
    assert collected == ["collected", 2, "collected", 4, "collected", 4, "unfrozen"]


@pytest.mark.parametrize("experts", [0, 4])
def test_fit__recomputing_layers_changes_nothing(one_run_dir, tiny, assemble, tmp_path, experts):
    made = []
    for recompute in (False, True):
        config = replace(tiny, model=replace(tiny.model, experts=experts))
        training, state = assemble(one_run_dir, config, folder=tmp_path / str(recompute), steps=3, recompute=recompute)
        fit(training, state)
        made.append(weights(training))
    assert all(torch.equal(made[0][name], made[1][name]) for name in made[0])
