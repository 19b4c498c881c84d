"""Which examples stand before an item: drawn for it, the first ones, those most like it, or as many of each class.

fewshot_config: {sampler: similar}
fewshot_config: {sampler: balanced, by: label}      # a field; without: the right answer
"""

import random
import unicodedata
from collections.abc import Callable, Iterator
from functools import cached_property

from gristmill.trainer.errors import ConfigError
from gristmill.trainer.evaluate.ranking import Ranking
from gristmill.trainer.evaluate.tasks.task import Question, Task, item_hash, question


class Examples:
    """The examples of a task. Raises ConfigError, InputError for one that is none."""

    def __init__(self, task: Task, seed: int):
        self.task, self.seed, self.where = task, seed, f"examples of task {task.name}"
        self.pool = task.items if task.examples is None else task.examples
        self.hashes = [item_hash(item) for item in self.pool]
        self.asked = [question(task.config, item, f"{self.where}, {n}") for n, item in enumerate(self.pool)]
        self.sampler = task.config.fewshot_config.get("sampler", "default")
        if self.sampler == "balanced":
            _ = self._class_of

    def before(self, number: int, shots: int) -> list[Question]:
        """The examples of an item, in their order: a function of the item, the pool and the seed alone, not of which
        other items there are, or of any order. An item is never an example of itself, nor is one that asks the
        same, whatever other fields it has. Raises ConfigError where there are too few."""
        own, asked = item_hash(self.task.items[number]), self.task.questions[number]
        same = set(self._places_of.get(said(asked), ()))
        there = [place for place, found in enumerate(self.hashes) if found != own and place not in same]
        if len(there) < shots:
            raise ConfigError(
                f"{shots} examples are asked for, {len(there)} differ from the item itself",
                where=self.where,
                fix=f"--shots {len(there)} or less",
            )
        if self.sampler == "first_n":
            return [self.asked[place] for place in there[:shots]]
        there.sort(key=self.hashes.__getitem__)  # the order of the examples' file does not matter either
        chance = random.Random(f"{self.seed} {own}")
        choose = _BY_CONTENT.get(self.sampler, _drawn)
        return [self.asked[place] for place in choose(self, asked, there, shots, chance)]

    @cached_property
    def ranking(self) -> Ranking:
        """Of what the examples ask, without their answers."""
        return Ranking(asked_text(one) for one in self.asked)

    @cached_property
    def _places_of(self) -> dict[tuple[str, ...], list[int]]:
        found: dict[tuple[str, ...], list[int]] = {}
        for place, one in enumerate(self.asked):
            found.setdefault(said(one), []).append(place)
        return found

    @cached_property
    def _class_of(self) -> list[str]:
        field = self.task.config.fewshot_config.get("by")
        if field is None:
            return [str(one.right[0]) if one.right else "".join(one.answers[:1]) for one in self.asked]
        if missing := [place for place, item in enumerate(self.pool) if item.get(field) is None]:
            raise ConfigError(
                f"field {field!r}, by which examples are balanced, is not there",
                where=f"{self.where}, {missing[0]}",
                fix="fewshot_config: {sampler: balanced, by: FIELD}; without `by` it is the right answer",
            )
        return [str(item[field]) for item in self.pool]


def _drawn(examples: Examples, asked: Question, there: list[int], shots: int, chance: random.Random) -> list[int]:
    return chance.sample(there, shots)


def _similar(examples: Examples, asked: Question, there: list[int], shots: int, chance: random.Random) -> list[int]:
    """The most like the question stands next to it (Liu et al. 2022, "What Makes Good In-Context Examples for
    GPT-3?"); of equal ones, as of those without a word in common, by their hashes."""
    score_D = examples.ranking.scores(asked_text(asked))
    return sorted(there, key=lambda place: -score_D[place])[:shots][::-1]


def _balanced(examples: Examples, asked: Question, there: list[int], shots: int, chance: random.Random) -> list[int]:
    """One of each class after the other, as long as there are any: their numbers differ by one at most, where no class
    is used up. Which of a class, which class has one more, and the order are drawn."""
    classes: dict[str, list[int]] = {}
    for place in there:
        classes.setdefault(examples._class_of[place], []).append(place)
    piles = [classes[name] for name in sorted(classes)]
    for pile in piles:
        chance.shuffle(pile)
    chance.shuffle(piles)
    found = [place for _, place in zip(range(shots), _turn_by_turn(piles), strict=False)]
    chance.shuffle(found)
    return found


def _turn_by_turn(piles: list[list[int]]) -> Iterator[int]:
    for turn in range(max(map(len, piles))):
        yield from (pile[turn] for pile in piles if turn < len(pile))


_BY_CONTENT: dict[str, Callable[[Examples, Question, list[int], int, random.Random], list[int]]] = {
    "similar": _similar,
    "balanced": _balanced,
}


def asked_text(one: Question) -> str:
    """What is asked, without the answer; an instruction is not asked."""
    return "\n".join([one.text, *(turn.text for turn in one.turns if turn.role != "system")])


def said(one: Question) -> tuple[str, ...]:
    """What two questions have in common that ask the same: width, case and white space do not matter."""
    asked = _plain(asked_text(one))
    return (asked, *sorted(map(_plain, one.choices))) if asked else tuple(map(_plain, one.answers))


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())
