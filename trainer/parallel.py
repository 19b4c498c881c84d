"""Several devices by torchrun: each rank computes its rows, gradients are summed with plain all-reduces."""

import os
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

CPU = torch.device("cpu")
BUCKET_NUMBERS = 1 << 24  # gradients are summed in pieces of about 64 MB: few calls, little extra memory


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


def any_of(world: World, flag: bool) -> bool:
    """Whether any rank says so. Waits for all ranks."""
    told = torch.tensor(float(flag), device=world.device)
    sum_over(world, [told])
    return bool(told.item())


def sum_gradients(world: World, parameters: list[nn.Parameter]) -> None:
    """Sums gradients over all ranks. Sums, not means: every loss was divided by the target count of the whole step."""
    if world.size == 1:
        return
    bucket: list[Tensor] = []
    for number, parameter in enumerate(parameters):
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)  # a rank without use of it (an idle expert) still takes part
        bucket.append(parameter.grad)
        if sum(grad.numel() for grad in bucket) >= BUCKET_NUMBERS or number == len(parameters) - 1:
            sum_over(world, bucket)
            bucket = []
