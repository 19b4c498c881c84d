"""The prompt of an item: examples, then what it asks."""

from gristmill.tokenizer.chat.turns import Turn
from gristmill.trainer.errors import ConfigError
from gristmill.trainer.evaluate.tasks import template
from gristmill.trainer.evaluate.tasks.examples import Examples
from gristmill.trainer.evaluate.tasks.task import Question, Task

Context = str | tuple[Turn, ...]
"""What is asked, with what stands before it: a text that goes on, or a conversation that is answered."""


class Prompts:
    """Prompts of a task with `shots` examples each. Raises ConfigError where there are too few examples."""

    def __init__(self, task: Task, shots: int, seed: int = 1234):
        self.task, self.shots = task, shots
        if shots and task.config.output_type == "loglikelihood_rolling":
            raise ConfigError(
                "a text that is judged whole has no examples before it", where=f"task {task.name}", fix="--shots 0"
            )
        self.examples = Examples(task, seed) if shots else None
        least = len(task.items) - 1 if task.examples is None else len(task.examples)
        if shots > least:
            raise ConfigError(
                f"{shots} examples are asked for, there are {least}",
                where=f"examples of task {task.name}",
                fix=f"--shots {least} or less",
            )

    def context(self, number: int) -> Context:
        """All that stands before the answer of an item: its text, up to the delimiter of the answer, or its turns."""
        config, item = self.task.config, self.task.items[number]
        where = f"task {self.task.name}, item {number}"
        description = template.filled(config.description, item, where) if config.description else ""
        examples = self.examples.before(number, self.shots) if self.examples else []
        if config.is_conversation:
            return _conversation(description, examples, self.task.questions[number])
        parts = [description]
        for one in examples:
            parts += [one.text, config.target_delimiter, _answer(one), config.fewshot_delimiter]
        return "".join([*parts, self.task.questions[number].text])


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
