"""Named tensors on disk, in safetensors only, so that reading runs no code (DCP's own format has pickled metadata).

    model.safetensors                      whole tensors, written by one process
    model/shard-00001-...safetensors ...   sharded: every rank's part, by torch.distributed.checkpoint (DCP)

Both are read by any number of ranks, sharded or not; a rank reads only its part.
"""

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch.distributed.checkpoint as dcp
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.distributed.checkpoint import HuggingFaceStorageReader, HuggingFaceStorageWriter
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.default_planner import DefaultSavePlanner
from torch.distributed.checkpoint.metadata import TensorStorageMetadata
from torch.distributed.tensor import DTensor

from gristmill.trainer.devices.fsdp import local_slice
from gristmill.trainer.devices.world import World
from gristmill.trainer.errors import InputError

SUFFIX = ".safetensors"


def write(path: Path, tensors: dict[str, Tensor], world: World) -> None:
    """Writes `path`.safetensors, or the folder `path` where a tensor is a DTensor: then all ranks must call it.

    A tensor that every rank has whole is the first one's.
    """
    if any(isinstance(tensor, DTensor) for tensor in tensors.values()):
        dcp.save(
            dict(tensors),
            storage_writer=HuggingFaceStorageWriter(str(path), save_distributed=True),
            planner=DefaultSavePlanner(dedup_save_to_lowest_rank=True),
        )
    elif world.first:
        save_file({name: tensor.cpu().contiguous() for name, tensor in tensors.items()}, path.with_suffix(SUFFIX))


def files(path: Path) -> list[Path]:
    """What `write` made of `path`, in order; nothing where there is nothing."""
    whole = path.with_suffix(SUFFIX)
    return [whole] if whole.exists() else sorted(path.glob(f"*{SUFFIX}"))


def shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Name -> shape of what was written. Raises InputError."""
    with _readable(path):
        if path.is_dir():
            found = _reader(path).read_metadata().state_dict_metadata.items()
            return {name: tuple(entry.size) for name, entry in found if isinstance(entry, TensorStorageMetadata)}
        with safe_open(path.with_suffix(SUFFIX), "pt") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118


def read_into(path: Path, tensors: dict[str, Tensor]) -> None:
    """Fills these tensors in place, of a DTensor this rank's part. If any is a DTensor, all ranks must call it. Raises
    InputError where one is missing or has another shape."""
    found = shapes(path)
    for name, tensor in tensors.items():
        if found.get(name) != tuple(tensor.shape):
            raise InputError(
                f"the checkpoint has {name} as {found.get(name)}, needed is {tuple(tensor.shape)}",
                where=str(path),
                fix="use another one",
            )
    with _readable(path):
        if path.is_dir():
            alone = not any(isinstance(tensor, DTensor) for tensor in tensors.values())
            dcp.load(dict(tensors), storage_reader=_reader(path), no_dist=alone)
            return
        with safe_open(path.with_suffix(SUFFIX), "pt") as file:
            for name, tensor in tensors.items():
                if not isinstance(tensor, DTensor):
                    tensor.copy_(file.get_tensor(name))
                elif math.prod(tensor.to_local().shape):
                    tensor.to_local().copy_(file.get_slice(name)[local_slice(tensor)])


def _reader(path: Path) -> HuggingFaceStorageReader:
    return HuggingFaceStorageReader(str(path))


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        with warnings.catch_warnings():
            # "torch.distributed is ... uninitialized, assuming the intent is to load in a single process": it is.
            warnings.filterwarnings("ignore", message="torch.distributed is", category=UserWarning)
            yield
    except (OSError, ValueError, SafetensorError, CheckpointException) as error:
        where = str(path if path.is_dir() else path.with_suffix(SUFFIX))
        raise InputError(f"the checkpoint is damaged: {error}", where=where, fix="use another one") from error
