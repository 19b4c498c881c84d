"""Pairs of answers as records hold them: a prompt with two answers, or two conversations that begin alike."""

import math
from contextlib import suppress
from itertools import takewhile
from typing import Any

from gristmill.pipelines.errors import BadRecordError
from gristmill.pipelines.read.conversations.turns import checked, first_of, messages_of, take_system
from gristmill.pipelines.recipe.sources import Pairs
from gristmill.pipelines.records.conversations import CHOSEN, MESSAGES, REJECTED, Messages
from gristmill.tokenizer.chat.errors import ChatError
from gristmill.tokenizer.chat.turns import turn_of

PROMPTS = ("prompt", "question", "instruction", "messages")
"""Fields that hold the prompt, where the recipe names none; the first that a record has."""
EQUAL = "EqualAnswers: chosen and rejected are the same"
MARGIN, SCORES = "margin", ("score_chosen", "score_rejected")


def take_pair(record: dict[str, Any], asked: Pairs) -> tuple[dict[str, Messages], float | None]:
    """Removes a record's prompt and answers and gives them as turns by column, and by how much the chosen answer is
    better, where the record says so. Raises BadRecordError that names the field or what is wrong with the pair."""
    names = (asked.chosen, asked.rejected)
    for name in names:
        if name not in record:
            raise BadRecordError(f"MissingField: no field '{name}'")
    margin = _margin(record, asked.margin)
    if margin is not None and margin < 0:
        raise BadRecordError("NegativeMargin: by its margin or its scores the rejected answer is the better one")
    prompt = _prompt(record, asked.prompt)
    chosen, rejected = (turns_or_text(record.pop(name), name, "assistant") for name in names)
    if chosen[0]["role"] != "assistant" or rejected[0]["role"] != "assistant":  # whole conversations
        prompt, chosen, rejected = _common(chosen, rejected)
        if prompt and prompt[0]["role"] != "system":
            prompt = take_system(record) + prompt
    if not prompt:
        raise BadRecordError(f"MissingField: no prompt: none of {', '.join(PROMPTS)}, and the answers hold none")
    checked(prompt, generation=True)
    for answer in (chosen, rejected):
        checked(prompt + answer)
        if all(turn["role"] != "assistant" or turn.get("weight") == 0 for turn in answer):
            raise BadRecordError("NoAssistantTurn: no turn of an answer is there to be learnt")
    if _told(chosen) == _told(rejected):
        raise BadRecordError(EQUAL)
    return {MESSAGES: prompt, CHOSEN: chosen, REJECTED: rejected}, margin


def fields_of_pairs(asked: Pairs) -> set[str]:
    """The fields that `take_pair` looks at."""
    margin = {asked.margin} if asked.margin else {MARGIN, *SCORES}
    return {*([asked.prompt] if asked.prompt else PROMPTS), asked.chosen, asked.rejected, "system", *margin}


def turns_or_text(value: Any, name: str, role: str) -> Messages:
    """The turns of a prompt or an answer: as they are, as JSON, or one text of a role."""
    if not isinstance(value, str):
        return messages_of(value, name)
    if value.lstrip().startswith("["):
        with suppress(BadRecordError):  # a text may begin with a bracket
            return messages_of(value, name)
    return [{"role": role, "content": value}]


def _prompt(record: dict[str, Any], field: str | None) -> Messages:
    name = field or first_of(PROMPTS, record)
    if name is None or name not in record:
        return []
    return take_system(record) + turns_or_text(record.pop(name), name, "user")


def _common(chosen: Messages, rejected: Messages) -> tuple[Messages, Messages, Messages]:
    """(what both conversations begin with, and how each goes on)."""
    both = _told(chosen), _told(rejected)
    if both[0] == both[1]:
        raise BadRecordError(EQUAL)
    same = sum(1 for _ in takewhile(lambda turns: turns[0] == turns[1], zip(*both, strict=False)))
    answers = chosen[same:], rejected[same:]
    if not all(answer and answer[0]["role"] == "assistant" for answer in answers):
        raise BadRecordError("DifferentPrompts: chosen and rejected do not answer the same conversation")
    return chosen[:same], *answers


def _told(answer: Messages) -> list[tuple[str, str]]:
    """What is said, whatever else a message holds. Raises BadRecordError for a message that is none."""
    try:
        return [(message["role"], turn_of(message).text.strip()) for message in answer]
    except ChatError as error:
        raise BadRecordError(str(error)) from None


def _margin(record: dict[str, Any], field: str | None) -> float | None:
    """Removes a field of the margin; scores stay in the record, since they say more than their difference."""
    name = field or MARGIN
    if name in record:
        value = record.pop(name)
        if value is not None and _number(value) is None:
            raise BadRecordError(f"WrongType: field '{name}' is no number")
        return _number(value)
    chosen, rejected = (_number(record.get(name)) for name in SCORES)
    return None if field or chosen is None or rejected is None else _number(chosen - rejected)


def _number(value: Any) -> float | None:
    try:
        number = None if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if number is not None and math.isfinite(number) else None
