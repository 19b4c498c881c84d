"""The one loop. No objective, back end or world size is named in it: each is an object that `build.py` chose once."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from trainer.data import Loader
from trainer.evaluate import Evaluation
from trainer.guard import Guard
from trainer.meters import Metrics, Speed, Terminal
from trainer.model import Model
from trainer.objectives.pretrain import Objective
from trainer.order import Order, Place, Rows
from trainer.parallel import World, any_of, sum_over
from trainer.reporting import Report, Sums, describe


@dataclass(frozen=True, kw_only=True)
class LoopConfig:
    """How long, and how often it looks up."""

    steps: int = 300
    report_every: int = 10
    """Steps between looks at the numbers: only there the host waits for the device."""
    evaluate_every: int = 100
    """Steps between evaluations; one more at the end."""
    evaluation_rows: int = 0
    """Validation rows of each; 0: all."""
    save_every: int = 100
    """Steps between checkpoints; one more at the end."""
    keep_last: int = 2
    patience: int = 0
    """Ends the run after this many evaluations without a smaller validation loss; 0: never."""
    compile: str = "auto"
    """auto (on CUDA), on, off: torch.compile of the layers."""
    recompute: bool = False
    """Compute the layers again in the backward pass instead of keeping what is in them: less memory, a third slower."""
    shard: bool = False
    """With several devices: each holds a part of the weights and of the optimiser's state (FSDP2), not all of it."""


@dataclass(frozen=True)
class State:
    """What the loop needs to go on, beside weights, optimiser and generators."""

    step: int = 0
    """Steps done."""
    tokens: int = 0
    """Scored tokens seen."""
    place: Place = field(default_factory=Place)
    best: float = math.inf
    """Smallest validation loss so far."""
    worse: int = 0
    """Evaluations since then."""

    def after(self, rows: Rows) -> "State":
        """One step later."""
        return replace(self, step=self.step + 1, tokens=self.tokens + rows.targets, place=rows.after)

    def with_evaluation(self, loss: float) -> "State":
        """After an evaluation; a loss that is not a number is not better."""
        better = loss < self.best
        return replace(self, best=loss if better else self.best, worse=0 if better else self.worse + 1)

    def stale(self, config: LoopConfig) -> bool:
        """Whether the validation loss has not fallen for `patience` evaluations."""
        return 0 < config.patience <= self.worse


@dataclass
class Run:
    """The parts of a training run."""

    config: LoopConfig
    world: World
    model: Model
    objective: Objective
    order: Order
    loader: Loader
    guard: Guard
    evaluate: Callable[[Model], Evaluation] | None
    save: Callable[[State, Evaluation | None], None]
    metrics: Metrics | None
    terminal: Terminal
    speed: Speed
    sources: list[str]
    folder: Path
    """RUN/train/NAME."""
    go_back: Callable[["Run", State], State | None] = lambda run, state: None
    """After a skipped step: the state to go on from, or None to go on as it is. Raises DivergedError."""
    interrupted: Callable[[], bool] = lambda: False
    """Asked after every step; with several ranks only every `report_every` steps, because they must agree."""


def fit(run: Run, state: State) -> State:
    """Trains from `state` to the last step, or until `interrupted` or out of patience; saves in all cases. Raises
    DivergedError."""
    report, config = Report(run), run.config
    run.speed.tokens = state.tokens
    while state.step < config.steps and not state.stale(config) and not _interrupted(run, state):
        rows = run.order.take(state.place)
        sums = Sums(torch.zeros(2, len(run.sources), device=run.world.device), rows)
        for batch in run.loader.batches(rows):
            measured = run.objective(run.model, batch, len(run.sources))
            if batch.last:
                run.guard.optimizers.expect_last()
            (measured.loss / rows.targets).backward()
            sums.add(measured)
        run.guard.optimizers.sum_gradients()
        sum_over(run.world, [sums.by_source_2Q])
        taken = run.guard.step(state.step, sums.loss())
        run.guard.optimizers.zero_grad()
        state = state.after(rows)
        report.step(state, sums, taken)
        state = _look_up(run, state, report)
    report.flush()
    run.guard.check()
    run.save(state, None)
    return state


def _interrupted(run: Run, state: State) -> bool:
    if run.world.size == 1:
        return run.interrupted()
    return state.step % run.config.report_every == 0 and any_of(run.world, run.interrupted())


def _look_up(run: Run, state: State, report: Report) -> State:
    """Reports, goes back, evaluates and saves where it is time."""
    config, last = run.config, state.step == run.config.steps
    evaluates = state.step % config.evaluate_every == 0 or last
    saves = state.step % config.save_every == 0 or last
    if not evaluates and not saves and state.step % config.report_every:
        return state
    skipped = report.flush()
    if skipped and (back := run.go_back(run, state)) is not None:
        return back
    run.guard.check()
    if not evaluates and not saves:
        return state
    evaluation = None
    if evaluates:
        state, evaluation = _evaluate(run, state)
    if saves or state.stale(config):
        run.save(state, evaluation)
    run.speed.pause()
    return state


def _evaluate(run: Run, state: State) -> tuple[State, Evaluation | None]:
    if run.evaluate is None:
        return state, None
    evaluation = run.evaluate(run.model)
    if run.metrics is not None:
        run.metrics.write([{"step": state.step, **evaluation.line()}])
    run.terminal.say(f"step {state.step}/{run.config.steps}  {describe(evaluation)}")
    return state.with_evaluation(evaluation.loss), evaluation
