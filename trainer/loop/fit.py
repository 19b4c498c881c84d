"""The one loop. No objective, back end or world size is named in it: each is an object that `build.py` chose once."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from gristmill.trainer.checkpoint.state import TrainState
from gristmill.trainer.devices.world import any_rank
from gristmill.trainer.evaluate.validation import Evaluation
from gristmill.trainer.loop.reports.reporting import Report, StepSums, describe
from gristmill.trainer.loop.training import Training
from gristmill.trainer.model.experts import note_shares


def fit(training: Training, state: TrainState) -> TrainState:
    """Trains from `state` to the last step, or until `interrupted` or out of patience; saves in all cases. Raises
    DivergedError."""
    with _parts_uncollected():
        return _fit(training, state)


def _fit(training: Training, state: TrainState) -> TrainState:
    report, config = Report(training), training.config
    training.speed.tokens = state.tokens
    while state.step < config.steps and not state.stale(config.patience) and not _interrupted(training, state):
        rows = training.sampler.take(state.data)
        sums = StepSums.zero(training, rows)
        for batch in training.loader.batches(rows):
            batch_loss = training.objective(training.model, batch, len(training.sources))
            if batch.last:
                training.guard.optimizers.expect_last()
            batch_loss.loss.backward()
            sums.add(batch_loss)
        training.guard.optimizers.sum_gradients()
        sums.over_all(training.world)
        sums.hold(training.limits)
        result = training.guard.step(state.step, sums.loss(), sums.weight)
        training.guard.optimizers.zero_grad()
        note_shares(training.model, sums.assigned_LX, result.skipped)
        state = state.after(rows)
        report.step(state, sums, result)
        state = _report_evaluate_save(training, state, report)
    report.flush()
    training.guard.check()
    training.save(state, None)
    return state


@contextmanager
def _parts_uncollected() -> Iterator[None]:
    """What was built lives until the end: Python's collector looks only at what comes after it. Going through all of
    it is a pause of a rank in the middle of a step, for which the others wait."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _interrupted(training: Training, state: TrainState) -> bool:
    if state.step % training.round_steps:
        return False
    if training.world.size == 1:
        return training.interrupted()
    return state.step % training.config.report_every == 0 and any_rank(training.world, training.interrupted())


def _report_evaluate_save(training: Training, state: TrainState, report: Report) -> TrainState:
    """Reports, goes back, evaluates and saves where it is time."""
    config, last = training.config, state.step == training.config.steps
    evaluates = state.step % config.evaluate_every == 0 or last
    saves = state.step % config.save_every == 0 or last
    if not evaluates and not saves and state.step % config.report_every:
        return state
    skipped = report.flush()
    if skipped and (back := training.roll_back(training, state)) is not None:
        return back
    training.guard.check()
    if not evaluates and not saves:
        return state
    evaluation = None
    if evaluates:
        state, evaluation = _evaluate(training, state)
    if saves or state.stale(config.patience):
        training.save(state, evaluation)
        gc.collect()
    training.speed.pause()
    return state


def _evaluate(training: Training, state: TrainState) -> tuple[TrainState, Evaluation | None]:
    if training.evaluate is None:
        return state, None
    evaluation = training.evaluate(training.model)
    if training.metrics is not None:
        training.metrics.write([{"step": state.step, **evaluation.line()}])
    training.terminal.say(f"step {state.step}/{training.config.steps}  {describe(evaluation)}")
    return state.with_evaluation(evaluation.loss), evaluation
