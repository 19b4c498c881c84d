"""Text -> ids and back, exactly: decode(encode(text)) == text for every Unicode text."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import sentencepiece

from gristmill.tokenizer.models.runs import encode_documents
from gristmill.tokenizer.models.vocabulary import Vocabulary, bpe_vocabulary, unigram_vocabulary
from gristmill.tokenizer.sampling import large_strings, string_buffers
from gristmill.tokenizer.shards.arrow_file import file_sha256
from gristmill.tokenizer.shards.format import Header, token_dtype
from gristmill.tokenizer.special_ids import BOS, EOS, FIRST_BYTE, PAD, RESERVED, SPECIAL_IDS, UNK
from gristmill.tokenizer.train import MODEL_FILE, SPACE_PIECE, TokenizerInfo

Texts: TypeAlias = Sequence[str] | pa.Array | pa.ChunkedArray


class Encoder:
    """A tokenizer that train() wrote; `path` is its folder or the tokenizer.model in it.

    Raises ValueError when info.json beside the model is missing or describes another model. One that others trained is
    a subclass (foreign/encoder.py), which `open_encoder` there knows.
    """

    bos, eos, pad, unk = BOS, EOS, PAD, UNK
    """What stands before and behind a document, where there is none, and for what cannot be spelt (-1: all can)."""

    def __init__(self, path: str | Path):
        path = Path(path)
        self.path = path / MODEL_FILE if path.is_dir() else path
        try:
            self.info = TokenizerInfo.load(self.path.parent)
        except FileNotFoundError as error:
            raise ValueError(f"{self.path}: no info.json beside it; only tokenizers trained here are read") from error
        if file_sha256(self.path) != self.info.sha256:
            raise ValueError(f"{self.path}: not the model that info.json describes, its sha256 differs")
        self.processor = sentencepiece.SentencePieceProcessor(model_file=str(self.path))
        self.vocabulary: int = self.processor.get_piece_size()
        self.dtype = token_dtype(self.vocabulary)

    @property
    def sha256(self) -> str:
        """Of the model file: what shards and checkpoints name the tokenizer by."""
        return self.info.sha256

    def header(self, step_key: str = "") -> Header:
        """The header of shards that hold this tokenizer's ids."""
        return Header(self.sha256, self.vocabulary, self.info.special_ids, step_key)

    @property
    def partial_V(self) -> np.ndarray:  # noqa: N802
        """bool[V]: ids that are no whole characters: bytes of what has no piece of its own."""
        number_V = np.arange(self.vocabulary)
        return (number_V >= FIRST_BYTE) & (number_V < RESERVED)

    def encode(
        self, texts: Texts, *, bos: bool = True, eos: bool = True, num_threads: int = 1
    ) -> tuple[np.ndarray, np.ndarray]:
        """(tokens uint16 or uint32 [T], offsets int64[D+1]) of D documents; each is BOS, its text, EOS.

        texts: str, or a string or large_string array; a null reads as an empty document. No text yields a special id.
        """
        array = large_strings(texts)
        edges = np.linspace(0, len(array), max(1, num_threads) + 1).astype(int)
        parts = [array.slice(a, b - a) for a, b in pairwise(edges)]
        if num_threads == 1:
            tokens, counts = self._encode(parts[0], bos, eos)
            return tokens, _offsets(counts)
        with ThreadPoolExecutor(num_threads) as pool:
            results = list(pool.map(lambda part: self._encode(part, bos, eos), parts))
        counts = np.concatenate([counts for _, counts in results])
        return np.concatenate([tokens for tokens, _ in results]), _offsets(counts)

    def ids(self, text: str) -> list[int]:
        """The ids of one text, without BOS and EOS: for prompts and chat turns."""
        return self.encode([text], bos=False, eos=False)[0].tolist()

    def scores(self) -> np.ndarray:
        """float32[V]: what a unigram model adds up along a path of pieces, by id; empty for BPE."""
        return self._vocabulary.scores.copy()

    def decode(self, ids: Iterable[int], *, special: bool = False) -> str:
        """The text of ids. Special pieces are left out, or spelt ("<eos>") with special=True. Bytes that are no UTF-8
        (a generation cut inside a character) become U+FFFD."""
        return self.decode_bytes(ids, special=special).decode(errors="replace")

    def decode_bytes(self, ids: Iterable[int], *, special: bool = False) -> bytes:
        """The UTF-8 bytes of ids, which may begin or end inside a character: for output that streams."""
        pieces = self._spelt_bytes if special else self._piece_bytes
        return b"".join([pieces[number] for number in ids])

    def _encode(self, array: pa.Array, bos: bool, eos: bool) -> tuple[np.ndarray, np.ndarray]:
        """(ids, count per document)."""
        data_B, start_D1 = string_buffers(array)
        out = np.empty(int(start_D1[-1] - start_D1[0]) + 2 * len(array), self.dtype)
        count_D = np.empty(len(array), np.int64)
        total = encode_documents(
            data_B, start_D1, BOS if bos else -1, EOS if eos else -1, self._vocabulary, out, count_D
        )
        return out[:total].copy(), count_D

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        if self.info.kind == "bpe":
            return bpe_vocabulary(self._pieces)
        return unigram_vocabulary(self._pieces, [self.processor.get_score(n) for n in range(self.vocabulary)])

    @cached_property
    def _pieces(self) -> list[str]:
        return [self.processor.id_to_piece(number) for number in range(self.vocabulary)]

    @cached_property
    def _spelt_bytes(self) -> list[bytes]:
        return [
            bytes([number - FIRST_BYTE])
            if FIRST_BYTE <= number < RESERVED
            else piece.replace(SPACE_PIECE, " ").encode()
            for number, piece in enumerate(self._pieces)
        ]

    @cached_property
    def _piece_bytes(self) -> list[bytes]:
        special = set(SPECIAL_IDS.values()) | {UNK}
        return [b"" if number in special else data for number, data in enumerate(self._spelt_bytes)]


def _offsets(counts: np.ndarray) -> np.ndarray:
    offsets = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets
