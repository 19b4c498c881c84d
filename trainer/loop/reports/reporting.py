"""What a step leaves on the device, and reading it back every few steps: lines for metrics.jsonl, forensics, progress.

Letters: Q sources, R rows of a step, D most segments of a row, S steps since the last report, L layers with experts,
X experts.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gristmill.trainer.checkpoint.state import TrainState
from gristmill.trainer.data.sampler import Rows
from gristmill.trainer.devices.world import World, all_reduce
from gristmill.trainer.evaluate.validation import Evaluation
from gristmill.trainer.loop.reports.forensics import loss_by_length, write_documents
from gristmill.trainer.loop.reports.speed import peak_memory
from gristmill.trainer.loop.training import Training
from gristmill.trainer.model.experts import experts_of
from gristmill.trainer.objectives.protocol import BatchLoss
from gristmill.trainer.optim.guard import StepResult


@dataclass
class StepSums:
    """One step's sums over its batches, on the device."""

    by_source_2Q: Tensor
    weight: Tensor
    rows: Rows
    assigned_LX: Tensor
    """Tokens that each expert of each layer was given; (0, 0) without experts."""
    by_segment: list[Tensor] = field(default_factory=list)
    """(2, B, D) of each batch."""
    metrics: dict[str, Tensor] = field(default_factory=dict)

    def add(self, loss: BatchLoss) -> None:
        """One more batch."""
        self.by_source_2Q += loss.by_source_2Q.detach()
        self.weight += loss.weight
        self.by_segment.append(loss.by_segment_2BD)
        if loss.assigned_LX is not None:
            self.assigned_LX += loss.assigned_LX
        for name, value in loss.metrics.items():
            self.metrics[name] = self.metrics.get(name, 0.0) + value

    def over_all(self, world: World) -> None:
        """Sums over the ranks what is a sum."""
        pairs = [value for _, value in sorted(self.metrics.items())]
        all_reduce(world, [self.by_source_2Q, self.weight, self.assigned_LX, *pairs])

    def hold(self, limits: Mapping[str, float]) -> None:
        """Beyond a limit the step weighs nothing, and so changes nothing. After `over_all`: all batches and ranks
        decide as one, and the host does not wait to know."""
        for name, most in limits.items():
            held = (self.metrics[name][0] > most * self.metrics[name][1]).float()
            self.weight = self.weight * (1 - held)
            self.metrics[f"{name}_held"] = torch.stack((held, torch.ones_like(held)))

    def loss(self) -> Tensor:
        """Mean over the step's scored tokens."""
        nats, tokens = self.by_source_2Q.sum(1)
        return nats / tokens.clamp(min=1)

    def figures(self) -> dict[str, Tensor]:
        """The metrics as ratios, and how evenly the experts were used: the sum of their squared shares, and the largest
        share, times the experts; both 1 when all got as many tokens."""
        found = {name: pair[0] / pair[1].clamp(min=1) for name, pair in self.metrics.items()}
        if not self.assigned_LX.numel():
            return found
        share_LX = self.assigned_LX / self.assigned_LX.sum(1, keepdim=True).clamp(min=1)
        experts = share_LX.shape[1]
        balance = experts * share_LX.square().sum(1).mean()
        return {"expert_balance": balance, "expert_busiest": experts * share_LX.max()} | found

    @classmethod
    def zero(cls, training: Training, rows: Rows) -> "StepSums":
        """Before the first batch."""
        device, experts = training.world.device, experts_of(training.model)
        assigned_LX = torch.zeros(len(experts), training.model.config.experts, device=device)
        by_source_2Q = torch.zeros(2, len(training.sources), device=device)
        return cls(by_source_2Q, torch.zeros((), device=device), rows, assigned_LX)


@dataclass
class PendingStep:
    """A step whose numbers are still on the device."""

    step: int
    lr: float
    tokens: int
    rows: Rows
    scalars: list[Tensor]
    by_segment_2RD: Tensor
    """Of this rank's rows."""
    figures: dict[str, float]
    """That the loader knew."""


class Report:
    """Collects what each step left on the device; reads it back every `report_every` steps, in two transfers."""

    def __init__(self, training: Training):
        self.training = training
        self.pending: list[PendingStep] = []
        self.metric_names: list[str] = []

    def step(self, state: TrainState, sums: StepSums, result: StepResult) -> None:
        """Notes a step; no waiting for the device."""
        found = sums.figures()
        self.metric_names = list(found)
        scalars = [sums.loss(), result.grad_norm, result.skipped, *found.values(), *sums.by_source_2Q.flatten()]
        segments_2RD = torch.cat([sums.weight.new_zeros(2, 0, 0)] if not sums.by_segment else sums.by_segment, 1)
        figures = dict(self.training.loader.figures)
        self.pending.append(PendingStep(state.step, result.lr, state.tokens, sums.rows, scalars, segments_2RD, figures))

    def flush(self) -> list[int]:
        """Waits for the device, writes the lines, and the documents of skipped steps, which it returns."""
        if not self.pending:
            return []
        training, pending = self.training, self.pending
        numbers = read_back([one.scalars for one in pending])
        segments = self._segments()
        common = training.speed.lap(pending[-1].tokens, training.loader.waited) | {
            "memory": peak_memory(training.world.device)
        }
        lines = [self._line(*one, common) for one in zip(pending, numbers, segments, strict=True)]
        self.pending = []
        if training.metrics is not None:
            training.metrics.write([{key: finite(value) for key, value in line.items()} for line in lines])
        training.terminal.progress(progress(lines[-1], training.config.steps))
        for line, one, sums_2RD in zip(lines, pending, segments, strict=True):
            corpus = training.sampler.corpus
            if line["skipped"] and training.world.first and corpus is None:
                training.terminal.say(
                    f"step {one.step} skipped: loss {line['loss']:.4f}, gradient norm {line['grad_norm']:.2f}"
                )
            elif line["skipped"] and training.world.first and corpus is not None:
                path = write_documents(training.folder / "forensics", one.step, corpus, one.rows, sums_2RD)
                training.terminal.say(
                    f"step {one.step} skipped: loss {line['loss']:.4f}, gradient norm {line['grad_norm']:.2f}; its "
                    f"documents: {path}"
                )
        return [line["step"] for line in lines if line["skipped"]]

    def _segments(self) -> list[np.ndarray]:
        """(2, R, D) of every pending step, over all ranks; nothing where rows are no rows of a corpus."""
        world = self.training.world
        if self.training.sampler.corpus is None:
            return [np.zeros((2, 0, 0))] * len(self.pending)
        mine = torch.stack([one.by_segment_2RD for one in self.pending])
        rows = len(self.pending[0].rows.index_R)
        whole_S2RD = mine.new_zeros(len(mine), 2, rows, mine.shape[3])
        count = len(range(world.rank, rows, world.size))
        whole_S2RD[:, :, world.rank :: world.size] = mine[:, :, :count]
        all_reduce(world, [whole_S2RD])
        return list(whole_S2RD.cpu().numpy())

    def _line(
        self, one: PendingStep, numbers: list[float], sums_2RD: np.ndarray, common: dict[str, float]
    ) -> dict[str, Any]:
        sources, corpus = self.training.sources, self.training.sampler.corpus
        by_length = {} if corpus is None else {"loss_by_length": loss_by_length(corpus, one.rows, sums_2RD)}
        loss, norm, skipped, *rest = numbers
        metrics, flat = dict(zip(self.metric_names, rest, strict=False)), rest[len(self.metric_names) :]
        nats, counts = flat[: len(sources)], flat[len(sources) :]
        return (
            {"step": one.step, "loss": loss, "lr": one.lr, "grad_norm": norm, "tokens": one.tokens}
            | common
            | {
                "skipped": bool(skipped),
                "loss_by_source": {name: n / c for name, n, c in zip(sources, nats, counts, strict=True) if c},
            }
            | by_length
            | one.figures
            | metrics
        )


def describe(evaluation: Evaluation) -> str:
    """One line for people."""
    if evaluation.figures:
        told = {"val_loss": evaluation.loss} | evaluation.figures
        return "  ".join(f"{name} {value:.4f}" for name, value in told.items() if "_at_" not in name)
    text = f"validation loss {evaluation.loss:.4f} nats/token"
    return text if evaluation.bits_per_byte is None else f"{text}, {evaluation.bits_per_byte:.4f} bits/byte"


def progress(line: dict[str, Any], steps: int) -> str:
    """The line of the moment."""
    left = (steps - line["step"]) * line["tokens"] / max(1, line["step"]) / max(1.0, line["tokens_per_second"])
    used = f"mfu {line['mfu']:.1%}" if math.isfinite(line["mfu"]) else f"{line['ceiling_share']:.0%} of the ceiling"
    return (
        f"step {line['step']}/{steps}  loss {line['loss']:.4f}  lr {line['lr']:.2e}  grad {line['grad_norm']:.2f}  "
        f"{line['tokens_per_second']:,.0f} tokens/s  {used}  data wait {line['data_wait_share']:.1%}  "
        f"{line['memory'] / 2**30:.1f} GiB  {left:,.0f} s left"
    )


def finite(value: Any) -> Any:
    """JSON has no NaN: null says that there was no number; inside objects too."""
    if isinstance(value, dict):
        return {key: finite(inner) for key, inner in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read_back(columns: list[list[Tensor]]) -> list[list[float]]:
    """Scalars that stayed on the device since the last report, in one transfer."""
    if not columns:
        return []
    stacked = torch.stack([torch.stack([value.float() for value in row]) for row in columns])
    return stacked.cpu().numpy().tolist()
