"""What a step leaves on the device, and reading it back every few steps: lines for metrics.jsonl, forensics, progress.

Letters: Q sources, R rows of a step, D most segments of a row, S steps since the last report.
"""

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from trainer.evaluate import Evaluation
from trainer.forensics import loss_by_length, write_documents
from trainer.guard import Taken
from trainer.meters import peak_memory, read_back
from trainer.objectives.pretrain import Measured
from trainer.order import Rows
from trainer.parallel import sum_over

if TYPE_CHECKING:
    from trainer.loop import Run, State


@dataclass
class Sums:
    """One step's sums over its batches, on the device."""

    by_source_2Q: Tensor
    rows: Rows
    by_segment: list[Tensor] = field(default_factory=list)
    """(2, B, D) of each batch."""
    extra: dict[str, Tensor] = field(default_factory=dict)

    def add(self, measured: Measured) -> None:
        """One more batch."""
        self.by_source_2Q += measured.by_source_2Q.detach()
        self.by_segment.append(measured.by_segment_2BD)
        for name, value in measured.extra.items():
            self.extra[name] = self.extra.get(name, 0.0) + value

    def loss(self) -> Tensor:
        """Mean over the step's targets."""
        return self.by_source_2Q[0].sum() / self.rows.targets


@dataclass
class Noted:
    """A step whose numbers are still on the device."""

    step: int
    lr: float
    tokens: int
    rows: Rows
    scalars: list[Tensor]
    by_segment_2RD: Tensor
    """Of this rank's rows."""


class Report:
    """Collects what each step left on the device; reads it back every `report_every` steps, in two transfers."""

    def __init__(self, run: "Run"):
        self.run = run
        self.waiting: list[Noted] = []
        self.extra: list[str] = []

    def step(self, state: "State", sums: Sums, taken: Taken) -> None:
        """Notes a step; no waiting for the device."""
        self.extra = list(sums.extra)
        extra = [value / len(sums.by_segment) for value in sums.extra.values()]
        scalars = [sums.loss(), taken.grad_norm, taken.skipped, *extra, *sums.by_source_2Q.flatten()]
        segments_2RD = torch.cat(sums.by_segment, 1)
        self.waiting.append(Noted(state.step, taken.lr, state.tokens, sums.rows, scalars, segments_2RD))

    def flush(self) -> list[int]:
        """Waits for the device, writes the lines, and the documents of skipped steps, which it returns."""
        if not self.waiting:
            return []
        run, noted = self.run, self.waiting
        numbers = read_back([one.scalars for one in noted])
        segments = self._segments()
        common = run.speed.lap(noted[-1].tokens, run.loader.waited) | {"memory": peak_memory(run.world.device)}
        lines = [self._line(*one, common) for one in zip(noted, numbers, segments, strict=True)]
        self.waiting = []
        if run.metrics is not None:
            run.metrics.write([{key: finite(value) for key, value in line.items()} for line in lines])
        run.terminal.progress(progress(lines[-1], run.config.steps))
        for line, one, sums_2RD in zip(lines, noted, segments, strict=True):
            if line["skipped"] and run.world.first:
                path = write_documents(run.folder / "forensics", one.step, run.order.corpus, one.rows, sums_2RD)
                run.terminal.say(
                    f"step {one.step} skipped: loss {line['loss']:.4f}, gradient norm {line['grad_norm']:.2f}; its "
                    f"documents: {path}"
                )
        return [line["step"] for line in lines if line["skipped"]]

    def _segments(self) -> list[np.ndarray]:
        """(2, R, D) of every waiting step, over all ranks."""
        world = self.run.world
        mine = torch.stack([one.by_segment_2RD for one in self.waiting])
        rows = len(self.waiting[0].rows.index_R)
        whole_S2RD = mine.new_zeros(len(mine), 2, rows, mine.shape[3])
        count = len(range(world.rank, rows, world.size))
        whole_S2RD[:, :, world.rank :: world.size] = mine[:, :, :count]
        sum_over(world, [whole_S2RD])
        return list(whole_S2RD.cpu().numpy())

    def _line(self, one: Noted, numbers: list[float], sums_2RD: np.ndarray, common: dict[str, float]) -> dict[str, Any]:
        sources = self.run.sources
        loss, norm, skipped, *rest = numbers
        extra, flat = dict(zip(self.extra, rest, strict=False)), rest[len(self.extra) :]
        nats, counts = flat[: len(sources)], flat[len(sources) :]
        return (
            {"step": one.step, "loss": loss, "lr": one.lr, "grad_norm": norm, "tokens": one.tokens}
            | common
            | {
                "skipped": bool(skipped),
                "loss_by_source": {name: n / c for name, n, c in zip(sources, nats, counts, strict=True) if c},
                "loss_by_length": loss_by_length(self.run.order.corpus, one.rows, sums_2RD),
            }
            | extra
        )


def describe(evaluation: Evaluation) -> str:
    """One line for people."""
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
