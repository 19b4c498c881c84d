"""fastText's classifiers of words and word n-grams, scored by a kernel of ours: its probabilities to 1e-5, in one pass
over a batch. Models of other kinds (compressed, of characters' n-grams, with another loss) are fastText's own to score.

File format after fastText 0.9.3: fasttext.cc (loadModel), args.cc, dictionary.cc, densematrix.cc.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa

from gristmill.filters.batch import text_buffers
from gristmill.filters.kernels.models import bag
from gristmill.filters.quality.model_file import LABEL, entries_of

SOFTMAX = 3
END_OF_LINE = b"</s>"
END_HASH = np.uint32(3617362777)
"""FNV-1a of END_OF_LINE."""
OLD_VERSION = 11
"""Its classifiers have no n-grams of characters, whatever they say."""


@dataclass(frozen=True, eq=False)
class Bag:
    """A model at work."""

    input_RH: np.ndarray
    slot_T: np.ndarray
    word_W: np.ndarray
    place_R1: np.ndarray
    end_row: int
    buckets: int
    longest: int
    output_LH: np.ndarray

    def probabilities(self, lines: pa.Array) -> np.ndarray:
        """float64[lines, labels] of a large_string column, labels as the file has them; 0 where there is nothing to
        judge by."""
        data_B, start_D1 = text_buffers(lines)
        tokens = int(np.diff(start_D1).max(initial=0)) // 2 + 2
        hash_X, row_Y = np.empty(tokens, np.uint64), np.empty(tokens * (self.longest + 1), np.int64)
        value_DL = np.empty((len(lines), len(self.output_LH)))
        bag.bag_probabilities(
            data_B, start_D1, self.input_RH, self.slot_T, self.word_W, self.place_R1, self.end_row, END_HASH,
            self.buckets, self.longest, self.output_LH, hash_X, row_Y, value_DL,
        )  # fmt: skip
        return value_DL


def read_bag(file: Path) -> Bag | None:
    """The model of a file that `read_about` has found whole; None for one of another kind."""
    with file.open("rb") as stream:
        _, version, _, _, _, _, _, ngrams, loss, _, buckets, _, most, _, _ = struct.unpack("<14id", stream.read(64))
        size, words, _, _, pruned = struct.unpack("<iiiqq", stream.read(28))
        if loss != SOFTMAX or pruned >= 0 or (most > 0 and version != OLD_VERSION):
            return None
        names = list(entries_of(stream, size))
        if any(name.startswith(LABEL.encode()) for name in names[:words]) or stream.read(1) != b"\0":
            return None
        input_RH = _matrix(stream)
        if stream.read(1) != b"\0":
            return None
        output_LH = _matrix(stream)
    ngrams = max(1, ngrams)
    buckets = buckets if ngrams > 1 else 0
    if len(input_RH) < words + buckets:
        return None
    word_W = np.frombuffer(b"".join(names[:words]), np.uint8)
    place_R1 = np.zeros(words + 1, np.int64)
    np.cumsum([len(name) for name in names[:words]], out=place_R1[1:])
    slot_T = np.full(1 << (2 * words + 1).bit_length(), bag.FREE, np.uint64)
    bag.fill_slots(word_W, place_R1, slot_T)
    end_row = names.index(END_OF_LINE) if END_OF_LINE in names[:words] else -1
    return Bag(input_RH, slot_T, word_W, place_R1, end_row, buckets, ngrams, output_LH)


def _matrix(stream: IO[bytes]) -> np.ndarray:
    rows, width = struct.unpack("<qq", stream.read(16))
    return np.fromfile(stream, np.float32, rows * width).reshape(rows, width)
