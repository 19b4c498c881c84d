"""Where prompts come from: a run's shards of prompts, or tasks that make them."""

from collections.abc import Sequence
from typing import Any, overload

import numpy as np

from gristmill.tokenizer.encode import Encoder
from gristmill.tokenizer.shards.format import Shard
from gristmill.trainer.data.rounds import RolloutConfig
from gristmill.trainer.errors import InputError
from gristmill.trainer.rollouts.prompts import task_prompts
from gristmill.trainer.rollouts.rollout import Prompt


class ShardPrompts(Sequence[Prompt]):
    """The prompts of a split, by number; views of the shards."""

    def __init__(self, shards: Sequence[Shard]):
        self.shards = shards
        self.first = np.cumsum([0, *(len(shard) for shard in shards)])

    def __len__(self) -> int:
        return int(self.first[-1])

    @overload
    def __getitem__(self, number: int) -> Prompt: ...
    @overload
    def __getitem__(self, number: slice) -> list[Prompt]: ...
    def __getitem__(self, number: int | slice) -> Prompt | list[Prompt]:
        if isinstance(number, slice):
            return [self[n] for n in range(*number.indices(len(self)))]
        s = int(np.searchsorted(self.first, number, side="right")) - 1
        shard, row = self.shards[s], number - int(self.first[s])
        doc_id, task, answer = (
            str(shard.column(name)[row].as_py() or "") if shard.has(name) else ""
            for name in ("doc_id", "task", "answer")
        )
        return Prompt(shard.document(row), number, doc_id, task, answer)


def prompts_of_tasks(
    encoder: Encoder, config: RolloutConfig, seed: int, examples: int, tools: Sequence[Any] = ()
) -> list[Prompt]:
    """Examples of the configured tasks in their languages, as many of each; two seeds share none but by chance.
    `tools`: definitions of those that may be called. Raises ConfigError for a task or a language that is not known."""
    made: list[Prompt] = []
    for task in config.task.split(","):
        for lang in config.lang.split(","):
            made += task_prompts(encoder, task.strip(), seed, examples, lang.strip(), first=len(made), tools=tools)
    return made


def check_prompts(prompts: Sequence[Prompt], context: int, where: str) -> None:
    """Raises InputError where there are none, or for one that leaves no room for an answer."""
    if not len(prompts):
        raise InputError("there are no prompts", where=where, fix="the recipe kept none: see its report")
    if isinstance(prompts, ShardPrompts):
        lengths = np.concatenate([shard.lengths for shard in prompts.shards])
    else:
        lengths = np.array([len(one.ids) for one in prompts])
    number = int(np.argmax(lengths))
    if lengths[number] >= context:
        raise InputError(
            f"a prompt has {lengths[number]} tokens, the model reads {context}",
            where=f"prompt {prompts[number].doc_id or number} of {where}",
            fix="shorten it or leave it out, or begin from a model with a longer context",
        )
