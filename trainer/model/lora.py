"""LoRA: frozen matrices with a trained product of two narrow ones beside them (Hu et al. 2021).

Letters: E inputs, M outputs, R rank.
"""

from dataclasses import dataclass

import torch
from torch import nn

from gristmill.trainer.errors import ConfigError
from gristmill.trainer.model.layers import Adapter, Linear
from gristmill.trainer.model.transformer import Model

TARGETS = ("q", "k", "v", "o", "gate", "up", "down")


@dataclass(frozen=True, kw_only=True)
class LoraConfig:
    """Which matrices of the layers are adapted, and how; all other weights stay as they were."""

    rank: int = 0
    """Of the products; 0: no LoRA, all weights are trained."""
    alpha: float = 16.0
    """The product is multiplied by alpha / rank."""
    targets: str = "q,k,v,o,gate,up,down"
    """Matrices of attention (q, k, v, o) and MLP (gate, up, down), with commas."""

    def __post_init__(self) -> None:
        if self.rank < 0 or not self.alpha > 0:
            raise ConfigError(
                "LoRA has a rank of 0 (none) or more and alpha above 0", where="options lora.rank, lora.alpha",
                fix="e.g. lora.rank=8 lora.alpha=16",
            )  # fmt: skip
        if unknown := [name for name in self.names if name not in TARGETS]:
            raise ConfigError(
                f"{unknown[0]!r} is no matrix of a layer",
                where="option lora.targets",
                fix=f"some of: {','.join(TARGETS)}",
            )

    @property
    def names(self) -> list[str]:
        """Of the targets."""
        return [name.strip() for name in self.targets.split(",")]


def adapt(model: Model, config: LoraConfig, seed: int = 0) -> None:
    """Freezes the model but for a head that scores, and puts adapters beside the targets; the function stays what it
    was, because one of the two matrices begins at zero. Raises ConfigError where the model has no target."""
    model.requires_grad_(False)
    if model.score is not None:
        model.score.requires_grad_(True)
    generator, found = torch.Generator().manual_seed(seed), 0
    for name, module in model.named_modules():
        if isinstance(module, Linear) and ".blocks." in name and name.rsplit(".", 1)[-1] in config.names:
            module.adapter = Adapter(module.weight, config.rank, config.alpha / config.rank, generator)
            found += 1
    if not found:
        raise ConfigError(
            "the model has none of these matrices (those of experts cannot be adapted)", where="option lora.targets",
            fix=f"some of: {','.join(TARGETS)}",
        )  # fmt: skip


@torch.no_grad()
def merge(model: nn.Module) -> None:
    """Adds the products to the matrices that they stand beside; no adapter is left."""
    for module in model.modules():
        if isinstance(module, Linear) and module.adapter is not None:
            module.weight.add_(module.adapter.product())
            module.adapter = None
    model.requires_grad_(True)
