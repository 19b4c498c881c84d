"""The checkpoint that a training began with: whether it may, and frozen copies of it."""

from dataclasses import asdict, replace
from pathlib import Path

import torch

from gristmill.trainer.checkpoint.checkpoint import Checkpoint
from gristmill.trainer.config import TrainConfig
from gristmill.trainer.devices.world import World
from gristmill.trainer.errors import ConfigError, MismatchError
from gristmill.trainer.loop.inputs import TrainingData
from gristmill.trainer.model.transformer import Model

FREE = ("context", "compute", "attention", "head", "balance_weight", "router_z_weight")
"""What a model may have otherwise than the one that its weights began with."""


class Parent:
    """Makes frozen copies of the checkpoint `config.begin`."""

    def __init__(self, config: TrainConfig, sha256: str | None, world: World):
        """`sha256`: of its manifest, as the training began; None: with no checkpoint."""
        self.config, self.sha256, self.world = config, sha256, world

    def __call__(self) -> Model:
        """On the device. All ranks must call it. Raises ConfigError without a parent, InputError where it is not there
        or damaged, MismatchError where it is another one."""
        if not self.config.begin:
            raise ConfigError(
                f"{self.config.objective} needs a checkpoint to begin from",
                where="option --from",
                fix="--from CHECKPOINT",
            )
        opened = Checkpoint.open(Path(self.config.begin), self.world)
        if self.sha256 is not None:
            check_parent(opened, self.sha256)
        return frozen(opened, self.config, self.world.device)


def check_parent(found: Checkpoint, sha256: str | None) -> None:
    """Raises MismatchError unless it is the checkpoint that a training began with. `sha256`: of that one's manifest."""
    if found.sha256() != sha256:
        raise MismatchError(
            "it is another checkpoint than this training began with",
            where=str(found.path),
            fix="restore it, or say where it is now: --resume --from CHECKPOINT",
        )


def frozen(begin: Checkpoint, config: TrainConfig, device: torch.device) -> Model:
    """The model that a training of `config` began with, computed as the one that is trained, so that both give the same
    before the first step."""
    model = replace(begin, config=replace(begin.config, model=config.model)).load_model(device)
    return model.eval().requires_grad_(False)


def check_tokenizer(checkpoint: Checkpoint, data: TrainingData, what: str) -> None:
    """Raises MismatchError unless a checkpoint's tokenizer is the run's."""
    if checkpoint.origin.tokenizer != data.origin.tokenizer:
        raise MismatchError(
            f"{what} has another tokenizer, {checkpoint.origin.tokenizer[:12]}, than the run, "
            f"{data.origin.tokenizer[:12]}",
            where=str(checkpoint.path),
            fix="make the run with `tokenizer: {from: RUN}`, or take a checkpoint of a run with this tokenizer",
        )


def check_begin(begin: Checkpoint, config: TrainConfig, data: TrainingData) -> None:
    """Raises MismatchError where a training of `config` on these data cannot begin with the checkpoint's weights."""
    check_tokenizer(begin, data, "the checkpoint")
    saved, wanted = asdict(begin.config.model), asdict(config.model)
    for name, old in saved.items():
        if name not in FREE and old != wanted[name]:
            raise MismatchError(
                f"the checkpoint has model.{name} = {old!r}, {config.objective} as asked has {wanted[name]!r}",
                where=str(begin.path),
                fix="leave out options of the model, or name another checkpoint",
            )
    if saved["positions"] == "learned" and saved["context"] != wanted["context"]:
        raise MismatchError(
            f"the checkpoint reads {saved['context']} tokens, the rows have {wanted['context']}",
            where=str(begin.path),
            fix="pack rows as long: recipe key tokens.sequence_length",
        )
