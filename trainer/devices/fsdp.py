"""FSDP2: every rank holds a part of each parameter, its gradient and its optimiser state; layers are gathered in use.

Elsewhere a parameter is either itself or, sharded, a DTensor; these functions treat both alike. Optimisers only see the
own part of a rank, as an ordinary tensor.
"""

import math

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor

from gristmill.trainer.devices.world import World
from gristmill.trainer.model.transformer import Model


def shard(model: Model, world: World) -> None:
    """Shards the model in place over all ranks: each layer by itself, the rest with the model.

    Layers are gathered in the dtype of the products, except with experts, whose router needs float32; gradients are
    summed in float32. The embedding and the head stay float32: `lm_loss` sums their gradient over many chunks.
    """
    mesh = init_device_mesh(world.device.type, (world.size,))
    experts, dtype = bool(model.config.experts), model.compute_dtype()
    narrow = None if experts or dtype == torch.float32 else dtype
    policy = MixedPrecisionPolicy(param_dtype=narrow, reduce_dtype=torch.float32, cast_forward_inputs=False)
    for stack in (model.encoder, model.decoder):
        for block in [] if stack is None else stack.blocks:
            # The router's losses reach a layer before its output's gradient, so its weights must still be there.
            fully_shard(block, mesh=mesh, mp_policy=policy, reshard_after_forward=not experts)
    whole = MixedPrecisionPolicy(reduce_dtype=torch.float32, cast_forward_inputs=False)
    fully_shard(model, mesh=mesh, mp_policy=whole)


def reshard(model: nn.Module) -> None:
    """Forgets gathered weights, so that the next use gathers them again."""
    if isinstance(model, FSDPModule):
        for module in model.modules():
            if isinstance(module, FSDPModule):
                module.reshard()


def local_parameter(parameter: nn.Parameter) -> nn.Parameter:
    """This rank's part as an ordinary parameter on the same memory; the parameter itself if it is not sharded."""
    return nn.Parameter(parameter.to_local().detach()) if isinstance(parameter, DTensor) else parameter


def local_gradient(parameter: nn.Parameter) -> Tensor | None:
    """This rank's part of the gradient, summed over the ranks: FSDP2 leaves the mean (its own factor for a sum does not
    work with gloo), but every loss was divided by the target count of the whole step."""
    grad = parameter.grad
    return grad.to_local() * grad.device_mesh.size() if isinstance(grad, DTensor) else grad


def as_dtensor(parameter: nn.Parameter, part: Tensor) -> Tensor:
    """This rank's part as a DTensor with the parameter's rows, on the same memory; itself, if nothing is sharded."""
    if not isinstance(parameter, DTensor):
        return part
    mesh, placements, shape = parameter.device_mesh, parameter.placements, (parameter.shape[0], *part.shape[1:])
    stride = tuple(math.prod(shape[place + 1 :]) for place in range(len(shape)))
    return DTensor.from_local(part, mesh, placements, run_check=False, shape=torch.Size(shape), stride=stride)


def full_tensor(parameter: nn.Parameter, part: Tensor) -> Tensor:
    """What all ranks' parts make together, shaped as the parameter. All ranks must call it."""
    made = as_dtensor(parameter, part)
    return made.full_tensor() if isinstance(made, DTensor) else made


def local_slice(tensor: DTensor) -> slice:
    """Which rows are this rank's: FSDP2 cuts the first dimension as torch.chunk does."""
    count, size = tensor.shape[0], -(-tensor.shape[0] // tensor.device_mesh.size())
    begin = min(tensor.device_mesh.get_local_rank() * size, count)
    return slice(begin, min(begin + size, count))


def local_rows(parameter: nn.Parameter, full: Tensor) -> Tensor:
    """This rank's part of a tensor shaped as the parameter."""
    return full[local_slice(parameter)] if isinstance(parameter, DTensor) else full
