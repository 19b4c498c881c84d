# ruff: noqa: E501 - a template, a list of words and a form of address is one line each
"""Names of persons, made of Faker's values and lists of words.txt."""

import random
from functools import cache
from pathlib import Path

import jieba
from faker import Faker
from faker.providers.person.zh_CN import Provider as ChinesePerson

from gristmill.filters.pii.names.rules.dotted import SPELLED

US, GB, CN, TW, JP = (Faker(locale) for locale in ("en_US", "en_GB", "zh_CN", "zh_TW", "ja_JP"))
OTHERS = [
    Faker(locale)
    for locale in ("de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL", "pl_PL", "sv_SE", "en_IN", "pt_BR", "tr_TR")
]


FOLDER = Path(__file__).parent
_WORDS = dict(line.split(": ", 1) for line in (FOLDER / "words.txt").read_text(encoding="utf-8").splitlines())
(
    COMPOUNDS,
    FOREIGN,
    CITIES,
    PROVINCES,
    DISTRICTS,
    ROADS,
    ESTATES,
    COMPANY_TAIL,
    PRODUCTS,
    LOOK_ALIKE,
    COUNTRIES,
    OFFICES,
    RANKS,
) = (text.split("; ") for text in _WORDS.values())
"""Lists of words.txt, in its order."""


def seed(number: int) -> random.Random:
    """Seeds every source; returns the generator that templates draw from."""
    for faker in (US, GB, CN, TW, JP, *OTHERS):
        faker.seed_instance(number)
    return random.Random(number)


def pick(rng: random.Random, *options: str) -> str:
    return rng.choice(options)


# Names


def english_person(rng: random.Random) -> str:
    faker = rng.choice([US, US, US, GB, GB, rng.choice(OTHERS)])
    given, last = faker.first_name(), faker.last_name()
    r = rng.random()
    if r < 0.1:
        return f"{given} {rng.choice('ABCDEFGHJKLMNPRSTW')}. {last}"
    if r < 0.13:
        return f"{rng.choice('ABCDEFGHJKLMNPRSTW')}. {last}"
    if r < 0.16:
        return f"{given} {faker.first_name()} {last}"
    if r < 0.18:
        return f"{given} {last}-{faker.last_name()}"
    if r < 0.2:
        return f"{given} {rng.choice(['de', 'van', 'von', 'Van', 'De', 'O' + chr(39), 'Mc', 'Mac'])}{rng.choice(['', ' '])}{last}".replace(
            "' ", "'"
        )
    if r < 0.26:
        return pinyin_person(rng)
    if r < 0.29:
        return f"{given} {last}".upper()
    return f"{given} {last}"


def initials_and_surname(rng: random.Random) -> str:
    """D Humphreys, A.K. Dewdney, J. R. Moore: as in lists of players, councillors, authors."""
    joint = rng.choice([" ", " ", ".", ". "])
    initials = joint.join(rng.choices("ABCDEFGHJKLMNPRSTW", k=rng.choice([1, 1, 2])))
    return f"{initials}{joint.strip()} {rng.choice([US, GB, GB, rng.choice(OTHERS)]).last_name()}"


def pinyin_person(rng: random.Random) -> str:
    last = rng.choice(ChinesePerson.last_romanized_names)
    given = rng.choice(ChinesePerson.first_romanized_names)
    if rng.random() < 0.5:
        given = given + rng.choice(ChinesePerson.first_romanized_names).lower()
    return f"{given} {last}" if rng.random() < 0.4 else f"{last} {given}"


GIVEN = (
    "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂建华国志文玉春海梅红云飞鹏晨宇轩浩然梓涵雨欣子怡思远佳琪俊博雅婷晓东嘉诚雪莹美玲家豪淑惠"
    "振龙凯瑞天佑若曦诗涵一诺亦凡永康德胜福来根生翠花宝山长青少卿世昌仲勋维汉启超培元正清中和向阳立新学良兴邦炳文鸿章泽民锦涛小平恩来奇伟"
)


def chinese_given(rng: random.Random) -> str:
    if rng.random() < 0.4:
        return CN.first_name()
    return "".join(rng.choice(GIVEN) for _ in range(rng.choice([1, 2, 2, 2])))


def chinese_person(rng: random.Random) -> str:
    r = rng.random()
    if r < 0.2:
        return TW.name()
    if r < 0.24:
        return rng.choice(COMPOUNDS) + chinese_given(rng)
    last = CN.last_name() if rng.random() < 0.8 else rng.choice([*ChinesePerson.last_names])
    return last + chinese_given(rng)


def chinese_masked(rng: random.Random) -> str:
    """Surname alone, with what stands for the rest."""
    return CN.last_name() + rng.choice(["某", "某某", "某", "○○", "**", "×"])


@cache
def spelled_in_chinese() -> list[str]:
    """Foreign names of jieba's dictionary that are spelled with the characters for it."""
    found = []
    for line in (Path(jieba.__file__).with_name("dict.txt")).read_text(encoding="utf-8").splitlines():
        word, _, kind = line.split()
        if kind in ("nrt", "nr") and 2 <= len(word) <= 5 and all(c in SPELLED for c in word):
            found.append(word)
    return [word for word in found if not (len(word) < 4 and word[0] in ChinesePerson.last_names)]


@cache
def _pairs_in_chinese() -> dict[str, list[str]]:
    """Character of such names -> those that follow it, as often as they do; "" before the first and for the end."""
    after: dict[str, list[str]] = {}
    for name in spelled_in_chinese():
        for c, following in zip(["", *name], [*name, ""], strict=True):
            after.setdefault(c, []).append(following)
    return after


def unheard_in_chinese(rng: random.Random) -> str:
    """A foreign name that is in no list, of pairs of characters that are."""
    while True:
        name, c = "", rng.choice(_pairs_in_chinese()[""])
        while c and len(name) < 6:
            name += c
            c = rng.choice(_pairs_in_chinese()[c])
        if 2 <= len(name) <= 5:
            return name


def foreign_in_chinese(rng: random.Random) -> str:
    r = rng.random()
    if r < 0.15:
        return rng.choice(FOREIGN)
    word = rng.choice(spelled_in_chinese()) if rng.random() < 0.5 else unheard_in_chinese(rng)
    return word if r < 0.75 else f"{word}{rng.choice('···•‧')}{unheard_in_chinese(rng)}"


def japanese_person(rng: random.Random) -> str:
    return f"{JP.last_name()}{JP.first_name()}"


# Addresses
