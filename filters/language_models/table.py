"""A language model as compiled code reads it: every question is one look-up by hash.

Letters: V words, N orders, G n-grams, S slots.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gristmill.filters.language_models.hashing import BEGIN, END, UNKNOWN, UNKNOWN_SPELLINGS, gram_hashes, word_hashes

HIGHEST_ORDER = 5
FREE = np.uint64(0)
"""The key of an empty slot; KenLM, too, gives it to no n-gram."""
LOAD = 0.75
NO_UNKNOWN = -100.0
"""log10 of the probability of <unk> in a model that has none, as KenLM takes it (lm/config.cc)."""


@dataclass(frozen=True)
class Grams:
    """The n-grams of one order: hash, log10 of the probability, log10 of the backoff weight (0 where it has none)."""

    key_G: np.ndarray
    prob_G: np.ndarray
    backoff_G: np.ndarray


@dataclass(frozen=True)
class Table:
    """A model: unigrams by the number of their word, longer n-grams in one hash table an order.

    A slot is 16 bytes: the key, then probability and backoff as two float32. Keys rise along the table, and an n-gram
    lies at or behind the place that its upper 32 bits name, so the same n-grams make the same bytes in any order.
    """

    order: int
    prob_V: np.ndarray
    backoff_V: np.ndarray
    word_hash_V: np.ndarray
    """uint64, rising, without <unk>: with word_id_V, what finds a word's number."""
    word_id_V: np.ndarray
    slot_S: np.ndarray
    """uint64[2 * slots]: all tables, one behind the other."""
    first_N: np.ndarray
    """int64[order + 1]: where the slots of an order begin; those of order n at [n]."""
    homes_N: np.ndarray
    """uint64[order + 1]: how many places an order's keys are spread over."""

    def __post_init__(self) -> None:
        for values in self.columns.values():
            values.flags.writeable = False  # as mapped ones are: numba compiles a kernel again for other arrays

    @property
    def columns(self) -> dict[str, np.ndarray]:
        """Its arrays, by name."""
        return {name: getattr(self, name) for name in COLUMNS}

    @property
    def begin(self) -> int:
        """The number of <s>; UNKNOWN in a model without."""
        return self.number(BEGIN)

    @property
    def end(self) -> int:
        """The number of </s>; UNKNOWN in a model without."""
        return self.number(END)

    def number(self, word: str) -> int:
        """The number of a word."""
        return int(self.numbers([word.encode()])[0])

    def numbers(self, words: Sequence[bytes]) -> np.ndarray:
        """uint32 of every word; UNKNOWN where the model lacks it."""
        if not words:
            return np.zeros(0, np.uint32)
        hash_W = word_hashes(words)
        at_W = np.minimum(np.searchsorted(self.word_hash_V, hash_W), len(self.word_hash_V) - 1)
        found = self.word_hash_V[at_W] == hash_W
        return np.where(found, self.word_id_V[at_W], UNKNOWN).astype(np.uint32)


COLUMNS = ("prob_V", "backoff_V", "word_hash_V", "word_id_V", "slot_S", "first_N", "homes_N")


def make_table(prob_V: np.ndarray, backoff_V: np.ndarray, words: "Words", orders: Sequence[Grams]) -> Table:
    """A table of unigrams and of the n-grams of the orders 2, 3, ... Raises ValueError where one is given twice."""
    parts: list[np.ndarray] = []
    first, homes = [0, 0], [0, 0]
    for number, grams in enumerate(orders, start=2):
        slots, spread = _slots(grams, number)
        first.append(sum(len(part) for part in parts) // 2)
        homes.append(spread)
        parts.append(slots)
    return Table(
        order=len(orders) + 1,
        prob_V=prob_V.astype(np.float32),
        backoff_V=backoff_V.astype(np.float32),
        word_hash_V=words.hash_V,
        word_id_V=words.id_V,
        slot_S=np.concatenate(parts) if parts else np.zeros(2, np.uint64),
        first_N=np.array(first, np.int64),
        homes_N=np.array(homes, np.uint64),
    )


@dataclass(frozen=True)
class Words:
    """The numbers of words, by their hashes, which rise."""

    hash_V: np.ndarray
    id_V: np.ndarray

    @classmethod
    def of(cls, hash_V: np.ndarray, id_V: np.ndarray) -> "Words":
        """From words in any order, without <unk>. Raises ValueError where one is given twice."""
        order = np.argsort(hash_V, kind="stable")
        hash_V = hash_V[order]
        if (hash_V[1:] == hash_V[:-1]).any():
            raise ValueError("a word stands twice among its unigrams")
        return cls(hash_V, id_V[order].astype(np.uint32))

    @classmethod
    def spelt(cls, words: Sequence[bytes]) -> "Words":
        """From the spellings of the words 0, 1, 2, ...; the first one is <unk>."""
        assert words[0].decode() in UNKNOWN_SPELLINGS
        return cls.of(word_hashes(words[1:]), np.arange(1, len(words)))


def _slots(grams: Grams, order: int) -> tuple[np.ndarray, int]:
    """(slots, how many places the keys are spread over)."""
    by_key = np.argsort(grams.key_G, kind="stable")
    key_G = grams.key_G[by_key]
    if (key_G[1:] == key_G[:-1]).any():
        raise ValueError(f"an n-gram of order {order} stands twice")
    if len(key_G) and key_G[0] == FREE:  # as likely as a collision of hashes
        raise ValueError("an n-gram hashes to 0")
    spread = max(1, int(len(key_G) / LOAD))
    if spread >= 1 << 32:
        raise ValueError(f"{len(key_G):,} n-grams of order {order} are more than a table holds")
    home_G = ((key_G >> np.uint64(32)) * np.uint64(spread) >> np.uint64(32)).astype(np.int64)
    number_G = np.arange(len(key_G))
    at_G = np.maximum.accumulate(home_G - number_G) + number_G if len(key_G) else home_G
    slots = np.zeros(2 * (max(spread, int(at_G[-1]) + 1 if len(at_G) else 0) + 1), np.uint64)
    slots[2 * at_G] = key_G
    floats = slots.view(np.float32)
    floats[4 * at_G + 2] = grams.prob_G[by_key]
    floats[4 * at_G + 3] = grams.backoff_G[by_key]
    return slots, spread


def grams_of(word_GN: np.ndarray, prob_G: np.ndarray, backoff_G: np.ndarray | None = None) -> Grams:
    """The n-grams of one order from the numbers of their words."""
    backoff_G = np.zeros(len(word_GN), np.float32) if backoff_G is None else backoff_G
    return Grams(gram_hashes(word_GN), prob_G, backoff_G)
