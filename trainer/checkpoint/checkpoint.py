"""Checkpoints: a folder that appears whole or not at all, tensors in safetensors, the rest in JSON. Loading runs no
code.

    step-000300/model.safetensors  [average.safetensors]  optimizer.safetensors  state.json  tokenizer/
    step-000300/model/*.safetensors  ...                                         where the model is sharded: storage.py

A checkpoint names what it was made from: the run's manifest and recipe, the pack plan, the tokenizer, this code.
"""

import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from trainer.checkpoint.origin import Origin, code_version
from trainer.checkpoint.state import TrainState
from trainer.checkpoint.tensors import files, read_into, shapes, write
from trainer.config import TrainConfig, as_dict, from_dict
from trainer.data.sampler import DataState
from trainer.devices.world import ALONE, World, any_rank, barrier
from trainer.errors import InputError
from trainer.evaluate.validation import Evaluation
from trainer.model.transformer import Model
from trainer.optim.guard import Guard

FORMAT = "gristmill-checkpoint-3"
PREFIX = "step-"
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

    def all(self) -> list[Path]:
        """Complete checkpoints, oldest first."""
        found = self.folder.glob(f"{PREFIX}*/state.json")
        return sorted((path.parent for path in found), key=lambda path: int(path.name.removeprefix(PREFIX)))

    def save(
        self,
        state: TrainState,
        evaluation: Evaluation | None,
        tensors: dict[str, dict[str, Tensor]],
        config: TrainConfig,
        origin: Origin,
        tokenizer: Path,
        world: World = ALONE,
    ) -> Path:
        """Writes the checkpoint of a step, then removes what is neither recent nor best. A crash leaves the old ones.

        All ranks must call it, with one folder that all see; where the model is sharded each writes its part.
        """
        target = self.folder / f"{PREFIX}{state.step:06d}"
        if any_rank(world, target.exists()):
            return target
        partial = self.folder / f".{target.name}.partial"
        if world.first:
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
        barrier(world)
        for name, content in tensors.items():
            write(partial / name, content, world)
        barrier(world)
        if world.first:
            shutil.copytree(tokenizer, partial / "tokenizer")
            facts = {
                "format": FORMAT,
                "state": asdict(state) | {"best": state.best if state.best < float("inf") else None},
                "evaluation": None if evaluation is None else asdict(evaluation),
                "config": as_dict(config),
                "origin": asdict(origin),
                "code": code_version(),
                "files": _sizes(partial, list(tensors)),
            }
            _publish(partial, target, facts)
            self._prune()
        barrier(world)
        return target

    def _prune(self) -> None:
        """Keeps the last few and the best."""
        found = self.all()
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
    def open(cls, path: Path) -> "Checkpoint":
        """A checkpoint folder, or a training directory, of which the last one is taken. Raises InputError."""
        if not (path / "state.json").exists():
            found = Checkpoints(path, 1).all()
            if not found:
                raise InputError(
                    "no checkpoint here",
                    where=str(path),
                    fix="name a folder step-NNNNNN, or a training directory RUN/train/NAME that has one",
                )
            path = found[-1]
        try:
            facts = json.loads((path / "state.json").read_text(encoding="utf-8"))
            if facts.get("format") != FORMAT:
                raise ValueError(f"its format is {facts.get('format')!r}, expected {FORMAT!r}")
        except ValueError as error:
            raise InputError(
                f"the checkpoint cannot be read: {error}", where=str(path), fix="use another one"
            ) from error
        saved = dict(facts["state"])
        best = float("inf") if saved["best"] is None else saved["best"]
        state = TrainState(**saved | {"data": DataState(**saved["data"]), "best": best})
        return cls(path, state, from_dict(facts["config"]), Origin(**facts["origin"]), facts)

    def load_model(self, device: torch.device) -> Model:
        """The model with its weights, on the device: their moving average, where the training kept one."""
        model = Model(self.config.model).to(device)
        weights = {name: parameter.detach() for name, parameter in model.named_parameters()}
        read_into(self._part(AVERAGE if self._averaged() else WEIGHTS), weights)
        return model

    def load_training(self, guard: Guard) -> None:
        """Weights, what guard and optimisers remember, and the generators' state, into the given parts. All ranks must
        call it."""
        optimizers = guard.optimizers
        read_into(self._part(WEIGHTS), dict(optimizers.weights()))
        if optimizers.average:
            read_into(self._part(AVERAGE if self._averaged() else WEIGHTS), dict(optimizers.averages()))
        found = shapes(self._part(TRAINING))
        random = {
            name: torch.empty(found[name], dtype=torch.uint8) for name in (RANDOM_CPU, RANDOM_CUDA) if name in found
        }
        read_into(self._part(TRAINING), guard.restorable(found) | random)
        torch.set_rng_state(random[RANDOM_CPU])
        if RANDOM_CUDA in random and torch.cuda.is_available():
            torch.cuda.set_rng_state(random[RANDOM_CUDA])

    def _averaged(self) -> bool:
        return bool(files(self.path / AVERAGE))

    def _part(self, name: str) -> Path:
        """Where it is, for `read_into`. Raises InputError unless its files are all there: DCP does not miss one."""
        if (expected := self.facts["files"]) != (found := _sizes(self.path, [WEIGHTS, TRAINING, AVERAGE])):
            differ = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
            raise InputError(
                f"the checkpoint is damaged: {differ[0]} has {found.get(differ[0], 0):,} bytes, not "
                f"{expected.get(differ[0], 0):,}",
                where=str(self.path / differ[0]),
                fix="use another one",
            )
        return self.path / name


def _sizes(folder: Path, parts: list[str]) -> dict[str, int]:
    """Path in the folder -> bytes, of these parts' files."""
    return {str(file.relative_to(folder)): file.stat().st_size for part in parts for file in files(folder / part)}


def _publish(partial: Path, target: Path, facts: dict[str, Any]) -> None:
    """Gives a complete checkpoint its name, when all of it is on disk."""
    (partial / "state.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for path in [*partial.rglob("*"), partial]:
        _to_disk(path)
    os.rename(partial, target)
    _to_disk(target.parent)


def _validation_loss(path: Path) -> float | None:
    evaluation = json.loads((path / "state.json").read_text(encoding="utf-8"))["evaluation"]
    return None if evaluation is None else float(evaluation["loss"])


def _to_disk(path: Path) -> None:
    """fsync of a file or folder, so that the rename cannot be on disk before what it names."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
