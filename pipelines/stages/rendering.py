"""Documents of `text/` -> rows of token shards: texts encoded, conversations, pairs and prompts rendered.

Letters: D documents, K those of them that have room, T tokens of all of these.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.recipe.sources import CONVERSATIONS
from gristmill.pipelines.records.conversations import CHOSEN, MESSAGES, REJECTED
from gristmill.tokenizer.chat.render import Rendered, render_all
from gristmill.tokenizer.chat.turns import Turn, parse
from gristmill.tokenizer.encode import Encoder
from gristmill.tokenizer.special_ids import BOS

TOO_LONG = "too_long"
"""Why a conversation, a pair or a prompt is left out: a training row has no room for it, and it may not be cut."""
EQUAL = "equal_answers"
"""Why a pair is left out: editing or scrubbing took away what the answers differed in."""


@dataclass(frozen=True)
class Rows:
    """What documents are as tokens."""

    left_out_D: np.ndarray
    """str: why a document is left out; "" of those that are kept."""
    tokens_T: np.ndarray
    offsets_K1: np.ndarray
    columns: dict[str, Any]
    """Of those that are kept: the optional columns of a shard."""

    @property
    def kept(self) -> np.ndarray:
        """bool (D,): which are kept."""
        return self.left_out_D == ""


class Renderer:
    """Renders batches of documents of one source each."""

    def __init__(self, recipe: Recipe, encoder: Encoder):
        self.recipe, self.encoder = recipe, encoder
        self.masked = recipe.kind == "chat"
        """Whether texts stand beside conversations: all of their tokens are learnt."""

    @property
    def columns(self) -> list[str]:
        """What is read of `text/` beside the text; sources of texts have nulls there."""
        return list(CONVERSATIONS.get(self.recipe.kind, ()))

    def render(self, batch: pa.RecordBatch) -> Rows:
        """A batch. Raises ChatError where turns are none any more, because editing or scrubbing left nothing of one."""
        kind = self.recipe.sources[batch.column("source")[0].as_py()].kind
        return {"text": self._texts, "chat": self._chat, "pairs": self._pairs, "prompts": self._prompts}[kind](batch)

    def _texts(self, batch: pa.RecordBatch) -> Rows:
        tokens, offsets = self.encoder.encode(batch.column("text"))
        mask = {"loss_mask": (tokens != BOS).astype(np.uint8)} if self.masked else {}
        return Rows(np.full(batch.num_rows, ""), tokens, offsets, mask)

    def _chat(self, batch: pa.RecordBatch) -> Rows:
        options = self.recipe.tokens
        turns = [parse(messages) for messages in _messages(batch, MESSAGES)]
        rendered = render_all(
            self.encoder, turns, learn=options.learn, ghost=options.ghost, most=options.sequence_length
        )
        return _rows(list(map(_alone, rendered)))

    def _pairs(self, batch: pa.RecordBatch) -> Rows:
        """The answers are learnt, and what the assistant said before is not: both conversations have it."""
        prompts, chosen, rejected = (_messages(batch, name) for name in (MESSAGES, CHOSEN, REJECTED))
        both = [
            _answered(parse(prompt + answer), len(prompt))
            for prompt, *answers in zip(prompts, chosen, rejected, strict=True)
            for answer in answers
        ]
        rendered = [one for one in render_all(self.encoder, both) if one is not None]  # nothing bounds them
        pairs = [list(pair) for pair in zip(rendered[::2], rendered[1::2], strict=True)]
        rows = _rows([_pair(pair, self.recipe.tokens.sequence_length) for pair in pairs])
        margin = batch.column("margin").fill_null(0).to_numpy()[rows.kept]
        begins = [len(pair[0].ids) for pair, kept in zip(pairs, rows.kept, strict=True) if kept]
        return replace(rows, columns={**rows.columns, "rejected": begins, "margin": margin.astype(np.float32)})

    def _prompts(self, batch: pa.RecordBatch) -> Rows:
        turns = [parse(messages, generation=True) for messages in _messages(batch, MESSAGES)]
        most = self.recipe.tokens.sequence_length - 1  # an answer has a token
        rows = _rows(list(map(_alone, render_all(self.encoder, turns, generation=True, most=most))))
        kept = batch.filter(pa.array(rows.kept))
        return replace(rows, columns={name: kept.column(name) for name in ("task", "answer")})


def _messages(batch: pa.RecordBatch, name: str) -> list[list[dict[str, Any]]]:
    return [json.loads(value) for value in batch.column(name).to_pylist()]


def _answered(turns: list[Turn], prompt: int) -> list[Turn]:
    return [replace(turn, learnt=turn.learnt and number >= prompt) for number, turn in enumerate(turns)]


def _alone(rendered: Rendered | None) -> list[Rendered] | str:
    return TOO_LONG if rendered is None else [rendered]


def _pair(pair: list[Rendered], most: int) -> list[Rendered] | str:
    chosen, rejected = pair
    if np.array_equal(chosen.ids, rejected.ids):
        return EQUAL
    return pair if len(chosen.ids) + len(rejected.ids) <= most else TOO_LONG


def _rows(documents: Sequence[list[Rendered] | str]) -> Rows:
    """Each of what was rendered for a document, one after the other; or why it is left out."""
    kept = [one for one in documents if not isinstance(one, str)]
    count_K = [sum(len(part.ids) for part in one) for one in kept]
    ids = [part.ids for one in kept for part in one]
    masks = [part.mask for one in kept for part in one]
    return Rows(
        np.array([one if isinstance(one, str) else "" for one in documents], dtype=np.str_),
        np.concatenate([np.zeros(0, np.int32), *ids]),
        np.cumsum([0, *count_K], dtype=np.int64),
        {"loss_mask": np.concatenate([np.zeros(0, np.uint8), *masks])},
    )
