"""Two texts compared by runs of words: ROUGE-N (Lin 2004), counted as WebMainBench's evaluation does.

Texts are NFKC; blanks, punctuation and marks of Markdown are no words, so that plain text and Markdown compare alike.
"""

import re
import unicodedata
import warnings
from collections import Counter
from typing import Any, NamedTuple

from gristmill.pipelines.errors import InputError

CJK = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3040-\u30ff\u0e00-\u0e7f\U00020000-\U0003ffff"
CHARACTERS = re.compile(f"[{CJK}]|[^\\W{CJK}]+")
WORD = re.compile(r"\w+")
BY_CHARACTER = ("ja", "th")
"""Languages that write no blanks between words, and for which no segmenter is at hand."""


class Overlap(NamedTuple):
    """Precision, recall and F1, 0 to 1."""

    precision: float
    recall: float
    f1: float


def words(text: str, language: str) -> list[str]:
    """The words of a text: Chinese as jieba segments it, Japanese and Thai by character (Latin words stay whole), all
    others what stands between blanks and punctuation. Raises InputError where jieba is not installed."""
    text = unicodedata.normalize("NFKC", text)
    if language == "zh":
        return [word for word in _jieba().lcut(text) if WORD.search(word)]
    return (CHARACTERS if language in BY_CHARACTER else WORD).findall(text)


def rouge(gold: list[str], found: list[str], n: int) -> Overlap:
    """Clipped overlap of runs of `n` words (of the shorter text's length, where it has fewer). Two empty texts are
    equal, one empty text has nothing of the other."""
    if not gold or not found:
        return Overlap(*[float(not gold and not found)] * 3)
    n = min(n, len(gold), len(found))
    wanted, got = _runs(gold, n), _runs(found, n)
    both = (wanted & got).total()
    precision, recall = both / got.total(), both / wanted.total()
    return Overlap(precision, recall, 2 * precision * recall / (precision + recall) if both else 0.0)


def squeezed(text: str) -> str:
    """A text without blanks, NFKC: line breaks decide nothing, in Chinese least of all."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def _runs(words: list[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(zip(*(words[start:] for start in range(n)), strict=False))


def _jieba() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own escapes
            import jieba
    except ImportError:
        raise InputError(
            "Chinese pages are compared word by word, and jieba is not installed",
            where="gristmill extract evaluate",
            fix="pip install 'gristmill[evaluate]'",
        ) from None
    jieba.setLogLevel(60)
    return jieba
