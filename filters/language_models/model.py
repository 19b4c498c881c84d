"""A language model of a recipe: which file reads which language, and what documents are measured by it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gristmill.filters.batch import text_buffers
from gristmill.filters.by_language import ANY, readers
from gristmill.filters.language_models.lookup import score
from gristmill.filters.language_models.model_file import CHARACTERS, PIECES, WORDS, OpenModel, open_model
from gristmill.filters.language_models.normalise import as_ccnet
from gristmill.filters.language_models.sentences import encode_characters, encode_words, sentences, whole_documents

CCNET = "ccnet"
"""A normalisation: what the model reads is `as_ccnet`."""
HIGHEST = 300.0
"""log10 of a perplexity; above, a float64 would soon be infinite."""
LEAST_WORDS = 5
"""Of a line that may be the worst: a shorter one says little of its text."""
LAST_POINT = 0x110000

Encode = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""(data_B, edges int64[E + 1]) -> (ids of data_B[edges[e]:edges[e + 1]], int64[E + 1] where those of each begin)."""


@dataclass(frozen=True)
class Pieces:
    """A tokenizer at work: the spelling of each of its pieces, and how it cuts text into them."""

    spelt: list[str]
    encode: Encode


MakePieces = Callable[[bytes, str], Pieces]
"""(a SentencePiece model, its kind by the language model's head) -> Pieces. Given by whoever knows tokenizers."""


@dataclass(frozen=True, slots=True)
class Model:
    """A language model by its content. Where it lies on this machine is said with `place`."""

    name: str
    """As the recipe names it."""
    sha256: str
    bytes: int
    by_line: bool
    """Whether a line is a sentence; else a whole document is."""

    @property
    def kept_as(self) -> str:
        """Where a run directory keeps a copy."""
        return f"models/{self.sha256[:16]}-{Path(self.name).name.partition('.')[0]}.lm"


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """A named language model: one file, or one for each of some languages.

    cutoffs: (language, perplexity below which a document is head, and below which it is middle), ANY among them.
    languages: what the numbers mean something for; None: any. A document in another language has no number.
    """

    name: str
    models: tuple[tuple[str, Model], ...]
    cutoffs: tuple[tuple[str, float, float], ...]
    languages: frozenset[str] | None
    make_pieces: MakePieces

    @property
    def key(self) -> list[Any]:
        """What a step key holds of it: no paths."""
        models = [[language, model.sha256] for language, model in self.models]
        return [self.name, models, [list(one) for one in self.cutoffs], sorted(self.languages or ())]

    @property
    def signals(self) -> dict[str, int]:
        """Name -> column of `values`."""
        found = {"perplexity": 0}
        if self.cutoffs:
            found["bucket"] = 1
        if all(model.by_line for _, model in self.models):
            found["worst_line"] = 2
            if self.cutoffs:
                found["tail_lines"] = 3
        return {f"{self.name}.{name}": column for name, column in found.items()}

    def values(self, text: pa.Array, language: pa.Array | None) -> np.ndarray:
        """float64[texts, 4]: perplexity; bucket (0 head, 1 middle, 2 tail); the highest perplexity of a line; the share
        of words in lines that are tail. NaN where a text has no words, or a language without cutoffs.

        language: ISO 639-1 of each text; None: every text is in this one's language. Raises ValueError where languages
        are needed to choose among models.
        """
        if language is None and len(self.models) > 1:
            raise ValueError(f"the language model {self.name} has several languages: give those of the texts")
        value_D4 = np.full((len(text), 4), np.nan)
        for of, model, rows, chosen in readers(self.models, self.languages, text, language):
            spoken = None if language is None else language.take(pa.array(rows)).to_pylist()
            head_D, tail_D = self._bounds(of, spoken, len(rows))
            value_D4[rows] = measure(reader(model.sha256, self.make_pieces).read(chosen), head_D, tail_D)
        return value_D4

    def _bounds(self, of: str, spoken: list[str | None] | None, texts: int) -> tuple[np.ndarray, np.ndarray]:
        """(head, tail) of each text; NaN where its language has none."""
        known = {language: (head, tail) for language, head, tail in self.cutoffs}
        none = known.get(of, known.get(ANY, (np.nan, np.nan)))
        found = [known.get(one or "", none) if of == ANY else none for one in spoken or [None] * texts]
        bounds_D2 = np.array(found, float).reshape(-1, 2)
        return bounds_D2[:, 0], bounds_D2[:, 1]


@dataclass(frozen=True)
class Read:
    """What a model says of the sentences of texts: log10 of their probabilities, their words (</s> counts), those that
    it does not know; first_D1: where a text's sentences begin."""

    sum_L: np.ndarray
    words_L: np.ndarray
    unknown_L: np.ndarray
    first_D1: np.ndarray

    @property
    def text_of(self) -> np.ndarray:
        """int64[L]: which text a sentence is of."""
        return np.repeat(np.arange(len(self.first_D1) - 1), np.diff(self.first_D1))

    def perplexity(self) -> np.ndarray:
        """float64 of each text: 10 ** -(log10 of its probability / its words), as CCNet reckons; NaN without a word."""
        texts = len(self.first_D1) - 1
        return _perplexity(np.bincount(self.text_of, self.sum_L, texts), np.bincount(self.text_of, self.words_L, texts))


def _perplexity(sums: np.ndarray, words: np.ndarray) -> np.ndarray:
    mean = np.divide(-sums, words, out=np.full(len(words), np.nan), where=words > 0)
    return np.asarray(10.0 ** np.minimum(mean, HIGHEST))


def measure(read: Read, head_D: np.ndarray, tail_D: np.ndarray) -> np.ndarray:
    """What LanguageModel.values gives of texts that a model has read."""
    perplexity = read.perplexity()
    bucket = np.where(perplexity < head_D, 0.0, np.where(perplexity < tail_D, 1.0, 2.0))
    bucket[np.isnan(perplexity) | np.isnan(head_D)] = np.nan
    line, text_L = _perplexity(read.sum_L, read.words_L), read.text_of
    worst = np.full(len(perplexity), -np.inf)
    long_L = read.words_L > LEAST_WORDS
    np.maximum.at(worst, text_L[long_L], line[long_L])
    worst = np.where(np.isinf(worst), perplexity, worst)
    is_tail = line >= tail_D[text_L]
    words = np.bincount(text_L, read.words_L, len(perplexity))
    in_tail = np.bincount(text_L, read.words_L * is_tail, len(perplexity))
    share = np.divide(in_tail, words, out=np.full(len(words), np.nan), where=(words > 0) & ~np.isnan(tail_D))
    return np.stack([perplexity, bucket, worst, share], axis=1)


class Reader:
    """A model at work: text -> words -> probabilities."""

    def __init__(self, model: OpenModel, make_pieces: MakePieces) -> None:
        self.table, self.units = model.table, model.units
        self.normalise = model.about.get("normalise")
        if self.units == PIECES:
            pieces = make_pieces(model.pieces, model.about["encoding"])
            self._encode, self.number_U = pieces.encode, self.table.numbers([one.encode() for one in pieces.spelt])
        if self.units == CHARACTERS:
            # surrogates are no text; any spelling will do, as no model has it
            points = [chr(point).encode("utf-8", "surrogatepass") for point in range(LAST_POINT)]
            self._encode, self.number_U = encode_characters, self.table.numbers(points)

    def read(self, text: pa.Array) -> Read:
        """A large_string column; a null is an empty text."""
        if self.normalise == CCNET:
            text = pa.array([as_ccnet(one) for one in text.fill_null("").to_pylist()], pa.large_string())
        data_B, start_D1 = text_buffers(text)
        if self.normalise == CCNET:
            edge_E, first_D1 = whole_documents(start_D1)
        else:
            edge_E, first_D1 = sentences(data_B, start_D1)
        word_T, first_E = self._words(data_B, edge_E)
        sums = score(self.table, word_T, first_E[:-1:2].copy(), first_E[1::2].copy())
        return Read(*sums, first_D1)

    def _words(self, data_B: np.ndarray, edge_E: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(the numbers of the words, where those of each range between edges begin)."""
        if self.units == WORDS:
            return encode_words(data_B, edge_E, self.table.word_hash_V, self.table.word_id_V)
        unit_T, first_E = self._encode(data_B, edge_E)
        return self.number_U[unit_T], first_E


@cache
def reader(sha256: str, make_pieces: MakePieces) -> Reader:
    """The model of this content at work, made once per process. Raises KeyError for one that was not placed."""
    return Reader(open_model(sha256), make_pieces)
