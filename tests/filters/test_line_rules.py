import json
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.filters.edits import apply
from gristmill.filters.kernels.text.sentences import ABBREVIATIONS
from gristmill.filters.line_rules import DATATROVE, FINEWEB, PAPER, bad_words, edit_c4

CITATION = re.compile(r"\[\d*\]|\[edit\]|\[citation needed\]")
POLICY = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")


def column(texts: list[str | None]) -> pa.Array:
    return pa.array(texts, pa.large_string())


def count_sentences(line: str) -> int:
    """The rule of kernels/sentences.py on str."""
    words = line.split()
    count = min(len(words), 1)
    for word, following in pairwise(words):
        word = word.rstrip("\"')]}’”")
        if word.endswith(("?", "!")):
            count += 1
        elif word.endswith("."):
            letters = re.search(r"([a-zA-Z]|[^\x00-\x7f])*$", word[:-1])[0]
            is_number = re.search(r"[0-9]", word) and not re.search(r"[a-zA-Z]|[^\x00-\x7f]", word)
            if word.endswith("..") or is_number:
                count += following.lstrip("\"'([{‘“")[:1].isupper()
            elif letters.lower() not in ABBREVIATIONS.split():
                count += not (len(letters) == 1 and ord(letters) < 0x800)
    return count


def clean_page(text: str) -> dict:
    """clean_page of TFDS c4_utils.py, statement by statement, without leaving at what costs the page."""
    kept, lorem, curly, sentences = [], 0, 0, 0
    for line in text.splitlines():
        line = line.strip()
        if any(len(word) > 1000 for word in line.split()):
            continue
        line = CITATION.sub("", line)
        if not line.endswith((".", "?", "!", '"')) or line.endswith("..."):
            continue
        if len(line.split()) < 5:
            continue
        lower = line.lower()
        lorem += "lorem ipsum" in lower
        if "javascript" in lower:
            continue
        curly += "{" in line
        if any(phrase in lower for phrase in POLICY):
            continue
        sentences += count_sentences(line)
        kept.append(line)
    return {
        "page": "\n".join(kept).strip(),
        "c4_lorem_ipsum_lines": lorem,
        "c4_curly_bracket_lines": curly,
        "c4_sentences": sentences,
        "c4_lines_kept": len(kept),
        "c4_characters": len(text),
    }


def cleaned(texts: list[str]) -> list[dict]:
    edits, signals = edit_c4(column(texts))
    pages = apply(column(texts), edits).to_pylist()
    return [
        {"page": page} | {name: int(value) for name, value in zip(signals, row, strict=True)}
        for page, row in zip(pages, np.stack(list(signals.values())).T, strict=True)
    ]


PIECES = st.sampled_from(
    ["one two three four five", " ", "  ", ".", "...", "?", "!", '"', "\n", "\n", "\r\n", "\r", "\u2028", "\x85",
     "\x1c", "\x0b", "\x00", "\xa0", "\u3000", "\u2003", "[12]", "[]", "[edit]", "[citation needed]", "[²]", "[٣]",
     "[", "]", "{", "Lorem Ipsum", "JavaScript", "java", "terms of use", "Privacy  Policy", "use coo\u212aies",
     "use of Cookies", "\u212a", "İ", "policy ", "Mr. ", "U.S. ", "etc. ", "1. ", "The", "“Now”", "中文句子。", "😀",
     "É. ", "x" * 1000, "x", "c", "u", "i", "p"]
)  # fmt: skip
PAGES = st.lists(PIECES, max_size=25).map("".join)


@settings(deadline=None, max_examples=300)
@given(st.lists(PAGES, min_size=1, max_size=4))
def test_edit_c4__makes_the_page_of_tfds(texts):
    assert cleaned(texts) == [clean_page(text) for text in texts]


@settings(deadline=None)
@given(st.lists(st.text(), min_size=1, max_size=4))
def test_edit_c4__survives_any_text(texts):
    assert cleaned(texts) == [clean_page(text) for text in texts]


GOLDEN = [json.loads(line) for line in (Path(__file__).parents[1] / "golden" / "c4_lines.jsonl").open(encoding="utf-8")]


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case["id"])
def test_edit_c4__golden(case):
    edits, signals = edit_c4(column([case["text"]]))
    text = case["text"].encode()
    cut = [
        [edits.kinds[kind], text[start:end].decode()]
        for start, end, kind in zip(edits.start_E, edits.end_E, edits.kind_E, strict=True)
    ]
    assert cut == case["cut"]
    assert apply(column([case["text"]]), edits).to_pylist() == [case["page"]]
    assert signals["c4_sentences"] == [case["sentences"]]
    assert signals["c4_lorem_ipsum_lines"] == [case.get("lorem", 0)]
    assert signals["c4_curly_bracket_lines"] == [case.get("curly", 0)]


def test_edit_c4__words_of_more_than_1000_characters_not_bytes():
    texts = [f"one two three four {'长' * n}." for n in (999, 1000)]
    edits, signals = edit_c4(column(texts))
    assert signals["c4_lines_kept"].tolist() == [1, 0]
    assert [edits.kinds[kind] for kind in edits.kind_E] == ["c4_long_word"]


def test_edit_c4__pages_of_short_lines_take_more_room_than_guessed():
    texts = ["a\n\n" * 500 + "This line has five words." + "\r\n\r\na" * 300] * 3
    assert cleaned(texts) == [clean_page(text) for text in texts]
    assert len(edit_c4(column(texts))[0]) > 64 + len("".join(texts)) // 16


def test_edit_c4__nulls_and_slices_and_nothing():
    texts = ["left out", None, "This line has five words.\n中文", ""]
    edits, signals = edit_c4(column(texts).slice(1))
    assert apply(column(texts).slice(1), edits).to_pylist() == [None, "This line has five words.", ""]
    assert signals["c4_characters"].tolist() == [0, 28, 0]
    assert {name: values.dtype for name, values in signals.items()} == dict.fromkeys(signals, np.dtype(np.float64))
    assert len(edit_c4(column([]))[0]) == 0


def test_edit_c4__knows_white_space_breaks_and_digits_of_every_character():
    characters = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    texts = [
        "".join(f"one two three{c}four five{c}.[{c}]" for c in characters[i : i + 4096])
        for i in range(0, len(characters), 4096)
    ]
    assert cleaned(texts) == [clean_page(text) for text in texts]


@pytest.mark.parametrize(
    ("language", "text", "found"),
    [
        ("en", "a bad word", 1),
        ("en", "BAD", 1),
        ("en", "badly abad bad_ 1bad badé", 0),
        ("en", "(bad)", 1),
        ("en", "bad中文", 0),
        ("en", "a c++ page", 1),
        ("en", "ac++ page", 0),
        ("en", "some very\nbad", 1),
        ("ja", "notbadly", 1),
        ("zh-Hant", "這是坏词嗎", 1),
        ("zh", "这是坏的词", 0),
        ("de", "这是坏词吗", 0),
        ("de", "这是，坏词！", 1),
    ],
)
def test_bad_words__stand_alone_except_where_words_do(language, text, found):
    words = ["bad", "c++", "坏词"]
    assert bad_words(column([text]), words, language).tolist() == [found]
    pattern = "|".join(map(re.escape, words))  # TFDS c4_utils.py, get_badwords_filter_fn
    if language.split("-")[0] not in ("ja", "th", "zh"):
        pattern = rf"(?:\W|^)({pattern})(?:\W|$)"
    assert bool(re.search(pattern, text.lower())) == bool(found)


def test_bad_words__a_long_list_and_a_useless_one():
    words = [f"word{i}" for i in range(500)]
    assert bad_words(column(["x word499.", None, "word500"]), words, "en").tolist() == [1, 0, 0]
    for useless in ([], ["bad", ""]):
        with pytest.raises(ValueError, match="at least one word"):
            bad_words(column(["text"]), useless, "en")


@pytest.mark.parametrize(
    ("rules", "text", "page"),
    [
        (PAPER, "Three words here.\nTwo words.", "Three words here."),
        (PAPER, "It goes on and on...", "It goes on and on..."),
        (DATATROVE, "It goes on and on...", ""),
        (DATATROVE, "He said 'go now'", "He said 'go now'"),
        (DATATROVE, "[1] Two words.", "Two words."),
        (FINEWEB, "No mark at all", "No mark at all"),
        (FINEWEB, "two words\n今天天气很好。\nthree words here", "three words here"),
    ],
)
def test_edit_c4__where_implementations_differ(rules, text, page):
    texts = column([text])
    assert apply(texts, edit_c4(texts, rules)[0])[0].as_py() == page
