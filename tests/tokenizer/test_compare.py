"""Measures of tokenizers against sums by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill.tokenizer.compare import head_cost, measure, renyi_efficiency
from gristmill.tokenizer.opened import Opened, open_tokenizer


@given(st.lists(st.integers(0, 50), min_size=2, max_size=20))
def test_renyi__is_its_definition(counts):
    found = renyi_efficiency(np.array(counts, np.int64))
    if not sum(counts):
        assert found is None
        return
    shares = [count / sum(counts) for count in counts if count]
    wanted = math.log(sum(share**2.5 for share in shares)) / (1 - 2.5) / math.log(len(counts))
    assert found == pytest.approx(wanted, abs=1e-12)
    assert -1e-12 <= found <= 1 + 1e-12


def test_renyi__equal_ids_are_1_and_a_single_one_0():
    assert renyi_efficiency(np.full(64, 5)) == pytest.approx(1)
    assert renyi_efficiency(np.array([0, 9, 0, 0])) == pytest.approx(0)


def test_measure__every_group_by_hand():
    """A tokenizer of characters: ids by code point, Han characters as two parts."""

    def encode(texts):
        lists = [[i for c in text for i in ([ord(c)] if ord(c) < 128 else [200, 201])] for text in texts]
        offsets = np.concatenate([[0], np.cumsum([len(one) for one in lists], dtype=np.int64)])
        return np.array([i for one in lists for i in one], np.int64), offsets

    partial_V = np.arange(256) >= 200
    texts, languages, sources = ["ab ab", "磨坊", "", "a磨"], ["en", "zh", "en", "zh"], ["w", "w", "b", "b"]
    found = measure(Opened("c", "hand", 256, partial_V, encode), texts, languages, sources, 8)
    assert {name: one["documents"] for name, one in found["languages"].items()} == {"en": 2, "zh": 2}
    chinese = found["languages"]["zh"]
    assert (chinese["bytes"], chinese["characters"], chinese["words"], chinese["tokens"]) == (10, 4, 2, 7)
    assert chinese["byte_fallback_share"] == 6 / 7
    assert chinese["tokens_per_character"] == 7 / 4
    assert found["sources"]["b"]["bytes_per_token"] == 4 / 3
    whole = found["all"]
    assert (whole["bytes"], whole["tokens"], whole["ids_used"]) == (15, 12, 5)
    assert whole["renyi_efficiency"] == renyi_efficiency(np.bincount(encode(texts)[0], minlength=256))
    assert whole["head_flop_per_byte"] == 2 * 256 * 8 / (15 / 12)


def test_head__layers_of_12_squares():
    assert head_cost(12 * 768, 4.0, 768) == {
        "head_parameters": 12 * 768**2, "head_layers": 1.0, "head_flop_per_byte": 2 * 12 * 768**2 / 4
    }  # fmt: skip
    assert head_cost(100, None, 8)["head_flop_per_byte"] is None


def test_measure__agrees_with_the_card_of_a_run(encoder, texts):
    from gristmill.tokenizer.evaluate import evaluate

    languages = ["zh" if n % 3 == 1 else "en" for n in range(len(texts))]
    found = measure(open_tokenizer(encoder.path), texts, languages, ["s"] * len(texts), 8)
    for language, figures in evaluate(encoder, texts, languages).items():
        mine, wanted = found["languages"][language], figures.as_dict()
        for name in ("documents", "bytes", "characters", "words", "tokens", "tokens_per_word", "bytes_per_token"):
            assert mine[name] == wanted[name]
        assert mine["byte_fallback_share"] == wanted["byte_token_share"]
