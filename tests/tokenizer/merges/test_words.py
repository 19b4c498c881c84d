from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.tokenizer.merges import words as module
from gristmill.tokenizer.merges.words import END, count_words

ALPHABET = "▁ab,磨坊1"


def counted(texts, alphabet=ALPHABET):
    """Word -> how often, in the order of the table."""
    found = count_words(texts, np.array([ord(character) for character in alphabet]))
    assert found.symbol_N[0] == found.symbol_N[-1] == END
    words, counts = [], []
    for number, count in zip(found.symbol_N[1:], found.count_N[1:], strict=True):
        if not words or words[-1].endswith("\n"):
            words.append("")
            counts.append(int(count))
        words[-1] += "\n" if number == END else alphabet[number]
        assert count == counts[-1]  # of each symbol of the word
    return {word.rstrip("\n"): count for word, count in zip(words, counts, strict=True)}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ab ab", {"ab": 1, "▁ab": 1}),
        ("ab  ab ", {"ab": 1, "▁▁ab": 1}),
        ("a   ", {"▁▁▁": 1}),
        ("磨坊ab,,磨坊", {"磨坊": 2, "ab": 1, ",,": 1}),
        ("ab1ab11", {"ab": 2}),
        ("abxab", {"ab": 2}),
        ("ab\nab\tab▁ab", {"ab": 4}),
        (" 磨坊 磨坊", {"▁磨坊": 2}),
        ("a", {}),
        ("", {}),
    ],
)
def test_count_words__cuts_where_no_piece_reaches_beyond(text, words):
    assert counted([text]) == words


def test_count_words__texts_do_not_run_into_each_other():
    assert counted(["ab", "ab", "a", "b"]) == {"ab": 2}


@pytest.mark.parametrize("mark", ["\u0301", "\u3099"])
def test_count_words__a_mark_goes_with_any_script(mark):
    assert counted([f"a{mark}磨"], f"▁a磨{mark}") == {f"a{mark}磨": 1}


@settings(deadline=None)
@given(st.lists(st.text("ab", max_size=5), max_size=60), st.integers(1, 40))
def test_count_words__whatever_the_batch(texts, batch):
    """Batches begin anywhere between texts, and the table grows."""
    expected = Counter(word for text in texts if len(word := text) >= 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BATCH", batch)
        assert counted(texts) == expected
        assert list(counted(texts)) == list(expected)


def test_count_words__more_words_than_the_table_had_room_for():
    draw = np.random.default_rng(1)
    texts = ["".join("ab"[bit] for bit in draw.integers(0, 2, 16)) for _ in range(20_000)]
    assert counted([" ".join(texts)]) == Counter([texts[0], *("▁" + text for text in texts[1:])])
