"""Optimisers, parameter groups, learning-rate schedules, clipping. No step waits for the device.

Letters: P matrices of one shape, A rows, B columns of a matrix.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from trainer.errors import ConfigError
from trainer.parallel import ALONE, World, sum_gradients, sum_over
from trainer.sharding import own, own_gradient, part, release, whole

NEWTON_SCHULZ = (
    3.4445,
    -4.7750,
    2.0315,
)  # Jordan 2024, https://kellerjordan.github.io/posts/muon/; as torch.optim.Muon
NEWTON_SCHULZ_STEPS = 5
EPSILON = 1e-7


@dataclass(frozen=True, kw_only=True)
class OptimConfig:
    """Optimisers and learning rates."""

    kind: str = "muon"
    """muon (matrices of the layers by Muon, the rest by AdamW) or adamw (all)."""
    lr: float = 0.003
    """Peak learning rate of AdamW."""
    muon_lr: float = 0.02
    """Peak learning rate of Muon; scaled by sqrt(max(1, rows / columns))."""
    weight_decay: float = 0.0
    """Of AdamW's matrices and embeddings; norms and biases never decay."""
    muon_weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.95)
    epsilon: float = 1e-8
    muon_momentum: float = 0.95
    schedule: str = "wsd"
    """wsd (warm-up, stable, linear decay) or cosine."""
    warmup: float = 0.02
    """Share of the steps."""
    decay: float = 0.5
    """wsd: share of the steps, at the end."""
    final: float = 0.0
    """Learning rate at the end, as a share of the peak."""
    clip: float = 1.0
    """Largest gradient norm; 0: no clipping."""
    average: float = 0.0
    """Decay of the moving average of the weights, which is then evaluated, saved and generated with; 0: none."""

    def __post_init__(self) -> None:
        for name, allowed in (("kind", ("muon", "adamw")), ("schedule", ("wsd", "cosine"))):
            if getattr(self, name) not in allowed:
                raise ConfigError(
                    f"{name} = {getattr(self, name)!r} is not a choice",
                    where=f"option optim.{name}",
                    fix=f"one of: {', '.join(allowed)}",
                )


def orthogonalise(update_PAB: Tensor) -> Tensor:
    """Newton-Schulz: bfloat16 matrices with about the singular vectors of each update and all singular values near 1.

    Stacked: one batched product serves all matrices of a shape. The first dimensions are free, (A, B) is the matrix.
    """
    a, b, c = NEWTON_SCHULZ
    x = update_PAB.bfloat16().flatten(0, -3)
    tall = x.shape[-2] > x.shape[-1]
    x = x.mT if tall else x
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=EPSILON)
    for _ in range(NEWTON_SCHULZ_STEPS):
        gram = x @ x.mT
        # Fused sums round once, as torch.optim.Muon's addmm does.
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x.mT if tall else x).reshape(update_PAB.shape)


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised (Jordan 2024). On 2-D parameters it equals torch.optim.Muon; 3-D ones are stacks of
    matrices (experts). Same-shape matrices are stacked for one batched Newton-Schulz; `skip` leaves everything as it
    was."""

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 0.02,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        wholes: dict[int, nn.Parameter] | None = None,
    ) -> None:
        """`wholes`: id of a parameter that is a rank's part -> the sharded parameter."""
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})
        self.wholes = wholes or {}

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
        lr, momentum = group["lr"], group["momentum"]
        for parameter in parameters:
            if "momentum" not in self.state[parameter]:
                self.state[parameter]["momentum"] = torch.zeros_like(parameter)
        buffers = [self.state[parameter]["momentum"] for parameter in parameters]
        grads = [parameter.grad for parameter in parameters if parameter.grad is not None]
        keep: Tensor | float = 1.0
        if skip is not None:
            grads = [torch.where(skip > 0, 0.0, grad) for grad in grads]  # not 0 * grad: that keeps a NaN
            keep = 1.0 - skip
            torch._foreach_lerp_(buffers, grads, [keep * (1 - momentum)] * len(buffers))
        else:
            torch._foreach_lerp_(buffers, grads, 1 - momentum)
        updates = torch._foreach_lerp(grads, buffers, momentum)
        # Sharded, every rank orthogonalises the whole matrix and applies its part.
        wholes = [self._whole(parameter) for parameter in parameters]
        ortho = orthogonalise(torch.stack([whole(p, update) for p, update in zip(wholes, updates, strict=True)]))
        A, B = wholes[0].shape[-2:]
        step = lr * math.sqrt(max(1, A / B))
        for parameter, full, change in zip(parameters, wholes, ortho.unbind(0), strict=True):
            parameter.mul_(1 - lr * group["weight_decay"] * keep)
            parameter.sub_(part(full, change).to(parameter.dtype) * (step * keep))

    def _whole(self, parameter: nn.Parameter) -> nn.Parameter:
        return self.wholes.get(id(parameter), parameter)


def parameter_groups(model: nn.Module, config: OptimConfig) -> dict[str, list[tuple[str, nn.Parameter]]]:
    """muon: matrices inside the layers; decayed: other matrices and embeddings; plain: norms, biases, scores.

    Raises AssertionError unless every parameter is in exactly one group.
    """
    groups: dict[str, list[tuple[str, nn.Parameter]]] = {"muon": [], "decayed": [], "plain": []}
    for name, parameter in model.named_parameters():
        matrix = parameter.ndim >= 2 and ".blocks." in name and "router" not in name
        kind = "muon" if matrix and config.kind == "muon" else "decayed" if parameter.ndim >= 2 else "plain"
        groups[kind].append((name, parameter))
    seen = [id(parameter) for group in groups.values() for _, parameter in group]
    assert len(seen) == len(set(seen)), "a parameter is in two groups"
    assert set(seen) == {id(p) for p in model.parameters()}, "a parameter is in no group"
    return groups


class Optimizers:
    """Muon and AdamW as one optimiser over this rank's part of the weights, with the schedule, the moving average, and
    a state that is keyed by parameter name and given out whole."""

    def __init__(self, model: nn.Module, config: OptimConfig, steps: int, world: World = ALONE):
        self.config, self.steps, self.world = config, steps, world
        groups = parameter_groups(model, config)
        named = [(name, p, own(p)) for kind in ("muon", "decayed", "plain") for name, p in groups[kind]]
        self.wholes = {name: p for name, p, _ in named}
        self.parts_of = {name: mine for name, _, mine in named}
        self.names = {id(mine): name for name, _, mine in named}
        self.parameters = list(self.parts_of.values())
        self.sharded = any(p is not mine for _, p, mine in named)
        muon, decayed, plain = ([self.parts_of[n] for n, _ in groups[kind]] for kind in ("muon", "decayed", "plain"))
        self.parts: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(
                [{"params": decayed, "weight_decay": config.weight_decay}, {"params": plain, "weight_decay": 0.0}],
                lr=config.lr,
                betas=config.betas,
                eps=config.epsilon,
                fused=True,
            )
        ]
        if muon:
            wholes = {id(mine): p for _, p, mine in named}
            self.parts.append(Muon(muon, config.muon_lr, config.muon_weight_decay, config.muon_momentum, wholes=wholes))
        self.average = [p.detach().clone() for p in self.parameters] if config.average else []

    def zero_grad(self) -> None:
        """Forgets the gradients."""
        for parameter in [*self.wholes.values(), *self.parameters]:
            parameter.grad = None

    def sum_gradients(self) -> None:
        """Sums gradients over all ranks; where the model is sharded the backward pass has done so."""
        if self.sharded:
            for name, mine in self.parts_of.items():
                mine.grad = own_gradient(self.wholes[name])
        else:
            sum_gradients(self.world, self.parameters)

    def clip(self) -> Tensor:
        """Scales the gradients down to the largest allowed norm; the norm before that, a float32 scalar on the
        device."""
        norm = torch.nn.utils.get_total_norm([p.grad for p in self.parameters if p.grad is not None])
        if self.sharded:
            square = norm.square()
            sum_over(self.world, [square])
            norm = square.sqrt()
        if self.config.clip:
            torch.nn.utils.clip_grads_with_norm_(self.parameters, self.config.clip, norm)
        return norm

    def step(self, step: int, skip: Tensor | None = None) -> float:
        """Updates all parameters at the learning rate of `step` (from 0), which it returns (AdamW's).

        `skip`: float scalar on the device; where it is 1 nothing changes, and the host does not wait to know.
        """
        factor = rate(self.config, step, self.steps)
        for optimizer, peak in zip(self.parts, (self.config.lr, self.config.muon_lr), strict=False):
            for group in optimizer.param_groups:
                group["lr"] = peak * factor
            if isinstance(optimizer, Muon):
                optimizer.step(skip=skip)
            else:
                # The fused kernel itself looks at found_inf, which torch.amp.GradScaler sets in the same way.
                optimizer.found_inf = skip  # type: ignore[attr-defined]
                optimizer.step()
        self._move_average(step, skip)
        return self.config.lr * factor

    @torch.no_grad()
    def _move_average(self, step: int, skip: Tensor | None) -> None:
        """Follows the weights, faster at first, so that the first weights do not linger (Adam's TensorFlow rule)."""
        if not self.average:
            return
        share = 1 - min(self.config.average, (1 + step) / (10 + step))
        keep = torch.ones((), device=self.average[0].device) if skip is None else 1 - skip
        torch._foreach_lerp_(self.average, [p.detach() for p in self.parameters], [keep * share] * len(self.average))

    @contextmanager
    def averaged(self, model: nn.Module) -> Iterator[None]:
        """While it lasts, the weights are their moving average, where there is one."""
        if not self.average:
            yield
            return
        kept = [p.detach().clone() for p in self.parameters]
        self._set(model, self.average)
        try:
            yield
        finally:
            self._set(model, kept)

    @torch.no_grad()
    def _set(self, model: nn.Module, values: list[Tensor]) -> None:
        release(model)
        torch._foreach_copy_(list[Tensor](self.parameters), values)

    def weights(self) -> Iterator[tuple[str, Tensor]]:
        """(name, whole tensor) of every parameter. All ranks must iterate."""
        yield from ((name, whole(p, self.parts_of[name].detach())) for name, p in self.wholes.items())

    def averages(self) -> Iterator[tuple[str, Tensor]]:
        """(name, whole tensor) of the moving average; nothing without one. All ranks must iterate."""
        for mine, value in zip(self.parameters, self.average, strict=bool(self.average)):
            name = self.names[id(mine)]
            yield name, whole(self.wholes[name], value)

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """(name, whole tensor) of the whole state: "<parameter>/<what>". All ranks must iterate."""
        for optimizer in self.parts:
            for parameter, state in optimizer.state.items():
                name = self.names[id(parameter)]
                for what, value in state.items():
                    yield f"{name}/{what}", value if what == "step" else whole(self.wholes[name], value)

    @torch.no_grad()
    def load_weights(self, weights: dict[str, Tensor], averages: dict[str, Tensor]) -> None:
        """Takes over what `weights` and `averages` gave; without averages they begin at the weights. Raises KeyError
        with the name of a parameter that is missing."""
        for number, (name, mine) in enumerate(self.parts_of.items()):
            mine.copy_(part(self.wholes[name], weights[name]))
            if self.average:
                self.average[number].copy_(part(self.wholes[name], averages.get(name, weights[name])))

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Takes over the state that `tensors` gave. Raises KeyError with the name of a parameter that is not ours."""
        for optimizer in self.parts:
            owned = {id(p) for group in optimizer.param_groups for p in group["params"]}
            for key, value in tensors.items():
                name, what = key.rsplit("/", 1)
                mine = self.parts_of[name]
                if id(mine) not in owned:
                    continue
                # A clone: a part that views the whole would keep all of it in memory.
                kept = value if what == "step" else part(self.wholes[name], value).to(mine.device).clone()
                optimizer.state[mine][what] = kept


def rate(config: OptimConfig, step: int, steps: int) -> float:
    """Share of the peak learning rate at `step` of `steps`: linear warm-up, then cosine or stable-and-linear-decay."""
    warmup = max(1, round(config.warmup * steps))
    if step < warmup:
        return (step + 1) / warmup
    if config.schedule == "cosine":
        done = (step - warmup) / max(1, steps - warmup)
        return config.final + (1 - config.final) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
    decay = max(1, round(config.decay * steps))
    left = min(1.0, (steps - step) / decay)
    return config.final + (1 - config.final) * left
