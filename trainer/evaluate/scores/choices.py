"""Scores of an item from the log-likelihoods of its choices, or of its one answer."""

import math
import re
from collections.abc import Sequence

import numpy as np

from gristmill.trainer.evaluate.scores.summary import Value


def choice_scores(log_p: Sequence[float], choices: Sequence[str], right: Sequence[int]) -> dict[str, Value]:
    """Of a multiple choice, as lm-evaluation-harness has them, and two of ours.

    acc: the likeliest choice is right; acc_norm, acc_bytes: the likeliest by character, by byte; of equal ones the
    first counts. brier_score: squared distance of the choices' probabilities (softmax) from the right one's, 0 to 2.
    calibration_error: (probability of the likeliest, whether it is right). likelihood_per_character: mean
    log-probability of a character of the right answer, in nats: what small models are told apart by before they are
    ever right.
    """
    log_p_C = np.asarray(log_p, np.float64)
    characters_C = np.array([float(len(choice)) for choice in choices])
    bytes_C = np.array([float(len(choice.encode())) for choice in choices])
    p_C = np.exp(log_p_C - log_p_C.max())
    p_C /= p_C.sum()
    wanted_C = np.zeros(len(choices))
    wanted_C[right[0]] = 1.0
    best = int(log_p_C.argmax())
    return {
        "acc": float(best in right),
        "acc_norm": float(int((log_p_C / characters_C).argmax()) in right),
        "acc_bytes": float(int((log_p_C / bytes_C).argmax()) in right),
        "likelihood_per_character": max(float(log_p_C[number] / characters_C[number]) for number in right),
        "brier_score": float(((p_C - wanted_C) ** 2).sum()),
        "calibration_error": (float(p_C.max()), float(best in right)),
    }


def pair_scores(log_p: Sequence[float]) -> dict[str, Value]:
    """Of two sentences that differ by a word, neither of them right (as CrowS-Pairs, Nangia et al. 2020, and
    lm-evaluation-harness's `likelihood_diff`): whether the first is likelier, by how many nats, and how far apart they
    are. How frequent the two words are is in it."""
    difference = log_p[0] - log_p[1]
    return {"first_preferred": float(difference > 0), "log_ratio": difference, "log_ratio_size": abs(difference)}


def answer_scores(log_p: float, greedy: bool, answer: str) -> dict[str, Value]:
    """Of one answer that is judged as it stands."""
    return {
        "acc": float(greedy),
        "perplexity": -log_p,
        "likelihood_per_character": log_p / max(1, len(answer)),
    }


def text_scores(log_p: float, text: str) -> dict[str, Value]:
    """Of a whole text. Words are what white space separates, as in lm-evaluation-harness: of Chinese they say
    nothing."""
    nats, size = -log_p, float(len(text.encode()))
    words = float(len(re.split(r"\s+", text)))
    return {"bits_per_byte": (nats, size), "byte_perplexity": (nats, size), "word_perplexity": (nats, words)}


def is_number(value: float) -> bool:
    """Whether a score can be written."""
    return math.isfinite(value)
