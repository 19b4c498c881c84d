"""Against a plain loop that counts everything anew before each merge, and against SentencePiece itself."""

import re
import time
import unicodedata
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.tokenizer.merges.learn import learn
from gristmill.tokenizer.merges.symbols import LONGEST
from gristmill.tokenizer.merges.words import count_words
from gristmill.tokenizer.sentences import sentences
from gristmill.tokenizer.special_ids import RESERVED
from gristmill.tokenizer.train import TokenizerOptions, _alphabet, _character_counts, _sentencepiece, train

MARK = "\u0301"


def script(character):
    """Of the few characters that these tests use; None for a mark, which goes with any."""
    if character == MARK:
        return None
    return "han" if unicodedata.name(character).startswith(("CJK UNIFIED", "HIRAGANA", "KATAKANA")) else (
        "latin" if character.isalpha() else "common"
    )  # fmt: skip


def is_piece(text):
    """Whether SentencePiece would take it: IsValidSentencePiece, in Python."""
    if len(text) > LONGEST or (len(text) > 1 and re.search("[0-9０-９]", text)):
        return False
    if "▁" in text[1:] and set(text) != {"▁"}:
        return False
    return len({script(character) for character in text if character != "▁"} - {None}) <= 1


def merges(lines, alphabet, wanted):
    """The pieces that byte-pair encoding learns, by recounting all pairs of all lines for each."""
    words = Counter(word for line in lines for word in re.findall(r" *[^ ]+| +", line))
    words = {tuple(word.replace(" ", "▁")): count for word, count in words.items()}
    learnt, banned = [], set()
    while len(learnt) < wanted:
        counts = Counter()
        for word, count in words.items():
            for left, right in pairwise(word):
                known = all(ord(character) in alphabet for character in left + right)
                if known and is_piece(left + right) and (left, right) not in banned:
                    counts[left, right] += count
        if not counts:
            break
        best = min(counts, key=lambda pair: (-counts[pair], len("".join(pair)), "".join(pair), pair))
        if "".join(best) in learnt:
            banned.add(best)
            continue
        learnt.append("".join(best))
        replaced = Counter()
        for word, count in words.items():
            made = []
            for symbol in word:
                if made and (made[-1], symbol) == best:
                    made[-1] = "".join(best)
                else:
                    made.append(symbol)
            replaced[tuple(made)] += count
        words = replaced
    return learnt


def ours(texts, wanted, coverage=1.0):
    """(what is learnt, the alphabet)."""
    options = TokenizerOptions("bpe", RESERVED + 10 * wanted + 1000, coverage)
    alphabet, _ = _alphabet(_character_counts(texts), options)
    return learn(count_words(texts, alphabet), alphabet, wanted), set(alphabet.tolist())


LINES = st.lists(
    st.one_of(
        st.text("ab ", max_size=40),
        st.text("磨坊ab，。 ", max_size=40),
        st.text(f"aé{MARK}中ー1 .", max_size=30),
        st.builds(lambda text, times: text * times, st.text("ab磨 ", min_size=1, max_size=4), st.integers(1, 30)),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=300, deadline=None)
@given(LINES)
def test_learn__as_a_plain_loop(lines):
    found, alphabet = ours(lines, 40)
    assert found == merges(lines, alphabet, 40)


def test_learn__rare_characters_cut_words():
    found, alphabet = ours(["abab ab" * 50, "axb" * 2], 10, 0.98)
    assert ord("x") not in alphabet
    assert found == merges(["abab ab" * 50, "axb" * 2], alphabet, 10)
    assert not any("x" in piece for piece in found)


def test_learn__a_longer_tie_waits_and_lower_text_goes_first():
    assert ours(["ca ab bc " * 5], 4)[0][:3] == ["ab", "bc", "ca"]
    assert ours(["磨坊，河水，" * 5], 2)[0] == ["河水", "磨坊"]


@pytest.mark.parametrize(
    "text", ["a" * 1000, "ab" * 500, "aab" * 300, "水" * 999, "a" + MARK * 50 + "水" * 50, " " * 99]
)
def test_learn__repetitions_merge_from_the_left(text):
    found, alphabet = ours([text], 30)
    assert found == merges([text], alphabet, 30)


def test_learn__one_long_word_takes_no_longer_than_many_short_ones():
    """Both hold the same million characters; each merge looks only at the places of its pair."""
    text = "".join(map(chr, 0x4E00 + np.random.default_rng(3).integers(0, 300, 1_000_000)))
    clauses = "，".join(text[at : at + 10] for at in range(0, len(text), 10))
    ours([clauses], 1)  # compiled
    seconds = []
    for one in (clauses, text):
        began = time.process_time()
        assert len(ours([one], 500)[0]) == 500
        seconds.append(time.process_time() - began)
    assert seconds[1] < 5 * seconds[0]


@pytest.mark.parametrize("vocabulary", [520, 560, 600])
def test_train__the_bytes_that_sentencepiece_writes(texts, tmp_path, vocabulary):
    """Where fewer than a thousand pairs occur, SentencePiece looks at all of them, too."""
    info = train(texts, TokenizerOptions("bpe", vocabulary), tmp_path)
    lines = [line for text in texts for line in sentences(text)]
    options = TokenizerOptions("bpe", vocabulary)
    theirs = _sentencepiece(lines, options, info.training["character_coverage"])
    assert (tmp_path / "tokenizer.model").read_bytes() == theirs


def test_train__texts_in_another_order_give_the_same_bytes(texts, tmp_path):
    for name, order in (("a", texts), ("b", texts[::-1]), ("c", texts)):
        train(order, TokenizerOptions("bpe", 600), tmp_path / name)
    assert len({(tmp_path / name / "tokenizer.model").read_bytes() for name in "abc"}) == 1
