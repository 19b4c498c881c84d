"""Signals of Chinese pages against plain Python written from their documentation."""

import unicodedata

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gristmill.filters.data import code_points
from gristmill.filters.phrases import KINDS, chinese_phrases
from gristmill.filters.signals import SIGNALS, score

PHRASES = chinese_phrases()
SOME_PHRASES = [phrase for phrases in PHRASES.values() for phrase in phrases[:6]]
PIECES = [
    *SOME_PHRASES, "今天", "天气", "很", "好", "的", "臺灣", "の", "カ", "한", "ab", "Word", "ＡＢ", "123456",
    "１２３４５６７", "010-", "x9", "。", "！", "．", ".", "?", "，", "、", "：", "”", "）", "】", "》", '"', "-", "|",
    "_", "·", " ", " ", "\u3000", "\t", "\n", "\n", "\r\n", "\x00", "\u200b", "😀", "e\u0301", "²",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)
CHINESE = [name for name, signal in SIGNALS.items() if signal.scripts == "Hani"]
TERMINAL = set(map(chr, code_points("terminal_punctuation.txt")))
CLOSING = set("\"')”’」』）》】＂")
BREAK = "\n"


def fold(char: str) -> str:
    if "！" <= char <= "～":
        char = chr(ord(char) - 0xFEE0)
    lower = char.lower()
    return lower if len(lower) == 1 else char


def is_letter(char: str) -> bool:
    return unicodedata.category(char)[0] in "LNM"


def is_mark(char: str) -> bool:
    return unicodedata.category(char)[0] in "PS"


def unspaced(char: str) -> bool:
    name = unicodedata.name(char, "")
    return is_letter(char) and name.startswith(("CJK", "HIRAGANA", "KATAKANA", "THAI"))


def folded(line: str) -> str:
    """What phrases are looked for in: no spaces after Chinese characters, breaks for other spaces, no format marks."""
    out, after_han = "", False
    for char in line:
        if char.isspace():
            out += "" if after_han else BREAK
        elif is_letter(char) or is_mark(char):
            out += fold(char)
            after_han = unspaced(char) if is_letter(char) else after_han
    return out


def matches(text: str, kinds: list[str]) -> list[tuple[int, int]]:
    """(end, length in letters) of every occurrence, in letters of the text; of one end the longest."""
    found: dict[int, int] = {}
    for phrase in {"".join(map(fold, phrase)) for kind in kinds for phrase in PHRASES[kind]}:
        at = text.find(phrase)
        while at >= 0:
            end = sum(map(is_letter, text[: at + len(phrase)]))
            found[end] = max(found.get(end, 0), sum(char.isalnum() for char in phrase))
            at = text.find(phrase, at + 1)
    return sorted(found.items())


def covered(text: str, kinds: list[str]) -> int:
    number, reach = 0, 0
    for end, length in matches(text, kinds):
        number += min(length, end - reach)
        reach = end
    return number


def occurrences(text: str, kinds: list[str]) -> int:
    """Places in the text where a phrase of the kinds ends."""
    phrases = {"".join(map(fold, phrase)) for kind in kinds for phrase in PHRASES[kind]}
    return sum(any(text[:end].endswith(phrase) for phrase in phrases) for end in range(1, len(text) + 1))


def longest_number(line: str) -> int:
    """Letters and digits in a row, hyphens aside, once there is a digit among them."""
    longest, run, digits = 0, 0, 0
    for char in line:
        if is_letter(char) and not unspaced(char):
            run, digits = run + 1, digits + char.isdigit()
            longest = max(longest, run if digits else 0)
        elif is_letter(char) or char.isspace() or (is_mark(char) and char != "-"):
            run, digits = 0, 0
    return longest


def is_advertisement(line: str, text: str, letters: int) -> bool:
    has = {kind: occurrences(text, [kind]) for kind in ("contact", "phone", "offer")}
    number, pitch = longest_number(line), covered(text, ["contact", "phone", "offer"])
    asks = has["contact"] and (has["offer"] or number >= 5)
    calls = has["phone"] and has["offer"] and number >= 7
    if asks or calls:
        return pitch >= 0.1 * letters
    return has["offer"] >= 3 and pitch >= 0.2 * letters


def ends_sentence(line: str) -> bool:
    kept = [char for char in line if is_letter(char) or is_mark(char)]
    while kept and kept[-1] in CLOSING:
        kept.pop()
    return bool(kept) and kept[-1] in TERMINAL


def segments(line: str) -> int:
    spaced = "".join(char if is_letter(char) else " " if char.isspace() or is_mark(char) else "" for char in line)
    return len(spaced.split(" ")) - spaced.split(" ").count("")


def chinese(text: str) -> dict[str, float]:
    sums = dict.fromkeys(["letters", *CHINESE], 0)
    spam = [kind for kind, bit in KINDS.items() if bit == KINDS["gambling"]]
    for line in text.split("\n"):
        letters, folded_line = sum(map(is_letter, line)), folded(line)
        han = sum(unicodedata.name(char, "").startswith("CJK") and is_letter(char) for char in line)
        navigation = covered(folded_line, ["navigation"])
        furniture = occurrences(folded_line, ["furniture"]) or (navigation and 2 * navigation >= letters)
        ended = any(char in TERMINAL for char in line)
        n = segments(line)
        sums["letters"] += letters
        sums["han_fraction"] += han
        sums["sentence_fraction"] += letters * ends_sentence(line)
        sums["furniture_fraction"] += letters * bool(furniture)
        sums["advertisement_fraction"] += letters * bool(is_advertisement(line, folded_line, letters))
        sums["keyword_fraction"] += letters * (n >= 6 and letters <= 10 * n and 2 * han >= letters and not ended)
        sums["spam_fraction"] += covered(folded_line, spam)
    return {name: sums[name] / sums["letters"] if sums["letters"] else 0.0 for name in CHINESE}


@settings(deadline=None, max_examples=200)
@given(st.lists(TEXTS, min_size=1, max_size=3))
@example(["加 微 信 ＡＢＣ１２３", "特价包邮限时买了", "北京 上海 广州 深圳 天津 重庆"])
@example(["他说“走吧。”\n好", "优惠电话 010-1234", "优惠电话 010 1234", "点击查看一下"])
def test_chinese__equals_plain_python(texts):
    found = score(pa.array(texts, pa.large_string()), CHINESE)
    for row, text in enumerate(texts):
        for name, value in chinese(text).items():
            assert found[name][row] == pytest.approx(value, abs=1e-12), (name, text)


def characters(text: str) -> list[str]:
    """The `char` stream."""
    words, run = [], ""
    for char in text + " ":
        if run and (unspaced(char) or not is_letter(char)):
            words.append(run)
            run = ""
        if unspaced(char):
            words.append(fold(char))
        elif is_letter(char):
            run += fold(char)
    return words


@settings(deadline=None, max_examples=150)
@given(TEXTS, st.integers(2, 10))
def test_character_ngrams__equal_word_ngrams_of_the_spelt_out_stream(text, n):
    kind = "top" if n <= 4 else "duplicate"
    spelt = " ".join(characters(text * 2))
    of_words, of_characters = f"{kind}_{n}gram_char_fraction", f"character_{kind}_{n}gram_fraction"
    expected = score(pa.array([spelt], pa.large_string()), [of_words])[of_words][0]
    found = score(pa.array([text * 2], pa.large_string()), [of_characters])[of_characters][0]
    assert found == pytest.approx(expected, abs=1e-12)


def test_phrases__are_unique_in_their_kind_and_can_be_seen():
    assert set(PHRASES) == set(KINDS)
    for kind, phrases in PHRASES.items():
        assert len(set(phrases)) == len(phrases) > 5, kind
        assert all(len(phrase) >= 2 for phrase in phrases)


def test_phrases__every_one_is_found():
    spam = [phrase for kind, bit in KINDS.items() if bit == KINDS["gambling"] for phrase in PHRASES[kind]]
    found = score(pa.array(spam, pa.large_string()), ["spam_fraction"])["spam_fraction"]
    assert found.tolist() == [1.0] * len(spam)
    furniture = list(PHRASES["furniture"]) + list(PHRASES["navigation"])
    found = score(pa.array(furniture, pa.large_string()), ["furniture_fraction"])["furniture_fraction"]
    assert found.tolist() == [1.0] * len(furniture)
