"""Many words looked for in one pass: where a text begins one of them, by hashes of their first characters; and many
numbers, by hashes of all their digits. Letters: C characters of a text (code points, or bytes), P places in it."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

LONGEST = 8
"""Characters of a word that are hashed: of two words that begin alike both are given."""

_PRIME = np.uint64(0x9E3779B97F4A7C15)


def hashes(code_C: np.ndarray, length: int) -> np.ndarray:
    """uint64[P]: a hash of the `length` characters from each place on, P = C - length + 1."""
    count = max(len(code_C) - length + 1, 0)
    hash_P = np.zeros(count, np.uint64)
    with np.errstate(over="ignore"):
        for offset in range(length):
            hash_P = hash_P * _PRIME + code_C[offset : offset + count].astype(np.uint64) + np.uint64(1)
    return hash_P


class Beginnings:
    """Some words, as arrays of code points or bytes, none empty."""

    def __init__(self, words: Sequence[np.ndarray]):
        by_length: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
        for number, word in enumerate(words):
            length = min(len(word), LONGEST)
            by_length[length][int(hashes(word[:length], length)[0])].append(number)
        self._known = {
            length: (np.array(sorted(known), np.uint64), dict(known)) for length, known in sorted(by_length.items())
        }

    def places(self, code_C: np.ndarray) -> Iterator[tuple[int, list[int]]]:
        """(place, numbers of words that may begin there); places come in order for each length of what is hashed."""
        for length, (known, numbers) in self._known.items():
            hash_P = hashes(code_C, length)
            for place in np.flatnonzero(_among(hash_P, known)).tolist():
                yield place, numbers[int(hash_P[place])]


class Numbers:
    """Some numbers, as their digits: two or more."""

    def __init__(self, numbers: Sequence[str]):
        by_length: dict[int, dict[str, int]] = defaultdict(dict)
        for place, digits in enumerate(numbers):
            by_length[len(digits)][digits] = place
        self._known = [
            (length, np.sort(np.concatenate([hashes(_codes(one), length) for one in known])), known)
            for length, known in by_length.items()
        ]

    def places(self, digit_D: np.ndarray, joined_D: np.ndarray) -> Iterator[tuple[int, int, int]]:
        """(first digit, last digit, number) where digits of a text, as code points, are one of the numbers; joined_D:
        whether a digit belongs to the one before."""
        breaks_D1 = np.concatenate([[0], np.cumsum(~joined_D)])
        for length, known, numbers in self._known:
            hash_P = hashes(digit_D, length)
            last_P = np.arange(len(hash_P)) + length
            whole_P = breaks_D1[last_P] == breaks_D1[np.arange(len(hash_P)) + 1]
            for place in np.flatnonzero(whole_P & _among(hash_P, known)).tolist():
                number = numbers.get("".join(map(chr, digit_D[place : place + length].tolist())))
                if number is not None:
                    yield place, place + length - 1, number


def _codes(digits: str) -> np.ndarray:
    return np.frombuffer(digits.encode("utf-32-le"), np.uint32)


def _among(hash_P: np.ndarray, known: np.ndarray) -> np.ndarray:
    """bool[P]: which are among some sorted ones."""
    if not len(known):
        return np.zeros(len(hash_P), bool)
    place_P = np.searchsorted(known, hash_P)
    return known[np.minimum(place_P, len(known) - 1)] == hash_P
