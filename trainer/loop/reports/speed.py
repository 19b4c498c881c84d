"""Speed, share of the device's peak, waiting for data, memory."""

import functools
import math
import resource
import time

import torch

from gristmill.trainer.model.config import ModelConfig

PEAK_TFLOPS = {  # bfloat16, dense, from the data sheets; the same numbers as everybody's MFU (training.md)
    "H200": 989.0,
    "H100": 989.0,
    "A100": 312.0,
    "L40S": 362.0,
    "L4": 121.0,
    "B200": 2250.0,
    "4090": 165.2,
}


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
