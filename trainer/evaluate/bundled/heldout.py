"""Tasks from texts of a run: of its validation split, which no training of the run has seen, or beside its training
split.

cloze          the last word of a sentence among others of the texts
next_sentence  what follows among sentences of other documents
ordering       two sentences in their order, or the other way round
heldout_text   bits per byte of whole documents, by source and language
memorisation   documents of the training split continued word by word, beside held-out ones (Carlini et al. 2023)
"""

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise, zip_longest
from pathlib import Path
from typing import Any

from gristmill.tokenizer.foreign.encoder import open_encoder
from gristmill.trainer.data.corpus import Corpus
from gristmill.trainer.errors import InputError
from gristmill.trainer.evaluate.bundled.made import chosen
from gristmill.trainer.evaluate.tasks.items import Item

DOCUMENTS, ITEMS = 400, 200
"""Of each language and split at most, the first by doc_id: a hash, so that the choice is a fair sample."""
LONGEST = 4000
"""Characters of a document that are read."""
BEFORE = {"en": 300, "zh": 120}
"""Characters of context at most."""
PREFIX, CONTINUED = {"en": 200, "zh": 60}, {"en": 60, "zh": 20}
"""Characters of memorisation."""
_SENTENCES = re.compile(r"[^.!?。！？\n]+[.!?。！？]+[\"”’」』)]*\s*")
_LAST_WORD = {
    "en": re.compile(r"(\s)([A-Za-z]{3,})([.!?][\"”’)]*\s*)$"),
    "zh": re.compile(r"()([\u4e00-\u9fff]{2})([。！？][”’」』]*\s*)$"),
}


@dataclass(frozen=True)
class Text:
    """A document of a run."""

    doc_id: str
    source: str
    lang: str
    text: str


def read_texts(run: Path, split: str, lang: str) -> list[Text]:
    """Documents of a split of a run of texts, by doc_id. Raises InputError."""
    corpus = Corpus(run / "tokens" / "index.json", split)
    if corpus.kind != "text":
        raise InputError(
            f"the run holds {corpus.kind}, not texts", where=str(run), fix="name a run of texts: --run RUN"
        )
    encoder = open_encoder(run / "tokenizer")
    places = sorted(
        (doc_id, number, row)
        for number, shard in enumerate(corpus.shards)
        for row, (doc_id, own) in enumerate(
            zip(shard.column("doc_id").to_pylist(), shard.column("lang").to_pylist(), strict=True)
        )
        if own == lang
    )
    found = []
    for doc_id, number, row in places[:DOCUMENTS]:
        shard = corpus.shards[number]
        text = encoder.decode(shard.document(row)[:LONGEST].tolist())[:LONGEST]
        found.append(Text(doc_id, corpus.sources[corpus.source_of[number][row]], lang, text))
    return found


def _sentences(text: str) -> list[str]:
    return [found for found in _SENTENCES.findall(text) if 8 <= len(found.strip()) <= 240]


def _cloze(texts: list[Text], lang: str) -> Iterator[Item]:
    places = [
        (text, before, found)
        for text in texts
        for before, sentence in _with_context(text.text, lang)
        if (found := _LAST_WORD[lang].search(sentence))
    ]
    words = sorted({found[2] for _, _, found in places})
    for text, before, found in places:
        rng = random.Random(f"cloze {text.doc_id} {found.string}")
        others = [word for word in words if word.lower() != found[2].lower() and abs(len(word) - len(found[2])) <= 2]
        if len(others) < 3:
            continue
        choices = [found[2], *rng.sample(others, 3)]
        rng.shuffle(choices)
        question = before + found.string[: found.start(2)]
        yield _of(text) | {"question": question, "choices": choices, "answer": choices.index(found[2])}


def _next_sentence(texts: list[Text], lang: str) -> Iterator[Item]:
    by_text = [(text, list(_with_context(text.text, lang))) for text in texts]
    pool = [(text.doc_id, sentence) for text, pairs in by_text for _, sentence in pairs]
    for text, pairs in by_text:
        for before, sentence in pairs[:3]:
            rng = random.Random(f"next {text.doc_id} {sentence}")
            others = [other for doc_id, other in rng.sample(pool, min(len(pool), 12)) if doc_id != text.doc_id]
            if len(set(others)) < 3:
                continue
            choices = [sentence.strip(), *(one.strip() for one in list(dict.fromkeys(others))[:3])]
            rng.shuffle(choices)
            yield _of(text) | {"question": before, "choices": choices, "answer": choices.index(sentence.strip())}


def _ordering(texts: list[Text], lang: str) -> Iterator[Item]:
    for text in texts:
        for first, second in list(pairwise(_sentences(text.text)))[:2]:
            if first.strip() == second.strip():
                continue
            rng = random.Random(f"order {text.doc_id} {first}")
            gap = " " if lang == "en" else ""
            right = f"{first.strip()}{gap}{second.strip()}"
            choices = [right, f"{second.strip()}{gap}{first.strip()}"]
            rng.shuffle(choices)
            yield _of(text) | {"question": "", "choices": choices, "answer": choices.index(right)}


def _whole(texts: list[Text], lang: str) -> Iterator[Item]:
    for text in texts:
        if text.text.strip():
            yield _of(text) | {"text": text.text}


def _with_context(text: str, lang: str) -> Iterator[tuple[str, str]]:
    """(what stands before, a sentence), as they follow each other."""
    place, end = 0, 0
    for found in _SENTENCES.finditer(text):
        sentence, place = found[0], found.start()
        if place - end <= 1 and place >= 40 and 8 <= len(sentence.strip()) <= 240:
            yield text[max(0, place - BEFORE[lang]) : place], sentence
        end = found.end()


def _of(text: Text) -> dict[str, Any]:
    return {"source": text.source, "lang": text.lang}


HELD_OUT: dict[str, tuple[Callable[[list[Text], str], Iterator[Item]], dict[str, Any]]] = {
    "cloze": (_cloze, chosen(doc_to_text="{{question}}")),
    "next_sentence": (_next_sentence, chosen(doc_to_text="{{question}}")),
    "ordering": (_ordering, chosen(doc_to_text="{{question}}")),
    "heldout_text": (
        _whole,
        {"output_type": "loglikelihood_rolling", "doc_to_text": "", "doc_to_target": "{{text}}"},
    ),
}
MEMORISATION = {
    "output_type": "generate_until",
    "doc_to_text": "{{question}}",
    "doc_to_target": "{{answer}}",
    "target_delimiter": "",
    "generation_kwargs": {"until": [], "max_gen_toks": 64, "do_sample": False},
    "metric_list": [{"metric": "memorised"}],
}
"""Task -> its items from texts, and the keys of its YAML."""


def heldout_items(name: str, run: Path, lang: str) -> list[Item]:
    """Of a task from held-out texts, at most ITEMS. Raises InputError where the run has none."""
    make, _ = HELD_OUT[name]
    found = list(make(read_texts(run, "validation", lang), lang))[:ITEMS]
    return _some(found, name, run, lang)


def memorisation_items(run: Path, lang: str) -> list[Item]:
    """Beginnings of documents and what follows: of the training split and held out (`split`), in turn."""
    begun = {split: _begun(read_texts(run, split, lang), lang, split) for split in ("train", "validation")}
    pairs = zip_longest(*(found[: ITEMS // 2] for found in begun.values()))
    return _some([item for pair in pairs for item in pair if item is not None], "memorisation", run, lang)


def _begun(texts: list[Text], lang: str, split: str) -> list[Item]:
    begin, end = PREFIX[lang], PREFIX[lang] + CONTINUED[lang]
    return [
        _of(text) | {"question": text.text[:begin], "answer": text.text[begin:end], "split": split}
        for text in texts
        if len(text.text) >= end
    ]


def _some(found: list[Item], name: str, run: Path, lang: str) -> list[Item]:
    if not found:
        raise InputError(
            f"no texts of language {lang!r} make an item of `{name}`",
            where=str(run),
            fix="leave the task out, or name a run with more held-out texts: --run RUN",
        )
    return found
