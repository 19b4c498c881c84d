"""Muon: momentum, orthogonalised (Jordan 2024, https://kellerjordan.github.io/posts/muon/). No step waits for the
device.

Letters: P matrices of one shape, A rows, B columns of a matrix.
"""

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from gristmill.trainer.devices.fsdp import full_tensor, local_rows
from gristmill.trainer.devices.world import ALONE, World, all_gather

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # as torch.optim.Muon
NEWTON_SCHULZ_STEPS = 5
EPSILON = 1e-7


def orthogonalise(update_PAB: Tensor, dtype: torch.dtype) -> Tensor:
    """Newton-Schulz: matrices of `dtype` with about the singular vectors of each update and all singular values near 1.

    Stacked: one batched product serves all matrices of a shape. The first dimensions are free, (A, B) is the matrix.
    """
    a, b, c = NEWTON_SCHULZ
    x = update_PAB.to(dtype).flatten(0, -3)
    tall = x.shape[-2] > x.shape[-1]
    x = x.mT if tall else x
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=EPSILON)
    for _ in range(NEWTON_SCHULZ_STEPS):
        gram = x @ x.mT
        # Fused sums round once, as torch.optim.Muon's addmm does.
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x.mT if tall else x).reshape(update_PAB.shape)


class Muon(torch.optim.Optimizer):
    """On 2-D parameters it equals torch.optim.Muon; 3-D ones are stacks of matrices (experts). Same-shape matrices are
    stacked for one batched Newton-Schulz; `skip` leaves everything as it was."""

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 0.02,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        compute: str = "auto",
        model_parameters: dict[int, nn.Parameter] | None = None,
        world: World = ALONE,
    ) -> None:
        """`compute`: `OptimConfig.muon_compute`. `model_parameters`: id of a parameter that is a rank's part -> the
        sharded parameter."""
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})
        self.compute, self.model_parameters, self.world = compute, model_parameters or {}, world

    @torch.no_grad()
    def step(self, closure: None = None, *, skip: Tensor | None = None) -> None:  # type: ignore[override]
        """One update with Nesterov momentum. `skip`: float tensor on the device, 1 to change nothing, else 0."""
        for group in self.param_groups:
            shapes: dict[tuple[int, ...], list[nn.Parameter]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    shapes[self._whole(parameter).shape].append(parameter)
            for parameters in shapes.values():
                self._update(parameters, group, skip)

    def _update(self, parameters: list[nn.Parameter], group: dict[str, Any], skip: Tensor | None) -> None:
        keep: Tensor | float = 1.0 if skip is None else 1.0 - skip
        updates = self._momentum(parameters, group["momentum"], skip)
        wholes = [self._whole(parameter) for parameter in parameters]
        ortho = self._orthogonalised(
            torch.stack([full_tensor(p, update) for p, update in zip(wholes, updates, strict=True)])
        )
        A, B = wholes[0].shape[-2:]
        step = group["lr"] * math.sqrt(max(1, A / B))
        for parameter, full, change in zip(parameters, wholes, ortho.unbind(0), strict=True):
            parameter.mul_(1 - group["lr"] * group["weight_decay"] * keep)
            parameter.sub_(local_rows(full, change).to(parameter.dtype) * (step * keep))

    def _momentum(self, parameters: list[nn.Parameter], momentum: float, skip: Tensor | None) -> list[Tensor]:
        """Moves the momentum on, and looks ahead by it (Nesterov)."""
        for parameter in parameters:
            if "momentum" not in self.state[parameter]:
                self.state[parameter]["momentum"] = torch.zeros_like(parameter)
        buffers = [self.state[parameter]["momentum"] for parameter in parameters]
        grads = [parameter.grad for parameter in parameters if parameter.grad is not None]
        if skip is None:
            torch._foreach_lerp_(buffers, grads, 1 - momentum)
        else:
            grads = [torch.where(skip > 0, 0.0, grad) for grad in grads]  # not 0 * grad: that keeps a NaN
            torch._foreach_lerp_(buffers, grads, [(1.0 - skip) * (1 - momentum)] * len(buffers))
        return list(torch._foreach_lerp(grads, buffers, momentum))

    def _orthogonalised(self, stack: Tensor) -> Tensor:
        """Every rank does its share of the matrices, then all have all."""
        if self.world.size == 1:
            return orthogonalise(stack, self._dtype(stack))
        matrices_PAB, size = stack.flatten(0, -3), self.world.size
        share = -(-len(matrices_PAB) // size)
        mine_PAB = matrices_PAB[self.world.rank * share :][:share]
        blank = mine_PAB.new_zeros(share - len(mine_PAB), *mine_PAB.shape[1:])
        made_PAB = all_gather(self.world, orthogonalise(torch.cat((mine_PAB, blank)), self._dtype(stack)))
        return made_PAB[: len(matrices_PAB)].view(stack.shape)

    def _dtype(self, update: Tensor) -> torch.dtype:
        """Rounding to bfloat16 turns with the order of a sum, so two world sizes would then agree to 1e-4 at best."""
        fast = update.is_cuda if self.compute == "auto" else self.compute == "bfloat16"
        return torch.bfloat16 if fast else torch.float32

    def _whole(self, parameter: nn.Parameter) -> nn.Parameter:
        return self.model_parameters.get(id(parameter), parameter)
