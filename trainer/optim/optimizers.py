"""Muon and AdamW as one: learning rates, clipping, averages. No step waits for the device."""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from gristmill.trainer.devices.fsdp import as_dtensor, local_gradient, local_parameter, reshard
from gristmill.trainer.devices.gradients import GradientSum
from gristmill.trainer.devices.world import ALONE, World, all_reduce
from gristmill.trainer.optim.config import OptimConfig
from gristmill.trainer.optim.groups import KINDS, parameter_groups
from gristmill.trainer.optim.muon import SECOND, Muon
from gristmill.trainer.optim.schedule import learning_rate_factor, muon_momentum

REFERENCE_WIDTH = 768


class Optimizers:
    """Muon and AdamW as one optimiser over this rank's part of the weights, with the schedule, the moving average, and
    a state that is keyed by parameter name."""

    def __init__(self, model: nn.Module, config: OptimConfig, steps: int, world: World = ALONE):
        self.config, self.steps, self.world = config, steps, world
        groups = parameter_groups(model, config)
        named = [(name, p, local_parameter(p)) for kind in KINDS for name, p in groups[kind]]
        self.model_parameters = {name: p for name, p, _ in named}
        self.frozen = {name: p.detach() for name, p in model.named_parameters() if not p.requires_grad}
        self.local = {name: mine for name, _, mine in named}
        self.names = {id(mine): name for name, _, mine in named}
        self.parameters = list(self.local.values())
        self.sharded = any(p is not mine for _, p, mine in named)
        peaks = _peak_rates(config, groups)
        adam = [
            {
                "params": [self.local[name] for name, _ in groups[kind]],
                "peak": peaks[kind],
                "weight_decay": 0.0 if kind in ("plain", "critic") else config.weight_decay,
            }
            for kind in KINDS
            if kind != "muon" and groups[kind]
        ]
        self.optimizers: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(adam, lr=config.lr, betas=config.betas, eps=config.epsilon, fused=True)
        ]
        if muon := [self.local[name] for name, _ in groups["muon"]]:
            wholes = {id(mine): p for _, p, mine in named}
            rates = (config.muon_lr, config.muon_weight_decay, config.muon_momentum)
            self.optimizers.append(Muon(muon, *rates, config.muon_compute, config.muon_variant, wholes, world))
        self.average = [p.detach().clone() for p in self.parameters] if config.average else []
        trained = [p for p in model.parameters() if p.requires_grad]
        # In the order of the backward pass, about: the last layers have their gradients first.
        self.gradients = None if self.sharded or world.size == 1 else GradientSum(world, trained[::-1])

    def zero_grad(self) -> None:
        """Forgets the gradients."""
        if self.gradients is not None:
            self.gradients.zero()
            return
        for parameter in [*self.model_parameters.values(), *self.parameters]:
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
            for name, mine in self.local.items():
                mine.grad = local_gradient(self.model_parameters[name])

    @torch.no_grad()
    def clip(self, weight: Tensor) -> Tensor:
        """Divides the gradients by `weight` (0: they become 0) and scales them down to the largest allowed norm, in one
        pass; the norm between the two, a float32 scalar on the device."""
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        if self.sharded:
            square = norm.square()
            all_reduce(self.world, [square])
            norm = square.sqrt()
        scale = torch.where(weight > 0, 1 / weight, 0.0)
        norm = norm * scale
        if self.config.clip:
            scale = scale * (self.config.clip / (norm + 1e-6)).clamp(max=1.0)  # as torch's clip_grad_norm_
        torch._foreach_mul_(gradients, scale)
        return norm

    def step(self, step: int, skip: Tensor | None = None) -> float:
        """Updates all parameters at the learning rate of `step` (from 0), which it returns (AdamW's).

        `skip`: float scalar on the device; where it is 1 nothing changes, and the host does not wait to know.
        """
        factor = learning_rate_factor(self.config, step, self.steps)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group.get("peak", self.config.muon_lr) * factor
            if isinstance(optimizer, Muon):
                optimizer.param_groups[0]["momentum"] = muon_momentum(self.config, step)
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
        reshard(model)
        torch._foreach_copy_(list[Tensor](self.parameters), values)

    def weights(self) -> Iterator[tuple[str, Tensor]]:
        """(name, tensor) of every parameter; sharded, a DTensor on the memory of this rank's part."""
        yield from self.frozen.items()
        yield from ((name, as_dtensor(p, self.local[name].detach())) for name, p in self.model_parameters.items())

    def averages(self) -> Iterator[tuple[str, Tensor]]:
        """(name, tensor) of the moving average; nothing without one."""
        yield from self.frozen.items() if self.average else ()
        for mine, value in zip(self.parameters, self.average, strict=bool(self.average)):
            name = self.names[id(mine)]
            yield name, as_dtensor(self.model_parameters[name], value)

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """("<parameter>/<what>", tensor) of the whole state."""
        for optimizer in self.optimizers:
            for parameter, state in optimizer.state.items():
                name = self.names[id(parameter)]
                for what, value in state.items():
                    yield f"{name}/{what}", value if what == "step" else as_dtensor(self.model_parameters[name], value)

    def make_state(self, keys: Iterable[str]) -> None:
        """Makes what `tensors` gave under these keys, zero, where it is not there yet: to be read into."""
        for optimizer in self.optimizers:
            owned = {self.names[id(p)] for group in optimizer.param_groups for p in group["params"]}
            for name, what in (key.rsplit("/", 1) for key in keys):
                if name in owned and what not in (state := optimizer.state[mine := self.local[name]]):
                    state[what] = _empty_state(what, mine)


def _empty_state(what: str, parameter: nn.Parameter) -> Tensor:
    if what == "step":
        return torch.zeros((), device=parameter.device)
    return parameter.new_zeros((*parameter.shape[:-1], 1)) if what == SECOND else torch.zeros_like(parameter)


def _peak_rates(config: OptimConfig, groups: dict[str, list[tuple[str, nn.Parameter]]]) -> dict[str, float]:
    """AdamW's by group. Those of the embedding and the head are for a width of 768 and scale with its root, as in
    nanochat: what is added to a hidden state is then equally large at every width."""
    rates = dict.fromkeys(KINDS, config.lr) | {"critic": config.critic_lr or config.lr}
    given = {"embedding": config.embedding_lr, "values": config.embedding_lr / 2, "head": config.head_lr}
    for kind, rate in given.items():
        if rate and groups[kind]:
            alone = groups["embedding"] or groups[kind]
            rates[kind] = rate * math.sqrt(REFERENCE_WIDTH / alone[0][1].shape[-1])
    return rates
