"""How a bundled task is described, and the chance of its items."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gristmill.trainer.evaluate.tasks.items import Item

ITEMS, EXAMPLES = 200, 32
Make = Callable[[random.Random, str], Item]
"""An item, of a chance of its own, in a language."""


@dataclass(frozen=True)
class Bundled:
    """A task of items that code makes."""

    make: Make
    config: Mapping[str, Any]
    seed: str = ""
    """Tasks of the same seed have the same items, so that they can be compared item by item; "": its name."""

    def keys(self, name: str, lang: str) -> dict[str, Any]:
        """Of its YAML."""
        return {"task": f"{name}_{lang}", "metadata": {"version": 1}} | dict(self.config)

    def items(self, name: str, lang: str, split: str, count: int) -> list[Item]:
        """Different ones; those of a smaller count come first."""
        found: dict[str, Item] = {}
        number = 0
        while len(found) < count and number < 50 * count:
            item = self.make(random.Random(f"{self.seed or name} {lang} {split} {number}"), lang) | {"lang": lang}
            found.setdefault(str(sorted(item.items())), item)
            number += 1
        return list(found.values())


QUESTION = {"doc_to_text": "{{question}}\n", "target_delimiter": "", "fewshot_delimiter": "\n\n"}
"""A question on its line, the answer on the next."""


def written(most_tokens: int, **more: Any) -> dict[str, Any]:
    """A task whose answer is written, up to the end of the line."""
    return (
        {
            "output_type": "generate_until",
            "doc_to_target": "{{answer}}",
            "generation_kwargs": {"until": ["\n"], "max_gen_toks": most_tokens, "do_sample": False},
            "metric_list": [{"metric": "exact_match"}],
        }
        | QUESTION
        | more
    )


def chosen(**more: Any) -> dict[str, Any]:
    """A task whose answer is one of an item's choices."""
    return (
        {
            "output_type": "multiple_choice",
            "doc_to_choice": "{{choices}}",
            "doc_to_target": "{{answer}}",
        }
        | QUESTION
        | more
    )


def choices_of(rng: random.Random, right: str, wrong: list[str], count: int = 4) -> dict[str, Any]:
    """`choices` in a drawn order, `answer` the right one's number."""
    others = rng.sample(sorted(set(wrong) - {right}), count - 1)
    drawn = [right, *others]
    rng.shuffle(drawn)
    return {"choices": drawn, "answer": drawn.index(right)}
