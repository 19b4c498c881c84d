"""Memorisation by repetition: texts of random words stand once to 32 times among those that are learnt; how they go on
is asked of each, and of texts that were never read."""

import random

from gristmill.trainer.evaluate.bundled.lexicon import ANIMALS, ASPECTS, COLOURS, PEOPLE, PLACES, THINGS
from tests.benchmarks.proof.evaluation.asked import Asked
from tests.benchmarks.proof.runs import LANGUAGES

TIMES, TEXTS, WORDS, STEPS = (0, 1, 2, 4, 8, 16, 32), 20, 24, 140
SETTINGS: tuple[str, ...] = ("model.width=128",)
PREFIX, CONTINUED = {"en": 60, "zh": 20}, {"en": 20, "zh": 8}
VOCABULARY = [*ANIMALS, *ASPECTS, *COLOURS, *PEOPLE, *PLACES, *THINGS]


def memorisation(proof: Asked) -> None:
    """Trains on all of them in a drawn order; tells the share of texts that go on verbatim by how often they stood."""
    texts = {
        (lang, times, number): _text(random.Random(f"{lang} {times} {number}"), lang)
        for lang in LANGUAGES for times in TIMES for number in range(TEXTS)
    }  # fmt: skip
    read = [text for (_, times, _), text in texts.items() for _ in range(times)]
    random.Random(proof.seed).shuffle(read)
    unread = [text for (_, times, _), text in texts.items() if not times]
    model = proof.learn("repeated", read, unread, 128, STEPS, *SETTINGS)
    tasks = []
    for lang in LANGUAGES:
        cut, end = PREFIX[lang], PREFIX[lang] + CONTINUED[lang]
        items = [
            {"question": text[:cut], "answer": text[cut:end], "lang": lang, "source": f"{times:02d}"}
            for (own, times, _), text in texts.items()
            if own == lang
        ]
        tasks.append(
            proof.write_task(
                f"repeated_{lang}",
                items,
                output_type="generate_until",
                doc_to_text="{{question}}",
                doc_to_target="{{answer}}",
                target_delimiter="",
                metric_list=[{"metric": "memorised"}],
                generation_kwargs={"until": [], "max_gen_toks": 24, "do_sample": False},
            )
        )
    found = proof.ask(model, "repeated", tasks)
    told = [one["by"]["source"] for one in found.values()]
    for metric in ("verbatim", "memorised"):
        proof.keep(
            metric,
            {
                f"{times} times": sum(one[f"{times:02d}"][f"{metric},none"] for one in told) / len(told)
                for times in TIMES
            },
        )


def _text(rng: random.Random, lang: str) -> str:
    side = LANGUAGES.index(lang)
    return (" " if lang == "en" else "").join(rng.choice(VOCABULARY)[side] for _ in range(WORDS))
