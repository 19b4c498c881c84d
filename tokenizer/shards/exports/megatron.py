"""Megatron-LM's indexed dataset: PREFIX.bin, all tokens; PREFIX.idx, how long each sequence is and where it begins.

The format is that of megatron/core/datasets/indexed_dataset.py (0.16), little endian: `MMIDIDX`, two zeros, version 1
(uint64), code of the type (uint8), sequences (uint64), document ends (uint64), then int32 lengths of sequences, int64
bytes at which they begin, int64 numbers of the sequences at which documents end, from 0. A document is one sequence.
"""

import struct
from collections.abc import Callable, Mapping

import numpy as np

from gristmill.tokenizer.shards.exports.asked import Asked, in_pieces, needs_all_learnt, whole
from gristmill.tokenizer.shards.exports.contents import Piece, Split
from gristmill.tokenizer.shards.exports.writing import Entry, Made, Output
from gristmill.tokenizer.shards.format import token_dtype

MAGIC, VERSION = b"MMIDIDX\x00\x00", 1
CODES = {"uint16": 8, "int32": 4}
"""Of `DType` there, which has no uint32: larger vocabularies are int32."""


def megatron(asked: Asked) -> list[Output]:
    """`train.bin` and `train.idx`, and so for every split: `--data-path FOLDER/train`."""
    needs_all_learnt(asked, "Megatron-LM")
    dtype = np.dtype(np.uint16 if token_dtype(asked.vocabulary) == np.uint16 else np.int32)
    outputs = []
    for split in asked.splits:
        outputs.append(in_pieces(f"{split.name}.bin", (_tokens(piece, dtype) for piece in split.pieces())))
        outputs.append(whole(f"{split.name}.idx", _index(split, dtype)))
    return [*outputs, *asked.tokenizer_files()]


def _tokens(piece: Piece, dtype: np.dtype) -> Callable[[], Made]:
    def make() -> Made:
        yield piece.read().column("tokens").flatten().to_numpy().astype(dtype, copy=False).view(np.uint8).data

    return make


def _index(split: Split, dtype: np.dtype) -> Callable[[Mapping[str, Entry]], bytes]:
    def make(_: Mapping[str, Entry]) -> bytes:
        lengths = [np.asarray(piece.read().column("tokens").value_lengths()) for piece in split.pieces()]
        length_D = np.concatenate(lengths).astype(np.int64)
        begin_D = (np.cumsum(length_D) - length_D) * dtype.itemsize
        head = MAGIC + struct.pack("<QBQQ", VERSION, CODES[dtype.name], len(length_D), len(length_D) + 1)
        return b"".join(
            [
                head,
                length_D.astype("<i4").tobytes(),
                begin_D.astype("<i8").tobytes(),
                np.arange(len(length_D) + 1, dtype="<i8").tobytes(),
            ]
        )

    return make
