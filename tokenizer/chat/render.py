"""Turns -> the ids that a model reads and the mask of those that it learns, made together.

    <bos> <|system|> text <|end|> <|user|> text <|end|> <|assistant|> text <|end|> <eos>
                                                                      1111 1111111

Text between special ids is encoded by itself, so that nothing that somebody types becomes one of them.

Letters: T tokens of a conversation.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from gristmill.tokenizer.chat.errors import ChatError
from gristmill.tokenizer.chat.ghost import once
from gristmill.tokenizer.chat.turns import Turn, calls_in
from gristmill.tokenizer.encode import Encoder
from gristmill.tokenizer.special_ids import ASSISTANT, BOS, END, EOS, SYSTEM, TOOL, USER

ROLE_IDS = {"system": SYSTEM, "user": USER, "assistant": ASSISTANT, "tool": TOOL}
Learn = Literal["assistant", "last"]
"""Which turns are learnt: every one of the assistant, or the last one."""


@dataclass(frozen=True)
class Rendered:
    """One conversation."""

    ids: np.ndarray
    """int32 (T,)"""
    mask: np.ndarray
    """uint8 (T,): 1 where the token itself is to be learnt, the assistant's text and its END."""
    left_out: int = 0
    """Turns at the end for which there was no room."""


class _Span(NamedTuple):
    """A turn, and its ids with the role's and END."""

    turn: Turn
    ids: np.ndarray


def render(
    encoder: Encoder,
    turns: Sequence[Turn],
    *,
    generation: bool = False,
    learn: Learn = "assistant",
    ghost: bool = False,
    most: int | None = None,
) -> Rendered:
    """One conversation; see `render_all`. Raises ChatError where not even its first answer fits into `most` tokens."""
    (rendered,) = render_all(encoder, [turns], generation=generation, learn=learn, ghost=ghost, most=most)
    if rendered is None:
        raise ChatError("TooLong", f"the first answer does not end within {most} tokens")
    return rendered


def render_all(
    encoder: Encoder,
    conversations: Sequence[Sequence[Turn]],
    *,
    generation: bool = False,
    learn: Learn = "assistant",
    ghost: bool = False,
    most: int | None = None,
) -> list[Rendered | None]:
    """Conversations that `parse` has checked; the ids are those of `apply_chat_template`, then EOS.

    `generation`: in place of EOS the id of the assistant, who is to go on; nothing is learnt. `ghost`: the instruction
    stands in the system turn alone, and only the last answer is learnt. `most`: tokens that there is room for. What is
    longer ends behind an earlier answer, without EOS: whole turns are left out. None: no answer that is to be learnt
    ends in time, or with `generation` it does not fit at all.
    """
    if ghost:
        conversations, learn = [once(turns) for turns in conversations], "last"
    texts = [turn.text for turns in conversations for turn in turns]
    tokens, offsets = encoder.encode(texts, bos=False, eos=False)
    spans = _spans(conversations, tokens.astype(np.int32), offsets.tolist())
    made = ([next(spans) for _ in turns] for turns in conversations)
    return [_prompt(one, most) if generation else _fitting(one, learn, most) for one in made]


def read_turns(encoder: Encoder, ids: Sequence[int]) -> list[Turn]:
    """The turns that ids stand for, as `render` wrote them; what follows the last END is left out."""
    roles = {number: role for role, number in ROLE_IDS.items()}
    turns: list[Turn] = []
    role, begin = "", 0
    for place, number in enumerate(ids):
        if number in roles:
            role, begin = roles[number], place + 1
        elif number == END and role:
            text = encoder.decode(ids[begin:place])
            turn = Turn(role, *calls_in(text)) if role == "assistant" else Turn(role, text)
            turns.append(turn if turn.text == text else Turn(role, text))
            role = ""
    return turns


def _spans(conversations: Sequence[Sequence[Turn]], tokens: np.ndarray, offsets: list[int]) -> Iterator[_Span]:
    turns = (turn for turns in conversations for turn in turns)
    for number, turn in enumerate(turns):
        text = tokens[offsets[number] : offsets[number + 1]]
        ids = np.empty(len(text) + 2, np.int32)
        ids[0], ids[1:-1], ids[-1] = ROLE_IDS[turn.role], text, END
        yield _Span(turn, ids)


def _prompt(spans: list[_Span], most: int | None) -> Rendered | None:
    ids = _joined(spans, ASSISTANT)
    return None if most is not None and len(ids) > most else Rendered(ids, np.zeros(len(ids), np.uint8))


def _fitting(spans: list[_Span], learn: Learn, most: int | None) -> Rendered | None:
    """As many turns as fit; those at the end of which an answer stands, where not all do."""
    length_T = 1 + np.cumsum([len(span.ids) for span in spans])
    if most is None or length_T[-1] + 1 <= most:
        return Rendered(_joined(spans, EOS), _mask(spans, learn, 1))
    kept = next((n for n in range(len(spans), 0, -1) if length_T[n - 1] <= most and spans[n - 1].turn.is_learnt), 0)
    if not kept:
        return None
    return Rendered(_joined(spans[:kept]), _mask(spans[:kept], learn, 0), len(spans) - kept)


def _joined(spans: list[_Span], *last: int) -> np.ndarray:
    return np.concatenate([np.array([BOS], np.int32), *(span.ids for span in spans), np.array(last, np.int32)])


def _mask(spans: list[_Span], learn: Learn, behind: int) -> np.ndarray:
    """`behind`: ids that follow the last turn."""
    learnt = [number for number, span in enumerate(spans) if span.turn.is_learnt]
    chosen = set(learnt[-1:] if learn == "last" else learnt)
    parts = [np.full(len(span.ids), number in chosen, np.uint8) for number, span in enumerate(spans)]
    for part in parts:
        part[0] = 0  # who speaks is not the speaker's to learn
    return np.concatenate([np.zeros(1, np.uint8), *parts, np.zeros(behind, np.uint8)])
