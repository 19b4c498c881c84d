"""Every smoothing equals its definition, and its probabilities sum to 1."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.filters.language_models.estimate import (
    SMOOTHINGS,
    Smoothing,
    estimate,
)
from gristmill.filters.language_models.lookup import score, score_sentences
from gristmill.filters.language_models.table import Words, grams_of, make_table
from tests.filters.language_models.arpa_text import counted, estimated
from tests.filters.language_models.by_hand import CHINESE, ENGLISH, METHODS, sentences_of


def model_of(sentences, order, smoothing, prune=()):
    words, made = estimated(sentences, order, smoothing, prune)
    names = [word.encode() for word in words]
    return make_table(made.prob_V, made.backoff_V, Words.spelt(names), [grams_of(*one) for one in made.orders])


def word_by_word(table, sentence):
    """log10 of the probability of every word of a sentence, </s> not among them."""
    ids = np.append(table.numbers([word.encode() for word in sentence]), np.uint32(0))
    at = np.arange(len(sentence) + 1)
    sums = [unfinished(table, ids[:n]) for n in at]
    return np.diff(sums)


def unfinished(table, ids):
    """log10 of the probability of a sentence's beginning."""
    last = ids[-1] if len(ids) else None
    if last is None:
        return 0.0
    whole = np.append(ids, np.uint32(0))
    # As if its last word were the end: the look-up treats all words alike.
    model = (table.prob_V, table.backoff_V, table.slot_S, table.slot_S.view(np.float32), table.first_N, table.homes_N)
    out, unknown = np.empty(1), np.empty(1, np.int64)
    begin, end = np.zeros(1, np.int64), np.array([len(ids) - 1])
    score_sentences(whole, begin, end, table.begin, int(last), table.order, model, out, unknown)
    return out[0]


def probability(table, word, history):
    ids = table.numbers([one.encode() for one in (*history, word)])
    return 10 ** (unfinished(table, ids) - unfinished(table, ids[:-1]))


OPTIONS = {"add-k": Smoothing("add-k", k=0.5), **{name: Smoothing(name) for name in SMOOTHINGS if name != "add-k"}}


@pytest.mark.parametrize("words", [ENGLISH, CHINESE], ids=["en", "zh"])
@pytest.mark.parametrize("order", [1, 2, 3, 5])
@pytest.mark.parametrize("name", SMOOTHINGS)
def test_equals_its_definition(name, order, words):
    sentences = sentences_of(words, 60, name)
    table, by_hand = model_of(sentences, order, OPTIONS[name]), METHODS[name](sentences, order)
    rng = random.Random(0)
    for _ in range(120):
        history = rng.choice(sentences_of(words, 5, rng.random()))
        word = rng.choice([*by_hand.words, "unheard"])
        wanted = by_hand.probability("<unk>" if word == "unheard" else word, by_hand.context_of(history))
        assert probability(table, word, history) == pytest.approx(wanted, rel=2e-5), (history, word)


@pytest.mark.parametrize("name", [name for name in SMOOTHINGS if name != "add-k"])
def test_pruned__equals_its_definition_and_sums_to_1(name):
    sentences = sentences_of(ENGLISH, 80, name)
    table, by_hand = model_of(sentences, 3, OPTIONS[name], (0, 1, 2)), METHODS[name](sentences, 3, (0, 1, 2))
    whole = model_of(sentences, 3, OPTIONS[name])
    assert len(table.slot_S) < len(whole.slot_S)
    for history in sentences_of(ENGLISH, 15, 3):
        context = by_hand.context_of(history)
        found = {word: probability(table, word, history) for word in by_hand.words}
        assert sum(found.values()) == pytest.approx(1, abs=1e-5)
        for word, one in found.items():
            assert one == pytest.approx(by_hand.probability(word, context), rel=2e-5)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from("abcd河边磨"), max_size=5), min_size=1, max_size=12),
    st.integers(1, 5),
    st.sampled_from(SMOOTHINGS),
    st.lists(st.sampled_from("ab河z"), max_size=4),
    st.sampled_from([(), (0, 1), (0, 0, 1, 2)]),
)
def test_sums_to_1(sentences, order, name, history, prune):
    table = model_of(sentences, order, OPTIONS[name], prune)
    words = ["<unk>", "</s>", *sorted({word for sentence in sentences for word in sentence})]
    assert sum(probability(table, word, history) for word in words) == pytest.approx(1, abs=2e-5)


def test_any_order_of_counts__same_bytes():
    _, grams, counts = counted(sentences_of(ENGLISH, 60, 1), 4)
    first = estimate(grams, counts, 40, Smoothing())
    mixed = np.random.default_rng(0).permutation(len(grams))
    second = estimate(grams[mixed], counts[mixed], 40, Smoothing())
    assert first.prob_V.tobytes() == second.prob_V.tobytes()
    for one, other in zip(first.orders, second.orders, strict=True):
        assert [part.tobytes() for part in one] == [part.tobytes() for part in other]


def test_nothing_to_count():
    with pytest.raises(ValueError, match="no text"):
        estimate(np.zeros((0, 3), np.uint32), np.zeros(0, np.int64), 3, Smoothing())


def test_sentences_are_scored_word_by_word():
    table = model_of(sentences_of(ENGLISH, 60, 2), 3, Smoothing())
    sentence = ["the", "mill", "unheard", "river"]
    ids = np.append(table.numbers([word.encode() for word in sentence]), np.uint32(0))
    total, words, unknown = score(table, ids, np.array([0]), np.array([4]))
    end = np.log10(probability(table, "</s>", sentence))
    assert total[0] == pytest.approx(word_by_word(table, sentence).sum() + end, abs=1e-4)
    assert (words[0], unknown[0]) == (5, 1)
