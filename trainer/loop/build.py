"""Chooses the parts of a training, once, from its configuration and its data."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import torch

from gristmill.tokenizer.train import FOREIGN
from gristmill.trainer.checkpoint.checkpoint import Checkpoint, Checkpoints, training_tensors
from gristmill.trainer.checkpoint.files import checkpoints_in, step_of
from gristmill.trainer.checkpoint.origin import worst
from gristmill.trainer.checkpoint.state import TrainState
from gristmill.trainer.config import TrainConfig
from gristmill.trainer.data.sampler import DataState
from gristmill.trainer.devices.fsdp import shard
from gristmill.trainer.devices.world import World
from gristmill.trainer.errors import ConfigError, InputError, MismatchError
from gristmill.trainer.evaluate.validation import Evaluation
from gristmill.trainer.loop.inputs import TrainingData
from gristmill.trainer.loop.mixed import said as mix_said
from gristmill.trainer.loop.recovery import Recovery
from gristmill.trainer.loop.reports.metrics import Metrics, tensorboard
from gristmill.trainer.loop.reports.speed import Speed, device_peak, flops_per_token, matmul_ceiling
from gristmill.trainer.loop.reports.terminal import Terminal
from gristmill.trainer.loop.stages.corpus import check_kind, corpus_stage, open_objective
from gristmill.trainer.loop.stages.parent import Parent
from gristmill.trainer.loop.stages.stage import Stage
from gristmill.trainer.loop.training import Training
from gristmill.trainer.model.experts import remembered_shares
from gristmill.trainer.model.lora import adapt
from gristmill.trainer.model.transformer import Model, initialise, parameter_counts
from gristmill.trainer.optim.guard import Guard
from gristmill.trainer.optim.optimizers import Optimizers

T = TypeVar("T")

OF_ANY_TOKENIZER = ("causal", "prefix")
"""Objectives that put no id of their own into a row."""


def complete(config: TrainConfig, data: TrainingData) -> TrainConfig:
    """The configuration with what the data decide filled in. Raises ConfigError where both speak and differ."""
    model, length = config.model, data.train.sequence_length
    if model.vocabulary not in (0, data.vocabulary):
        raise ConfigError(
            f"the model has {model.vocabulary} ids, the tokenizer {data.vocabulary}",
            where="option model.vocabulary",
            fix="leave it out: it is taken from the tokenizer",
        )
    if model.context and model.context < length:
        raise ConfigError(
            f"the model reads {model.context} tokens, the rows have {length}",
            where="option model.context",
            fix="leave it out, or pack shorter rows: recipe key tokens.sequence_length",
        )
    objective = open_objective(config, data.vocabulary)
    check_kind(config, objective, data)
    if data.train.tokenizer.get("kind") in FOREIGN and config.objective not in OF_ANY_TOKENIZER:
        raise ConfigError(
            f"{config.objective} needs ids that only tokenizers trained here reserve",
            where="option objective",
            fix=f"{' or '.join(OF_ANY_TOKENIZER)}, or a run without `tokenizer: {{path: ...}}`",
        )
    if model.head == "score" and objective.head != "score":
        raise ConfigError(
            f"a reward model scores, it cannot learn {config.objective}",
            where="option --from",
            fix="name the checkpoint that it began from",
        )
    model = replace(
        model,
        vocabulary=data.vocabulary,
        context=model.context or length,
        mask=objective.mask,
        head=objective.head or model.head,
        encoder_layers=(model.encoder_layers or model.layers) if objective.encodes else 0,
    )
    return replace(config, model=model)


def check_same(saved: TrainConfig, wanted: TrainConfig, where: Path) -> None:
    """Raises MismatchError when a checkpoint cannot go on under these options: another model, objective or
    optimiser."""
    pairs = [("objective", saved.objective, wanted.objective), ("optim.kind", saved.optim.kind, wanted.optim.kind)]
    pairs += [(f"lora.{name}", old, getattr(wanted.lora, name)) for name, old in vars(saved.lora).items()]
    free = ("compute", "attention")
    pairs += [
        (f"model.{name}", old, getattr(wanted.model, name))
        for name, old in vars(saved.model).items()
        if name not in free
    ]
    refuse_changes(pairs, where)


def refuse_changes(pairs: Iterable[tuple[str, Any, Any]], where: Path) -> None:
    """`pairs`: (option, as the checkpoint has it, now). Raises MismatchError for the first that differ."""
    for name, old, new in pairs:
        if old != new:
            raise MismatchError(
                f"the checkpoint has {name} = {old!r}, now it is {new!r}",
                where=str(where),
                fix="leave the option as it was, or begin anew with another --name",
            )


def build(
    config: TrainConfig,
    data: TrainingData,
    folder: Path,
    world: World,
    resume: Checkpoint | None,
    interrupted: Callable[[], bool],
    *,
    begin: Checkpoint | None = None,
    make_stage: Callable[[Model], Stage] | None = None,
) -> tuple[Training, TrainState]:
    """All parts, and the state to begin from. `config` is complete. `begin`: the checkpoint that the weights begin
    with. `make_stage`: what is learnt and from what, given the model, of which it may add to the parameters; None: the
    objective of the configuration from the rows of the corpus."""
    model = Model(config.model).to(world.device)
    initialise(model, config.seed)
    if begin is not None:
        begin.load_weights(model)
    if config.lora.rank:
        adapt(model, config.lora, config.seed)
    parent = resume.origin.parent if resume is not None else None if begin is None else begin.sha256()
    frozen = Parent(config, parent, world)
    stage = corpus_stage(config, data, model, frozen, world) if make_stage is None else make_stage(model)
    _prepare(model, config, world)
    optimizers = Optimizers(model, config.optim, config.loop.steps, world)
    guard = Guard(optimizers, world.device, config.guard, remembered_shares(model))
    state = TrainState(data=DataState(seed=config.data.seed))
    if resume is not None:
        resume.load_training(guard)
        state = resume.state
    earlier = begin.origin if begin is not None else resume.origin if resume is not None else data.origin
    contamination = worst(data.origin.contamination, earlier.contamination)
    origin = replace(data.origin, parent=parent, contamination=contamination)
    checkpoints = Checkpoints(folder, config.loop.keep_last)
    facts = None if stage.facts is None else _on_averages(stage.facts, optimizers)

    def save(state: TrainState, evaluation: Evaluation | None) -> None:
        found = {} if facts is None else facts(model)
        checkpoints.save(state, evaluation, training_tensors(guard), config, origin, data.tokenizer, world, found)

    training = Training(
        config=config.loop,
        world=world,
        model=model,
        objective=stage.objective,
        sampler=stage.order,
        loader=stage.read_from(state.data),
        guard=guard,
        evaluate=None if stage.evaluate is None else _on_averages(stage.evaluate, optimizers),
        save=save,
        metrics=_metrics(folder, state.step) if world.first else None,
        terminal=Terminal(world.first),
        speed=_speed(config, model, data, world),
        sources=stage.sources,
        folder=folder,
        limits=stage.objective.limits,
        round_steps=stage.steps,
        interrupted=interrupted,
    )
    if config.guard.spikes == "rollback":
        most = config.guard.rollbacks
        training.roll_back = Recovery(folder, most, lambda saved: saved.load_training(guard), stage.read_from)
    return training, state


def _prepare(model: Model, config: TrainConfig, world: World) -> None:
    """Recomputes, compiles and shards the layers in place, as configured: names of parameters stay, generation and
    evaluation use the same module."""
    compiles = config.loop.compile == "on" or (config.loop.compile == "auto" and world.device.type == "cuda")
    for stack in (model.encoder, model.decoder):
        if stack is not None:
            stack.recompute = config.loop.recompute
            for block in stack.blocks if compiles else []:
                block.compile(dynamic=False)
    if config.loop.shard and world.size > 1:
        shard(model, world)


def _speed(config: TrainConfig, model: Model, data: TrainingData, world: World) -> Speed:
    """Of all devices together."""
    flops = flops_per_token(config.model, parameter_counts(model)["matrix"], data.train.sequence_length)
    ceiling = matmul_ceiling(world.device, model.compute_dtype()) * world.size
    peak = device_peak(world.device)
    return Speed(flops, None if peak is None else peak * world.size, ceiling)


def _metrics(folder: Path, step: int) -> Metrics:
    return Metrics(folder / "metrics.jsonl", step, tensorboard(folder / "tensorboard", step))


def _on_averages(evaluate: Callable[[Model], T], optimizers: Optimizers) -> Callable[[Model], T]:
    def averaged(model: Model) -> T:
        with optimizers.averaged(model):
            return evaluate(model)

    return averaged


def introduction(config: TrainConfig, data: TrainingData, model: Model, world: World) -> str:
    """The first line: what will be trained, on what, how much of it, and what it has to beat."""
    counts = parameter_counts(model)
    tokens, length = data.train.tokens(), data.train.sequence_length
    rows = config.data.step_rows(length)
    epochs = config.loop.steps * rows / len(data.train)
    threads = f"{torch.get_num_threads()} threads, " if world.device.type == "cpu" else ""
    return (
        f"{config.objective} model of {counts['total']:,} parameters ({config.model.layers} layers, width "
        f"{config.model.width}) on {data.run.name}: {tokens:,} tokens of {len(data.train.sources)} sources, "
        f"{config.loop.steps:,} steps x {rows * length:,} tokens = {epochs:.2f} epochs; "
        f"{mix_said(data, config.loop.steps * rows)}{_to_beat(data)}"
        f"{world.size} x {world.device.type} ({threads}{model.compute_dtype()})".replace("torch.", "")
    )


def _to_beat(data: TrainingData) -> str:
    """By a model that predicts all of the text."""
    if data.train.kind != "text":
        return ""
    nats, bits = data.train.unigram_entropy()
    return f"unigram entropy {nats:.4f} nats/token, {bits:.4f} bits/byte; "


def last_checkpoint(folder: Path, world: World, *, resume: bool) -> Checkpoint | None:
    """Of a training directory, when resuming. Raises ConfigError rather than overwrite one, and InputError rather than
    go on from an earlier one than the last."""
    found = checkpoints_in(folder)
    if resume:
        if not found:
            raise InputError("nothing to resume", where=str(folder), fix="leave out --resume")
        return Checkpoint.open(found[-1], world)
    if found:
        raise ConfigError(
            f"there are checkpoints already, the last of step {step_of(found[-1])}",
            where=str(folder),
            fix="continue them with --resume, or choose another --name",
        )
    return None
