"""Text into the pieces of any SentencePiece model: ours by the compiled encoder, others by SentencePiece itself."""

from collections.abc import Callable

import numpy as np
import sentencepiece

from gristmill.tokenizer.models.runs import encode_documents
from gristmill.tokenizer.models.vocabulary import bpe_vocabulary, unigram_vocabulary
from gristmill.tokenizer.shards.format import token_dtype

OURS = ("bpe", "unigram")
"""The kinds of models that were trained here, as info.json names them."""

Encode = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""(data_B, edges int64[E + 1]) -> (ids of data_B[edges[e]:edges[e + 1]], int64[E + 1] where those of each begin)."""


def read_pieces(model: bytes, kind: str) -> tuple[list[str], Encode]:
    """(the pieces by id, how text is cut into them). Raises RuntimeError for what is no SentencePiece model."""
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    pieces = [processor.id_to_piece(number) for number in range(processor.get_piece_size())]
    if kind not in OURS:
        return pieces, lambda data_B, edge_E: _foreign(processor, data_B, edge_E)
    if kind == "bpe":
        vocabulary = bpe_vocabulary(pieces)
    else:
        vocabulary = unigram_vocabulary(pieces, [processor.get_score(number) for number in range(len(pieces))])
    dtype = token_dtype(len(pieces))

    def encode(data_B: np.ndarray, edge_E: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        out = np.empty(int(edge_E[-1] - edge_E[0]) + 1, dtype)
        count_E = np.empty(len(edge_E) - 1, np.int64)
        total = encode_documents(data_B, edge_E, -1, -1, vocabulary, out, count_E)
        return out[:total], np.concatenate([np.zeros(1, np.int64), np.cumsum(count_E)])

    return pieces, encode


def _foreign(
    processor: sentencepiece.SentencePieceProcessor, data_B: np.ndarray, edge_E: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What lies between sentences, which is every second range, has no pieces."""
    edges = zip(edge_E[:-1:2], edge_E[1::2], strict=True)
    texts = [data_B[begin:end].tobytes().decode() for begin, end in edges]
    ids = processor.encode(texts)
    count_E = np.zeros(len(edge_E) - 1, np.int64)
    count_E[::2] = [len(one) for one in ids]
    flat = np.fromiter((number for one in ids for number in one), np.int64, int(count_E.sum()))
    return flat, np.concatenate([np.zeros(1, np.int64), np.cumsum(count_E)])
