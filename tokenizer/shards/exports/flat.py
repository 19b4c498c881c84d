"""All tokens of a split in one array: nanoGPT's files, and those with a header of llm.c and modded-nanogpt.

nanoGPT (data/openwebtext/prepare.py): `train.bin`, `val.bin`, uint16; `meta.pkl` says how many ids there are.
llm.c (dev/data/data_common.py), modded-nanogpt: 256 int32, of which the first are magic, version and tokens; then the
tokens: 20240520, version 1, uint16; of more than 65,536 ids 20240801, version 7, uint32. A file holds 100 million.
"""

import pickle
from collections.abc import Callable
from functools import partial

import numpy as np

from gristmill.tokenizer.shards.exports.asked import Asked, UnfitError, in_pieces, needs_all_learnt, whole
from gristmill.tokenizer.shards.exports.contents import Piece
from gristmill.tokenizer.shards.exports.writing import Made, Output
from gristmill.tokenizer.shards.format import token_dtype

NAMES = {"validation": "val"}
HEADER = 256
FORMATS = {"uint16": (20240520, 1), "uint32": (20240801, 7)}
"""Type of the tokens -> magic, version."""
TOKENS_OF_A_FILE = 100_000_000


def nanogpt(asked: Asked) -> list[Output]:
    """`train.bin` and `val.bin`, raw uint16; `meta.pkl`."""
    needs_all_learnt(asked, "nanoGPT")
    if token_dtype(asked.vocabulary) != np.uint16:
        raise UnfitError(
            f"nanoGPT reads ids of 16 bits, and the vocabulary has {asked.vocabulary:,}",
            "use --to llmc (32 bits from llm.c's version 7 on) or megatron",
        )
    outputs = [
        in_pieces(f"{NAMES.get(split.name, split.name)}.bin", [_tokens(piece) for piece in split.pieces()])
        for split in asked.splits
    ]
    meta = pickle.dumps({"vocab_size": asked.vocabulary}, protocol=4)
    return [*outputs, whole("meta.pkl", lambda _: meta), *asked.tokenizer_files()]


def llmc(asked: Asked) -> list[Output]:
    """`train_000000.bin`, `train_000001.bin`, ..., `val_000000.bin`, each with a header."""
    needs_all_learnt(asked, "llm.c")
    outputs = []
    dtype = token_dtype(asked.vocabulary)
    for split in asked.splits:
        for number, pieces in enumerate(split.files(TOKENS_OF_A_FILE * dtype.itemsize)):
            tokens = sum(int(piece.block.size_D[piece.begin : piece.end].sum()) for piece in pieces) // dtype.itemsize
            header = np.zeros(HEADER, "<i4")
            header[:3] = (*FORMATS[dtype.name], tokens)
            made: list[Callable[[], Made]] = [partial(_bytes, header)]
            made += [_tokens(piece) for piece in pieces]
            outputs.append(in_pieces(f"{NAMES.get(split.name, split.name)}_{number:06d}.bin", made))
    return [*outputs, *asked.tokenizer_files()]


def _bytes(header: np.ndarray) -> Made:
    return [header.tobytes()]


def _tokens(piece: Piece) -> Callable[[], Made]:
    def make() -> Made:
        yield piece.read().column("tokens").flatten().to_numpy().view(np.uint8).data

    return make
