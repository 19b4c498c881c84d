"""How much memory a step needs, and how large a batch may be: a batch is computed without numbers, and what is alive is
counted.

Letters: B rows, T tokens of a row.
"""

import weakref
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from gristmill.trainer.config import TrainConfig
from gristmill.trainer.data.batch import Batch
from gristmill.trainer.devices.world import World
from gristmill.trainer.loop.inputs import TrainingData
from gristmill.trainer.loop.stages.corpus import open_objective
from gristmill.trainer.model.cross_entropy import CHUNK_BYTES
from gristmill.trainer.model.lora import adapt
from gristmill.trainer.model.transformer import Model
from gristmill.trainer.objectives.protocol import Objective
from gristmill.trainer.optim.groups import parameter_groups

SPARE = 0.95
"""Of the memory that is free: the rest is for what the allocator cannot give out in one piece."""


class Alive(TorchDispatchMode):
    """Counts the bytes of tensors that operations made while it lasts and that are still referred to."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = self.most = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        given = {tensor.untyped_storage()._cdata for tensor in _tensors((args, kwargs))}
        for tensor in _tensors(made):
            storage = tensor.untyped_storage()
            if storage._cdata not in self._known | given:
                self._known.add(storage._cdata)
                self._change(storage.nbytes())
                weakref.finalize(storage, self._gone, storage._cdata, storage.nbytes())
        return made

    def _change(self, size: int) -> None:
        self.bytes += size
        self.most = max(self.most, self.bytes)

    def _gone(self, key: int, size: int) -> None:
        self._known.discard(key)
        self._change(-size)


def _tensors(values: Any) -> Iterable[Tensor]:
    return (leaf for leaf in tree_leaves(values) if isinstance(leaf, Tensor))


@dataclass(frozen=True)
class Need:
    """Bytes that a device needs."""

    kept: int
    """Weights, gradients, what the optimisers remember, averages, a frozen copy: from the first step to the last."""
    batch: int
    """Of the configured batch, forward and backward, at its most."""
    row: float
    """More for each row more."""
    rows: int
    """Of that batch."""

    @property
    def total(self) -> int:
        """Of a step."""
        return self.kept + self.batch

    def fits(self, free: int) -> int:
        """Rows of the largest batch; 0: not one."""
        return max(0, int(self.rows + (SPARE * free - self.total) // self.row))


def estimate(config: TrainConfig, data: TrainingData, world: World) -> Need | None:
    """Of a training from the rows of a corpus, by its own code on tensors without numbers. None where that code has no
    such tensors: grouped products of float32 (experts).

    Every token is counted as scored. CUDA is counted as what a CPU's operations would keep: layers uncompiled (compiled
    ones need less), attention by the fused kernel of one document (those of several keep the same), and the larger
    chunks of its loss on top. What Muon makes of matrices of one shape is not counted: it comes when the batch is gone.
    """
    length, cuda = data.train.sequence_length, world.device.type == "cuda"
    rows = config.data.batch_rows(length)
    if cuda and config.model.compute == "auto":
        config = replace(config, model=replace(config.model, compute="bfloat16"))
    with FakeTensorMode():
        model = _model(config)
        if config.model.experts and model.compute_dtype() == torch.float32:
            return None
        objective = open_objective(config, data.vocabulary)
        documents = config.data.documents and (not cuda or objective.documents_per_segment > 1)
        copies: list[Model] = []

        def frozen() -> Model:
            copies.append(Model(config.model).requires_grad_(False))
            return copies[-1]

        objective.attach(model, frozen)
        kept = _kept(model, config) // (world.size if config.loop.shard else 1)
        kept += sum(p.numel() * p.element_size() for copy in copies for p in copy.parameters())
        for parameter in model.parameters():
            parameter.grad = torch.zeros_like(parameter) if parameter.requires_grad else None
        one, two = (_most(model, objective, data, count, documents=documents) for count in (rows, 2 * rows))
    row = max(1.0, (two - one) / rows)
    # Logits in float32 once, and in the dtype of the products twice.
    chunk = 2 * min(4 * rows * length * config.model.V, CHUNK_BYTES["cuda"]) if cuda else 0
    return Need(kept, one + chunk, row, rows)


def _model(config: TrainConfig) -> Model:
    model = Model(config.model)
    for stack in (model.encoder, model.decoder):
        if stack is not None:
            stack.recompute = config.loop.recompute
    if config.lora.rank:
        adapt(model, config.lora)
    return model


def _kept(model: Model, config: TrainConfig) -> int:
    """Bytes of float32: each parameter, and of the trained ones gradient, momentum, AdamW's second moment, average."""
    numbers = sum(p.numel() for p in model.parameters())
    for kind, named in parameter_groups(model, config.optim).items():
        copies = (2 if kind == "muon" else 3) + bool(config.optim.average)
        numbers += copies * sum(p.numel() for _, p in named)
    return 4 * numbers


def _most(model: Model, objective: Objective, data: TrainingData, rows: int, *, documents: bool) -> int:
    fields = objective.fields(data.train.sequence_length)
    arrays = {name: torch.zeros(rows, length, dtype=torch.int32) for name, length in fields.items()}
    per_segment = objective.documents_per_segment
    batch = Batch.of(arrays, documents, data.train.most_segments, documents_per_segment=per_segment)
    with Alive() as alive:
        loss = objective(model, batch, len(data.train.sources))
        loss.loss.backward()
        del loss
    return alive.most


def free_memory(world: World) -> int | None:
    """Bytes that this rank may use; None where nobody says. On CPUs the ranks share what is there."""
    if world.device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(world.device)
        return free + torch.cuda.memory_reserved(world.device)
    path = Path("/proc/meminfo")
    found = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
    sizes = [int(words[1]) << 10 for words in found if words[0] == "MemAvailable:"]
    return sizes[0] // world.size if sizes else None


def memory_said(config: TrainConfig, data: TrainingData, world: World) -> str:
    """For people: what a step needs, and what would fit; "" where that is not known."""
    try:
        free, need = free_memory(world), estimate(config, data, world)
    except RuntimeError:  # of torch: an operation that has no tensors without numbers must not end a training
        return ""
    return "" if free is None or need is None else _told(need, free, data.train.sequence_length)


def _told(need: Need, free: int, length: int) -> str:
    gib, rows = 1 << 30, need.fits(free)
    said = f"a step needs about {need.total / gib:.1f} GiB of {free / gib:.1f}; "
    if rows == 0:
        return said + "not even one row fits: a smaller model, loop.recompute=true, or loop.shard=true on more devices"
    return (
        said
        + f"this fits: data.tokens_per_batch={rows * length}"
        + ("" if rows >= need.rows else f" (now {need.rows * length}: it will run out of memory)")
    )
