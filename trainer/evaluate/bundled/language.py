"""Sentences: translation by choice, sentiment from a few examples."""

import random

from gristmill.trainer.evaluate.bundled.lexicon import (
    ANIMALS,
    ASPECTS,
    BAD,
    COLOURS,
    EN,
    GOOD,
    PEOPLE,
    PLACES,
    THINGS,
    VERBS,
    ZH,
)
from gristmill.trainer.evaluate.bundled.made import Bundled, chosen
from gristmill.trainer.evaluate.tasks.items import Item

Words = tuple[tuple[str, str], ...]


def _sentence(words: Words) -> tuple[str, str]:
    """(English, Chinese) of who, does, which, what."""
    who, does, which, what = words
    return f"The {who[EN]} {does[EN]} the {which[EN]} {what[EN]}.", f"{who[ZH]}{does[ZH]}{which[ZH]}{what[ZH]}。"


def _translation(rng: random.Random, lang: str) -> Item:
    """`lang` is the language of the answers. Wrong ones differ in one word from the right one."""
    kinds = [[*PEOPLE, *ANIMALS], VERBS, COLOURS, THINGS]
    words = tuple(rng.choice(kind) for kind in kinds)
    made = {_sentence(words)}
    while len(made) < 4:
        place = rng.randrange(4)
        other = rng.choice([word for word in kinds[place] if word != words[place]])
        made.add(_sentence((*words[:place], other, *words[place + 1 :])))
    side = EN if lang == "en" else ZH
    right = _sentence(words)
    choices = sorted(one[side] for one in made)
    rng.shuffle(choices)
    question = f"English: {right[EN]}\nChinese:" if lang == "zh" else f"中文：{right[ZH]}\n英文："
    return {"question": question, "choices": choices, "answer": choices.index(right[side])}


def _sentiment(rng: random.Random, lang: str) -> Item:
    """A review of two aspects, both good or both bad."""
    good = rng.random() < 0.5
    side = EN if lang == "en" else ZH
    place = rng.choice(PLACES)[side]
    aspects = [aspect[side] for aspect in rng.sample(ASPECTS, 2)]
    said = [word[side] for word in rng.sample(GOOD if good else BAD, 2)]
    if lang == "en":
        question = f"Review: At the {place} the {aspects[0]} was {said[0]} and the {aspects[1]} was {said[1]}."
        choices = ["positive", "negative"]
    else:
        question = f"评论：在{place}，{aspects[0]}{said[0]}，{aspects[1]}{said[1]}。"
        choices = ["好评", "差评"]
    return {"question": question, "choices": choices, "answer": 0 if good else 1}


LANGUAGE = {
    "translation": Bundled(_translation, chosen()),
    "sentiment": Bundled(_sentiment, chosen(num_fewshot=4)),
}
