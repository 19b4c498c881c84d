"""Meters: speed, share of the device's peak, waiting for data, memory; one JSON line per step; the terminal."""

import functools
import importlib.util
import json
import math
import os
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Protocol

import torch
from rich.console import Console
from rich.live import Live
from rich.text import Text
from torch import Tensor

from trainer.architecture import ModelConfig

PEAK_TFLOPS = {  # bfloat16, dense, from the data sheets; the same numbers as everybody's MFU (training.md)
    "H200": 989.0,
    "H100": 989.0,
    "A100": 312.0,
    "L40S": 362.0,
    "L4": 121.0,
    "B200": 2250.0,
    "4090": 165.2,
}
PLAIN_LINE_SECONDS = 30.0


def flops_per_token(config: ModelConfig, matrix_parameters: int, length: int) -> float:
    """Floating-point operations of forward and backward: 6 N + 12 layers heads head_width length (PaLM, appendix B).

    N is `parameter_counts()["matrix"]`; the causal half of attention is not subtracted, as everybody's MFU.
    """
    return 6.0 * matrix_parameters + 12.0 * (config.layers + config.encoder_layers) * config.heads * config.D * length


def device_peak(device: torch.device) -> float | None:
    """Peak FLOP/s of the device in bfloat16 from its data sheet; None where we have none (a CPU)."""
    if device.type != "cuda":
        return None
    name = torch.cuda.get_device_name(device)
    return next((peak * 1e12 for key, peak in PEAK_TFLOPS.items() if key in name), None)


@functools.cache
def matmul_ceiling(device: torch.device, dtype: torch.dtype) -> float:
    """FLOP/s of the best of 16 rounds of square matrix products on random data: what this machine reaches, measured
    once in a process."""
    # On a CPU short rounds, so that other processes leave one of them alone.
    size, repeats = (8192, 4) if device.type == "cuda" else (768, 1)
    a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    best = 0.0
    for _ in range(16):
        _wait(device)
        start = time.perf_counter()
        for _ in range(repeats):
            a @ b
        _wait(device)
        best = max(best, repeats * 2 * size**3 / (time.perf_counter() - start))
    return best


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def peak_memory(device: torch.device) -> int:
    """Bytes: the most that the device's tensors took; on a CPU the most that this process took."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class Speed:
    """Seconds, tokens and waiting since the last lap."""

    def __init__(self, flops: float, peak: float | None, ceiling: float):
        self.flops, self.peak, self.ceiling = flops, peak, ceiling
        self.began, self.tokens, self.waited = time.perf_counter(), 0, 0.0

    def lap(self, tokens: int, waited: float) -> dict[str, float]:
        """Figures since the last lap, for `tokens` and `waited` counted from the start of the run.

        `mfu` is NaN where the device's peak is not known.
        """
        now = time.perf_counter()
        seconds, done = max(1e-9, now - self.began), tokens - self.tokens
        figures = {
            "tokens_per_second": done / seconds,
            "mfu": done * self.flops / seconds / self.peak if self.peak else math.nan,
            "ceiling_share": done * self.flops / seconds / self.ceiling,
            "data_wait_share": (waited - self.waited) / seconds,
        }
        self.began, self.tokens, self.waited = now, tokens, waited
        return figures

    def start(self, tokens: int) -> None:
        """Begins anew, with a new loader."""
        self.began, self.tokens, self.waited = time.perf_counter(), tokens, 0.0

    def pause(self) -> None:
        """Starts the clock again: what came before (an evaluation, a checkpoint) is not training."""
        self.began = time.perf_counter()


class Board(Protocol):
    """What `Metrics` uses of torch.utils.tensorboard.SummaryWriter."""

    def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> None:
        """Notes a number."""

    def close(self) -> None:
        """Writes what is left."""


class Metrics:
    """metrics.jsonl: one object per line. After a resume, lines past the checkpoint's step are gone. The same numbers
    go to a `board`."""

    def __init__(self, path: Path, after_step: int, board: Board | None = None):
        self.board = board
        self.path = path
        self.file: IO[str] = self._keep(after_step)

    def _keep(self, step: int) -> IO[str]:
        kept = []
        if self.path.exists():
            lines = self.path.read_text(encoding="utf-8").splitlines()
            kept = [line for line in lines if line.endswith("}") and json.loads(line)["step"] <= step]
        partial = self.path.with_name(f".{self.path.name}.partial")
        partial.write_text("".join(line + "\n" for line in kept), encoding="utf-8")
        os.replace(partial, self.path)
        return self.path.open("a", encoding="utf-8")

    def back_to(self, step: int) -> None:
        """Forgets the lines of later steps: they will be done again."""
        self.file.close()
        self.file = self._keep(step)

    def write(self, lines: list[dict[str, Any]]) -> None:
        """Appends and flushes."""
        self.file.write("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
        self.file.flush()
        if self.board is not None:
            for line in lines:
                for name, value in _scalars(line):
                    self.board.add_scalar(name, value, line["step"])

    def close(self) -> None:
        """Closes the file and the board."""
        self.file.close()
        if self.board is not None:
            self.board.close()


def _scalars(line: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """(name, number) of a line; "loss_by_source/web" of objects in it."""
    for name, value in line.items():
        if isinstance(value, dict):
            yield from _scalars(value, f"{prefix}{name}/")
        elif isinstance(value, int | float) and name != "step":
            yield prefix + name, float(value)


def tensorboard(folder: Path, after_step: int) -> Board | None:
    """A writer of event files for TensorBoard, which hides what a resumed run does again; None if not installed."""
    if importlib.util.find_spec("tensorboard") is None:
        return None
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder), purge_step=after_step + 1)


class Terminal:
    """Progress on stderr: one line that is rewritten on a terminal, else a line every 30 seconds. Silent if not
    `speaks`."""

    def __init__(self, speaks: bool):
        self.console = Console(stderr=True, quiet=not speaks, highlight=False, soft_wrap=True)
        self.live = Live(console=self.console, auto_refresh=False, transient=True) if self.console.is_terminal else None
        self.said = time.monotonic()
        if speaks and self.live is not None:
            self.live.start()

    def say(self, text: str) -> None:
        """A line that stays."""
        self.console.print(Text(text))

    def progress(self, text: str) -> None:
        """The line of the moment."""
        if self.live is not None:
            self.live.update(Text(text), refresh=True)
        elif time.monotonic() - self.said >= PLAIN_LINE_SECONDS:
            self.said = time.monotonic()
            self.say(text)

    def close(self) -> None:
        """Leaves the terminal as it was."""
        if self.live is not None:
            self.live.stop()
        sys.stderr.flush()


def read_back(columns: list[list[Tensor]]) -> list[list[float]]:
    """Scalars that stayed on the device since the last report, in one transfer."""
    if not columns:
        return []
    stacked = torch.stack([torch.stack([value.float() for value in row]) for row in columns])
    return stacked.cpu().numpy().tolist()
