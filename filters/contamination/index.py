"""Evaluation sets as one file: the words of their items, the seeds by which these are found, how rare they are.

The file is memory-mapped, so that workers share it. An item of 60 words takes about 4 kB.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import ipc

from gristmill.filters import kept_table
from gristmill.filters.contamination.items import Item, ItemWords, Sizes, read_item
from gristmill.filters.kernels.contamination.match import SUPPORT_WORDS, WORDS
from gristmill.filters.kernels.contamination.seeds import build_table, hash_seeds
from gristmill.filters.placed import placed_at

KIND = "evaluation-sets"
VERSION = 6
"""Of how items are read, folded and hashed. Raise it when that changes: files of another one are refused."""
MOST_PLACES = 16
"""A seed that stands in more places than this finds nothing: it is a set's own phrase ("Which of the following"). It
does for items that have no other seed, of which so many are found by it."""
SHARED_WORDS = 3
"""Words of the runs by which it is told whether many items share an answer or choices."""
SHORT, LONG = 45, 30
"""Hundredths of the words which seeds find that must be covered before an item is aligned with a document. One edit
leaves at least as many: of n words in two runs, those of at least a seed; of short questions nearly half of all."""
RARE = 64
"""Of a word or a seed that one item has alone; what all items have weighs 1."""
SLOTS_EACH, BITS_EACH = 2, 16
"""Of the table and the sieve for each seed, at least."""
# Letters: I items, I1 = I + 1 offsets, T words of questions, G seeds, P places of seeds.


@dataclass(frozen=True)
class EvaluationFile:
    """Evaluation sets that were read, by the content of their index."""

    sha256: str
    bytes: int
    sets: tuple[tuple[str, int, int, str], ...]
    """Name, items, those that are too short to be found, sha256 of the set's files."""

    @property
    def kept_as(self) -> str:
        """Where a run directory keeps it."""
        return f"models/{self.sha256[:16]}-sets.evaluations"

    @property
    def key(self) -> list[str]:
        """What a step key holds of it: no paths."""
        return ["evaluations", self.sha256]

    @property
    def index(self) -> "Index":
        """Its items and seeds. Raises KeyError where the file was not placed."""
        return _open(self.sha256)


def read_about(file: Path) -> EvaluationFile:
    """What an index says of itself. Raises ValueError for a file that is none."""
    about, sha256, size = kept_table.read_about(file, KIND, VERSION)
    sets = tuple((one["name"], one["items"], one["too_short"], one["sha256"]) for one in about["sets"])
    return EvaluationFile(sha256, size, sets)


def write(file: Path, sets: Mapping[str, Sequence[Item]], sha256: Mapping[str, str], sizes: Sizes) -> None:
    """Write the index of some sets; the same items give the same bytes. sha256: of each set's files."""
    names = sorted(sets)
    read = {name: [read_item(item, sizes, WORDS, SUPPORT_WORDS) for item in sets[name]] for name in names}
    ways = [
        (at, number, way) for at, name in enumerate(names) for number, ways in enumerate(read[name]) for way in ways
    ]
    about = {
        "version": VERSION,
        "sizes": [sizes.ngram, sizes.short],
        "sets": [
            {"name": name, "items": len(sets[name]), "too_short": read[name].count([]), "sha256": sha256[name]}
            for name in names
        ],
    }
    arrays = _arrays([way for _, _, way in ways], [(at, number) for at, number, _ in ways], sizes)
    arrays["set_I"] = np.array([at for at, _, _ in ways], np.uint16)
    arrays["number_I"] = np.array([number for _, number, _ in ways], np.uint32)
    items = [sets[names[at]][number] for at, number, _ in ways]
    texts = {name: [getattr(item, name) for item in items] for name in ("id", "question", "answer", "passage")} | {
        "choices": ["\n".join(item.choices) for item in items]
    }
    columns = {name: pa.array(values) for name, values in arrays.items()}
    columns |= {name: pa.array(values, pa.large_string()) for name, values in texts.items()}
    # One row: columns of different lengths, each a list.
    rows = {name: pa.LargeListArray.from_arrays([0, len(column)], column) for name, column in columns.items()}
    schema = pa.schema(
        [pa.field(name, row.type) for name, row in rows.items()], metadata={f"gristmill.{KIND}": json.dumps(about)}
    )
    with pa.OSFile(str(file), "wb") as sink, ipc.new_file(sink, schema) as writer:
        writer.write_batch(pa.record_batch(list(rows.values()), schema=schema))


def _arrays(read: Sequence[ItemWords], item_of: Sequence[tuple[int, int]], sizes: Sizes) -> dict[str, np.ndarray]:
    """Of the items, in their order; item_of: which are ways of one."""
    word_T, first_I1 = _joined([one.question for one in read])
    length_I = np.diff(first_I1)
    size_I = np.array([sizes.seed(words) for words in length_I.tolist()], np.int64)
    of_T = np.repeat(np.arange(len(read)), length_I)
    answers, choices = (_own([getattr(one, part) for one in read], item_of) for part in ("answer", "choices"))
    beside = [part for at, one in enumerate(read) for part in (answers[at], choices[at], one.passage)]
    support_T, first_support = _joined(beside)
    hash_T = np.zeros(len(word_T), np.uint64)
    hash_seeds(word_T, first_I1, size_I, hash_T)
    seed = np.flatnonzero(hash_T)
    key_G, of_seed, count_G = np.unique(hash_T[seed], return_inverse=True, return_counts=True)
    asked_T, asked = _questions([one.question for one in read], length_I)
    rare_seed = rarity(_items_of(of_seed, asked_T[seed], len(key_G)), asked)[of_seed]
    _, of_word = np.unique(word_T, return_inverse=True)
    rare_word = rarity(_items_of(of_word, asked_T, int(of_word.max(initial=-1)) + 1), asked)[of_word]
    useful = _useful(of_seed, count_G, of_T[seed], len(read))
    useful_G = np.bincount(of_seed[useful], minlength=len(key_G)) > 0
    number_G = np.where(useful_G, np.cumsum(useful_G) - 1, -1)
    gram_T = np.full(len(word_T), -1, np.int32)
    gram_T[seed] = number_G[of_seed]
    rare_T = np.zeros(len(word_T), np.uint8)
    rare_T[seed] = rare_seed
    placed = seed[useful]
    least_I = _least_covered(placed, of_T, size_I, sizes)
    placed = placed[np.argsort(gram_T[placed], kind="stable")]
    first_G1 = np.searchsorted(gram_T[placed], np.arange(int(useful_G.sum()) + 1)).astype(np.int64)
    key_S, seed_S, sieve_Q = _table(key_G[useful_G])
    return {
        "word_T": word_T,
        "first_I1": first_I1,
        "size_I": size_I,
        "least_I": least_I,
        "gram_T": gram_T,
        "rare_T": rare_T,
        "common_T": rare_word,
        "numbers_T": np.concatenate([np.zeros(0, bool), *(one.numbers for one in read)]).astype(np.uint8),
        "support_T": support_T,
        "first_support": first_support,
        "first_G1": first_G1,
        "item_P": of_T[placed].astype(np.int32),
        "place_P": (placed - first_I1[of_T[placed]]).astype(np.int32),
        "key_S": key_S,
        "seed_S": seed_S,
        "sieve_Q": sieve_Q,
    }


def _questions(questions: Sequence[np.ndarray], length_I: np.ndarray) -> tuple[np.ndarray, int]:
    """(int64[T]: the number of each word's question, how many there are): one that stands in several items, or in two
    sets, is one question, and none the less rare for it."""
    number: dict[bytes, int] = {}
    of_I = [number.setdefault(words.tobytes(), len(number)) for words in questions]
    return np.repeat(np.array(of_I, np.int64), length_I), len(number)


def _useful(code: np.ndarray, count_G: np.ndarray, item: np.ndarray, items: int) -> np.ndarray:
    """bool: which places of seeds find their item: those of rare seeds; where an item has none, its rarest ones."""
    useful = count_G[code] <= MOST_PLACES
    without = np.bincount(item[useful], minlength=items) == 0
    rarest_I = np.full(items, np.iinfo(np.int64).max)
    np.minimum.at(rarest_I, item, count_G[code])
    spare = np.flatnonzero(without[item] & (count_G[code] == rarest_I[item]))
    order = spare[np.argsort(code[spare], kind="stable")]
    place = np.arange(len(order)) - np.searchsorted(code[order], code[order])
    useful[order[place < MOST_PLACES]] = True
    return useful


def _own(parts: Sequence[np.ndarray], item_of: Sequence[tuple[int, int]]) -> list[np.ndarray]:
    """Answers, or choices, as words; nothing for one of which most runs of words stand in more than MOST_PLACES items'
    ("True, False", "Both A and B", one solution for all): near by, it does not say which item this is."""
    in_items: dict[bytes, set[tuple[int, int]]] = {}
    runs = []
    for words, item in zip(parts, item_of, strict=True):
        size = min(SHARED_WORDS, len(words))
        runs.append([words[at : at + size].tobytes() for at in range(len(words) - size + 1)] if size else [])
        for run in runs[-1]:
            in_items.setdefault(run, set()).add(item)
    shared = [sum(len(in_items[run]) > MOST_PLACES for run in mine) for mine in runs]
    return [
        words[:0] if 2 * count > len(mine) else words for words, count, mine in zip(parts, shared, runs, strict=True)
    ]


def _least_covered(placed: np.ndarray, of_T: np.ndarray, size_I: np.ndarray, sizes: Sizes) -> np.ndarray:
    """int64[I]: words that the seeds of an item must cover in a document before the two are aligned."""
    size = size_I[of_T[placed]]
    edge = np.bincount(placed, minlength=len(of_T) + 1)[: len(of_T) + 1]
    edge -= np.bincount(placed + size, minlength=len(of_T) + 1)[: len(of_T) + 1]
    reached = np.cumsum(edge)[: len(of_T)] > 0
    words_I = np.bincount(of_T[reached], minlength=len(size_I))
    share_I = np.where(words_I >= 2 * sizes.ngram, LONG, SHORT)
    return np.where(words_I > 2 * size_I, np.maximum(size_I, -(-words_I * share_I // 100)), size_I)


def _joined(parts: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    first = np.cumsum([0, *map(len, parts)], dtype=np.int64)
    return (np.concatenate(parts) if parts else np.empty(0)).astype(np.uint64), first


def _items_of(code: np.ndarray, item: np.ndarray, codes: int) -> np.ndarray:
    """In how many items each code stands."""
    pairs = np.unique(np.stack([code, item]), axis=1) if len(code) else np.zeros((2, 0), np.int64)
    return np.bincount(pairs[0], minlength=codes)


def log2(values: np.ndarray | float) -> np.ndarray:
    """Base 2, a straight line between powers: exact on every machine, where a logarithm's last bit may differ."""
    mantissa, exponent = np.frexp(np.asarray(values, np.float64))
    return exponent + 2 * mantissa - 2


def rarity(among: np.ndarray, all_of: int, prior: int = 1) -> np.ndarray:
    """uint8, 1..RARE: inverse document frequency of what stands in `among` of so many, as a share of that of what
    stands in one. `prior`: more that are thought of as without it, so that few say little."""
    whole = float(log2(all_of + prior))
    idf = log2(all_of + prior) - log2(np.maximum(among, 1))
    return np.clip(np.floor(RARE * idf / whole), 1, RARE).astype(np.uint8)


def _table(key_G: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    slots, bits = 64, 64
    while slots < SLOTS_EACH * len(key_G):
        slots *= 2
    while bits < BITS_EACH * len(key_G):
        bits *= 2
    key_S, seed_S, sieve_Q = np.zeros(slots, np.uint64), np.zeros(slots, np.int32), np.zeros(bits // 64, np.uint64)
    build_table(key_G, key_S, seed_S, sieve_Q)
    return key_S, seed_S, sieve_Q


@dataclass(frozen=True)
class Index:
    """An index, opened. Arrays are read-only views of the file."""

    about: dict[str, Any]
    batch: pa.RecordBatch

    def array(self, name: str) -> np.ndarray:
        """An array by its name (`_arrays`)."""
        return self.batch.column(name).values.to_numpy(zero_copy_only=True)

    @property
    def sizes(self) -> Sizes:
        """Words of n-grams."""
        return Sizes(*self.about["sizes"])

    @cached_property
    def set_names(self) -> list[str]:
        """By the numbers in `set_I`."""
        return [one["name"] for one in self.about["sets"]]

    @property
    def items(self) -> int:
        """How many can be found."""
        return len(self.array("size_I"))

    @property
    def seeds(self) -> int:
        """How many different ones."""
        return len(self.array("first_G1")) - 1

    @cached_property
    def static_weights(self) -> np.ndarray:
        """int64: of each word of the questions, as far as the sets themselves tell."""
        return weights(self, self.array("rare_T"))

    def text(self, name: str, item: int) -> str:
        """`id`, `question`, `answer`, `choices` (a line each) or `passage` of an item."""
        return self.batch.column(name).values[item].as_py()


def weights(index: Index, rare_T: np.ndarray) -> np.ndarray:
    """int64[T], 1..RARE: of a word, the mean of its own rarity and of that of the seeds that it is in. rare_T: of the
    seed that begins at each word, 0 where none does."""
    first_I1, size_I = index.array("first_I1"), index.array("size_I")
    size_T = np.repeat(size_I, np.diff(first_I1))
    begins = np.r_[0, np.cumsum(rare_T.astype(np.int64))]
    number = np.r_[0, np.cumsum(rare_T > 0)]
    at_T = np.arange(len(rare_T))
    from_T = np.maximum(at_T - size_T + 1, np.repeat(first_I1[:-1], np.diff(first_I1)))
    total, count = begins[at_T + 1] - begins[from_T], number[at_T + 1] - number[from_T]
    mean = np.where(count > 0, total // np.maximum(count, 1), RARE)
    return np.maximum(1, (mean + index.array("common_T").astype(np.int64)) // 2)


@cache
def _open(sha256: str) -> Index:
    """An index, opened once per process: before a fork, so that workers share it."""
    return open_index(pa.memory_map(placed_at(sha256)))


def open_index(file: Any) -> Index:
    """The index in an open file."""
    batch = ipc.open_file(file).get_batch(0)
    return Index(json.loads(batch.schema.metadata[f"gristmill.{KIND}".encode()]), batch)
