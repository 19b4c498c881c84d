"""An item of an evaluation set, whatever the set calls its fields."""

from dataclasses import dataclass

import numpy as np

from gristmill.filters.contamination.words import words_of


@dataclass(frozen=True)
class Item:
    """What is looked for. The question is what finds it; the others, near by, say that it is no chance."""

    id: str
    question: str
    answer: str = ""
    choices: tuple[str, ...] = ()
    passage: str = ""


@dataclass(frozen=True)
class Sizes:
    """Words by which items are found: an n-gram of `ngram` words; of `short` where the question has fewer than twice as
    many. One edit inside an n-gram leaves half of it whole: that is a seed."""

    ngram: int = 13
    short: int = 8

    def seed(self, words: int) -> int:
        """Words of the seeds of a question of so many."""
        return (self.ngram if words >= 2 * self.ngram else self.short) // 2

    @property
    def seeds(self) -> list[int]:
        """All sizes of seeds."""
        return sorted({self.ngram // 2, self.short // 2})


@dataclass(frozen=True)
class ItemWords:
    """An item as hashes of words, or one of the two ways in which it is looked for."""

    question: np.ndarray
    answer: np.ndarray
    choices: np.ndarray
    passage: np.ndarray
    numbers: np.ndarray
    """bool, of each word of the question: whether a number begins there. One that is written in several words (1,000)
    begins once."""


def read_item(item: Item, sizes: Sizes, most: int, most_beside: int) -> list[ItemWords]:
    """Its words, at most so many of the question and of each of the others.

    A question with choices that is shorter than `ngram` is also looked for together with them: "Which of these is
    true?" says nothing by itself.
    """
    asked, offered = words_of(item.question), words_of("\n".join(item.choices))
    question, choices = asked.hash, offered.hash
    answer, passage = words_of(item.answer).hash[:most_beside], words_of(item.passage).hash[:most_beside]
    ways = [ItemWords(question[:most], answer, choices[:most_beside], passage, asked.numbers[:most])]
    if len(question) < sizes.ngram and len(choices):
        both, numbers = np.concatenate([question, choices]), np.concatenate([asked.numbers, offered.numbers])
        ways.append(ItemWords(both[:most], answer, choices[:0], passage, numbers[:most]))
    return [way for way in ways if len(way.question) >= sizes.short // 2]
