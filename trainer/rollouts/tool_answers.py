"""Answers of an evaluation with calls of tools between: the loop that policies are trained in."""

from collections.abc import Sequence
from pathlib import Path

from gristmill.tokenizer.chat.render import read_turns
from gristmill.tokenizer.chat.turns import CALL_END, Turn
from gristmill.tokenizer.encode import Encoder
from gristmill.trainer.errors import ConfigError
from gristmill.trainer.evaluate.requests.generation import ROWS_AT_ONCE, Prompt, Written
from gristmill.trainer.evaluate.requests.text import OwnCodec, TextCodec
from gristmill.trainer.evaluate.sampling import Sampling
from gristmill.trainer.evaluate.tasks.task import Task
from gristmill.trainer.model.transformer import Model
from gristmill.trainer.rollouts import rollout
from gristmill.trainer.rollouts.prompts import completion
from gristmill.trainer.rollouts.sampler import roll_out
from gristmill.trainer.rollouts.tools import ERROR, Tool, ToolReply, open_tools


def tools_of(task: Task, model: Model, codec: TextCodec, run: Path | None) -> "ToolAnswers | None":
    """What answers a task that names tools, None for others; `run`: whose texts `search` reads. Raises ConfigError,
    InputError, before anything is asked; also where a task is a conversation and the tokenizer knows none."""
    if task.config.is_conversation:
        codec.conversation([Turn("user", "")])
    if not task.config.tools:
        return None
    assert isinstance(codec, OwnCodec), "others know no conversation"
    tools = open_tools(task.config.tools, run, task.folder, f"task {task.name}, tools")
    return ToolAnswers(model, codec.encoder, tools)


def without_tools(tasks: Sequence[Task]) -> None:
    """Raises ConfigError where a task names tools, which only `eval` calls."""
    for task in tasks:
        if task.config.tools:
            raise ConfigError("tools are called by `eval` alone", where=f"task {task.name}", fix="leave the task out")


class ToolAnswers(ToolReply):
    """Of `examine.WithTools`."""

    def __init__(self, model: Model, encoder: Encoder, tools: Sequence[Tool]):
        super().__init__(encoder, tools)
        self.model = model

    def answers(
        self, prompts: Sequence[Prompt], *, most_tokens: int, sampling: Sampling, samples: int
    ) -> list[list[Written]]:
        """`samples` answers to each prompt, in order. `most_tokens`: of all turns of an answer, those of tools among
        them. Prompts of the same key are asked once. Raises ConfigError where no prompt could have room."""
        room = self.model.config.context - most_tokens
        if room < 1:
            raise ConfigError(
                f"{most_tokens} tokens are to be written, the model reads {self.model.config.context} with the prompt",
                where="generation_kwargs: max_gen_toks",
                fix=f"at most {self.model.config.context - 1}, and less by what prompts need",
            )
        different = list({prompt.key: prompt for prompt in prompts}.values())
        rollouts = roll_out(
            self.model,
            [rollout.Prompt(prompt.ids[-room:], prompt.key[0]) for prompt in different],
            samples,
            sampling,
            most_tokens,
            reply=self,
            rows_at_once=ROWS_AT_ONCE,
            structures=[prompt.structure for prompt in different],
        )
        written = [self._written(one, different[one.group].structure is not None) for one in rollouts]
        of_key = {prompt.key: written[n * samples : (n + 1) * samples] for n, prompt in enumerate(different)}
        return [of_key[prompt.key] for prompt in prompts]

    def _written(self, one: rollout.Rollout, structured: bool) -> Written:
        text = completion(self.encoder, one)
        turns = read_turns(self.encoder, one.ids.tolist())[len(read_turns(self.encoder, list(one.prompt.ids))) :]
        if not turns or turns[-1].role == "tool":  # the last turn was cut
            turns.append(Turn("assistant", text))
        ended = not one.truncated or (structured and not text.endswith(CALL_END))
        failed = sum(turn.role == "tool" and turn.content.startswith(ERROR) for turn in turns)
        return Written(text, len(one.response_ids), ended, tuple(turns), failed)
