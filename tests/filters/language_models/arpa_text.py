"""A model of sentences as an ARPA file: ours is the estimate, the format is CMU's."""

from collections import Counter

import numpy as np

from gristmill.filters.language_models.estimate import BOS, EOS, FIRST_WORD, Estimate, Smoothing, estimate


def counted(sentences, order):
    """(words without specials, n-grams, counts), as the pipeline counts them."""
    words = sorted({word for sentence in sentences for word in sentence})
    number = {word: FIRST_WORD + at for at, word in enumerate(words)}
    found = Counter()
    for sentence in sentences:
        padded = [BOS] * (order - 1) + [number[word] for word in sentence] + [EOS]
        for end in range(order - 1, len(padded)):
            found[tuple(padded[end - order + 1 : end + 1])] += 1
    return words, np.array(list(found), np.uint32).reshape(-1, order), np.array(list(found.values()))


def estimated(sentences, order, smoothing=Smoothing(), prune=()) -> tuple[list[str], Estimate]:
    """(all words by number, the estimate)."""
    words, grams, counts = counted(sentences, order)
    return ["<unk>", "<s>", "</s>", *words], estimate(grams, counts, FIRST_WORD + len(words), smoothing, prune)


def arpa_text(sentences, order, prune=(), smoothing=Smoothing()) -> str:
    """As lmplz writes it."""
    words, made = estimated(sentences, order, smoothing, prune)
    unigrams = (np.arange(len(words))[:, None], made.prob_V, made.backoff_V)
    orders = [unigrams, *made.orders]
    lines = ["\\data\\", *(f"ngram {n}={len(grams[0])}" for n, grams in enumerate(orders, 1)), ""]
    for n, (grams, prob, backoff) in enumerate(orders, 1):
        lines.append(f"\\{n}-grams:")
        for gram, one, weight in zip(grams, prob, backoff, strict=True):
            tail = f"\t{weight:.8g}" if n < len(orders) else ""
            lines.append(f"{one:.8g}\t{' '.join(words[word] for word in gram)}{tail}")
        lines.append("")
    return "\n".join([*lines, "\\end\\", ""])
