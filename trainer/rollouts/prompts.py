"""Prompts of a task, and rollouts as messages again."""

from collections.abc import Sequence
from typing import Any

from gristmill.tokenizer.chat.errors import ChatError
from gristmill.tokenizer.chat.render import read_turns, render_all
from gristmill.tokenizer.chat.turns import Turn, parse
from gristmill.tokenizer.encode import Encoder
from gristmill.trainer.errors import ConfigError
from gristmill.trainer.rollouts.rollout import Prompt, Rollout
from gristmill.trainer.tasks.registry import examples_of


def task_prompts(
    encoder: Encoder, name: str, seed: int, count: int, lang: str, *, first: int = 0, tools: Sequence[Any] = ()
) -> list[Prompt]:
    """Examples of a task, up to the assistant's turn, numbered from `first`; `tools`: definitions for the system turn.
    Raises ConfigError."""
    examples = examples_of(name, seed, count, lang)
    turns = [
        _turns(one.messages, tools, f"example {number} of {name} in {lang}") for number, one in enumerate(examples)
    ]
    rendered = render_all(encoder, turns, generation=True)
    return [
        Prompt(made.ids, first + number, task=name, answer=one.answer)
        for number, (made, one) in enumerate(zip(rendered, examples, strict=True))
        if made is not None
    ]


def _turns(messages: list[dict[str, Any]], tools: Sequence[Any], where: str) -> list[Turn]:
    try:
        return parse(messages, tools, generation=True)
    except ChatError as error:
        raise ConfigError(
            f"what is asked is no conversation: {error}", where=where, fix="mend the task: the last turn is the user's"
        ) from error


def completion(encoder: Encoder, rollout: Rollout) -> str:
    """The text of the policy's last turn: what a reward judges."""
    return encoder.decode(rollout.last_turn().tolist())


def prompt_messages(encoder: Encoder, prompt: Prompt) -> list[dict[str, Any]]:
    """The conversation that a prompt is."""
    return [turn.message() for turn in read_turns(encoder, list(prompt.ids))]
