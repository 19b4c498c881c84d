"""A conversation with a model, turn by turn: answers as they are written, tools between, the oldest turns forgotten
where the context is full.
"""

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from gristmill.tokenizer.chat.render import render_all
from gristmill.tokenizer.chat.turns import Turn, offering
from gristmill.tokenizer.encode import Encoder
from gristmill.tokenizer.special_ids import END, EOS
from gristmill.trainer.errors import InputError
from gristmill.trainer.evaluate.generate import continuations, pieces, room
from gristmill.trainer.evaluate.sampling import Sampling, generator_of
from gristmill.trainer.evaluate.structure.mask import Structure
from gristmill.trainer.model.transformer import Model
from gristmill.trainer.rollouts.sampler import MOST_TURNS
from gristmill.trainer.rollouts.tools import ToolReply


class Said(NamedTuple):
    """A piece of an answer, or what a tool answered to it."""

    kind: Literal["text", "tool"]
    text: str


@dataclass
class Conversation:
    """The turns so far. `ask` adds to them, also where it is interrupted."""

    model: Model
    encoder: Encoder
    sampling: Sampling
    most_tokens: int
    """Of one turn of the model."""
    system: str = ""
    tools: ToolReply | None = None
    structure: Structure | None = None
    """What each turn of the model is to be; its ends are END and EOS."""
    turns: list[Turn] = field(default_factory=list)
    forgotten: int = 0
    """Turns that no longer fitted into the context."""
    written: int = 0
    """Turns that the model wrote: each has a chance of its own."""
    ended: bool = False
    """Whether the last of them came to its end: one that was cut calls no tool, as in evaluation."""

    def __post_init__(self) -> None:
        system = [Turn("system", self.system)] if self.system else []
        self.first = offering(system, self.tools.definitions() if self.tools else [])

    def restart(self) -> None:
        """Begins anew, with the same instruction."""
        self.turns, self.forgotten = [], 0

    def ask(self, text: str) -> Generator[Said]:
        """The answer to what the user says, in pieces as they are written. Raises InputError where even this alone does
        not fit into the context; the conversation is then as it was."""
        if self.turns and self.turns[-1].role == "tool":  # an answer that was interrupted there
            self.turns.append(Turn("assistant", ""))
        self.turns.append(Turn("user", text))
        for _ in range(MOST_TURNS):
            answer = ""
            try:
                for piece in self._answer():
                    answer += piece
                    yield Said("text", piece)
            except BaseException:  # what was written stays said; a question without an answer does not
                if answer:
                    self.turns.append(Turn("assistant", answer))
                elif self.turns[-1].role == "user":
                    self.turns.pop()
                raise
            self.turns.append(Turn("assistant", answer))
            results = self.tools.results(answer) if self.tools and self.ended else []
            if not results:
                return
            for result in results:
                self.turns.append(Turn("tool", result))
                yield Said("tool", result)

    def _answer(self) -> Iterator[str]:
        ids = self._prompt()
        limit = min(self.most_tokens, room(self.model, ids))
        self.written += 1
        chance = generator_of((self.sampling.seed, self.written))
        steps = continuations(
            self.model, [ids], [limit], self.sampling, [chance], ends=(END, EOS), structures=[self.structure]
        )
        return pieces(self.encoder, self._tokens(token for step in steps for token in step.tokens))

    def _tokens(self, tokens: Iterable[int]) -> Iterator[int]:
        for token in tokens:
            self.ended = token in (END, EOS)
            yield token

    def _prompt(self) -> list[int]:
        """All that is read; where that leaves no room for an answer, without the oldest exchanges."""
        context = self.model.config.context
        wanted = min(self.most_tokens, context // 2)
        starts = [number for number, turn in enumerate(self.turns) if turn.role == "user"]
        for start in starts:
            (rendered,) = render_all(self.encoder, [[*self.first, *self.turns[start:]]], generation=True)
            assert rendered is not None
            left = context - len(rendered.ids)
            if left >= wanted or (left > 0 and start == starts[-1]):
                self.forgotten += start
                del self.turns[:start]
                return rendered.ids.tolist()
        raise InputError(
            f"what was said last has {context - left} tokens with the instruction, the model reads {context}",
            where="the conversation",
            fix="say it in fewer words",
        )
