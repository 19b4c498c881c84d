"""Prompts with answers that can be checked, as records hold them."""

from typing import Any

from gristmill.pipelines.errors import BadRecordError
from gristmill.pipelines.read.conversations.pairs import turns_or_text
from gristmill.pipelines.read.conversations.turns import TURNS, checked, first_of, take_system
from gristmill.pipelines.recipe.sources import Prompts
from gristmill.pipelines.records.conversations import MESSAGES, Messages

PROMPTS = (*TURNS, "prompt", "question", "problem", "instruction")
"""Fields that hold the prompt, where the recipe names none; the first that a record has."""
TASK = "task"


def take_prompt(record: dict[str, Any], asked: Prompts) -> tuple[dict[str, Messages], Any, str]:
    """Removes a record's prompt, answer and task and gives (turns by column, answer, task). Raises BadRecordError that
    names the field or what is wrong with the prompt."""
    name = asked.prompt or first_of(PROMPTS, record)
    if name is None or name not in record:
        wanted = f"field '{name}'" if name else f"prompt: none of {', '.join(PROMPTS)}"
        raise BadRecordError(f"MissingField: no {wanted}")
    prompt = checked(take_system(record) + turns_or_text(record.pop(name), name, "user"), generation=True)
    answer = record.pop(asked.answer, None)
    if answer is None or answer in ("", [], {}):
        raise BadRecordError(f"NoAnswer: field '{asked.answer}' says nothing, so that nobody can check an answer")
    task = asked.task or record.pop(TASK, None)
    if not isinstance(task, str) or not task:
        raise BadRecordError(f"MissingField: no field '{TASK}'; or `prompts: {{task: NAME}}` in the recipe")
    record.pop(TASK, None)
    return {MESSAGES: prompt}, answer, task


def fields_of_prompts(asked: Prompts) -> set[str]:
    """The fields that `take_prompt` looks at."""
    return {*([asked.prompt] if asked.prompt else PROMPTS), asked.answer, TASK, "system"}
