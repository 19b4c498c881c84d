"""Documents with evaluation items planted in them, changed as texts are on their way through the web; hard negatives.

All from a seed: other seeds and other host texts give a held-out set. Whoever makes a set brings host documents.
"""

import random
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gristmill.filters.contamination.items import Item

NAMES = [
    "Ada",
    "Bertrand",
    "Chidi",
    "Daria",
    "Elif",
    "Farid",
    "Greta",
    "Hamid",
    "Ines",
    "Jonas",
    "Kofi",
    "Lena",
    "Marek",
    "Nadia",
    "Otis",
    "Priya",
    "Quentin",
    "Rosa",
]
THINGS = [
    "barrels",
    "lanterns",
    "notebooks",
    "pears",
    "saplings",
    "marbles",
    "tickets",
    "kettles",
    "ropes",
    "tiles",
    "candles",
    "buttons",
    "maps",
    "drums",
]
PLACES = [
    "harbour",
    "orchard",
    "library",
    "bakery",
    "workshop",
    "station",
    "market",
    "observatory",
    "school",
    "ferry",
    "greenhouse",
    "foundry",
]
TRADES = [
    "surveyor",
    "cooper",
    "glazier",
    "botanist",
    "archivist",
    "miller",
    "potter",
    "actuary",
    "mason",
    "chandler",
    "farrier",
    "weaver",
]
NOUNS = [
    "boundary",
    "pressure",
    "lineage",
    "voltage",
    "tariff",
    "ledger",
    "enzyme",
    "orbit",
    "glacier",
    "cadence",
    "treaty",
    "lattice",
    "membrane",
]
FIELDS = [
    "hydrology",
    "metallurgy",
    "jurisprudence",
    "phonetics",
    "optics",
    "genetics",
    "accounting",
    "topology",
    "ecology",
    "navigation",
]
姓 = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨"
名 = ["建国", "秀英", "志强", "丽华", "文博", "雨桐", "海燕", "国栋", "晓梅", "天佑"]
物 = ["苹果", "铅笔", "灯笼", "书本", "橘子", "纽扣", "瓷砖", "蜡烛", "船票", "树苗"]
地 = ["码头", "果园", "图书馆", "面包房", "车站", "集市", "天文台", "学校", "温室", "铸造厂"]
学 = ["水文学", "冶金学", "合同法", "语音学", "光学", "遗传学", "会计学", "拓扑学", "生态学", "航海学"]
词 = ["边界", "压强", "谱系", "电压", "关税", "账目", "酶活性", "轨道", "冰川", "条约", "晶格", "薄膜"]

COMMON = {
    "en": ["Which of the following is true?", "What is the main idea of the passage?", "How many are left in total?",
           "All of the above.", "None of these answers is correct.", "Read the text and answer the question below.",
           "Explain your answer in one or two sentences."],
    "zh": ["下列说法正确的是", "以上都不对", "请阅读下面的材料，回答问题。", "一共还剩多少个？", "请选择最合适的答案。",
           "根据上文，下列哪一项是错误的？"],
}  # fmt: skip


def math_en(rng: random.Random, prose: Sequence[str]) -> Item:
    who, other, what, where = rng.choice(NAMES), rng.choice(NAMES), rng.choice(THINGS), rng.choice(PLACES)
    a, b, c = rng.randint(11, 99), rng.randint(3, 40), rng.randint(2, 9)
    question = rng.choice([
        f"{who} keeps {a} {what} at the {where}. On Monday {other} brings {b} more, and then {who} gives away {c} of "
        f"them. How many {what} does {who} have now?",
        f"A {rng.choice(TRADES)} packs {a} {what} into crates of {c}. If {b} crates are already at the {where}, how "
        f"many {what} are there altogether once {who} has carried over the rest?",
        f"{who} walks from the {where} to the {rng.choice(PLACES)}, which takes {a} minutes, and carries {b} {what}. "
        f"After every {c} minutes one is lost. How many {what} arrive?",
    ])  # fmt: skip
    return Item("", question, f"The answer is {a + b - c}")


def math_zh(rng: random.Random, prose: Sequence[str]) -> Item:
    谁, 甲, 何处 = rng.choice(姓) + rng.choice(名), rng.choice(物), rng.choice(地)
    a, b, c = rng.randint(11, 99), rng.randint(3, 40), rng.randint(2, 9)
    question = rng.choice([
        f"{谁}在{何处}存放了{a}个{甲}，星期一又运来{b}个，之后送给邻居{c}个，请问{谁}现在还有多少个{甲}？",
        f"{何处}里原有{甲}{a}箱，每箱装{c}个，{谁}每天取走{b}个，问多少天以后{甲}会全部取完？",
    ])  # fmt: skip
    return Item("", question, f"答案是{a + b - c}个")


def choice_en(rng: random.Random, prose: Sequence[str]) -> Item:
    noun, field, trade = rng.choice(NOUNS), rng.choice(FIELDS), rng.choice(TRADES)
    choices = tuple(" ".join(rng.choice(prose).split()[: rng.randint(4, 9)]) for _ in range(4))
    question = rng.choice([
        f"In {field}, which of the following best describes how a {noun} differs from a {rng.choice(NOUNS)} when the "
        f"{trade} measures it at the {rng.choice(PLACES)}?",
        f"Which statement about the {noun} in {field} is correct?",
        f"A {trade} observes that the {noun} near the {rng.choice(PLACES)} doubles. What follows for {field}?",
    ])  # fmt: skip
    return Item("", question, rng.choice(choices), choices)


def choice_zh(rng: random.Random, prose: Sequence[str]) -> Item:
    choices = tuple(rng.choice(prose)[: rng.randint(6, 14)] for _ in range(4))
    question = rng.choice([
        f"在{rng.choice(学)}中，{rng.choice(词)}与{rng.choice(词)}之间的关系最能说明下列哪一种现象？",
        f"关于{rng.choice(学)}里的{rng.choice(词)}，下列说法正确的是",
        f"{rng.choice(姓)}教授在{rng.choice(地)}测得{rng.choice(词)}增大一倍，由此可以推断{rng.choice(词)}将会",
    ])  # fmt: skip
    return Item("", question, rng.choice(choices), choices)


def prose_of(rng: random.Random, prose: Sequence[str]) -> Item:
    """A question that is made of text of the web, as those of reading and completion are."""
    at = 4 * rng.randrange(len(prose) // 4)  # no sentence is in two items
    count = rng.randint(1, 3)
    return Item("", " ".join(prose[at : at + count]), prose[at + count])


def short_en(rng: random.Random, prose: Sequence[str]) -> Item:
    question = f"What is the {rng.choice(NOUNS)} of the {rng.choice(TRADES)} {rng.choice(NAMES)}?"
    return Item("", question, f"{rng.choice(FIELDS)} and {rng.choice(THINGS)}")


def short_zh(rng: random.Random, prose: Sequence[str]) -> Item:
    return Item(
        "",
        f"{rng.choice(姓)}{rng.choice(名)}发现的{rng.choice(词)}位于哪座{rng.choice(地)}？",
        rng.choice(学) + rng.choice(词),
    )


def code_en(rng: random.Random, prose: Sequence[str]) -> Item:
    name = f"{rng.choice(NOUNS)}_{rng.choice(THINGS)}"
    a, b = rng.sample("abcdefghijkmnpqrstuvwxyz", 2)
    doc = " ".join(prose[rng.randrange(len(prose))].split()[:20])
    question = (
        f'def {name}({a}: list[int], {b}: int) -> int:\n    """{doc}.\n    >>> {name}([{rng.randint(1, 99)}, '
        f'{rng.randint(1, 99)}], {rng.randint(1, 9)})\n    {rng.randint(1, 99)}\n    """\n'
    )
    return Item("", question, f"    return sum({a}) // max({b}, 1) + len({a})")


MAKERS: dict[str, list[Callable[[random.Random, Sequence[str]], Item]]] = {
    "en": [math_en, choice_en, prose_of, short_en, code_en],
    "zh": [math_zh, choice_zh, prose_of, short_zh],
}


def one_edit(rng: random.Random, text: str) -> str:
    """A word, or a character of Chinese, replaced, left out or put in."""
    spaced = not any("一" <= c <= "鿿" for c in text)
    parts, join = (text.split(" "), " ") if spaced else (list(text), "")
    letters = [at for at, part in enumerate(parts) if any(c.isalnum() for c in part)]
    at = rng.choice(letters)
    new = rng.choice(["quite", "other", "seven", "blue"] if spaced else "甲乙丙丁戊己")
    how = rng.choice(["replace", "leave out", "put in"])
    parts[at : at + 1] = {"replace": [new], "leave out": [], "put in": [new, parts[at]]}[how]
    return join.join(parts)


def repunctuated(rng: random.Random, text: str) -> str:
    """Other marks, or none."""
    swap = {c: rng.choice(["", " ", ";", " - ", "…"]) for c in ',.?!:;"“”()'}
    swap |= {c: rng.choice(["", "，", "；", "——"]) for c in "，。？！：；、（）《》"}
    found = []
    for at, c in enumerate(text):
        between = all(one.isalnum() and one.isascii() for one in (text[at - 1 : at], text[at + 1 : at + 2]))
        found.append((swap[c] or ";" if between else swap[c]) if c in swap else c)  # words stay apart
    return "".join(found)


def full_width(rng: random.Random, text: str) -> str:
    """ASCII as an East Asian keyboard may write it."""
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def rewrapped(rng: random.Random, text: str) -> str:
    """Line ends and indentation elsewhere; between characters of Chinese, too."""
    found = []
    for c in text:
        found.append(rng.choice(["\n", "  ", "\n    ", " ", " "]) if c == " " else c)
        if "一" <= c <= "鿿" and rng.random() < 0.12:
            found.append(rng.choice(["\n", " ", "\n　　"]))
    return "".join(found)


def shouted(rng: random.Random, text: str) -> str:
    """In capitals, decomposed."""
    return unicodedata.normalize("NFD", text.upper())


def verbatim(rng: random.Random, text: str) -> str:
    """As it is."""
    return text


def several(rng: random.Random, text: str) -> str:
    """Edited, with other marks, on other lines."""
    return rewrapped(rng, repunctuated(rng, one_edit(rng, text)))


CHANGES: list[Callable[[random.Random, str], str]] = [
    verbatim, one_edit, one_edit, repunctuated, full_width, rewrapped, shouted, several,
]  # fmt: skip


@dataclass(frozen=True)
class Planted:
    """Items, documents, and which item stands in which document: pairs of numbers."""

    items: list[Item]
    documents: list[str]
    truth: set[tuple[int, int]]
    kinds: dict[tuple[int, int], str]
    """Of each true pair: maker and change."""


def inside(rng: random.Random, host: str, text: str) -> str:
    """A text put between two lines of a document."""
    lines = host.split("\n")
    at = rng.randint(0, len(lines))
    return "\n".join([*lines[:at], text, *lines[at:]])


def planted(
    seed: int, prose: dict[str, Sequence[str]], hosts: dict[str, Sequence[str]], items_each: int, plants: int
) -> Planted:
    """items_each: items of each maker; a third of the hosts get one, some get a hard negative, others nothing.

    prose: sentences that items are made of, none of which may stand in a host.
    """
    rng = random.Random(seed)
    items: list[Item] = []
    made: list[tuple[str, str]] = []
    seen = set()
    for lang, makers in MAKERS.items():
        for maker in makers:
            for _ in range(items_each):
                item = maker(rng, prose[lang])
                if (item.question[:24] in seen and maker is prose_of) or item.question in seen:
                    continue
                seen |= {item.question[:24], item.question}
                items.append(Item(str(len(items)), item.question, item.answer, item.choices, item.passage))
                made.append((lang, maker.__name__))
    documents, truth, kinds = [], set(), {}
    for lang, texts in hosts.items():
        mine = [at for at, (of, _) in enumerate(made) if of == lang]
        for number, host in enumerate(texts):
            kind = number % 3 if number < 3 * plants else 2
            if kind == 0:
                at = rng.choice(mine)
                change = rng.choice(CHANGES)
                text = items[at].question
                if items[at].choices and rng.random() < 0.8:
                    text += "\n" + "\n".join(
                        f"{label}. {one}" for label, one in zip("ABCD", items[at].choices, strict=True)
                    )
                if rng.random() < 0.6:
                    text += "\n" + items[at].answer
                elif made[at][1].startswith("short") or (made[at][1].startswith("choice") and len(text) < 50):
                    text += "\n" + items[at].answer  # a question of few words is nobody's without its answer
                host = inside(rng, host, change(rng, text))
                truth.add((len(documents), at))
                kinds[len(documents), at] = f"{made[at][1]} {change.__name__}"
            elif kind == 1:
                host = inside(rng, host, _hard(rng, lang, items, mine, made, prose[lang], seen))
            documents.append(host)
    return Planted(items, documents, truth, kinds)


def _hard(
    rng: random.Random, lang: str, items: list[Item], mine: list[int], made: list[tuple[str, str]],
    prose: Sequence[str], seen: set[str],
) -> str:  # fmt: skip
    """What looks like an item and is none: the same form with other content, a few words of one, a common phrase."""
    how = rng.choice(["sibling", "quotation", "phrase"])
    if how == "phrase":
        return rng.choice(COMMON[lang])
    if how == "quotation":
        question = items[rng.choice(mine)].question
        parts, join = (question.split(), " ") if lang == "en" else (list(question), "")
        count = rng.randint(4, max(4, min(7, len(parts) * 2 // 5)))
        at = rng.randrange(max(1, len(parts) - count))
        return join.join(parts[at : at + count])
    makers = [maker for maker in MAKERS[lang] if maker is not prose_of]
    for _ in range(20):
        other = rng.choice(makers)(rng, prose)
        if other.question not in seen and all(_apart(other.question, items[at].question) for at in mine):
            return f"{other.question}\n{other.answer}"
    return rng.choice(COMMON[lang])


def _apart(one: str, other: str) -> bool:
    """Whether two questions of one form differ in more than two words."""
    mine, theirs = (
        set(text.split()) if " " in text else {text[at : at + 2] for at in range(len(text))} for text in (one, other)
    )
    return len(mine - theirs) > 2 and len(theirs - mine) > 2
