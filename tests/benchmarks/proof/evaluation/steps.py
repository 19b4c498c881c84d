"""Chains of thought against direct answers: one model that has learnt both forms, told by one example which is asked;
and programs of the stack language, of which one of many is more often right than the first."""

import random

from gristmill.trainer.evaluate.bundled.symbols import SYMBOLS
from tests.benchmarks.proof.evaluation.asked import SMALL, Asked
from tests.benchmarks.proof.runs import LANGUAGES
from tests.benchmarks.proof.trained import Figures

DIGITS, SUMS, SUM_STEPS = 2, 24_000, 1300
PROGRAMS, PROGRAM_STEPS = 12_000, 900
ASKED = {"en": ("Add: ", "Add in steps: "), "zh": ("计算：", "分步计算：")}


def chain_of_thought(proof: Asked) -> None:
    """Sums of two numbers of DIGITS digits: one model, two prompts, the same sums behind both."""
    texts = []
    for number in range(SUMS):
        lang, form = LANGUAGES[number % 2], number // 2 % 2
        one = _sum(random.Random(f"learnt {number}"))
        answer = f"{one['steps']} = {one['answer']}" if form else one["answer"]
        texts.append(f"{ASKED[lang][form]}{one['question']}\n{answer}")
    model = proof.learn("sums", texts[100:], texts[:100], 64, SUM_STEPS, *SMALL)
    tasks = [_sum_task(proof, lang, form) for lang in LANGUAGES for form in (0, 1)]
    found = proof.ask(model, "sums", tasks)
    figures: Figures = {}
    for name, form in (("direct", 0), ("in steps", 1)):
        for lang in LANGUAGES:
            figures[f"{name}, {lang}"] = found[0, f"sum_{form}_{lang}"]["exact_match,none"]
    proof.keep("chain of thought", figures)


def _sum(rng: random.Random) -> dict[str, str]:
    """From the last digit on, every step with as many signs as any other: little is to be learnt but to add."""
    a, b = (rng.randrange(10 ** (DIGITS - 1), 10**DIGITS) for _ in range(2))
    carry, steps = 0, []
    for place in range(DIGITS):
        x, y = a // 10**place % 10, b // 10**place % 10
        steps.append(f"{x}+{y}+{carry}={x + y + carry:02d}")
        carry = (x + y + carry) // 10
    return {"question": f"{a}+{b}", "steps": " ".join(steps), "answer": f"{a + b:0{DIGITS + 1}d}"}


def _sum_task(proof: Asked, lang: str, form: int) -> str:
    items = [_sum(random.Random(f"told {lang} {number}")) for number in range(120)]
    path = proof.write_task(
        f"sum_{form}_{lang}", items, output_type="generate_until", doc_to_text=ASKED[lang][form] + "{{question}}\n",
        doc_to_target="{{answer}}", target_delimiter="",
        generation_kwargs={"until": ["\n"], "max_gen_toks": 40, "do_sample": False},
        filter_list=[{"name": "none", "filter": [{"function": "regex", "regex_pattern": r"(\d+)$"},
                                                 {"function": "take_first"}]}],
    )  # fmt: skip
    return str(path)


def passes(proof: Asked) -> None:
    """pass@1 and pass@10 by the estimator over 20 programs of each item, and by drawing ten others and looking."""
    texts = [
        f"{one['question']}\n{one['answer']}"
        for lang in LANGUAGES
        for one in SYMBOLS["stack"].items("stack", lang, "proof", PROGRAMS // 2)
    ]
    random.Random(0).shuffle(texts)
    model = proof.learn("programs", texts[100:], texts[:100], 96, PROGRAM_STEPS, *SMALL)
    tasks = [f"stack_{lang}" for lang in LANGUAGES]
    common = ("--shots", "0", "--limit", "100")
    estimated = proof.ask(model, "estimated", tasks, "--samples", "20", *common)
    drawn = [
        proof.ask(model, f"drawn-{seed}", tasks, "--samples", "10", *common, "--seed", str(seed)) for seed in range(3)
    ]
    figures: Figures = {}
    for k in (1, 10):
        figures[f"pass@{k}, estimator"] = _mean([estimated[0, task][f"pass@{k},none"] for task in tasks])
        figures[f"pass@{k}, by looking"] = _mean([one[0, task][f"pass@{k},none"] for one in drawn for task in tasks])
    proof.keep("pass@k", figures)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
