import re
import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.edits import apply
from filters.kernels.sentences import ABBREVIATIONS
from filters.line_rules import bad_words, edit_c4

CITATION = re.compile(r"\[\d*\]|\[edit\]|\[citation needed\]")
POLICY = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")


def column(texts: list[str | None]) -> pa.Array:
    return pa.array(texts, pa.large_string())


def count_sentences(line: str) -> int:
    """The rule of kernels/sentences.py on str."""
    words = line.split()
    count = min(len(words), 1)
    for word, following in zip(words, words[1:], strict=False):
        word = word.rstrip("\"')]}’”")
        capital = following.lstrip("\"'([{‘“")[:1].isupper()
        if word.endswith(("?", "!")):
            count += 1
        elif word.endswith("."):
            letters = re.search(r"([a-zA-Z]|[^\x00-\x7f])*$", word[:-1])[0]
            if word.endswith(".."):
                count += capital
            elif re.fullmatch(r"[\x00-\x7f]*[0-9][\x00-\x7f]*", word) and not re.search("[a-zA-Z]", word):
                count += capital
            elif len(letters) == 1 and ord(letters) < 0x800:
                pass
            elif letters.lower() not in ABBREVIATIONS.split():
                count += 1
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
    ["one two three four five", " ", "  ", ".", "...", "?", "!", '"', "\n", "\n", "\r\n", "\r", "\u2028", "\x85", "\x1c",
     "\x0b", "\x00", "\xa0", "\u3000", "\u2003", "[12]", "[]", "[edit]", "[citation needed]", "[²]", "[٣]", "[", "]", "{",
     "Lorem Ipsum", "JavaScript", "java", "terms of use", "Privacy  Policy", "use cooKies", "use of Cookies", "K", "İ", "policy ",
     "Mr. ", "U.S. ", "etc. ", "1. ", "The", "“Now”", "中文句子。", "😀", "É. ", "x" * 1000, "x", "c", "u", "i", "p"]
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
