"""Learning from the rows of a corpus: texts, conversations or pairs."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from gristmill.trainer.config import TrainConfig
from gristmill.trainer.data.corpus import Corpus
from gristmill.trainer.data.loader import Loader
from gristmill.trainer.data.sampler import DataState, MixSampler, Sampler
from gristmill.trainer.devices.world import World
from gristmill.trainer.errors import ConfigError, InputError, MismatchError
from gristmill.trainer.evaluate.validation import Evaluator
from gristmill.trainer.loop.inputs import TrainingData
from gristmill.trainer.loop.stages.stage import Stage
from gristmill.trainer.model.transformer import Model
from gristmill.trainer.objectives.protocol import Objective
from gristmill.trainer.objectives.registry import OBJECTIVES, OF_PAIRS

RECIPE_KEYS = {"text": "paths", "chat": "chat", "pairs": "pairs", "prompts": "prompts"}
"""Kind of tokens -> what a source of the recipe says to give them."""


def open_objective(config: TrainConfig, vocabulary: int) -> Objective:
    """The objective that the configuration names. Raises ConfigError for an unknown one."""
    name = config.objective
    if name in OF_PAIRS:
        return OF_PAIRS[name](vocabulary, getattr(config, name))
    if name not in OBJECTIVES:
        known = ", ".join([*OBJECTIVES, *OF_PAIRS])
        raise ConfigError(f"unknown objective {name!r}", where="option objective", fix=f"one of: {known}")
    return OBJECTIVES[name](vocabulary)


def check_kind(config: TrainConfig, objective: Objective, data: TrainingData) -> None:
    """Raises an error that says what to do where a run does not hold what the objective learns from."""
    kind = data.train.kind
    if kind not in objective.reads:
        keys = " or ".join(f"`{RECIPE_KEYS[name]}:`" for name in objective.reads)
        raise MismatchError(
            f"{objective.name} learns from {' or '.join(objective.reads)}, the run holds {kind}",
            where=str(data.run),
            fix=f"name a run whose sources say {keys}, or another stage",
        )
    if objective.name in ("sft", *OF_PAIRS) and not config.data.documents:
        raise ConfigError(
            "conversations that lie in one row would see each other",
            where="option data.documents",
            fix="leave it out: conversations are always apart",
        )
    if kind == "pairs":
        for corpus in [data.train] + ([] if data.validation is None else [data.validation]):
            _check_pairs(corpus)


def _check_pairs(corpus: Corpus) -> None:
    """Raises InputError for pairs that cannot be learnt from."""
    if cut := corpus.cut():
        raise InputError(
            f"{cut} pieces of pairs stand in rows of {corpus.sequence_length} tokens: they do not fit whole",
            where=str(corpus.plan_path),
            fix="a longer tokens.sequence_length in the recipe, then `gristmill run` again",
        )
    for shard in corpus.shards:
        margins = shard.column("margin").to_numpy(zero_copy_only=False) if shard.has("margin") else np.zeros(0)
        if not shard.has("rejected") or not np.isfinite(margins).all():
            raise InputError(
                "a shard has no column `rejected`, or a margin that is no finite number",
                where=str(shard.path),
                fix="mend the source, then `gristmill run` again",
            )


def corpus_stage(
    config: TrainConfig, data: TrainingData, model: Model, frozen: Callable[[], Model], world: World
) -> Stage:
    """`frozen`: makes a copy of the model that the training began with, for an objective that needs one."""
    objective = open_objective(config, data.vocabulary)
    objective.attach(model, frozen)
    count = config.data.step_rows(data.train.sequence_length)
    sampler = Sampler(data.train, count) if data.mix is None else MixSampler(data.train, count, data.mix)

    def read_from(state: DataState) -> Loader:
        steps = sampler.steps(state)
        return Loader(data.train, objective, steps, config.data, world.device, rank=world.rank, world=world.size)

    evaluate = None
    if data.validation is not None:
        evaluate = Evaluator(data.validation, objective, config.data, world, config.loop.evaluation_rows)
    stage = Stage(objective, sampler, read_from, data.train.sources, evaluate)
    if objective.head != "score":
        return stage
    mean = Evaluator(data.train, objective, config.data, world, config.reward.centre_rows)

    def facts(model: Model) -> dict[str, Any]:
        return {"score_mean": mean(model).figures["val_score"]}

    return replace(stage, facts=facts)
