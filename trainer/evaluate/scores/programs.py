"""pass@k of programs by their tests: Python in the sandbox, or the stack language of the bundled task.

metric_list: [{metric: pass_at_k, k: [1, 10], language: python, program: "{{prompt}}{{response}}\\n{{test}}"}]
"""

from collections.abc import Sequence
from typing import Any

from gristmill.trainer.errors import ConfigError, InputError
from gristmill.trainer.evaluate.sandbox.sandbox import Limits, run_programs
from gristmill.trainer.evaluate.scores import stack
from gristmill.trainer.evaluate.scores.summary import Value
from gristmill.trainer.evaluate.scores.texts import pass_at_k
from gristmill.trainer.evaluate.tasks import template
from gristmill.trainer.evaluate.tasks.items import Item

LANGUAGES = ("python", "stack")
OPTIONS = ("metric", "k", "language", "program", "seconds", "aggregation", "higher_is_better")


class PassAtK:
    """Tests the continuations of every item. Raises ConfigError for options that cannot be."""

    def __init__(self, options: dict[str, Any], samples: int, allowed: bool, where: str):
        if unknown := set(options) - set(OPTIONS):
            raise ConfigError(
                f"pass_at_k has no option {min(unknown)!r}", where=where, fix=f"one of: {', '.join(OPTIONS)}"
            )
        wanted = options.get("k", [1])
        wanted = [wanted] if isinstance(wanted, int) else wanted
        if not isinstance(wanted, list) or not wanted or not all(isinstance(k, int) and k > 0 for k in wanted):
            raise ConfigError("pass_at_k: `k` is no list of numbers", where=where, fix="k: [1, 10]")
        self.ks = [k for k in wanted if k <= samples]
        if not self.ks:
            raise ConfigError(
                f"pass@{min(wanted)} needs {min(wanted)} continuations of each prompt, there are {samples}",
                where=where,
                fix=f"--samples {min(wanted)} --temperature 0.8, or k: [1]",
            )
        self.language, self.template = options.get("language", "python"), options.get("program", "{{response}}")
        if self.language not in LANGUAGES:
            raise ConfigError(
                f"pass_at_k: language {self.language!r}", where=where, fix=f"one of: {', '.join(LANGUAGES)}"
            )
        if self.language == "python" and not allowed:
            raise ConfigError(
                "programs that the model writes would be run", where=where, fix="say `unsafe_code: true` in the task"
            )
        template.check(self.template, f"{where}, pass_at_k: program")
        self.limits, self.where = Limits(seconds=float(options.get("seconds", 5.0))), where

    def __call__(self, items: Sequence[Item], responses: Sequence[Sequence[str]]) -> list[dict[str, Value]]:
        """`pass@k` of each item. Equal programs are run once: what they give does not change."""
        programs = [
            [self._program(item, text, number) for text in texts]
            for number, (item, texts) in enumerate(zip(items, responses, strict=True))
        ]
        if self.language == "stack":
            passed = [
                [stack.passes(program, _tests(item, f"{self.where}, item {number}")) for program in mine]
                for number, (item, mine) in enumerate(zip(items, programs, strict=True))
            ]
        else:
            every = list(dict.fromkeys(program for mine in programs for program in mine))
            kinds = dict(zip(every, run_programs(every, self.limits), strict=True))
            passed = [[kinds[program].kind == "passed" for program in mine] for mine in programs]
        return [{f"pass@{k}": pass_at_k(len(mine), sum(mine), k) for k in self.ks} for mine in passed]

    def _program(self, item: Item, response: str, number: int) -> str:
        return template.filled(self.template, item | {"response": response}, f"{self.where}, item {number}")


def _tests(item: Item, where: str) -> list[stack.Test]:
    found = item.get("tests")
    numbers = isinstance(found, list) and all(
        isinstance(test, list | tuple)
        and len(test) == 2
        and all(isinstance(side, list | tuple) and all(isinstance(n, int) for n in side) for side in test)
        for test in found
    )
    if not found or not numbers:
        raise InputError(
            "the item has no tests", where=where, fix='"tests": [[[3, 4], [7]], ...]: stacks before and after'
        )
    return [(tuple(before), tuple(after)) for before, after in found]
