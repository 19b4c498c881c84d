"""Examples in the context: a document is a list of things with their colours, of which half are the document's own one
and the others any. Which it is only the examples say, and each is wrong every second time, so that more say more.
"""

import random
from collections import Counter

from gristmill.trainer.evaluate.bundled.lexicon import ANIMALS, COLOURS
from tests.benchmarks.proof.evaluation.asked import SMALL, Asked
from tests.benchmarks.proof.runs import LANGUAGES
from tests.benchmarks.proof.trained import Figures

SHOTS, LISTS, LINES = (0, 1, 2, 4, 8, 16), 5, 24
DOCUMENTS, STEPS, LENGTH, OWN = 8000, 560, 96, 0.5


def few_shot(proof: Asked) -> None:
    """Trains on lists; asks for the own colour of lists that no training had, with 0 to 16 lines before."""
    rng = random.Random(0)
    texts = []
    for number in range(DOCUMENTS):
        lang = LANGUAGES[number % 2]
        own = rng.choice(COLOURS)
        texts.append("\n".join(f"{name} {value}" for name, value in (_line(rng, lang, own) for _ in range(LINES))))
    model = proof.learn("lists", texts[100:], texts[:100], LENGTH, STEPS, *SMALL)
    tasks = [_task(proof, lang, number) for lang in LANGUAGES for number in range(LISTS)]
    found = proof.ask(model, "few-shot", tasks, "--shots", ",".join(map(str, SHOTS)))
    figures: Figures = {}
    for shots in SHOTS:
        scores = [one["acc,none"] for (number, _), one in found.items() if number == shots]
        figures[f"{shots} examples"] = sum(scores) / len(scores)
    proof.keep("few-shot", figures)


def most_frequent(shots: int, draws: int = 20_000) -> float:
    """How often the most frequent colour of so many lines is the list's own: what can be known, by drawing."""
    rng, right = random.Random(1), 0.0
    for _ in range(draws):
        counts = Counter(_colour(rng, 0) for _ in range(shots))
        best = [place for place in range(len(COLOURS)) if counts[place] == max(counts.values(), default=0)]
        right += (0 in best) / len(best)
    return right / draws


def _colour(rng: random.Random, own: int) -> int:
    return own if rng.random() < OWN else rng.randrange(len(COLOURS))


def _line(rng: random.Random, lang: str, own: tuple[str, str]) -> tuple[str, str]:
    side = LANGUAGES.index(lang)
    return rng.choice(ANIMALS)[side], COLOURS[_colour(rng, COLOURS.index(own))][side]


def _task(proof: Asked, lang: str, number: int) -> str:
    rng, side = random.Random(f"asked {lang} {number}"), LANGUAGES.index(lang)
    own = rng.choice(COLOURS)
    choices = [value[side] for value in COLOURS]
    asked = [
        {"name": name[side], "choices": choices, "answer": own[side], "n": n} for n in range(3) for name in ANIMALS
    ]
    told = [{"name": name, "choices": choices, "answer": value, "n": 100 + n}
            for n in range(96) for name, value in [_line(rng, lang, own)]]  # fmt: skip
    path = proof.write_task(
        f"list_{lang}_{number}", asked, told, output_type="multiple_choice", doc_to_text="{{name}}",
        doc_to_choice="{{choices}}", doc_to_target="{{answer}}", fewshot_delimiter="\n",
    )  # fmt: skip
    return str(path)
