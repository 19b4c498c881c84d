"""Signals against plain Python written from their documentation, on texts that repeat themselves in many scripts."""

import re
import unicodedata
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gristmill.filters.data import code_points
from gristmill.filters.signals import SIGNALS, ratio, score

PIECES = [
    "the", "of", "with", "be", "a", "bb", "Word", "don't", "it's", "O’Brien", "well-known", "U.S.", "x2", "42", "3.14",
    "#", "##", "...", "....", "…", "-", "--", "•", "“", "”", "(", ")", "!", "?", ".", ",", ":", "/", "_", "=", "~", "$",
    "https://a.bc/d-e", "a/b", "System.Object", "i.e.", "—", "–", "|", "^", "\\", "✓", "€",
    " ", " ", " ", " ", "\n", "\n", "\n\n", "\r\n", "\t", "\u3000", "\xa0", "\u2028", "\x00", "\x1c",
    "\u200b", "\ufeff",
    "中", "文", "今天天气很好", "你好。", "，", "、", "＃", "ＡＢ", "１２", "の", "ア", "ไทย", "한국어", "é",
    "e\u0301", "न\u0940",
    "😀", "👩\u200d💻", "𠀀", "ß", "Я", "١", "²", "؟", "।",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES), max_size=40).map("".join) | st.lists(
    st.lists(st.sampled_from(PIECES), max_size=4).map("".join), max_size=6
).flatmap(lambda parts: st.lists(st.sampled_from(parts or [""]), max_size=12).map(" ".join))


def is_word_character(char: str) -> bool:
    return unicodedata.category(char)[0] in "LNM"


def share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def lines_of(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


def paragraphs_of(text: str) -> list[str]:
    """Runs of lines without a blank one between, stripped line by line."""
    stripped = "\n".join(line.strip() for line in text.split("\n"))
    return [part.strip("\n") for part in re.split(r"\n{2,}", stripped) if part.strip("\n")]


def repeated(items: list[str]) -> list[str]:
    count = Counter(items)
    return [item for item in items if count[item] > 1]


def total(items: list[str]) -> int:
    """Code points without line breaks."""
    return sum(len(item.replace("\n", "")) for item in items)


def ngram_share(words: list[str], n: int) -> float:
    """The documentation of top_ and duplicate_ n-grams, with sets of word positions."""
    grams = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
    count = Counter(grams)
    wanted = {gram for gram in grams if count[gram] > 1}
    if n <= 4 and wanted:
        most = max(count.values())
        wanted = {max((g for g in dict.fromkeys(grams) if count[g] == most), key=lambda g: len("".join(g)))}
    covered = {i + k for i, gram in enumerate(grams) if gram in wanted for k in range(n)}
    return share(sum(len(words[i]) for i in covered), sum(map(len, words)))


def gopher(text: str) -> dict[str, float]:
    words = text.split()
    plain = [word for word in words if any(map(is_word_character, word))]
    lines, paragraphs = lines_of(text), paragraphs_of(text)
    expected = {
        "utf8_bytes": len(text.encode()),
        "characters": len(text),
        "words": len(words),
        "lines": len(lines),
        "paragraphs": len(paragraphs),
        "plain_words": len(plain),
        "mean_word_length": share(total(plain), len(plain)),
        "hash_word_ratio": share(text.count("#"), len(words)),
        "ellipsis_word_ratio": share(text.count("...") + text.count("…"), len(words)),
        "bullet_line_fraction": share(sum(line.startswith(("•", "-")) for line in lines), len(lines)),
        "ellipsis_line_fraction": share(sum(line.endswith(("...", "…")) for line in lines), len(lines)),
        "alphabetic_word_fraction": share(sum(any(map(str.isalpha, word)) for word in words), len(words)),
        "stop_words": len({"the", "be", "to", "of", "and", "that", "have", "with"} & set(words)),
        "duplicate_line_fraction": share(len(repeated(lines)), len(lines)),
        "duplicate_line_char_fraction": share(total(repeated(lines)), total(lines)),
        "duplicate_paragraph_fraction": share(len(repeated(paragraphs)), len(paragraphs)),
        "duplicate_paragraph_char_fraction": share(total(repeated(paragraphs)), total(paragraphs)),
    }
    for n in range(2, 11):
        expected[f"{'top' if n <= 4 else 'duplicate'}_{n}gram_char_fraction"] = ngram_share(words, n)
    return expected


TERMINAL = tuple(map(chr, code_points("terminal_punctuation.txt")))
MARK_AT_ENDS = ",:;!?()[]{}<>_#*&$`\"'"
MARK_BETWEEN_LETTERS = ":<>=/,~-–—"


def ends_word(mark: str) -> bool:
    return mark in MARK_AT_ENDS if mark.isascii() else unicodedata.category(mark)[0] in "PS"


def words_between(before: str, marks: str, after: str) -> int:
    """Words that begin at the marks between two letters or digits of one word."""
    letters = before.isalpha() and after.isalpha()
    if marks.count(".") > 1:
        return 2
    if letters and marks[-1] in MARK_BETWEEN_LETTERS and (len(marks) == 1 or marks[-1] == "-"):
        return 2
    if letters and marks == "." and after.isupper() and not before.isupper():
        return 2
    return int(letters and marks in ("'", "’"))


def punct_words(word: str) -> int:
    """The `punct` words of one word between white space."""
    if not any(map(is_word_character, word)):
        return max(1, sum(map(ends_word, word)) + (word.count(".") > 1))
    first = next(i for i, char in enumerate(word) if is_word_character(char))
    last = max(i for i, char in enumerate(word) if is_word_character(char))
    head, tail, inside = word[:first], word[last + 1 :], word[first : last + 1]
    number = 1 + sum(map(ends_word, head)) + (head.count(".") > 1) + sum(map(ends_word, tail)) + ("." in tail)
    position, scheme = 0, False
    while position < len(inside) - 1:
        following = next(i for i in range(position + 1, len(inside)) if is_word_character(inside[i]))
        marks = inside[position + 1 : following]
        scheme |= marks == "://"
        if marks and not scheme:
            number += words_between(inside[position], marks, inside[following])
        position = following
    return number


def fineweb(text: str) -> dict[str, float]:
    """As datatrove 0.10 computes it, with `punct` words in place of spaCy's."""
    lines = [line for line in text.split("\n") if line.strip()]
    later = [line for i, line in enumerate(lines) if line in lines[:i]]
    return {
        "lines_ending_in_punctuation": share(sum(line.endswith(TERMINAL) for line in lines), len(lines)),
        "short_line_fraction": share(sum(len(line) <= 30 for line in lines), len(lines)),
        "repeated_line_char_fraction": share(total(later), len(text.replace("\n", ""))),
        "newline_word_ratio": share(text.count("\n"), sum(map(punct_words, text.split()))),
    }


def kinds(text: str) -> dict[str, float]:
    visible = [char for char in text if not char.isspace()]
    return {
        "letter_fraction": share(sum(map(is_word_character, visible)), len(visible)),
        "digit_fraction": share(sum(map(str.isdigit, visible)), len(visible)),
    }


def assert_scores(texts: list[str], expected: list[dict[str, float]]) -> None:
    found = score(pa.array(texts, pa.large_string()), list(expected[0]) if expected else [])
    for row, numbers in enumerate(expected):
        for name, value in numbers.items():
            assert found[name][row] == pytest.approx(value, abs=1e-12), (name, texts[row])


@settings(deadline=None, max_examples=150)
@given(st.lists(TEXTS, min_size=1, max_size=3))
@example(["a\x85b\u2029c\r\nd\re"])
@example(["x\ny\n\ny\nx\n\nx\ny"])
@example(["\n\n\n", "", " \u3000"])
def test_gopher__equals_plain_python(texts):
    assert_scores(texts, [gopher(text) for text in texts])


@settings(deadline=None, max_examples=150)
@given(st.lists(TEXTS, min_size=1, max_size=3))
@example(["see https://a.bc/d-e?f=G, (yes!) it's e.g. well-known... a--b .net x-"])
def test_fineweb__equals_plain_python(texts):
    assert_scores(texts, [fineweb(text) for text in texts])


@settings(deadline=None, max_examples=100)
@given(st.lists(TEXTS, min_size=1, max_size=3))
def test_kinds__equal_plain_python(texts):
    assert_scores(texts, [kinds(text) for text in texts])


@pytest.mark.parametrize(
    ("text", "number"),
    {"one two": 2, "don't": 2, "一二三": 3, "Python3很好": 3, "ไทย": 3, "あア": 2, "한국 말": 2, "。": 0}.items(),
)
def test_running_words__of_any_script(text, number):
    assert score(pa.array([text], pa.large_string()), ["running_words"])["running_words"][0] == number


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=60))
def test_gopher__equals_plain_python_on_any_characters(text):
    known = "".join(char for char in text if unicodedata.category(char) != "Cn")
    assert_scores([known], [gopher(known)])


@pytest.mark.parametrize(
    ("word", "number"),
    {
        "word": 1, "(yes!)": 4, "it's": 2, "O’Brien": 2, "well-known": 3, "a--b": 3, "3.14": 1, "1,000": 1, "x2-4": 1,
        "e.g.": 2, "U.S.": 2, "foo.Bar": 3, "wait...": 2, "...so": 2, "...": 1, "----": 1, "-x-": 1, "x_y": 1, "_x_": 3,
        "a/b": 3, "/usr/bin": 3, "https://a.bc/d-e?f=G,": 2, "你好，世界。": 2, "“Yes”": 3, "f(x)": 2, "£5": 2, "@a": 1,
    }.items(),
)  # fmt: skip
def test_punct_words__of_one_word(word, number):
    assert (
        score(pa.array([f"{word}\n"], pa.large_string()), ["newline_word_ratio"])["newline_word_ratio"][0] == 1 / number
    )
    assert punct_words(word) == number


def test_score__reads_slices_nulls_and_nothing():
    column = pa.array(["x", "one two", None, "你好", "y"], pa.large_string())
    assert score(column.slice(1, 3), ["words", "characters"]) == {
        "words": pytest.approx([2, 0, 1]),
        "characters": pytest.approx([7, 0, 2]),
    }
    assert all(len(values) == 0 for values in score(column.slice(0, 0), computable()).values())


def computable() -> list[str]:
    return [name for name, signal in SIGNALS.items() if signal.compute is not None]


@settings(deadline=None, max_examples=50)
@given(st.lists(TEXTS, max_size=4))
def test_score__a_batch_is_its_documents(texts):
    whole = score(pa.array(texts, pa.large_string()), computable())
    for row, text in enumerate(texts):
        alone = score(pa.array([text], pa.large_string()), computable())
        assert {name: values[row] for name, values in whole.items()} == {
            name: values[0] for name, values in alone.items()
        }


@pytest.mark.parametrize("name", computable())
def test_signal__is_a_number_for_an_empty_document(name):
    values = score(pa.array(["", "\n", "\x00"], pa.large_string()), [name])[name]
    assert values.dtype == np.float64
    assert np.isfinite(values).all()


def test_score__says_what_it_cannot_give():
    text = pa.array(["x"], pa.large_string())
    with pytest.raises(KeyError, match="no_such"):
        score(text, ["no_such"])
    with pytest.raises(ValueError, match="another step"):
        score(text, ["c4_sentences"])
    with pytest.raises(TypeError, match="large_string"):
        score(pa.array(["x"]), ["words"])


def test_ratio__of_nothing_is_nothing():
    assert ratio(np.array([1, 0, 3]), np.array([2, 0, 0])).tolist() == [0.5, 0.0, 0.0]
