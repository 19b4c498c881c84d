"""Muon and AdamW as one: parameter groups, learning rates, clipping, averages. No step waits for the device."""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from trainer.errors import ConfigError
from trainer.muon import Muon
from trainer.parallel import ALONE, GradientSum, World, sum_over
from trainer.sharding import own, own_gradient, placed, release


@dataclass(frozen=True, kw_only=True)
class OptimConfig:
    """Optimisers and learning rates."""

    kind: str = "muon"
    """muon (matrices of the layers by Muon, the rest by AdamW) or adamw (all)."""
    lr: float = 0.003
    """Peak learning rate of AdamW."""
    embedding_lr: float = 0.0
    """Of the input embedding, where the output matrix is another (model.tied=false); 0: lr."""
    head_lr: float = 0.0
    """Of that output matrix; 0: lr."""
    muon_lr: float = 0.02
    """Peak learning rate of Muon; scaled by sqrt(max(1, rows / columns))."""
    weight_decay: float = 0.0
    """Of AdamW's matrices and embeddings; norms and biases never decay."""
    muon_weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.95)
    epsilon: float = 1e-8
    muon_momentum: float = 0.95
    muon_compute: str = "auto"
    """Dtype in which Muon orthogonalises: bfloat16 (as torch.optim.Muon), float32, or auto: bfloat16 on CUDA."""
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
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ConfigError(
                    f"{name} = {getattr(self, name)!r} is not a choice",
                    where=f"option optim.{name}",
                    fix=f"one of: {', '.join(allowed)}",
                )


_CHOICES = {
    "kind": ("muon", "adamw"),
    "schedule": ("wsd", "cosine"),
    "muon_compute": ("auto", "bfloat16", "float32"),
}


KINDS = ("muon", "embedding", "head", "decayed", "plain")


def parameter_groups(model: nn.Module, config: OptimConfig) -> dict[str, list[tuple[str, nn.Parameter]]]:
    """muon: matrices inside the layers; embedding, head: those two, where they are not one; decayed: other matrices and
    embeddings; plain: norms, biases, scores.

    Raises AssertionError unless every parameter is in exactly one group.
    """
    groups: dict[str, list[tuple[str, nn.Parameter]]] = {kind: [] for kind in KINDS}
    names = dict(model.named_parameters())
    alone = {"embedding.weight": "embedding", "head.weight": "head"} if "head.weight" in names else {}
    for name, parameter in names.items():
        matrix = parameter.ndim >= 2 and ".blocks." in name and "router" not in name
        kind = "muon" if matrix and config.kind == "muon" else "decayed" if parameter.ndim >= 2 else "plain"
        groups[alone.get(name, kind)].append((name, parameter))
    seen = [id(parameter) for group in groups.values() for _, parameter in group]
    assert len(seen) == len(set(seen)), "a parameter is in two groups"
    assert set(seen) == {id(p) for p in model.parameters()}, "a parameter is in no group"
    return groups


class Optimizers:
    """Muon and AdamW as one optimiser over this rank's part of the weights, with the schedule, the moving average, and
    a state that is keyed by parameter name."""

    def __init__(self, model: nn.Module, config: OptimConfig, steps: int, world: World = ALONE):
        self.config, self.steps, self.world = config, steps, world
        groups = parameter_groups(model, config)
        named = [(name, p, own(p)) for kind in KINDS for name, p in groups[kind]]
        self.wholes = {name: p for name, p, _ in named}
        self.parts_of = {name: mine for name, _, mine in named}
        self.names = {id(mine): name for name, _, mine in named}
        self.parameters = list(self.parts_of.values())
        self.sharded = any(p is not mine for _, p, mine in named)
        peaks = {"embedding": config.embedding_lr or config.lr, "head": config.head_lr or config.lr}
        adam = [
            {
                "params": [self.parts_of[name] for name, _ in groups[kind]],
                "peak": peaks.get(kind, config.lr),
                "weight_decay": 0.0 if kind == "plain" else config.weight_decay,
            }
            for kind in KINDS
            if kind != "muon" and groups[kind]
        ]
        self.parts: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(adam, lr=config.lr, betas=config.betas, eps=config.epsilon, fused=True)
        ]
        if muon := [self.parts_of[name] for name, _ in groups["muon"]]:
            wholes = {id(mine): p for _, p, mine in named}
            rates = (config.muon_lr, config.muon_weight_decay, config.muon_momentum)
            self.parts.append(Muon(muon, *rates, config.muon_compute, wholes, world))
        self.average = [p.detach().clone() for p in self.parameters] if config.average else []
        # In the order of the backward pass, about: the last layers have their gradients first.
        self.gradients = None if self.sharded or world.size == 1 else GradientSum(world, list(model.parameters())[::-1])

    def zero_grad(self) -> None:
        """Forgets the gradients."""
        if self.gradients is not None:
            self.gradients.zero()
            return
        for parameter in [*self.wholes.values(), *self.parameters]:
            parameter.grad = None

    def expect_last(self) -> None:
        """Before the last backward pass of a step: it may sum gradients over the ranks as they come."""
        if self.gradients is not None:
            self.gradients.begin()

    def sum_gradients(self) -> None:
        """Gradients of all ranks, summed, are there after it; sharded, the backward pass has summed them."""
        if self.gradients is not None:
            self.gradients.finish()
        elif self.sharded:
            for name, mine in self.parts_of.items():
                mine.grad = own_gradient(self.wholes[name])

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
        for optimizer in self.parts:
            for group in optimizer.param_groups:
                group["lr"] = group.get("peak", self.config.muon_lr) * factor
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
        """(name, tensor) of every parameter; sharded, a DTensor on the memory of this rank's part."""
        yield from ((name, placed(p, self.parts_of[name].detach())) for name, p in self.wholes.items())

    def averages(self) -> Iterator[tuple[str, Tensor]]:
        """(name, tensor) of the moving average; nothing without one."""
        for mine, value in zip(self.parameters, self.average, strict=bool(self.average)):
            name = self.names[id(mine)]
            yield name, placed(self.wholes[name], value)

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """("<parameter>/<what>", tensor) of the whole state."""
        for optimizer in self.parts:
            for parameter, state in optimizer.state.items():
                name = self.names[id(parameter)]
                for what, value in state.items():
                    yield f"{name}/{what}", value if what == "step" else placed(self.wholes[name], value)

    def make_state(self, keys: Iterable[str]) -> None:
        """Makes what `tensors` gave under these keys, zero, where it is not there yet: to be read into."""
        for optimizer in self.parts:
            owned = {self.names[id(p)] for group in optimizer.param_groups for p in group["params"]}
            for name, what in (key.rsplit("/", 1) for key in keys):
                if name in owned and what not in (state := optimizer.state[mine := self.parts_of[name]]):
                    state[what] = torch.zeros((), device=mine.device) if what == "step" else torch.zeros_like(mine)


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
