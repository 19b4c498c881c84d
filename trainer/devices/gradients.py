"""Gradients summed over the ranks while the backward pass goes on."""

from collections.abc import Iterator

import torch
import torch.distributed as dist
from torch import Tensor, nn

from gristmill.trainer.devices.world import World

BUCKET_NUMBERS = 1 << 23  # about 32 MB, as DDP's 25: few calls, and the first begins soon


class GradientSum:
    """Sums gradients over all ranks, bucket by bucket, while the backward pass computes the others (as DDP does).

    Gradients are views of flat buckets, so nothing is copied. Sums, not means: the step divides them by the weight
    of all ranks.
    """

    def __init__(self, world: World, parameters: list[nn.Parameter], numbers: int = BUCKET_NUMBERS):
        """`parameters` in about the order in which their gradients come; `numbers` to a bucket."""
        self.buckets: list[Tensor] = []
        self.members: list[int] = []
        """Parameters of each bucket."""
        self.running: list[dist.Work] = []
        self.summing = False
        for together in _buckets(parameters, numbers):
            flat = torch.zeros(sum(p.numel() for p in together), dtype=torch.float32, device=world.device)
            for parameter, view in zip(together, flat.split([p.numel() for p in together]), strict=True):
                parameter.grad = view.view_as(parameter)
                bucket = len(self.buckets)
                parameter.register_post_accumulate_grad_hook(lambda _, bucket=bucket: self._arrived(bucket))
            self.buckets.append(flat)
            self.members.append(len(together))
        self.missing = list(self.members)

    def begin(self) -> None:
        """The next backward pass is the last of the step."""
        self.summing = True

    def _arrived(self, bucket: int) -> None:
        """Counts a gradient. Buckets start in one order on all ranks, whichever is complete first."""
        if not self.summing:
            return
        self.missing[bucket] -= 1
        while len(self.running) < len(self.buckets) and self.missing[len(self.running)] == 0:
            self._start()

    def _start(self) -> None:
        work = dist.all_reduce(self.buckets[len(self.running)], async_op=True)
        assert work is not None
        self.running.append(work)

    def finish(self) -> None:
        """Starts what is left (a parameter that this rank did not use has no gradient to wait for), waits for all."""
        while len(self.running) < len(self.buckets):
            self._start()
        for work in self.running:
            work.wait()
        self.running, self.missing, self.summing = [], list(self.members), False

    def zero(self) -> None:
        """Forgets the gradients."""
        torch._foreach_zero_(self.buckets)


def _buckets(parameters: list[nn.Parameter], numbers: int) -> Iterator[list[nn.Parameter]]:
    """The parameters in order, in groups of at least so many numbers, but for the last."""
    bucket: list[nn.Parameter] = []
    for parameter in parameters:
        bucket.append(parameter)
        if sum(p.numel() for p in bucket) >= numbers:
            yield bucket
            bucket = []
    if bucket:
        yield bucket
