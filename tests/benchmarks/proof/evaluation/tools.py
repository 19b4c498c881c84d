"""Sums with a calculator and without: one model that has learnt to call it where the system turn offers it, and to
answer at once where nothing is offered; greedily, on examples that no training had."""

import random
from typing import Any, ClassVar

from gristmill.tokenizer.encode import Encoder
from gristmill.trainer.evaluate.sampling import Sampling
from gristmill.trainer.rollouts.accuracy import accuracy
from gristmill.trainer.rollouts.calculator import calculated
from gristmill.trainer.rollouts.tools import ToolReply
from gristmill.trainer.tasks.add import ASKED
from gristmill.trainer.tasks.protocol import Example
from gristmill.trainer.tasks.registry import open_task
from tests.benchmarks.proof.evaluation.asked import SMALL, Asked
from tests.benchmarks.proof.runs import LANGUAGES, Messages, make_tokenizer, write_talks, write_texts
from tests.benchmarks.proof.settings import SHAPE, TUNING, Stage
from tests.benchmarks.proof.trained import open_model

TASK, TALKS, STEPS, LENGTH, ANSWER = f"{__file__}:Sums", 6000, 2000, 96, 40
TRAINED_ON = 5


class Adder:
    """Of a `Tool`: the calculator's arithmetic under a short definition, which every conversation here is read with."""

    definition: ClassVar[dict[str, Any]] = {"name": "add", "parameters": {}}

    def __call__(self, arguments: dict[str, Any]) -> str:
        """Of a `Tool`."""
        return calculated(str(arguments.get("sum")))


OFFERED = [{"type": "function", "function": Adder.definition}]


class Sums:
    """Sums of two numbers of three digits that have three digits: too many to be known, easy to hand on."""

    def examples(self, seed: int, count: int, lang: str) -> list[Example]:
        """Of a `Task`."""
        rng = random.Random(f"{seed} {lang}")
        pairs = [(rng.randrange(100, 500), rng.randrange(100, 500)) for _ in range(count)]
        return [Example([{"role": "user", "content": f"{ASKED[lang]}{a} + {b}"}], str(a + b)) for a, b in pairs]

    def score(self, text: str, answer: str) -> float:
        """Of a `Task`."""
        return float(text.strip() == answer)


def tool_use(proof: Asked) -> None:
    """Trains on both kinds of conversations; asks the same examples with the calculator and without."""
    talks = [talk for lang in LANGUAGES for talk in _talks(TRAINED_ON, TALKS, lang)]
    random.Random(0).shuffle(talks)
    texts = [str(turn["content"]) for talk in talks for turn in talk if turn["content"]]
    calls = [f'<tool_call>{{"name": "add", "arguments": {{"sum": "{text}"}}}}</tool_call>' for text in texts]
    tokenizer = make_tokenizer(proof.fresh("tools-tokens"), [*texts, *calls[:2000], *[str(OFFERED)] * 200])
    write_texts(proof.fresh("digits"), tokenizer, {"train": texts[:2000], "validation": texts[:20]}, 64)
    held = [talk for lang in LANGUAGES for talk in _talks(TRAINED_ON + 1, 10, lang)]
    write_talks(proof.fresh("tools"), tokenizer, {"train": talks, "validation": held}, LENGTH)
    base = proof.train(
        "", "digits", "base", Stage(20, (*SHAPE, *TUNING, f"model.context={LENGTH}", f"seed={proof.seed}"))
    )
    tuned = proof.train("sft", "tools", "sft", Stage(STEPS, (*TUNING, *SMALL)), begin=base)
    model, encoder = open_model(tuned), Encoder(tokenizer)
    reply = ToolReply(encoder, [Adder()])
    figures = {}
    for lang in LANGUAGES:
        for name, tools in (("none", None), ("tool", reply)):
            told = accuracy(model, encoder, TASK, lang, examples=100, seed=proof.examples, most_tokens=ANSWER,
                            sampling=Sampling(temperature=0), tools=tools)  # fmt: skip
            figures[f"{name}, {lang}"] = told.exact
    proof.keep("tool use", figures)


def _talks(seed: int, count: int, lang: str) -> list[Messages]:
    """Three of four with the calculator."""
    made: list[Messages] = []
    for number, one in enumerate(open_task(TASK).examples(seed, count, lang)):
        asked: list[dict[str, Any]] = list(one.messages)
        if number % 4:
            expression = str(asked[-1]["content"]).partition(": " if lang == "en" else "：")[2]
            call = {"name": "add", "arguments": {"sum": expression}}
            asked = [{"role": "system", "content": "", "tools": OFFERED}, *asked,
                     {"role": "assistant", "content": None, "tool_calls": [call]},
                     {"role": "tool", "content": one.response}]  # fmt: skip
        made.append([*asked, {"role": "assistant", "content": one.response}])
    return made
