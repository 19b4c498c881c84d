"""Writes filters/quality/starter/: python -m gristmill.pipelines.classifiers.make_starter EN_PAGES ZH_PAGES

EN_PAGES, ZH_PAGES: folders of HTML, the help of LibreOffice in English and Chinese (MPL-2.0; Debian's packages
libreoffice-help-en-us and libreoffice-help-zh-cn, below usr/share/libreoffice/help/*/text). With them the documentation
of this machine's Python (`machine`) and the pages that come with Gristmill (`bundled`). Junk is made of the same pages:
their words out of order, their fragments as menus and keyword lists, their sentences among offers. So a word's topic
does not tell the label, and what is learnt is what prose looks like in small: which words and marks follow each other.
"""

import json
import random
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path

from gristmill.filters.phrases import chinese_phrases
from gristmill.pipelines.classifiers.card import write
from gristmill.pipelines.classifiers.learn import learn
from gristmill.pipelines.read.unit import read_unit
from gristmill.pipelines.recipe.load import load
from gristmill.pipelines.recipe.sources import Extract, Read, Source
from gristmill.pipelines.run.inputs.plan import plan_source

OUT = Path(__file__).resolve().parents[2] / "filters" / "quality" / "starter"
LEAST = {"en": 120, "zh": 50}
"""Characters of a page that is learnt from."""
MOST = {"en": 3000, "zh": 1500}
"""Characters of one document: pages are cut at lines, at any length up to this."""
SENTENCES = 3
"""Of a bundled page at a time: these pages are few, and all that is not about software."""
PAGES_KEPT = ("good", "very_long", "personal_data")
PAGES_LEFT = ("near_duplicate", "exact_duplicate", "full_width", "mixed_scripts")
"""Kinds of bundled pages that are neither good nor bad prose."""
RECIPE = """\
gristmill: 1
name: starter
sources: {{web: {{format: jsonl, paths: good.jsonl}}}}
classifiers:
  quality:
    train:
      good: {{files: {{format: jsonl, paths: good.jsonl, language: {lang}}}}}
      raw: {{files: {{format: jsonl, paths: raw.jsonl, language: {lang}}}}}
    training: {{compressed: true, dimensions: 16, buckets: 32768, min_count: 5, epochs: 20}}
"""
ABOUT = {
    "en": "A starter. Good: the help of LibreOffice (MPL-2.0), docstrings, package descriptions and licences that come "
    "with Python's packages, and pages written for Gristmill. Raw: junk made of the same pages (words out of order, "
    "menus, keyword lists, offers between sentences). It tells prose from page furniture and spam, not knowledge from "
    "chatter; it has seen no web page. The figures below are on held-out pages of the same making (sentences of one "
    "bundled page may stand on both sides), so the web will be harder. Train your own.",
    "zh": "入门模型。好文档：LibreOffice 帮助（MPL-2.0）与为 Gristmill 编写的页面。差文档：由同样的页面打乱、"
    "拼成导航、关键词和广告而成。它能区分文章与页面杂项、垃圾广告，不能区分知识与闲谈；它没有见过真实网页。"
    "下面的数字来自同样制作的留出页面（同一示例页面的句子可能两边都有），真实网页会更难。请训练自己的模型。"
    "A starter for Chinese: the same making as the English one, from the Chinese help.",
}
Kinds = dict[str, list[str]]


def pages(folder: str) -> list[str]:
    """The texts of the HTML pages below a folder."""
    return texts(Source(format="html", paths=[folder]))


def texts(source: Source) -> list[str]:
    """The texts of a source, sorted, each once."""
    units = plan_source("starter", source, Path.cwd(), 16_000_000)
    batches = (records.batch for unit in units for records in read_unit(unit, source, Read(), Extract()))
    return sorted({text for batch in batches for text in batch["text"].to_pylist() if text})


def cut(rng: random.Random, text: str, lang: str) -> Iterator[str]:
    """Pieces of a text, cut at lines."""
    piece, most = "", rng.randint(LEAST[lang], MOST[lang])
    for line in text.split("\n"):
        piece += line + "\n"
        if len(piece) >= most:
            yield piece
            piece, most = "", rng.randint(LEAST[lang], MOST[lang])
    yield piece


def sentences(text: str) -> Iterator[str]:
    """A text, a few sentences at a time, and whole."""
    made = re.findall(r"[^.!?。！？]+[.!?。！？]+", text)
    yield from ("".join(made[at : at + SENTENCES]) for at in range(0, len(made), SENTENCES))
    yield text


def english_kinds() -> Kinds:
    """Kind -> phrases of starter_phrases.txt."""
    found: Kinds = {}
    for line in files(__package__).joinpath("starter_phrases.txt").read_text("utf-8").split("\n"):
        kind, colon, phrases = line.partition(": ")
        if colon and not line.startswith("#"):
            found.setdefault(kind, []).extend(phrase.strip() for phrase in phrases.split(" | "))
    return found


def chinese_kinds() -> Kinds:
    """The same kinds of filters/data/chinese_phrases.txt."""
    known = {kind: list(phrases) for kind, phrases in chinese_phrases().items()}
    spam = [phrase for kind in ("gambling", "loans", "adult", "papers", "games") for phrase in known[kind]]
    return {
        "furniture": known["furniture"] + known["navigation"],
        "offer": known["offer"],
        "contact": known["contact"] + known["phone"],
        "spam": spam,
    }


def words_of(text: str, lang: str) -> list[str]:
    """Words of English; pairs of characters of Chinese, as far as its marks let them."""
    if lang == "en":
        return text.split()
    return [run[at : at + 2] for run in re.findall(r"[\u4e00-\u9fff]+", text) for at in range(0, len(run), 2)]


def fragments(text: str, lang: str) -> list[str]:
    """Beginnings of a text's sentences: what headings and links are like."""
    sentences = [one.strip() for one in re.split(r"[.!?\n。！？；;:：,，]", text) if one.strip()]
    return [" ".join(one.split()[:4]) if lang == "en" else one[:8] for one in sentences] or [text[:8]]


def salad(rng: random.Random, text: str, lang: str, kinds: Kinds) -> str:
    """A page's words, out of order."""
    words = words_of(text, lang)
    rng.shuffle(words)
    return _runs(rng, words, lang)


def menu(rng: random.Random, text: str, lang: str, kinds: Kinds) -> str:
    """A page's fragments among the names of navigation."""
    items = rng.sample(found := fragments(text, lang), min(len(found), 25)) + rng.choices(kinds["furniture"], k=25)
    rng.shuffle(items)
    return rng.choice(["\n", " | ", " ", " > ", "\n\n"]).join(items)


def keywords(rng: random.Random, text: str, lang: str, kinds: Kinds) -> str:
    """A few of a page's words with offers, again and again."""
    few = rng.sample(found := words_of(text, lang) or [text[:4]], min(len(found), 4))
    space = " " if lang == "en" else ""
    made = [
        space.join([rng.choice(kinds[rng.choice(["offer", "spam"])]), *rng.sample(few, min(2, len(few)))])
        for _ in range(60)
    ]
    return rng.choice([", ", " ", "\n", "，", "_", " - "]).join(made)


def advertisement(rng: random.Random, text: str, lang: str, kinds: Kinds) -> str:
    """Two offers and a way to pay for every fragment of the page."""
    end, space = ("! ", " ") if lang == "en" else ("！", "")
    made = []
    for fragment in fragments(text, lang)[:20]:
        number = f"{rng.randrange(10**6, 10**7)}"
        offers = rng.choices(kinds[rng.choice(["offer", "spam", "offer"])], k=2)
        made.append(space.join([fragment, *offers]) + end + space.join([rng.choice(kinds["contact"]), number]))
    return rng.choice([" ", "\n"]).join(made)


def spam(rng: random.Random, text: str, lang: str, kinds: Kinds) -> str:
    """Phrases of spam, joined by a page's words so that it looks like prose."""
    words = words_of(text, lang)[:60] or [text[:4]]
    made = [piece for word in words for piece in (word, rng.choice(kinds["spam" if rng.random() < 0.7 else "offer"]))]
    return _runs(rng, made, lang)


JUNK: tuple[Callable[[random.Random, str, str, Kinds], str], ...] = (salad, menu, keywords, advertisement, spam)


def _runs(rng: random.Random, words: list[str], lang: str) -> str:
    """Words as sentences of chance length."""
    space, end = (" ", ". ") if lang == "en" else ("", "。")
    made, at = "", 0
    while at < len(words):
        length = rng.randint(6, 18)
        made += space.join(words[at : at + length]) + end
        at += length
    return made


def make(lang: str, good: list[str], bundled: list[dict[str, str]], kinds: Kinds) -> None:
    """Train and write the model of a language."""
    rng = random.Random(f"starter {lang}")
    mine = [page for page in bundled if page["lang"] == lang and page["kind"] not in PAGES_LEFT]
    documents = [piece for text in good for piece in cut(rng, text, lang) if len(piece) >= LEAST[lang]]
    documents += [piece for page in mine if page["kind"] in PAGES_KEPT for piece in sentences(page["text"])]
    junk = [rng.choice(JUNK)(rng, text, lang, kinds) for text in documents]
    junk += [page["text"] for page in mine if page["kind"] not in PAGES_KEPT]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for label, found in (("good", documents), ("raw", junk)):
            lines = (json.dumps({"text": text}, ensure_ascii=False) for text in found)
            (folder / f"{label}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (folder / "recipe.yaml").write_text(RECIPE.format(lang=lang), encoding="utf-8")
        learnt = learn(load(folder / "recipe.yaml", models=False), "quality")
    learnt.card["about"] = ABOUT[lang]
    learnt.card["asked"] = {}
    write(OUT / lang, learnt.model, learnt.suffix, learnt.card)
    print(lang, len(learnt.model), json.dumps(learnt.card["measured"]["good"]["languages"], indent=1)[:300])


def main(english: str, chinese: str) -> None:
    """Both models."""
    shipped = files("gristmill.pipelines.data") / "bundled"
    bundled = [
        json.loads(line) for lang in LEAST for line in (shipped / f"{lang}.jsonl").read_text("utf-8").splitlines()
    ]
    machine = texts(Source(format="machine", max_bytes=6_000_000))
    make("en", [*pages(english), *machine], bundled, english_kinds())
    make("zh", pages(chinese), bundled, chinese_kinds())


if __name__ == "__main__":
    main(*sys.argv[1:])
