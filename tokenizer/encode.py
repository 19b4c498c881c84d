"""Text -> ids and back, exactly: decode(encode(text)) == text for every Unicode text."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import sentencepiece

from tokenizer.shards import token_dtype
from tokenizer.special_ids import BOS, EOS


class Encoder:
    """A trained tokenizer. `path` is the folder that train() wrote, or a SentencePiece model file."""

    def __init__(self, path: str | Path):
        path = Path(path)
        self.path = path / "tokenizer.model" if path.is_dir() else path
        self.pieces = sentencepiece.SentencePieceProcessor(model_file=str(self.path))
        self.vocabulary: int = self.pieces.get_piece_size()
        self.dtype = token_dtype(self.vocabulary)

    def encode(
        self, texts: Sequence[str] | pa.Array, *, bos: bool = True, eos: bool = True, num_threads: int = 1
    ) -> tuple[np.ndarray, np.ndarray]:
        """(tokens uint16 or uint32 [T], offsets int64[D+1]) of D documents; each is BOS, its text, EOS.

        texts: str, or a string / large_string array; a null reads as an empty document.
        """
        lists = self.pieces.encode([text or "" for text in _strings(texts)], num_threads=num_threads)
        documents = [[BOS] * bos + ids + [EOS] * eos for ids in lists]
        offsets = np.concatenate([[0], np.cumsum([len(ids) for ids in documents])]).astype(np.int64)
        return np.array([number for ids in documents for number in ids], self.dtype), offsets

    def ids(self, text: str) -> list[int]:
        """The ids of a text alone, without BOS and EOS: for prompts and chat turns."""
        return self.pieces.encode(text)

    def decode(self, ids: Iterable[int], *, special: bool = False) -> str:
        """The text of ids. Special pieces are left out, or spelt ("<eos>") with special=True. Bytes that are no UTF-8
        (a generation cut inside a character) become U+FFFD."""
        return self.pieces.decode([int(number) for number in ids])


def _strings(texts: Sequence[str] | pa.Array) -> Sequence[str | None]:
    return texts.to_pylist() if isinstance(texts, pa.Array | pa.ChunkedArray) else texts
