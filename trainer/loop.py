# ruff: noqa: N815 (shape-suffixed names)
"""The one loop. No objective, back end or world size is named in it: each is an object that `build.py` chose once."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from trainer.data import Loader
from trainer.evaluate import Evaluation
from trainer.guard import Guard, Taken
from trainer.meters import Metrics, Speed, Terminal, peak_memory, read_back
from trainer.model import Model
from trainer.objectives.pretrain import Measured, Objective
from trainer.order import Order, Place, Rows
from trainer.parallel import World, any_of, sum_gradients, sum_over


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
    compile: str = "auto"
    """auto (on CUDA), on, off: torch.compile of the layers."""


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

    def after(self, rows: Rows) -> "State":
        """One step later."""
        return replace(self, step=self.step + 1, tokens=self.tokens + rows.targets, place=rows.after)


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
    interrupted: Callable[[], bool] = lambda: False
    """Asked after every step; with several ranks only every `report_every` steps, because they must agree."""


@dataclass
class Sums:
    """One step's sums over its batches, on the device."""

    by_source_2Q: Tensor
    rows: Rows
    extra: dict[str, Tensor] = field(default_factory=dict)
    batches: int = 0

    def add(self, measured: Measured) -> None:
        """One more batch."""
        self.by_source_2Q += measured.by_source_2Q.detach()
        self.batches += 1
        for name, value in measured.extra.items():
            self.extra[name] = self.extra.get(name, 0.0) + value

    def loss(self) -> Tensor:
        """Mean over the step's targets."""
        return self.by_source_2Q[0].sum() / self.rows.targets


class Report:
    """Collects what each step left on the device; reads it back every `report_every` steps, in one transfer."""

    def __init__(self, run: Run):
        self.run = run
        self.waiting: list[dict[str, Any]] = []
        self.extra: list[str] = []
        self.kept: list[list[Tensor]] = []

    def step(self, state: State, sums: Sums, taken: Taken) -> None:
        """Notes a step; no waiting for the device."""
        self.waiting.append({"step": state.step, "lr": taken.lr, "tokens": state.tokens})
        self.extra = list(sums.extra)
        extra = [value / sums.batches for value in sums.extra.values()]
        self.kept.append([sums.loss(), taken.grad_norm, taken.skipped, *extra, *sums.by_source_2Q.flatten()])

    def flush(self) -> None:
        """Waits for the device, writes the lines. Raises DivergedError."""
        if not self.waiting:
            return
        run = self.run
        numbers = read_back(self.kept)
        speed = run.speed.lap(self.waiting[-1]["tokens"], run.loader.waited)
        memory = peak_memory(run.world.device)
        lines = []
        for noted, (loss, norm, skipped, *rest) in zip(self.waiting, numbers, strict=True):
            extra, flat = dict(zip(self.extra, rest, strict=False)), rest[len(self.extra) :]
            nats, counts = flat[: len(run.sources)], flat[len(run.sources) :]
            by_source = {name: n / c for name, n, c in zip(run.sources, nats, counts, strict=True) if c}
            lines.append(
                {"step": noted["step"], "loss": loss, "lr": noted["lr"], "grad_norm": norm, "tokens": noted["tokens"]}
                | speed
                | {"memory": memory, "skipped": bool(skipped), "loss_by_source": by_source}
                | extra
            )
        self.waiting, self.kept = [], []
        if run.metrics is not None:
            run.metrics.write([{key: _finite(value) for key, value in line.items()} for line in lines])
        run.terminal.progress(_progress(lines[-1], run.config.steps))
        run.guard.check()


def fit(run: Run, state: State) -> State:
    """Trains from `state` to the last step, or until `interrupted`; saves in both cases. Raises DivergedError."""
    report, config = Report(run), run.config
    run.speed.tokens = state.tokens
    while state.step < config.steps and not _interrupted(run, state):
        rows = run.order.take(state.place)
        sums = Sums(torch.zeros(2, len(run.sources), device=run.world.device), rows)
        for batch in run.loader.batches(rows):
            measured = run.objective(run.model, batch, len(run.sources))
            (measured.loss / rows.targets).backward()
            sums.add(measured)
        sum_gradients(run.world, run.guard.optimizers.parameters)
        sum_over(run.world, [sums.by_source_2Q])
        taken = run.guard.step(state.step, sums.loss())
        run.guard.optimizers.zero_grad()
        state = state.after(rows)
        report.step(state, sums, taken)
        state = _look_up(run, state, report)
    return _finish(run, state, report)


def _interrupted(run: Run, state: State) -> bool:
    if run.world.size == 1:
        return run.interrupted()
    return state.step % run.config.report_every == 0 and any_of(run.world, run.interrupted())


def _look_up(run: Run, state: State, report: Report) -> State:
    """Reports, evaluates and saves where it is time."""
    config, last = run.config, state.step == run.config.steps
    if state.step % config.report_every == 0:
        report.flush()
    evaluates = state.step % config.evaluate_every == 0 and not last
    saves = state.step % config.save_every == 0 and not last
    if not evaluates and not saves:
        return state
    report.flush()
    evaluation = None
    if evaluates:
        state, evaluation = _evaluate(run, state)
    if saves:
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
    return replace(state, best=min(state.best, evaluation.loss)), evaluation


def _finish(run: Run, state: State, report: Report) -> State:
    """The last numbers and the last checkpoint; an interrupted run saves without evaluating."""
    report.flush()
    evaluation = None
    if state.step == run.config.steps:
        state, evaluation = _evaluate(run, state)
    run.save(state, evaluation)
    return state


def describe(evaluation: Evaluation) -> str:
    """One line for people."""
    text = f"validation loss {evaluation.loss:.4f} nats/token"
    return text if evaluation.bits_per_byte is None else f"{text}, {evaluation.bits_per_byte:.4f} bits/byte"


def _progress(line: dict[str, Any], steps: int) -> str:
    left = (steps - line["step"]) * line["tokens"] / max(1, line["step"]) / max(1.0, line["tokens_per_second"])
    return (
        f"step {line['step']}/{steps}  loss {line['loss']:.4f}  lr {line['lr']:.2e}  grad {line['grad_norm']:.2f}  "
        f"{line['tokens_per_second']:,.0f} tokens/s  mfu {line['mfu']:.1%}  data wait {line['data_wait_share']:.1%}  "
        f"{line['memory'] / 2**30:.1f} GiB  {left:,.0f} s left"
    )


def _finite(value: Any) -> Any:
    """JSON has no NaN: null says that the step had no number."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
