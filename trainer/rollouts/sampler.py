"""A policy answers prompts: batches of responses by the cache of keys and values, over several turns where something
answers it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from gristmill.tokenizer.special_ids import END, EOS
from gristmill.trainer.errors import ConfigError, InputError
from gristmill.trainer.evaluate.generate import continuations, room
from gristmill.trainer.evaluate.sampling import Sampling, generator_of
from gristmill.trainer.evaluate.structure.mask import Structure
from gristmill.trainer.model.transformer import Model
from gristmill.trainer.rollouts.rollout import Prompt, Rollout

Reply = Callable[[np.ndarray], Sequence[int] | np.ndarray | None]
"""Given the ids of the policy's turn: those that follow it (a tool's turn, then `<|assistant|>`), or None where nothing
does."""
MOST_TURNS = 8
"""Of a model in one answer: all but the last call tools."""


def roll_out(
    model: Model,
    prompts: Sequence[Prompt],
    per_prompt: int,
    sampling: Sampling,
    most_tokens: int,
    *,
    step: int = 0,
    reply: Reply | None = None,
    most_turns: int = MOST_TURNS,
    rows_at_once: int = 256,
    structures: Sequence[Structure | None] | None = None,
) -> list[Rollout]:
    """`per_prompt` responses to each prompt, in order, each at most `most_tokens` long (and as the context allows).

    A response is a function of the weights, the prompt, `sampling` with its seed, `step`, the prompt's number and which
    sample it is: of nothing else in the call (but for the last bits of sums that another shape of batch adds up in
    another order). `reply` may answer a turn that ended with `<|end|>`; a response has at most `most_turns` turns of
    the policy. `structures`: what each turn is to be, for each prompt. Raises ConfigError for a model that cannot
    answer, InputError for a prompt that fills the context.
    """
    _check(model, prompts, per_prompt, most_tokens)
    rollouts = [Rollout(prompt, group, sample) for group, prompt in enumerate(prompts) for sample in range(per_prompt)]
    unfinished = rollouts
    for turn in range(most_turns):
        copies = per_prompt if turn == 0 else 1
        drafts = [_Draft(rollout, turn, most_tokens, model) for rollout in unfinished]
        for part in _batches(drafts, copies, rows_at_once):
            _write(model, part, copies, sampling, step, structures)
        if reply is None:
            break
        last = turn == most_turns - 1
        wanted = [None if structures is None else structures[draft.rollout.group] for draft in drafts]
        least = [1 if structure is None else structure.least for structure in wanted]
        unfinished = [
            draft.rollout for draft, needed in zip(drafts, least, strict=True) if _answered(draft, reply, last, needed)
        ]
        if not unfinished:
            break
    return rollouts


@dataclass
class _Draft:
    """A turn that is being written."""

    rollout: Rollout
    turn: int
    most_tokens: int
    model: Model
    ids: list[int] = field(default_factory=list)
    log_probabilities: list[float] = field(default_factory=list)
    kept: list[np.ndarray] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.start = self.rollout.ids.tolist()
        self.limit = min(self.most_tokens - len(self.rollout.response_ids), room(self.model, self.start))

    def finish(self) -> None:
        """The turn becomes part of the rollout."""
        self.rollout.written(self.ids, self.log_probabilities, np.stack(self.kept) if self.kept else None)
        self.rollout.truncated = self.ids[-1] not in (END, EOS)


def _batches(drafts: list[_Draft], copies: int, rows_at_once: int) -> list[list[_Draft]]:
    """Of like lengths, so that little is padded; copies of a prompt stay together."""
    groups = sorted((drafts[k : k + copies] for k in range(0, len(drafts), copies)), key=lambda g: len(g[0].start))
    size = max(1, rows_at_once // copies)
    return [[draft for group in groups[k : k + size] for draft in group] for k in range(0, len(groups), size)]


def _write(
    model: Model,
    drafts: list[_Draft],
    copies: int,
    sampling: Sampling,
    step: int,
    structures: Sequence[Structure | None] | None,
) -> None:
    keys = [(sampling.seed, step, d.rollout.prompt.number, d.rollout.sample, d.turn) for d in drafts]
    steps = continuations(
        model,
        [draft.start for draft in drafts[::copies]],
        [draft.limit for draft in drafts],
        sampling,
        [generator_of(key) for key in keys],
        ends=(END, EOS),
        copies=copies,
        masks=True,
        structures=None if structures is None else [structures[draft.rollout.group] for draft in drafts[::copies]],
    )
    for new in steps:
        kept_AW = None if new.kept_AW is None else new.kept_AW.cpu().numpy()
        for place, row in enumerate(new.rows):
            draft = drafts[row]
            draft.ids.append(new.tokens[place])
            draft.log_probabilities.append(new.log_probabilities[place])
            if kept_AW is not None:
                draft.kept.append(kept_AW[place])
    for draft in drafts:
        draft.finish()


def _answered(draft: _Draft, reply: Reply, last: bool, needed: int) -> bool:
    """Whether the policy has another turn: what it reads first was added, and there is room for the tokens needed."""
    rollout = draft.rollout
    if draft.ids[-1] != END or (answer := reply(np.array(draft.ids, np.int32))) is None:
        return False
    rollout.truncated = True  # until the policy ends with a turn that needs no answer
    if last or len(draft.ids) + len(answer) + needed > draft.limit:
        return False
    rollout.answered(answer)
    return True


def _check(model: Model, prompts: Sequence[Prompt], per_prompt: int, most_tokens: int) -> None:
    if model.config.mask != "causal" or model.encoder is not None:
        raise ConfigError(
            "rollouts are written by a causal decoder",
            where="the checkpoint",
            fix="begin from one that was trained with objective=causal",
        )
    if per_prompt < 1 or most_tokens < 1:
        raise ConfigError(
            f"{per_prompt} responses of at most {most_tokens} tokens cannot be written",
            where="the options of the rollouts",
            fix="at least 1 of each",
        )
    if len({prompt.number for prompt in prompts}) < len(prompts):
        raise ValueError("two prompts have the same number: their samples would be the same chance")
    for group, prompt in enumerate(prompts):
        if not 0 < len(prompt.ids) < model.config.context:
            raise InputError(
                f"a prompt has {len(prompt.ids)} tokens, the model reads {model.config.context}",
                where=f"prompt {prompt.doc_id or group}",
                fix="shorten it, or leave it out",
            )
