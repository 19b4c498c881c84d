"""The spike guard: what it skips, what it remembers, where it goes back to, which documents it names."""

import json
from dataclasses import replace

import pytest
import torch

from gristmill.trainer.checkpoint.checkpoint import Checkpoint
from gristmill.trainer.errors import ConfigError, DivergedError
from gristmill.trainer.loop.fit import fit
from gristmill.trainer.loop.reports.forensics import loss_by_length
from gristmill.trainer.optim.config import OptimConfig
from gristmill.trainer.optim.guard import Guard, GuardConfig
from gristmill.trainer.optim.optimizers import Optimizers
from tests.trainer.data.test_loader import row_segments

CPU = torch.device("cpu")
QUICK = GuardConfig(window=16)


def lines(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def guarded(config=QUICK):
    model = torch.nn.Linear(3, 3)
    return model, Guard(Optimizers(model, OptimConfig(clip=0), 100), CPU, config)


def take(model, guard, step, loss, size=1.0):
    for p in model.parameters():
        p.grad = torch.full_like(p, size * (1 + 0.1 * (step % 3)))
    return bool(guard.step(step, torch.tensor(loss), torch.tensor(1.0)).skipped)


@pytest.mark.parametrize("what", ["loss", "grad"])
def test_guard__skips_a_spike_of_loss_or_gradient_and_only_that(what):
    model, guard = guarded()
    for step in range(20):
        assert not take(model, guard, step, 2 + 0.1 * (step % 5))
    before = [p.detach().clone() for p in model.parameters()]
    assert take(model, guard, 20, 9.0 if what == "loss" else 2.0, 50.0 if what == "grad" else 1.0)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    assert not take(model, guard, 21, 2.3)
    assert not any(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


def test_guard__a_spike_is_six_deviations_of_the_window():
    values = torch.tensor([2.0, 2.2, 1.9, 2.1] * 4)
    border = float(values.mean() + 6 * values.std())
    for loss, skipped in ((border - 0.01, False), (border + 0.01, True)):
        model, guard = guarded()
        for step, value in enumerate(values.tolist()):
            take(model, guard, step, value)
        assert take(model, guard, len(values), loss) is skipped


def test_guard__nothing_is_a_spike_in_the_first_half_window_or_when_off():
    for config, steps in ((QUICK, 7), (replace(QUICK, spikes="off"), 30)):
        model, guard = guarded(config)
        for step in range(steps):
            take(model, guard, step, 2.0 + 0.1 * (step % 2))
        assert not take(model, guard, steps, 99.0)


def test_guard__a_lasting_change_becomes_normal():
    model, guard = guarded()
    skipped = [take(model, guard, step, (2.0 if step < 20 else 8.0) + 0.1 * (step % 5)) for step in range(60)]
    assert skipped[20]
    assert not any(skipped[25:])


def test_guard__not_a_number_is_skipped_and_not_remembered():
    model, guard = guarded(replace(QUICK, spikes="off"))
    for step in range(3):
        assert take(model, guard, step, float("nan") if step == 1 else 2.0) is (step == 1)
    assert int(torch.isfinite(guard.recent_2H).all(0).sum()) == 2
    with pytest.raises(DivergedError, match="step 2"):
        guard.check()


def test_guard__is_restored_with_its_window():
    model, guard = guarded()
    for step in range(20):
        take(model, guard, step, 2 + 0.1 * (step % 5))
    other, restored = guarded()
    saved = dict(guard.tensors())
    for name, tensor in restored.restorable({name: tuple(value.shape) for name, value in saved.items()}).items():
        tensor.copy_(saved[name])
    assert torch.equal(guard.recent_2H, restored.recent_2H)
    assert take(other, restored, 20, 9.0)


def test_guard_config__names_the_choices():
    with pytest.raises(ConfigError, match="skip, rollback, off"):
        GuardConfig(spikes="ignore")
    with pytest.raises(ConfigError, match=r"guard.window"):
        GuardConfig(window=2)


def poison(run, at, value):
    """The first piece of the first row of step `at` (from 1) gets a huge loss, as corrupt text would."""
    objective, calls = run.objective, []

    def poisoned(model, batch, sources):
        batch_loss = objective(model, batch, sources)
        calls.append(1)
        if len(calls) == at:
            batch_loss.loss = batch_loss.loss * value
            batch_loss.by_segment_2BD[0, 0, 0] *= value
            batch_loss.by_source_2Q = batch_loss.by_source_2Q * torch.tensor([[value], [1.0]])
        return batch_loss

    run.objective = poisoned
    return calls


def test_fit__a_spike_is_skipped_and_its_documents_are_filed(run_dir, tiny, assemble, tmp_path):
    config = replace(tiny, guard=QUICK)
    training, state = assemble(run_dir, config, steps=20)
    poison(training, 18, 100.0)
    data_state = state.data
    for _ in range(17):
        data_state = training.sampler.take(data_state).after
    assert fit(training, state).step == 20
    folder = tmp_path / "train"
    assert [line["step"] for line in lines(folder) if line.get("skipped")] == [18]
    filed = [json.loads(line) for line in (folder / "forensics" / "step-18.jsonl").read_text().splitlines()]
    assert [path.name for path in (folder / "forensics").iterdir()] == ["step-18.jsonl"]

    corpus, rows = training.sampler.corpus, training.sampler.take(data_state)
    segments = corpus.segment_numbers(rows.index_R)
    assert sorted((line["row"], line["start"], line["length"]) for line in filed) == sorted(
        (int(corpus.plan.row[p]), int(corpus.plan.start[p]), int(corpus.plan.length[p])) for p in segments
    )
    first = segments[0]
    culprit = corpus.shards[corpus.plan.shard[first]].column("doc_id")[int(corpus.plan.doc[first])].as_py()
    assert filed[0]["doc_id"] == culprit
    assert filed[0]["loss"] > 10 * filed[1]["loss"]
    assert sum(line["targets"] for line in filed) == rows.tokens - corpus.ends(segments).sum()
    assert set(filed[0]) == {"doc_id", "source", "loss", "targets", "row", "start", "length"}


def test_fit__goes_back_to_the_checkpoint_and_on_with_later_data(one_run_dir, tiny, assemble, tmp_path):
    config = replace(tiny, guard=replace(QUICK, spikes="rollback"))
    training, state = assemble(one_run_dir, config, steps=24, save_every=10, report_every=2)
    calls = poison(training, 17, 100.0)
    state = fit(training, state)
    assert state.step == 24
    assert len(calls) == 18 + 14, "steps 11 to 18 were done twice, on other rows"
    rows = len(calls) * config.data.step_rows(32)
    assert (state.data.epoch, state.data.next_row) == divmod(rows, len(training.sampler.corpus))
    made = lines(tmp_path / "train")
    assert [line["step"] for line in made if "loss" in line] == list(range(1, 25))
    assert [line["step"] for line in made if line.get("went_back_from") == 18] == [10]
    assert (tmp_path / "train" / "forensics" / "step-17.jsonl").exists()


@pytest.mark.parametrize("saves", [False, True])
def test_fit__a_nan_goes_back_while_it_may(one_run_dir, tiny, assemble, tmp_path, saves):
    config = replace(tiny, guard=GuardConfig(spikes="rollback", rollbacks=0 if not saves else 1))
    training, state = assemble(one_run_dir, config, steps=12, save_every=4, report_every=2)
    poison(training, 6 if saves else 3, float("nan"))
    if saves:
        assert fit(training, state).step == 12
        model = Checkpoint.open(tmp_path / "train").load_model(CPU)
        assert all(torch.isfinite(p).all() for p in model.parameters())
    else:
        with pytest.raises(DivergedError, match="step 3; the weights are those before it"):
            fit(training, state)


def test_fit__spikes_without_end_end_the_run(one_run_dir, tiny, assemble, tmp_path):
    config = replace(tiny, guard=GuardConfig(spikes="rollback", rollbacks=2))
    training, state = assemble(one_run_dir, config, steps=12, save_every=4, report_every=2)
    objective, seen = training.objective, []

    def bad(model, batch, sources):
        batch_loss = objective(model, batch, sources)
        seen.append(1)
        batch_loss.loss = batch_loss.loss * (float("nan") if len(seen) > 4 else 1.0)
        return batch_loss

    training.objective = bad
    with pytest.raises(DivergedError, match="going back 2 times"):
        fit(training, state)


def test_fit__ends_when_validation_gets_no_better(one_run_dir, tiny, assemble, tmp_path):
    training, state = assemble(one_run_dir, tiny, steps=12, evaluate_every=2, patience=2)
    evaluation, scores = training.evaluate(training.model), iter([3.0, 2.0, 2.5, float("nan"), 1.0, 1.0])
    training.evaluate = lambda model: replace(evaluation, loss=next(scores))
    state = fit(training, state)
    assert (state.step, state.best) == (8, 2.0)
    assert Checkpoint.open(tmp_path / "train").state == state


def test_metrics__loss_by_length_is_the_step_loss_cut_by_document(run_dir, tiny, assemble, tmp_path):
    training, state = assemble(run_dir, tiny, steps=4)
    rows = training.sampler.take(state.data)
    fit(training, state)
    first = lines(tmp_path / "train")[0]
    corpus = training.sampler.corpus
    segments = corpus.segment_numbers(rows.index_R)
    ones = torch.zeros(2, len(rows.index_R), corpus.most_segments)
    for r, row in enumerate(rows.index_R):
        for d, (tokens, following) in enumerate(row_segments(corpus, row)):
            ones[0, r, d] = ones[1, r, d] = len(tokens) - (following < 0)
    assert set(loss_by_length(corpus, rows, ones.numpy()).values()) == {1.0}
    lengths = corpus.document_lengths(segments)
    assert set(first["loss_by_length"]) == {"1-63" if n < 64 else "64-255" for n in lengths}
    weights = {"1-63": 0, "64-255": 0}
    for p, length in zip(segments, lengths, strict=True):
        targets = int(corpus.plan.length[p]) - int(corpus.ends(segments[segments == p])[0])
        weights["1-63" if length < 64 else "64-255"] += targets
    mean = sum(first["loss_by_length"].get(name, 0) * count for name, count in weights.items()) / sum(weights.values())
    assert mean == pytest.approx(first["loss"], rel=1e-5)


def test_guard__a_step_in_which_nothing_is_scored_changes_nothing_and_is_no_fault():
    model, guard = guarded()
    for step in range(20):
        take(model, guard, step, 2 + 0.1 * (step % 5))
    before, window = [p.detach().clone() for p in model.parameters()], guard.recent_2H.clone()
    for p in model.parameters():
        p.grad = torch.zeros_like(p)
    result = guard.step(20, torch.tensor(0.0), torch.tensor(0.0))
    assert not result.skipped
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    assert torch.isfinite(guard.recent_2H).sum() == torch.isfinite(window).sum() - 2
    guard.check()
    assert not take(model, guard, 21, 2.3)
