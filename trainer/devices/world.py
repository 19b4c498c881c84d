"""Several devices by torchrun: each rank computes its rows; sums over the ranks are plain all-reduces."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor

from gristmill.trainer.errors import InputError, TrainerError

T = TypeVar("T")
CPU = torch.device("cpu")


@dataclass(frozen=True)
class World:
    """This process among its peers."""

    rank: int = 0
    size: int = 1
    device: torch.device = CPU
    local_rank: int = 0
    """Among those of its host."""

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
    return World(dist.get_rank(), dist.get_world_size(), device, local)


def leave(world: World) -> None:
    """Leaves the process group."""
    if world.size > 1:
        dist.destroy_process_group()


def all_reduce(world: World, tensors: list[Tensor]) -> None:
    """Sums these tensors of one dtype over all ranks, in place, in one call."""
    if world.size == 1:
        return
    flat = torch.cat([tensor.flatten() for tensor in tensors])
    dist.all_reduce(flat)
    for tensor, part in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
        tensor.copy_(part.view_as(tensor))


def all_gather(world: World, part: Tensor) -> Tensor:
    """The equally large parts of all ranks, one after another along the first dimension."""
    if world.size == 1:
        return part
    out = part.new_empty(len(part) * world.size, *part.shape[1:])
    dist.all_gather_into_tensor(out, part.contiguous())
    return out


def gather_objects(world: World, mine: list[T]) -> list[T]:
    """The lists of all ranks, one after the other."""
    if world.size == 1:
        return mine
    parts: list[list[T] | None] = [None] * world.size
    dist.all_gather_object(parts, mine)
    return [one for part in parts for one in part or []]


def any_rank(world: World, flag: bool) -> bool:
    """Whether any rank says so. Waits for all ranks."""
    told = torch.tensor(float(flag), device=world.device)
    all_reduce(world, [told])
    return bool(told.item())


def together(world: World, call: Callable[[], T]) -> T:
    """What the call gives on this rank. Where it raises a TrainerError on one, all ranks raise, and none waits."""
    raised, made = None, None
    try:
        made = call()
    except TrainerError as error:
        raised = error
    if any_rank(world, raised is not None):
        raise raised or InputError("another rank found an error", where=f"rank {world.rank}", fix="see its message")
    return cast(T, made)


def once_per_host(world: World, check: Callable[[], object]) -> None:
    """Runs a check on one rank of every host. Where one raises a TrainerError, all ranks raise."""
    together(world, check if world.local_rank == 0 else lambda: None)


def barrier(world: World) -> None:
    """Returns when every rank has come here."""
    if world.size > 1:
        dist.barrier()
