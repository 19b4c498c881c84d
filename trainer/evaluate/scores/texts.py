"""Whether what was written is the answer: exact match, and pass@k."""

import math
import re
import string
from collections.abc import Sequence
from typing import Any

from gristmill.trainer.errors import ConfigError

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_DIGITS = str.maketrans("", "", string.digits)
OPTIONS = ("ignore_case", "ignore_punctuation", "ignore_numbers", "regexes_to_ignore")


class ExactMatch:
    """exact_match of lm-evaluation-harness, with its options; a text is right where it is one of the answers."""

    def __init__(self, options: dict[str, Any], where: str):
        unknown = set(options) - {*OPTIONS, "metric", "aggregation", "higher_is_better"}
        if unknown:
            raise ConfigError(
                f"exact_match has no option {min(unknown)!r}", where=where, fix=f"one of: {', '.join(OPTIONS)}"
            )
        try:
            self.ignored = [re.compile(one) for one in options.get("regexes_to_ignore") or []]
        except (re.error, TypeError) as error:
            raise ConfigError(
                f"regexes_to_ignore: {error}", where=where, fix="a list of regular expressions"
            ) from error
        self.options = options

    def __call__(self, text: str, answers: Sequence[str]) -> float:
        """1 or 0."""
        plain = self._plain(text)
        return float(any(plain == self._plain(answer) for answer in answers))

    def _plain(self, text: str) -> str:
        for pattern in self.ignored:
            text = pattern.sub("", text)
        text = text.lower() if self.options.get("ignore_case") else text
        text = text.translate(_PUNCTUATION) if self.options.get("ignore_punctuation") else text
        return text.translate(_DIGITS) if self.options.get("ignore_numbers") else text


def pass_at_k(samples: int, right: int, k: int) -> float:
    """Chance that one of k samples is right, from `right` of n: 1 - C(n - c, k) / C(n, k), without bias (Chen et al.
    2021, Codex, equation 1)."""
    if not 0 < k <= samples:
        raise ValueError(f"pass@{k} needs {k} samples, there are {samples}")
    return 1.0 - math.comb(samples - right, k) / math.comb(samples, k)


def memorised(text: str, answer: str) -> dict[str, float]:
    """Of a continuation of a document's beginning: whether it goes on with exactly the document's next characters
    (Carlini et al. 2023), and the share of them before the first that differs."""
    same = next(
        (place for place, (a, b) in enumerate(zip(text, answer, strict=False)) if a != b), min(len(text), len(answer))
    )
    return {"memorised": float(same == len(answer)), "verbatim": same / len(answer)}
