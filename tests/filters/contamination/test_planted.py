"""Recall and precision on planted items, changed as texts are on their way, beside hard negatives."""

import json
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import gristmill.pipelines.data as data
from gristmill.filters.contamination.match import Matcher
from gristmill.filters.contamination.score import Weights
from tests.filters.contamination.planted import planted

SENTENCE = r"(?<=[.!?])\s+|(?<=[。！？])|\n"
BUNDLED = Path(data.__path__[0]) / "bundled"


def pages() -> dict[str, list[str]]:
    lines = {lang: (BUNDLED / f"{lang}.jsonl").read_text("utf-8").splitlines() for lang in ("en", "zh")}
    return {lang: [json.loads(line)["text"] for line in mine] for lang, mine in lines.items()}


@pytest.mark.parametrize("seed", [11, 12])
def test_planted__recall_and_precision(index_of, seed):
    """Items of every third page, documents of the others, each page twice with other plants."""
    prose, hosts = {}, {}
    for lang, texts in pages().items():
        hosts[lang] = [text for number, text in enumerate(texts) if number % 3] * 2
        known = {sentence for text in hosts[lang] for sentence in re.split(SENTENCE, text)}
        said = [one.strip() for text in texts[::3] for one in re.split(SENTENCE, text) if one not in known]
        long_enough = [one for one in said if (len(one.split()) >= 8 if lang == "en" else len(one) >= 12)]
        prose[lang] = list(dict.fromkeys(long_enough))
    made = planted(seed, prose, hosts, 25, 1000)
    index = index_of(made.items)
    matcher = Matcher(index)
    found = matcher.match(pa.array(made.documents, pa.large_string()))
    weights = Weights.of(index, matcher.documents, len(made.documents))
    score, _ = weights.scores(found.item, found.found, found.support)
    number = index.array("number_I")[found.item]
    told = {(int(doc), int(item)) for doc, item in zip(found.doc[score >= 800], number[score >= 800], strict=True)}
    missed, wrong = made.truth - told, told - made.truth
    assert len(missed) <= 0.02 * len(made.truth), [made.kinds[one] for one in missed]
    assert len(wrong) <= 0.02 * len(told), [made.items[item].question for _, item in wrong]
    assert {kind.split()[1] for kind in made.kinds.values()} >= {"one_edit", "full_width", "rewrapped", "repunctuated"}


def test_weights__what_much_of_the_corpus_has_weighs_less(index_of):
    from gristmill.filters.contamination.items import Item

    index = index_of([Item("0", "Please answer the following question about the miller of Zutphen and his seven sons")])
    seeds = index.array("gram_T")
    common = np.zeros(index.seeds, np.int64)
    before = Weights.of(index, common, 100_000).weight_T.copy()
    common[seeds[:4]] = 50_000
    after = Weights.of(index, common, 100_000).weight_T
    assert (after[:4] < before[:4]).all()
    assert (after[8:] == before[8:]).all()
