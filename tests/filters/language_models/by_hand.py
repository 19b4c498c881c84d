"""The four smoothings straight from their definitions, over dicts and for one word at a time: what the fast ones must
give. Sentences are lists of words; contexts and n-grams are tuples."""

import random
from collections import Counter
from functools import cached_property

FALLBACK = (0.5, 1.0, 1.5)
ENGLISH = [
    "the",
    "mill",
    "grinds",
    "grain",
    ".",
    "the",
    "miller",
    "grinds",
    "corn",
    "and",
    "the",
    "mill",
    "stands",
    "near",
    "an",
    "old",
    "river",
]
CHINESE = list("磨坊在河边磨面人们带着粮食到磨坊来等面粉磨好磨坊的水轮在河里转")


def sentences_of(words, count, seed):
    """Sentences that repeat each other in part."""
    rng = random.Random(seed)
    made = []
    for _ in range(count):
        at = rng.randrange(len(words))
        made.append((words[at:] + words)[: rng.randint(0, 7)] if rng.random() < 0.7 else rng.choices(words, k=4))
    return made


SENTENCES = {"en": sentences_of(ENGLISH, 70, "en"), "zh": sentences_of(CHINESE, 70, "zh")}


class ByHand:
    def __init__(self, sentences, order, prune=()):
        self.order, self.prune = (
            order,
            [(list(prune) + list(prune[-1:]) * order)[n] if prune else 0 for n in range(order)],
        )
        self.seen = [Counter() for _ in range(order + 1)]
        for sentence in sentences:
            padded = ["<s>", *sentence, "</s>"]
            for end in range(1, len(padded)):
                for n in range(1, order + 1):
                    if end - n + 1 >= 0:
                        self.seen[n][tuple(padded[end - n + 1 : end + 1])] += 1
        self.words = sorted({gram[0] for gram in self.seen[1]} | {"<unk>"})  # all that can be predicted

    def counts(self, n):
        """How often the n-grams of an order occur."""
        return self.seen[n]

    def total(self, context):
        return sum(c for gram, c in self.counts(len(context) + 1).items() if gram[:-1] == context)

    def kept(self, gram):
        return self.seen[len(gram)][gram] > (self.prune[len(gram) - 1] if gram[-1] != "</s>" or len(gram) > 1 else 0)

    def context_of(self, history):
        padded = ["<s>", *history]
        return tuple(padded[max(0, len(padded) - self.order + 1) :]) if self.order > 1 else ()

    def probability(self, word, context):
        raise NotImplementedError

    def after(self, context):
        """The kept n-grams of a context."""
        return [g for g in self.counts(len(context) + 1) if g[:-1] == context and self.kept(g)]


class KneserNey(ByHand):
    def counts(self, n):
        return self._adjusted[n]

    @cached_property
    def _adjusted(self):
        found = [Counter() for _ in range(self.order + 1)]
        for n in range(1, self.order + 1):
            for gram, count in self.seen[n].items():
                if n == self.order or gram[0] == "<s>":
                    found[n][gram] = count
                else:
                    found[n][gram] = sum(longer[1:] == gram for longer in self.seen[n + 1])
        return found

    @cached_property
    def discounts(self):
        found = [None]
        for n in range(1, self.order + 1):
            of = Counter(self.counts(n).values())
            try:
                y = of[1] / (of[1] + 2 * of[2])
                three = tuple(k - (k + 1) * y * of[k + 1] / of[k] for k in (1, 2, 3))
                good = all(0 <= d <= k for k, d in enumerate(three, 1))
            except ZeroDivisionError:
                good = False
            found.append(three if good else FALLBACK)
        return found

    def probability(self, word, context):
        n = len(context) + 1
        lower = self.probability(word, context[1:]) if context else 1 / len(self.words)
        total = self.total(context)
        if not total:
            return lower
        discount = self.discounts[n]
        kept = self.after(context)
        u = {g: (self.counts(n)[g] - discount[min(self.counts(n)[g], 3) - 1]) / total for g in kept}
        return u.get((*context, word), 0) + (1 - sum(u.values())) * lower


class JelinekMercer(ByHand):
    weight = 0.7

    def probability(self, word, context):
        lower = self.probability(word, context[1:]) if context else 1 / len(self.words)
        total = self.total(context)
        if not total:
            return lower
        u = {g: self.weight * self.counts(len(g))[g] / total for g in self.after(context)}
        return u.get((*context, word), 0) + (1 - sum(u.values())) * lower


class AddK(ByHand):
    k = 0.5

    def probability(self, word, context):
        seen = self.counts(len(context) + 1)[(*context, word)]
        return (seen + self.k) / (self.total(context) + self.k * len(self.words))


class Katz(ByHand):
    @cached_property
    def factors(self):
        found = [None]
        for n in range(1, self.order + 1):
            of = Counter(self.counts(n).values())
            good = False
            if all(of[r] for r in range(1, 6)) and 6 * of[6] / of[1] < 1:
                high = 6 * of[6] / of[1]
                five = [((r + 1) * of[r + 1] / (r * of[r]) - high) / (1 - high) for r in range(1, 6)]
                good = all(0 < f <= 1 for f in five)
            found.append(five if good else [(r - 0.5) / r for r in range(1, 6)])
        return found

    def probability(self, word, context):
        n = len(context) + 1
        lower = (lambda w: self.probability(w, context[1:])) if context else lambda w: 1 / len(self.words)
        total = self.total(context)
        if not total:
            return lower(word)

        def factor(c):
            return self.factors[n][c - 1] if c <= 5 else 1.0

        everything = {g: c for g, c in self.counts(n).items() if g[:-1] == context}
        share = {g: factor(c) * c / total for g, c in everything.items()}
        if 1 - sum(share.values()) < 1e-9:
            share = {g: p * total / (total + 1) for g, p in share.items()}
        kept = {g: p for g, p in share.items() if self.kept(g)}
        if (*context, word) in kept:
            return kept[*context, word]
        if not kept:
            return lower(word)
        return (1 - sum(kept.values())) * lower(word) / (1 - sum(lower(g[-1]) for g in kept))


METHODS = {"kneser-ney": KneserNey, "katz": Katz, "jelinek-mercer": JelinekMercer, "add-k": AddK}
