"""What a model writes until a stop string, its own end, or a number of tokens: in batches of like lengths."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gristmill.tokenizer.chat.turns import Turn
from gristmill.trainer.errors import ConfigError
from gristmill.trainer.evaluate.generate import Step, continuations, first_stop
from gristmill.trainer.evaluate.requests.text import TextCodec, decode
from gristmill.trainer.evaluate.sampling import Sampling, generator_of
from gristmill.trainer.evaluate.structure.mask import Structure
from gristmill.trainer.model.transformer import Model

ROWS_AT_ONCE = 128


@dataclass(frozen=True)
class Prompt:
    """What is continued. `key`: numbers (0 or more) that its samples' chance belongs to, whatever else is asked."""

    ids: list[int]
    key: tuple[int, ...] = ()
    structure: Structure | None = None
    """What is to be written."""


@dataclass(frozen=True)
class Written:
    """A continuation, without the stop string that ended it."""

    text: str
    tokens: int
    ended: bool
    """By a stop string, the model's own end or a structure's; not cut by the number of tokens."""
    turns: tuple[Turn, ...] = ()
    """Where it is an answer with tools: the turns behind the prompt, theirs among them."""
    failed: int = 0
    """Calls of tools that gave no result."""

    @property
    def calls(self) -> int:
        """Of tools."""
        return sum(turn.role == "tool" for turn in self.turns)


@dataclass
class _Row:
    ids: list[int] = field(default_factory=list)
    ended: bool = False


def write_until(
    model: Model,
    codec: TextCodec,
    prompts: Sequence[Prompt],
    *,
    until: Sequence[str],
    most_tokens: int,
    sampling: Sampling,
    samples: int = 1,
    rows_at_once: int = ROWS_AT_ONCE,
) -> list[list[Written]]:
    """`samples` continuations of each prompt, in order. A prompt that leaves no room loses its beginning, as in
    lm-evaluation-harness. Raises ConfigError where no prompt could have room, or the model continues no text."""
    room = model.config.context - most_tokens
    if room < 1:
        raise ConfigError(
            f"{most_tokens} tokens are to be written, the model reads {model.config.context} with the prompt",
            where="generation_kwargs: max_gen_toks",
            fix=f"at most {model.config.context - 1}, and less by what prompts need",
        )
    order = sorted(range(len(prompts)), key=lambda number: (len(prompts[number].ids), number))
    size = max(1, rows_at_once // samples)
    found: list[list[Written]] = [[] for _ in prompts]
    for start in range(0, len(order), size):
        part = order[start : start + size]
        chances = [
            generator_of((sampling.seed, *prompts[number].key, sample)) for number in part for sample in range(samples)
        ]
        rows = [_Row() for _ in chances]
        starts = [prompts[number].ids[-room:] for number in part]
        structures = [prompts[number].structure for number in part]

        def stopped(step: Step, rows: list[_Row] = rows) -> list[int]:
            return [
                row for row, token in zip(step.rows, step.tokens, strict=True) if _add(codec, rows[row], token, until)
            ]

        limits = [most_tokens] * len(rows)
        for _ in continuations(
            model, starts, limits, sampling, chances, ends=codec.ends, copies=samples, stopped=stopped,
            structures=structures if any(structures) else None,
        ):  # fmt: skip
            pass
        for place, number in enumerate(part):
            for row in rows[place * samples : (place + 1) * samples]:
                row.ended = row.ended or structures[place] is not None  # it is whole wherever it ends
            found[number] = [_written(codec, row, until) for row in rows[place * samples : (place + 1) * samples]]
    return found


def _add(codec: TextCodec, row: _Row, token: int, until: Sequence[str]) -> bool:
    """Adds a token; whether the row ends with it."""
    if token in codec.ends:
        row.ended = True
        return True
    row.ids.append(token)
    # A stop string of n bytes ends within the last token, so it lies in at most n + 1 tokens before.
    window = max((len(stop.encode()) for stop in until), default=0) + 1
    row.ended = first_stop(decode(codec, row.ids[-window:]), until) is not None
    return row.ended


def _written(codec: TextCodec, row: _Row, until: Sequence[str]) -> Written:
    text = decode(codec, row.ids)
    cut = first_stop(text, until)
    return Written(text if cut is None else text[:cut], len(row.ids), row.ended)
