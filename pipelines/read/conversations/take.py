"""A record that is a conversation, a pair or a prompt -> its text, and the columns beside it."""

from typing import Any, NamedTuple

from gristmill.pipelines.read.conversations.pairs import fields_of_pairs, take_pair
from gristmill.pipelines.read.conversations.prompts import fields_of_prompts, take_prompt
from gristmill.pipelines.read.conversations.turns import ALPACA, TOOLS, TURNS, checked, take_messages
from gristmill.pipelines.recipe.sources import Source
from gristmill.pipelines.records.conversations import MESSAGES, Messages, shown


class Taken(NamedTuple):
    """`beside`: what else the record says; turns are to become JSON."""

    text: str
    messages: dict[str, Messages]
    beside: dict[str, Any]


def take(record: dict[str, Any], source: Source) -> Taken:
    """Removes from a record what its text is made of. Raises BadRecordError."""
    beside: dict[str, Any] = {}
    if source.pairs is not None:
        messages, beside["margin"] = take_pair(record, source.pairs)
    elif source.prompts is not None:
        messages, beside["answer"], beside["task"] = take_prompt(record, source.prompts)
    else:
        messages = {MESSAGES: checked(take_messages(record, source.chat.field if source.chat else None))}
    return Taken(shown(messages), messages, beside)


def fields_taken(source: Source) -> set[str]:
    """The names of fields that `take` looks at."""
    if source.pairs is not None:
        return fields_of_pairs(source.pairs)
    if source.prompts is not None:
        return fields_of_prompts(source.prompts)
    field = source.chat.field if source.chat else None
    return {field, "system", *TOOLS} if field else {*TURNS, *ALPACA, *TOOLS}


def fields_needed(source: Source) -> dict[str, tuple[str, str]]:
    """Names of fields that no record can do without, or that the recipe names -> the recipe's key."""
    pairs, prompts = source.pairs, source.prompts
    if pairs is not None:
        named = {"chosen": pairs.chosen, "rejected": pairs.rejected, "prompt": pairs.prompt, "margin": pairs.margin}
    elif prompts is not None:
        named = {"answer": prompts.answer, "prompt": prompts.prompt}
    else:
        named = {"field": source.chat.field if source.chat else None}
    return {name: (source.kind, key) for key, name in named.items() if name is not None}
