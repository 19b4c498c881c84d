"""Ghost Attention (Llama 2, section 3.3): how a model learns to keep an instruction over many turns.

When the answers are sampled, the instruction stands before every user's turn (`repeated`); when they are learnt, it
stands in the system turn alone (`once`), and only the last answer is learnt.
"""

from collections.abc import Sequence
from dataclasses import replace

from gristmill.tokenizer.chat.turns import Turn

BETWEEN = "\n\n"
"""Between the instruction and what the user says."""


def repeated(turns: Sequence[Turn]) -> list[Turn]:
    """The instruction before every user's turn, as answers are sampled; where there is none, as it was."""
    said = instruction(turns)
    return [replace(turn, content=said + BETWEEN + turn.content) if said and turn.role == "user" else turn
            for turn in turns]  # fmt: skip


def once(turns: Sequence[Turn]) -> list[Turn]:
    """The instruction in the system turn alone, as answers are learnt: not before users' turns, if it stands there."""
    said = instruction(turns)
    return [replace(turn, content=turn.content.removeprefix(said + BETWEEN)) if said and turn.role == "user" else turn
            for turn in turns]  # fmt: skip


def instruction(turns: Sequence[Turn]) -> str:
    """What the conversation's system turn says; "" where it has none."""
    return turns[0].content if turns and turns[0].role == "system" else ""
