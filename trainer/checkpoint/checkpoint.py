"""Checkpoints: a folder that appears whole or not at all, tensors in safetensors, the rest in JSON. Loading runs no
code.

    step-000300/model.safetensors  [average.safetensors]  optimizer.safetensors  state.json  tokenizer/  manifest.json
    step-000300/model/*.safetensors  ...                                         where the model is sharded: tensors.py

A checkpoint names what it was made from: the run's manifest and recipe, the pack plan, the tokenizer, this code.
"""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gristmill.tokenizer.shards.arrow_file import file_sha256, to_disk
from gristmill.trainer.checkpoint.files import (
    FORMAT,
    MANIFEST,
    PREFIX,
    STATE,
    checkpoints_in,
    locate,
    seal,
    verify,
)
from gristmill.trainer.checkpoint.origin import Origin, code_version
from gristmill.trainer.checkpoint.state import TrainState
from gristmill.trainer.checkpoint.tensors import files, read_into, shapes, write
from gristmill.trainer.config import TrainConfig, as_dict, from_dict
from gristmill.trainer.data.sampler import DataState
from gristmill.trainer.devices.world import ALONE, World, any_rank, barrier, once_per_host
from gristmill.trainer.evaluate.validation import Evaluation
from gristmill.trainer.model.lora import adapt, merge
from gristmill.trainer.model.transformer import Model
from gristmill.trainer.optim.guard import Guard

WEIGHTS, AVERAGE, TRAINING = "model", "average", "optimizer"
RANDOM_CPU, RANDOM_CUDA = "random/cpu", "random/cuda"


def training_tensors(guard: Guard) -> dict[str, dict[str, Tensor]]:
    """What a training consists of, by the name of its part of a checkpoint."""
    optimizers = guard.optimizers
    random = {RANDOM_CPU: torch.get_rng_state()}
    if torch.cuda.is_available():
        random[RANDOM_CUDA] = torch.cuda.get_rng_state()
    parts = {WEIGHTS: dict(optimizers.weights()), TRAINING: dict(guard.tensors()) | random}
    return parts | {AVERAGE: dict(optimizers.averages())} if optimizers.average else parts


class Checkpoints:
    """The checkpoints of one training directory."""

    def __init__(self, folder: Path, keep_last: int):
        self.folder, self.keep_last = folder, max(1, keep_last)

    def save(
        self,
        state: TrainState,
        evaluation: Evaluation | None,
        tensors: dict[str, dict[str, Tensor]],
        config: TrainConfig,
        origin: Origin,
        tokenizer: Mapping[str, bytes],
        world: World = ALONE,
        found: Mapping[str, Any] | None = None,
    ) -> Path:
        """Writes the checkpoint of a step, then removes what is neither recent nor best. A crash leaves the old ones.

        `tokenizer`: its files by name. `found`: further facts about the model. All ranks must call it, with one folder
        that all see; where the model is sharded each writes its part.
        """
        target = self.folder / f"{PREFIX}{state.step:06d}"
        if any_rank(world, target.exists()):
            return target
        partial = self.folder / f".{target.name}.partial"
        if world.first:
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
        barrier(world)
        for name, part in tensors.items():
            write(partial / name, part, world)
        barrier(world)
        if world.first:
            (partial / "tokenizer").mkdir()
            for name, content in tokenizer.items():
                (partial / "tokenizer" / name).write_bytes(content)
            facts = {
                "format": FORMAT,
                "state": asdict(state) | {"best": state.best if state.best < float("inf") else None},
                "evaluation": None if evaluation is None else asdict(evaluation),
                "config": as_dict(config),
                "origin": asdict(origin),
                "code": code_version(),
            } | dict(found or {})
            _publish(partial, target, facts)
            self._prune()
        barrier(world)
        return target

    def _prune(self) -> None:
        """Keeps the last few and the best."""
        found = checkpoints_in(self.folder)
        losses = {path: _validation_loss(path) for path in found}
        scored = [path for path in found if losses[path] is not None]
        keep = {*found[-self.keep_last :], *sorted(scored, key=lambda path: losses[path] or 0.0)[:1]}
        for path in found:
            if path not in keep:
                shutil.rmtree(path)


@dataclass(frozen=True)
class Checkpoint:
    """An opened checkpoint."""

    path: Path
    state: TrainState
    config: TrainConfig
    origin: Origin
    facts: dict[str, Any]

    @classmethod
    def open(cls, path: Path, world: World = ALONE) -> "Checkpoint":
        """A checkpoint folder, or a training directory, of which the last one is taken. Raises InputError where any of
        its files is not what was written. All ranks must call it; one of each host reads all files."""
        path = locate(path)
        once_per_host(world, lambda: verify(path))
        facts = json.loads((path / STATE).read_text(encoding="utf-8"))
        saved = dict(facts["state"])
        best = float("inf") if saved["best"] is None else saved["best"]
        state = TrainState(**saved | {"data": DataState(**saved["data"]), "best": best})
        return cls(path, state, from_dict(facts["config"]), Origin(**facts["origin"]), facts)

    def load_model(self, device: torch.device) -> Model:
        """The model with its weights, on the device: their moving average, where the training kept one; LoRA merged."""
        model = Model(self.config.model).to(device)
        if self.config.lora.rank:
            adapt(model, self.config.lora)
        weights = {name: parameter.detach() for name, parameter in model.named_parameters()}
        read_into(self.path / (AVERAGE if self._averaged() else WEIGHTS), weights)
        merge(model)
        return model

    @torch.no_grad()
    def load_weights(self, model: Model) -> None:
        """The weights that `load_model` gives, into a model of the same shape. Its head may be another one: a head that
        scores stays as it was."""
        weights = dict(self.load_model(model.embedding.weight.device).named_parameters())
        for name, parameter in model.named_parameters():
            if name in weights:
                parameter.copy_(weights[name])

    def sha256(self) -> str:
        """Of its manifest, which holds the sha256 of all its files."""
        return file_sha256(self.path / MANIFEST)

    def load_training(self, guard: Guard) -> None:
        """Weights, what guard and optimisers remember, and the generators' state, into the given parts. All ranks must
        call it."""
        optimizers = guard.optimizers
        read_into(self.path / WEIGHTS, dict(optimizers.weights()))
        if optimizers.average:
            read_into(self.path / (AVERAGE if self._averaged() else WEIGHTS), dict(optimizers.averages()))
        found = shapes(self.path / TRAINING)
        random = {
            name: torch.empty(found[name], dtype=torch.uint8) for name in (RANDOM_CPU, RANDOM_CUDA) if name in found
        }
        read_into(self.path / TRAINING, guard.restorable(found) | random)
        torch.set_rng_state(random[RANDOM_CPU])
        if RANDOM_CUDA in random and torch.cuda.is_available():
            torch.cuda.set_rng_state(random[RANDOM_CUDA])

    def _averaged(self) -> bool:
        return bool(files(self.path / AVERAGE))


def _publish(partial: Path, target: Path, facts: dict[str, Any]) -> None:
    """Gives a complete checkpoint its name, when all of it is on disk."""
    (partial / STATE).write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    seal(partial)
    os.rename(partial, target)
    to_disk(target.parent)


def _validation_loss(path: Path) -> float | None:
    """Of a kept checkpoint; None too where it can no longer be read, which must not end the training that goes on."""
    try:
        return float(json.loads((path / STATE).read_text(encoding="utf-8"))["evaluation"]["loss"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
