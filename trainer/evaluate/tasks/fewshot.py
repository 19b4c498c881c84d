"""Examples in the context: which ones, and the prompt that they make."""

import random

from gristmill.tokenizer.chat.turns import Turn
from gristmill.trainer.errors import ConfigError
from gristmill.trainer.evaluate.tasks import template
from gristmill.trainer.evaluate.tasks.items import Item
from gristmill.trainer.evaluate.tasks.task import Question, Task, item_hash, question

Context = str | tuple[Turn, ...]
"""What is asked, with what stands before it: a text that goes on, or a conversation that is answered."""


class Prompts:
    """Prompts of a task with `shots` examples each. Raises ConfigError where there are too few examples."""

    def __init__(self, task: Task, shots: int, seed: int = 1234):
        self.task, self.shots, self.seed = task, shots, seed
        self.pool = task.items if task.examples is None else task.examples
        self.hashes = [item_hash(item) for item in self.pool] if shots else []
        where = f"examples of task {task.name}"
        self.asked = [question(task.config, item, f"{where}, {n}") for n, item in enumerate(self.pool)] if shots else []
        if shots and task.config.output_type == "loglikelihood_rolling":
            raise ConfigError(
                "a text that is judged whole has no examples before it", where=f"task {task.name}", fix="--shots 0"
            )
        least = len(self.pool) - (task.examples is None)
        if shots > least:
            raise ConfigError(
                f"{shots} examples are asked for, there are {least}", where=where, fix=f"--shots {least} or less"
            )

    def context(self, number: int) -> Context:
        """All that stands before the answer of an item: its text, up to the delimiter of the answer, or its turns."""
        config, item = self.task.config, self.task.items[number]
        where = f"task {self.task.name}, item {number}"
        description = template.filled(config.description, item, where) if config.description else ""
        examples = [self.asked[chosen] for chosen in self._chosen(item)]
        if config.is_conversation:
            return _conversation(description, examples, self.task.questions[number])
        parts = [description]
        for one in examples:
            parts += [one.text, config.target_delimiter, _answer(one), config.fewshot_delimiter]
        return "".join([*parts, self.task.questions[number].text])

    def _chosen(self, item: Item) -> list[int]:
        """Numbers of the examples. Drawn ones are a function of the item and the seed alone: they do not hang on which
        other items there are, or on their order. An item is never an example of itself."""
        if not self.shots:
            return []
        own = item_hash(item)
        there = [number for number, found in enumerate(self.hashes) if found != own]
        if len(there) < self.shots:
            raise ConfigError(
                f"{self.shots} examples are asked for, {len(there)} differ from the item itself",
                where=f"examples of task {self.task.name}",
                fix=f"--shots {len(there)} or less",
            )
        if self.task.config.fewshot_config.get("sampler") == "first_n":
            return there[: self.shots]
        # By hash, so that the order of the examples' file does not matter either.
        there.sort(key=lambda number: self.hashes[number])
        return random.Random(f"{self.seed} {own}").sample(there, self.shots)


def _conversation(description: str, examples: list[Question], asked: Question) -> tuple[Turn, ...]:
    """Each example as turns that were answered; the instruction once, behind the task's description."""
    instruction = [turn.content for turn in asked.turns if turn.role == "system"]
    said = "\n\n".join(filter(None, (description.strip(), *instruction)))
    turns = [Turn("system", said)] if said else []
    for one in examples:
        turns += [*(turn for turn in one.turns if turn.role != "system"), Turn("assistant", _answer(one))]
    return (*turns, *(turn for turn in asked.turns if turn.role != "system"))


def _answer(one: Question) -> str:
    return one.answers[0]
