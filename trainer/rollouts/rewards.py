"""What a response is worth: a task's check, a function of the user's, a reward model, or a weighted sum of such.

    task                            the check that each prompt names
    judge.py:short                  a function (prompts, completions, answers) -> a number for each
    runs/x/train/reward             a checkpoint of `train reward`, or the training's last
    task,0.1*judge.py:short         their weighted sum

Whatever it is, it must give one finite number for each response: what does not is an error with its name.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch

from gristmill.tokenizer.encode import Encoder
from gristmill.tokenizer.special_ids import END, EOS
from gristmill.trainer.checkpoint.reward_model import Judge
from gristmill.trainer.devices.world import CPU
from gristmill.trainer.errors import ConfigError, MismatchError, RewardError
from gristmill.trainer.rollouts.prompts import completion, prompt_messages
from gristmill.trainer.rollouts.rollout import Rollout
from gristmill.trainer.tasks.own_file import fault, is_own, load
from gristmill.trainer.tasks.protocol import Task
from gristmill.trainer.tasks.registry import open_task

Reward = Callable[[Sequence[Rollout]], list[float]]
"""A number for each response."""

UserReward = Callable[[list[list[dict[str, Any]]], list[str], list[str]], Sequence[float]]
"""A user's function of `prompts` (each a list of messages), `completions` (texts of the last turns) and `answers`."""

LARGEST = torch.finfo(torch.float32).max

NO_LISTS = (str, bytes, Mapping, Set)
"""What can be gone through, too, but holds no numbers, or none in the order of the responses."""

_PART = re.compile(r"\s*(?:([-+]?[\d.]+(?:[eE][-+]?\d+)?)\s*\*\s*)?(.+?)\s*")


def open_reward(spec: str, encoder: Encoder, device: torch.device = CPU) -> Reward:
    """The reward that is written so; reward models go to the device. Raises ConfigError for a part that is not known,
    MismatchError for a reward model that reads other ids."""
    weighted = [_weighted(part, spec, encoder, device) for part in spec.split(",")]
    if len(weighted) == 1 and weighted[0][0] == 1:
        return weighted[0][1]
    return lambda rollouts: _weighted_sum(spec, weighted, rollouts)


def give_rewards(rollouts: Sequence[Rollout], reward: Reward) -> None:
    """Writes `Rollout.reward` of each. Raises RewardError where the reward fails: then none is written."""
    for rollout, value in zip(rollouts, reward(rollouts) if rollouts else [], strict=True):
        rollout.reward = value


def task_reward(encoder: Encoder) -> Reward:
    """The score of each response by the task that its prompt names."""
    opened = cache(open_task)

    def give(rollouts: Sequence[Rollout]) -> list[float]:
        for rollout in rollouts:
            if not rollout.prompt.task:
                raise ConfigError(
                    "the prompt names no task that checks it",
                    where=f"prompt {rollout.prompt.doc_id or rollout.group}",
                    fix="give the source `prompts:` a field task, or use another reward: FILE.py:FUNCTION",
                )
        scores = []
        for rollout in rollouts:
            name = rollout.prompt.task
            own = Path(name.rpartition(":")[0]) if is_own(name) else None
            scores += _tried(name, own, partial(_score, opened(name), encoder, rollout), [rollout])
        return scores

    return give


def _score(task: Task, encoder: Encoder, rollout: Rollout) -> list[float]:
    return [task.score(completion(encoder, rollout), rollout.prompt.answer)]


def function_reward(name: str, encoder: Encoder) -> Reward:
    """A user's function, `FILE.py:FUNCTION`. Raises ConfigError where there is none."""
    function: UserReward = load(name, "reward")
    if not callable(function):
        raise ConfigError("the reward is no function", where=name, fix="def reward(prompts, completions, answers)")
    path = Path(name.rpartition(":")[0])

    def give(rollouts: Sequence[Rollout]) -> list[float]:
        prompts = [prompt_messages(encoder, rollout.prompt) for rollout in rollouts]
        completions = [completion(encoder, rollout) for rollout in rollouts]
        answers = [rollout.prompt.answer for rollout in rollouts]
        return _tried(name, path, lambda: function(prompts, completions, answers), rollouts)

    return give


def model_reward(path: Path, encoder: Encoder, device: torch.device = CPU) -> Reward:
    """What a reward model gives for prompt and response. It reads every response as ended, for it has learnt to judge
    nothing else; what its context does not hold is cut before that. Raises InputError, ConfigError, MismatchError."""
    judge = Judge.open(path, device)
    if judge.tokenizer != encoder.sha256:
        raise MismatchError(
            f"the reward model reads the ids of another tokenizer: {judge.tokenizer[:12]}, not {encoder.sha256[:12]}",
            where=str(path),
            fix="train one on a run with this tokenizer: `tokenizer: {from: RUN}`",
        )
    longest = judge.model.config.context - 2

    def ended(rollout: Rollout) -> list[int]:
        ids = rollout.ids.tolist()
        while ids[-1] in (END, EOS):
            ids.pop()
        return [*ids[:longest], END, EOS]

    def give(rollouts: Sequence[Rollout]) -> list[float]:
        return _tried(str(path), None, lambda: judge([ended(rollout) for rollout in rollouts]), rollouts)

    return give


def _tried(
    name: str, path: Path | None, call: Callable[[], Sequence[float]], rollouts: Sequence[Rollout]
) -> list[float]:
    """What the call gives, as floats. Raises RewardError unless that is a finite number for each rollout."""
    try:
        made = call()
        listed = isinstance(made, Iterable) and not isinstance(made, NO_LISTS)
        given = list(made) if listed else [None]  # what is made one by one may fail only here
    except (Exception, SystemExit) as error:
        raise RewardError(
            f"the reward fails: {fault(error, path)}", where=name, fix="mend it; nothing of this step was written"
        ) from error
    try:
        values = [float(value) for value in given]  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError) as error:
        raise RewardError(
            "the reward gives no list of numbers", where=name, fix="return one number for each completion"
        ) from error
    if len(values) != len(rollouts):
        raise RewardError(
            f"the reward gives {len(values)} numbers for {len(rollouts)} responses",
            where=name,
            fix="return one number for each completion, in their order",
        )
    _check_finite(name, values, rollouts)
    return values


def _check_finite(name: str, values: Sequence[float], rollouts: Sequence[Rollout]) -> None:
    """Raises RewardError for what is no number, or none in the float32 that advantages are worked out in."""
    for rollout, value in zip(rollouts, values, strict=True):
        if not abs(value) <= LARGEST:
            which = f"sample {rollout.sample} of prompt {rollout.prompt.doc_id or rollout.group}"
            raise RewardError(
                f"the reward of a response is {value}: {which}", where=name, fix="return a finite number for each"
            )


def _weighted(part: str, spec: str, encoder: Encoder, device: torch.device) -> tuple[float, Reward]:
    found = _PART.fullmatch(part)
    try:
        weight = float(found[1] or 1) if found else math.nan
    except ValueError:
        weight = math.nan
    if found is None or not math.isfinite(weight):
        raise ConfigError(
            f"{part!r} is no part of a reward", where=f"reward {spec!r}", fix="write e.g. task,0.1*judge.py:short"
        )
    if found[2] == "task":
        return weight, task_reward(encoder)
    if is_own(found[2]):
        return weight, function_reward(found[2], encoder)
    if Path(found[2]).is_dir():
        return weight, model_reward(Path(found[2]), encoder, device)
    raise ConfigError(
        f"unknown reward {found[2]!r}",
        where=f"reward {spec!r}",
        fix="task, FILE.py:FUNCTION, a checkpoint's folder, or several: task,0.1*judge.py:short",
    )


def _weighted_sum(spec: str, weighted: list[tuple[float, Reward]], rollouts: Sequence[Rollout]) -> list[float]:
    parts = [[weight * value for value in reward(rollouts)] for weight, reward in weighted]
    for part in parts:
        _check_finite(spec, part, rollouts)
    sums = [math.fsum(values) for values in zip(*parts, strict=True)]
    _check_finite(spec, sums, rollouts)
    return sums
