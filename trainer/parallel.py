"""Several devices by torchrun: each rank computes its rows; sums over the ranks are plain all-reduces."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

CPU = torch.device("cpu")
BUCKET_NUMBERS = 1 << 23  # about 32 MB, as DDP's 25: few calls, and the first begins soon


@dataclass(frozen=True)
class World:
    """This process among its peers."""

    rank: int = 0
    size: int = 1
    device: torch.device = CPU

    @property
    def first(self) -> bool:
        """Whether this rank writes files and speaks."""
        return self.rank == 0


ALONE = World()


def join() -> World:
    """Joins the process group that torchrun describes in the environment; without one, the world is this process."""
    local = int(os.environ.get("LOCAL_RANK", 0))
    cuda = torch.cuda.is_available()
    device = torch.device("cuda", local) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(device)
    if "WORLD_SIZE" not in os.environ:
        return World(device=device)
    dist.init_process_group("nccl" if cuda else "gloo")
    return World(dist.get_rank(), dist.get_world_size(), device)


def leave(world: World) -> None:
    """Leaves the process group."""
    if world.size > 1:
        dist.destroy_process_group()


def sum_over(world: World, tensors: list[Tensor]) -> None:
    """Sums these tensors of one dtype over all ranks, in place, in one call."""
    if world.size == 1:
        return
    flat = torch.cat([tensor.flatten() for tensor in tensors])
    dist.all_reduce(flat)
    for tensor, part in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
        tensor.copy_(part.view_as(tensor))


def joined(world: World, part: Tensor) -> Tensor:
    """The equally large parts of all ranks, one after another along the first dimension."""
    if world.size == 1:
        return part
    out = part.new_empty(len(part) * world.size, *part.shape[1:])
    dist.all_gather_into_tensor(out, part.contiguous())
    return out


def any_of(world: World, flag: bool) -> bool:
    """Whether any rank says so. Waits for all ranks."""
    told = torch.tensor(float(flag), device=world.device)
    sum_over(world, [told])
    return bool(told.item())


def wait_for_all(world: World) -> None:
    """Returns when every rank has come here."""
    if world.size > 1:
        dist.barrier()


class GradientSum:
    """Sums gradients over all ranks, bucket by bucket, while the backward pass computes the others (as DDP does).

    Gradients are views of flat buckets, so nothing is copied. Sums, not means: every loss was divided by the target
    count of the whole step.
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
