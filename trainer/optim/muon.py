"""Muon: momentum, orthogonalised (Jordan 2024, https://kellerjordan.github.io/posts/muon/). No step waits for the
device.

Letters: P matrices of one shape, A rows, B columns of a matrix.
"""

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from gristmill.trainer.devices.fsdp import full_tensor, local_rows
from gristmill.trainer.devices.world import ALONE, World, all_gather

Polynomials: TypeAlias = tuple[tuple[float, float, float], ...]

NEWTON_SCHULZ: Polynomials = ((3.4445, -4.7750, 2.0315),) * 5  # as torch.optim.Muon
POLAR_EXPRESS: Polynomials = (
    (8.156554524902461, -22.48329292557795, 15.878769915207462),
    (4.042929935166739, -2.808917465908714, 0.5000178451051316),
    (3.8916678022926607, -2.772484153217685, 0.5060648178503393),
    (3.285753657755655, -2.3681294933425376, 0.46449024233003106),
    (2.3465413258596377, -1.7097828382687081, 0.42323551169305323),
)
"""The best polynomial of each step for singular values in (1e-3, 1), after a division by 1.02 times the norm (Amsel et
al. 2025, https://arxiv.org/abs/2505.16932; nanochat's table)."""
SLACK: dict[Polynomials, float] = {NEWTON_SCHULZ: 1.0, POLAR_EXPRESS: 1.01}
ROW_DECAY = 0.9
"""Of NorMuon's second moment (nanochat)."""
EPSILON = 1e-7
SECOND = "second_moment_by_row"


def orthogonalise(update_PAB: Tensor, dtype: torch.dtype, steps: Polynomials = NEWTON_SCHULZ) -> Tensor:
    """Matrices of `dtype` with about the singular vectors of each update and all singular values near 1, by polynomials
    a x + b x^3 + c x^5, one a step.

    Stacked: one batched product serves all matrices of a shape. The first dimensions are free, (A, B) is the matrix.
    """
    x = update_PAB.to(dtype).flatten(0, -3)
    tall = x.shape[-2] > x.shape[-1]
    x = x.mT if tall else x
    x = x / (x.norm(dim=(-2, -1), keepdim=True) * SLACK[steps]).clamp(min=EPSILON)
    for a, b, c in steps:
        gram = x @ x.mT
        # Fused sums round once, as torch.optim.Muon's addmm does.
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x.mT if tall else x).reshape(update_PAB.shape)


def by_rows(ortho_PAB: Tensor, second_PA1: Tensor) -> Tensor:
    """NorMuon (Li et al. 2025, https://arxiv.org/abs/2510.05491): every row divided by the root of its running mean
    square, all of it as large as before. Moves `second_PA1` on."""
    square_PA1 = ortho_PAB.float().square().mean(-1, keepdim=True)
    second_PA1.lerp_(square_PA1, 1 - ROW_DECAY)
    scale_PA1 = second_PA1.clamp(min=1e-10).rsqrt()
    size, scaled = (value.sum(-2, keepdim=True) for value in (square_PA1, square_PA1 * scale_PA1.square()))
    return ortho_PAB * (scale_PA1 * (size / scaled.clamp(min=1e-20)).sqrt()).to(ortho_PAB.dtype)


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
        variant: str = "muon",
        model_parameters: dict[int, nn.Parameter] | None = None,
        world: World = ALONE,
    ) -> None:
        """`compute`, `variant`: `OptimConfig.muon_compute`, `muon_variant`. `model_parameters`: id of a
        parameter that is a rank's part -> the sharded parameter."""
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})
        self.compute, self.model_parameters, self.world = compute, model_parameters or {}, world
        self.by_rows, self.polynomials = variant == "normuon", POLAR_EXPRESS if variant == "normuon" else NEWTON_SCHULZ

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
        step, decay = group["lr"] * math.sqrt(max(1, A / B)), group["lr"] * group["weight_decay"] * keep
        changes = self._by_rows(parameters, wholes, ortho, keep) if self.by_rows else list(ortho.unbind(0))
        for parameter, full, change in zip(parameters, wholes, changes, strict=True):
            mine = local_rows(full, change).to(parameter.dtype)
            if self.by_rows:
                parameter.sub_(parameter * (mine * parameter >= 0) * decay)
            else:
                parameter.mul_(1 - decay)
            parameter.sub_(mine.mul_(step * keep))

    def _by_rows(
        self, parameters: list[nn.Parameter], wholes: list[nn.Parameter], ortho: Tensor, keep: Tensor | float
    ) -> list[Tensor]:
        """`by_rows` of each, with the second moments that this rank holds the rows of."""
        made = []
        for parameter, whole, one in zip(parameters, wholes, ortho.unbind(0), strict=True):
            if SECOND not in self.state[parameter]:
                self.state[parameter][SECOND] = parameter.new_zeros((*parameter.shape[:-1], 1))
            second = full_tensor(whole, self.state[parameter][SECOND])
            moved = second.clone()
            made.append(by_rows(one, moved))
            self.state[parameter][SECOND].lerp_(local_rows(whole, moved), keep)
        return made

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
            return orthogonalise(stack, self._dtype(stack), self.polynomials)
        matrices_PAB, size = stack.flatten(0, -3), self.world.size
        share = -(-len(matrices_PAB) // size)
        mine_PAB = matrices_PAB[self.world.rank * share :][:share]
        blank = mine_PAB.new_zeros(share - len(mine_PAB), *mine_PAB.shape[1:])
        made_PAB = all_gather(
            self.world, orthogonalise(torch.cat((mine_PAB, blank)), self._dtype(stack), self.polynomials)
        )
        return made_PAB[: len(matrices_PAB)].view(stack.shape)

    def _dtype(self, update: Tensor) -> torch.dtype:
        """Rounding to bfloat16 turns with the order of a sum, so two world sizes would then agree to 1e-4 at best."""
        fast = update.is_cuda if self.compute == "auto" else self.compute == "bfloat16"
        return torch.bfloat16 if fast else torch.float32

    def _whole(self, parameter: nn.Parameter) -> nn.Parameter:
        return self.model_parameters.get(id(parameter), parameter)
