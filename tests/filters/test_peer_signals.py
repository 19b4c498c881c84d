"""Signals of MAP-NEO, RedPajama and Data-Juicer against plain Python written from the peers' own code."""

import math
import re
import string
import unicodedata
from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.filters.signals import score
from gristmill.filters.signals.redpajama2 import NAMES

PIECES = [
    "the", "mill", "The", "MILL", "a", "42", "x_1", "it's", "...", "…", "#", "##", "{", "}", ".", "!", "?", ";", '"',
    " ", " ", " ", "\n", "\n", "今天天气很好", "。", "。。", "，", "！", "【广告】", "【", "】", "展开", "更多",
    "•", "·", "readmore", "“", "”", "—", "１２", "é", "\u3000", "Я",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


def share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def entropy(items: list[str]) -> float:
    return -sum(n / len(items) * math.log(n / len(items)) for n in Counter(items).values())


def mapneo(text: str) -> dict[str, float]:
    half, full = (
        ".!\"\"#$%&''()*+,-/:;<=>?@[\\]^_`{|}~",
        "。！“”＃＄％＆‘’（）＊＋，－／：；＜＝＞？＠［＼］＾＿｀｛｜｝～",
    )
    table = str.maketrans(full, half) | {ord("．"): "."}  # U+FF0E: what NFKC makes of it, for those that read that form
    changed = text.translate(table)
    lines = text.splitlines()
    written = re.sub(r"[^\w\s]", "", text)
    bullets = tuple("•●○■□▪▫※·➢\u2023\u25b6\u25c0\u25e6\u25ab\u2013")
    return {
        "lenticular_bracket_fraction": share(sum(map(len, re.findall("【(.*?)】", text))), len(text)),
        "hash_run_ratio": share(len(re.findall("#+", changed)), len(text)),
        "ellipsis_run_ratio": share(len(re.findall("…+", changed)) + len(re.findall(r"\.{2,}", changed)), len(text)),
        "written_digit_fraction": share(sum(map(str.isdigit, written)), len(written)),
        "mark_fraction": share(sum(char in f"{string.punctuation}…" for char in changed), len(text)),
        "pieces_between_marks": sum(bool(one.strip()) for one in re.split(r'[.!…?;"]+', changed)),
        "read_more_line_fraction": share(
            sum(line.endswith(("readmore", "展开", "更多")) for line in lines), len(lines)
        ),
        "wide_bullet_line_fraction": share(sum(line.startswith(bullets) for line in lines), len(lines)),
        "distinct_character_fraction": share(len(set(text)), len(text)),
        "character_entropy": entropy(list(text)) if text else 0,
    }


def redpajama(text: str) -> dict[str, float]:
    words = text.translate(str.maketrans("", "", string.punctuation)).lower().split()
    raw = re.findall(r"\w+|[^\w\s]+", text)
    lines = re.findall(r"[^\n]*\n|[^\n]+$", text)
    found = {
        "word_count": len(words),
        "mean_word_length": share(len("".join(words)), len(words)),
        "symbol_to_word_ratio": share(sum(map(text.count, ("#", "...", "…"))), len(raw)),
        "frac_lines_end_with_ellipsis": share(sum(line.rstrip().endswith(("...", "…")) for line in lines), len(lines)),
        "frac_no_alph_words": share(sum(not re.search("[a-zA-Z]", word) for word in raw), len(raw)),
        "frac_all_caps_words": share(sum(map(str.isupper, raw)), len(raw)),
        "num_sentences": len(re.findall(r"\b[^.!?]+[.!?]*", text)),
        "frac_unique_words": share(len(set(words)), len(words)),
        "unigram_entropy": entropy(words) if words else 0,
        "curly_bracket": share(text.count("{") + text.count("}"), len(text)),
    }
    for n in range(2, 11):
        grams = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
        count = Counter(grams)
        if n <= 4:
            gram, times = count.most_common(1)[0] if count else ((), 0)
            found[f"frac_chars_top_{n}gram"] = share(len("".join(gram)) * times, len("".join(words))) * (times > 1)
        else:
            inside = {i + k for i, gram in enumerate(grams) if count[gram] > 1 for k in range(n)}
            found[f"frac_chars_dupe_{n}grams"] = share(sum(len(words[i]) for i in inside), len("".join(words)))
    return {f"rps_doc_{name}": value for name, value in found.items()}


def datajuicer(text: str) -> float:
    grams = [text[i : i + 10] for i in range(len(text) - 9)]
    counts = sorted(Counter(grams).values(), reverse=True)
    taken = min(int(math.sqrt(len(counts))), len(counts) - counts.count(1))
    return share(sum(counts[:taken]), sum(counts))


@settings(deadline=None, max_examples=300)
@given(st.lists(TEXTS, max_size=3))
def test_mapneo__as_its_code_counts(texts):
    expected = [mapneo(text) for text in texts]
    for name in mapneo(""):
        found = score(pa.array(texts, pa.large_string()), [name])[name]
        assert found.tolist() == pytest.approx([one[name] for one in expected], abs=1e-9), name


@settings(deadline=None, max_examples=300)
@given(st.lists(TEXTS, max_size=3))
def test_redpajama2__as_its_code_counts(texts):
    assert set(redpajama("")) == set(NAMES)
    expected = [redpajama(text) for text in texts]
    found = score(pa.array(texts, pa.large_string()), NAMES)
    for name in NAMES:
        assert found[name].tolist() == pytest.approx([one[name] for one in expected], abs=1e-9), name


@settings(deadline=None, max_examples=200)
@given(st.lists(st.text("ab好", max_size=60), max_size=3))
def test_datajuicer__as_its_code_counts(texts):
    found = score(pa.array(texts, pa.large_string()), ["frequent_10gram_fraction"])["frequent_10gram_fraction"]
    assert found.tolist() == pytest.approx([datajuicer(text) for text in texts], abs=1e-9)


def test_alphanumeric_fraction__of_all_characters():
    text = "磨坊 ab, 1"
    expected = sum(unicodedata.category(char)[0] in "LNM" for char in text) / len(text)
    column = pa.array([text, ""], pa.large_string())
    assert score(column, ["alphanumeric_fraction"])["alphanumeric_fraction"].tolist() == [expected, 0]
