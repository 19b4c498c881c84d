"""Counts of n-grams -> probabilities and backoff weights, by one of four smoothings.

* `kneser-ney`: interpolated modified Kneser-Ney (Chen and Goodman 1998, section 3), as KenLM's lmplz estimates it:
  shorter n-grams count how many words stand before them, the three discounts come from the counts of counts, the
  unigrams are interpolated with a uniform distribution. Where the counts give no discounts: 0.5, 1, 1.5, lmplz's own.
* `katz`: Good-Turing discounts of counts up to 5, the rest by backing off (Katz 1987).
* `jelinek-mercer`: relative frequencies, interpolated with a fixed weight (Jelinek and Mercer 1980).
* `add-k`: k more of every word in every full context (Lidstone 1920; k = 1 is Laplace).

All four become the same table: a word after a context either has a probability there, or the weight of the context
times its probability after the shorter one.

Letters: G n-grams, N words of one, C contexts, V words.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gristmill.filters.language_models.blanks import Order
from gristmill.filters.language_models.hashing import gram_hashes

UNK, BOS, EOS, FIRST_WORD = 0, 1, 2, 3
"""The numbers of <unk>, <s>, </s>, and of the first word, in counts and in every model that we make."""
KNESER_NEY, KATZ, JELINEK_MERCER, ADD_K = "kneser-ney", "katz", "jelinek-mercer", "add-k"
SMOOTHINGS = (KNESER_NEY, KATZ, JELINEK_MERCER, ADD_K)
FALLBACK = (0.5, 1.0, 1.5)
"""Discounts of lmplz --discount_fallback."""
GOOD_TURING = 5
"""Counts above are taken as they are (Katz's k)."""
NO_MASS = 1e-9
ZERO = -99.0
"""log10 of a weight that is 0."""


@dataclass(frozen=True)
class Smoothing:
    """How probabilities are made of counts. k: of `add-k`; weight: of `jelinek-mercer`, of the longer context."""

    name: str = KNESER_NEY
    k: float = 1.0
    weight: float = 0.7


@dataclass(frozen=True)
class Estimate:
    """A model, its words numbered as in the counts: log10 of probabilities and of backoff weights.

    discounts: of each order, by count: 1, 2, 3 and more (Kneser-Ney), 1 to 5 (Katz); none where the smoothing has none.
    fell_back: the orders whose counts gave no discounts.
    """

    prob_V: np.ndarray
    backoff_V: np.ndarray
    orders: list[Order]
    discounts: list[list[float]]
    fell_back: list[int]


@dataclass
class _Counts:
    """The n-grams of one order. often: what the smoothing counts; seen: how often they occur."""

    words: np.ndarray
    often: np.ndarray
    seen: np.ndarray

    @property
    def is_first(self) -> np.ndarray:
        """bool[G]: those that begin a sentence."""
        found: np.ndarray = self.words[:, 0] == BOS
        return found


def estimate(
    words: np.ndarray, count: np.ndarray, vocabulary: int, smoothing: Smoothing, prune: Sequence[int] = ()
) -> Estimate:
    """A model of the counts of all n-grams of the highest order, one ending at every word and every </s>.

    words: uint32[G, N], a sentence's beginning filled with N - 1 <s>, each n-gram once, in any order; count: int64[G].
    vocabulary: how many words there are, <unk>, <s> and </s> among them. prune: for each order, the count up to which
    n-grams are left out; the last number is for all higher orders. Raises ValueError where there is nothing to count.
    """
    if not len(words):
        raise ValueError("there is no text to count n-grams in")
    orders = _all_orders(words, count.astype(np.int64), adjusted=smoothing.name == KNESER_NEY)
    top = len(orders)
    bounds = [(list(prune) + [prune[-1]] * top)[n] if prune else 0 for n in range(top)]
    predicted = vocabulary - 1  # all but <s>
    prob_V = np.full(vocabulary, 1.0 / predicted)
    keys: np.ndarray = np.arange(vocabulary, dtype=np.uint64)
    lower, made, discounts, fell_back = prob_V, [], [], []
    weights: list[np.ndarray] = []
    for order, counts in enumerate(orders, start=1):
        share_G, found, fell = _shares(counts, order, top, predicted, smoothing)
        discounts.append(found)
        fell_back += [order] if fell else []
        kept = (counts.seen > bounds[order - 1]) | ((order == 1) & (counts.words[:, 0] < FIRST_WORD))
        if not kept.any():  # then there is none of a higher order either
            break
        interpolated = smoothing.name in (KNESER_NEY, JELINEK_MERCER)
        prob_G, weight_P = _spread(counts, share_G, kept, lower, keys, order, interpolated)
        if order == 1:
            prob_V = np.full(vocabulary, weight_P[0] / predicted)
            prob_V[counts.words[kept, 0]] = prob_G[kept]
            lower = prob_V
            continue
        weights.append(weight_P)
        words_K = counts.words[kept]
        by_key = np.argsort(gram_hashes(words_K), kind="stable")
        words_K, lower = words_K[by_key], prob_G[kept][by_key]
        keys = gram_hashes(words_K)
        made.append((words_K, lower))
    prob_V[BOS] = 1.0  # as lmplz has it: it is never predicted
    weights.append(np.ones(len(lower)))  # the longest are no contexts
    longer = [(words_K, _log10(prob_K), _log10(of)) for (words_K, prob_K), of in zip(made, weights[1:], strict=True)]
    return Estimate(_log10(prob_V), _log10(weights[0]), longer, discounts, fell_back)


def _log10(values: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.maximum(np.log10(values), ZERO).astype(np.float32)


def _all_orders(words: np.ndarray, seen: np.ndarray, adjusted: bool) -> list[_Counts]:
    """The n-grams of all orders, sorted by hash: the shorter ones are the ends of the longest."""
    order = np.argsort(_keys(words), kind="stable")
    words, seen = words[order], seen[order]
    often, found = seen, []
    while True:
        whole = np.ones(len(words), bool) if words.shape[1] < 2 else words[:, 1] != BOS
        found.append(_Counts(words[whole], often[whole], seen[whole]))
        if words.shape[1] == 1:
            return found[::-1]
        ends = words[:, 1:]
        _, first, which = np.unique(_keys(ends), return_index=True, return_inverse=True)
        seen = np.bincount(which, seen).astype(np.int64)
        words = ends[first]
        before = np.bincount(which).astype(np.int64)
        often = np.where(words[:, 0] == BOS, seen, before) if adjusted else seen


def _keys(words: np.ndarray) -> np.ndarray:
    return gram_hashes(words) if words.shape[1] > 1 else words[:, 0].astype(np.uint64)


def _shares(
    counts: _Counts, order: int, top: int, predicted: int, smoothing: Smoothing
) -> tuple[np.ndarray, list[float], bool]:
    """(what each n-gram has of the probability after its context before anything is shared with shorter ones, float64;
    the discounts; whether they are the fallback)."""
    _, which = np.unique(_contexts(counts.words), return_inverse=True)
    total_G = np.bincount(which, counts.often)[which]
    if smoothing.name == KNESER_NEY:
        discounts, fell = _kneser_ney(counts.often)
        off_G = np.array([0.0, *discounts])[np.minimum(counts.often, 3)]
        return (counts.often - off_G) / total_G, discounts, fell
    if smoothing.name == KATZ:
        discounts, fell = _good_turing(counts.often)
        factor = np.array([0.0, *discounts, 1.0])[np.minimum(counts.often, GOOD_TURING + 1)]
        share_G = factor * counts.often / total_G
        left_G = 1.0 - np.bincount(which, share_G)[which]
        return np.where(left_G < NO_MASS, share_G * total_G / (total_G + 1), share_G), discounts, fell
    if smoothing.name == JELINEK_MERCER:
        return smoothing.weight * counts.often / total_G, [], False
    if smoothing.name == ADD_K:
        added_G = (counts.often + smoothing.k) / (total_G + smoothing.k * predicted)
        full_G = counts.is_first if order < top else np.ones(len(added_G), bool)
        return np.where(full_G, added_G, 1.0 / predicted), [], False
    raise ValueError(f"no smoothing is called '{smoothing.name}'; there are {', '.join(SMOOTHINGS)}")


def _kneser_ney(often: np.ndarray) -> tuple[list[float], bool]:
    """The discounts of counts 1, 2, and 3 or more (Chen and Goodman 1998, equation 26)."""
    n = np.bincount(np.minimum(often, 5), minlength=6).astype(float)
    if (n[1:4] == 0).any():
        return list(FALLBACK), True
    y = n[1] / (n[1] + 2 * n[2])
    found = [count - (count + 1) * y * n[count + 1] / n[count] for count in (1, 2, 3)]
    fell = any(not 0 <= discount <= count for count, discount in enumerate(found, start=1))
    return (list(FALLBACK), True) if fell else (found, False)


def _good_turing(often: np.ndarray) -> tuple[list[float], bool]:
    """By what the counts 1 to GOOD_TURING are multiplied (Katz 1987, equation 9)."""
    n = np.bincount(np.minimum(often, GOOD_TURING + 2), minlength=GOOD_TURING + 3).astype(float)
    counts = range(1, GOOD_TURING + 1)
    if (n[1 : GOOD_TURING + 1] > 0).all():
        high = (GOOD_TURING + 1) * n[GOOD_TURING + 1] / n[1]
        if high < 1:
            found = [((r + 1) * n[r + 1] / (r * n[r]) - high) / (1 - high) for r in counts]
            if all(0 < factor <= 1 for factor in found):
                return found, False
    return [(r - 0.5) / r for r in counts], True


def _contexts(words: np.ndarray) -> np.ndarray:
    """uint64[G]: the same number for n-grams of the same context."""
    if words.shape[1] == 1:
        return np.zeros(len(words), np.uint64)
    return _keys(words[:, :-1])


def _spread(
    counts: _Counts,
    share_G: np.ndarray,
    kept: np.ndarray,
    lower: np.ndarray,
    keys: np.ndarray,
    order: int,
    interpolated: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """(probability of every n-gram, weight of every n-gram of the order below, as a context).

    lower, keys: probability and rising key of the order below; of unigrams, the uniform distribution.
    """
    share_G = np.where(kept, share_G, 0.0)
    if order == 1:
        below_G, at_G, contexts = np.full(len(share_G), lower[0]), np.zeros(len(share_G), np.int64), 1
    else:
        below_G = lower[_place(keys, _keys(counts.words[:, 1:]))]
        at_G, contexts = _place(keys, _contexts(counts.words)), len(keys)
    left_C = np.maximum(1.0 - np.bincount(at_G, share_G, contexts), 0.0)
    is_context = np.bincount(at_G, kept, contexts) > 0
    if not interpolated:
        rest_C = 1.0 - np.bincount(at_G, np.where(kept, below_G, 0.0), contexts)
        left_C = np.divide(left_C, rest_C, out=np.ones(contexts), where=rest_C > 1e-12)
    left_C = np.where(is_context, left_C, 1.0)
    return (share_G + left_C[at_G] * below_G if interpolated else share_G), left_C


def _place(keys: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    return np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
