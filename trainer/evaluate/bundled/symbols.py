"""Lists, numbers and programs: sorting, reversing, copying, looking up, adding with and without steps, a stack."""

import random

from gristmill.trainer.evaluate.bundled.lexicon import ANIMALS, COLOURS, EN, THINGS, ZH
from gristmill.trainer.evaluate.bundled.made import Bundled, choices_of, chosen, written
from gristmill.trainer.evaluate.scores.stack import run
from gristmill.trainer.evaluate.tasks.items import Item
from gristmill.trainer.tasks.registry import open_task


def _asked(task: str) -> Bundled:
    """One of the tasks that policies are trained on: one example, whose seed is the item's chance."""

    def make(rng: random.Random, lang: str) -> Item:
        (example,) = open_task(task).examples(rng.randrange(1 << 30), 1, lang)
        return {"question": example.messages[0]["content"], "answer": example.response}

    return Bundled(make, written(24))


def _steps(rng: random.Random, lang: str) -> Item:
    """Addition from the last digit on, each step written down."""
    a, b = rng.randrange(1000), rng.randrange(1000)
    carry, steps = 0, []
    for place in range(max(len(str(a)), len(str(b)))):
        x, y = a // 10**place % 10, b // 10**place % 10
        total = x + y + carry
        steps.append(f"{x} + {y} + {carry} = {total}")
        carry = total // 10
    question = {"en": f"Add: {a} + {b}", "zh": f"计算：{a} + {b}"}[lang]
    return {"question": question, "steps": ", ".join(steps), "answer": str(a + b)}


def _look_up(rng: random.Random, lang: str) -> Item:
    """A list of names and numbers, of which one is asked."""
    side = EN if lang == "en" else ZH
    names = rng.sample([word[side] for word in [*ANIMALS, *THINGS]], 6)
    numbers = [str(number) for number in rng.sample(range(10, 100), 6)]
    place = rng.randrange(6)
    gap, colon = ({"en": ", ", "zh": "，"}[lang], {"en": ": ", "zh": "："}[lang])
    listed = gap.join(f"{name}{colon}{number}" for name, number in zip(names, numbers, strict=True))
    question = {"en": f"{listed}. Which number has {names[place]}?", "zh": f"{listed}。{names[place]}是多少？"}[lang]
    return {"question": question} | choices_of(rng, numbers[place], numbers)


PROGRAMS = [
    "+",
    "-",
    "*",
    "dup +",
    "dup *",
    "swap -",
    "drop",
    "swap drop",
    "over",
    "neg",
    "1 +",
    "2 *",
    "over +",
    "+ neg",
    "10 *",
    "3 -",
    "dup * neg",
    "swap",
    "dup",
    "5 + 2 *",
]


def _program(rng: random.Random, lang: str) -> Item:
    """Two stacks before and after, from which the program is to be found; four others are its tests."""
    program = rng.choice(PROGRAMS)
    stacks = [(rng.randrange(2, 20), rng.randrange(2, 20)) for _ in range(6)]
    tests = [[list(stack), list(run(program, stack))] for stack in stacks]
    before, after = {"en": ("before", "after"), "zh": ("之前", "之后")}[lang]
    shown = "; ".join(f"{before} {_spelt(test[0])} {after} {_spelt(test[1])}" for test in tests[:2])
    return {"question": shown, "answer": program, "tests": tests}


def _spelt(stack: list[int]) -> str:
    return " ".join(map(str, stack))


def _odd_one(rng: random.Random, lang: str) -> Item:
    """Which word stood in the list: choices of the same kind."""
    side = EN if lang == "en" else ZH
    words = [word[side] for word in [*ANIMALS, *COLOURS, *THINGS]]
    listed = rng.sample(words, 5)
    gap = {"en": " ", "zh": "、"}[lang]
    question = {
        "en": f"The list: {gap.join(listed)}. One word of the list:",
        "zh": f"列表：{gap.join(listed)}。列表中的一个词：",
    }[lang]
    return {"question": question} | choices_of(rng, rng.choice(listed), [word for word in words if word not in listed])


LAST = {"function": "regex", "regex_pattern": r"#### (\d+)"}
STEPS = written(
    96,
    doc_to_target="{{steps}} #### {{answer}}",
    filter_list=[{"name": "none", "filter": [LAST, {"function": "take_first"}]}],
    metric_list=[{"metric": "exact_match", "regexes_to_ignore": ["(?s).*#### "]}],
)
VOTE = STEPS | {
    "repeats": 5,
    "generation_kwargs": {"until": ["\n"], "max_gen_toks": 96, "do_sample": True, "temperature": 0.7},
    "filter_list": [
        {"name": "first", "filter": [LAST, {"function": "take_first"}]},
        {"name": "vote", "filter": [LAST, {"function": "majority_vote"}]},
    ],
}
STACK = written(
    12,
    repeats=10,
    generation_kwargs={"until": ["\n"], "max_gen_toks": 12, "do_sample": True, "temperature": 0.8},
    metric_list=[{"metric": "pass_at_k", "k": [1, 10], "language": "stack"}],
    num_fewshot=4,
)

SYMBOLS = {
    "sort": _asked("sort/4"),
    "reverse": _asked("reverse/4"),
    "copy": _asked("copy/4"),
    "addition": Bundled(_steps, written(12), seed="addition"),
    "addition_steps": Bundled(_steps, STEPS, seed="addition"),
    "addition_vote": Bundled(_steps, VOTE, seed="addition"),
    "look_up": Bundled(_look_up, chosen()),
    "recall": Bundled(_odd_one, chosen()),
    "stack": Bundled(_program, STACK),
}
