"""Text -> ids and back, exactly: decode(encode(text)) == text for every Unicode text."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import chain, pairwise
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import sentencepiece

from tokenizer.arrow_file import file_sha256
from tokenizer.bpe import Tables, encode_documents, tables_of
from tokenizer.sampling import large_strings, string_buffers
from tokenizer.shards import Header, token_dtype
from tokenizer.special_ids import BOS, EOS, FIRST_BYTE, RESERVED, SPECIAL_IDS, UNK, WHITESPACE_PIECES
from tokenizer.train import MODEL_FILE, SPACE_PIECE, TokenizerInfo

Texts: TypeAlias = Sequence[str] | pa.Array | pa.ChunkedArray


class Encoder:
    """A tokenizer that train() wrote; `path` is its folder or the tokenizer.model in it.

    Raises ValueError when tokenizer.json beside the model is missing or describes another model.
    """

    def __init__(self, path: str | Path):
        path = Path(path)
        self.path = path / MODEL_FILE if path.is_dir() else path
        try:
            self.info = TokenizerInfo.load(self.path.parent)
        except FileNotFoundError as error:
            raise ValueError(
                f"{self.path}: no tokenizer.json beside it; only tokenizers trained here are read"
            ) from error
        if file_sha256(self.path) != self.info.sha256:
            raise ValueError(f"{self.path}: not the model that tokenizer.json describes, its sha256 differs")
        self.processor = sentencepiece.SentencePieceProcessor(model_file=str(self.path))
        self.vocabulary: int = self.processor.get_piece_size()
        self.dtype = token_dtype(self.vocabulary)

    @property
    def sha256(self) -> str:
        """Of the model file: what shards and checkpoints name the tokenizer by."""
        return self.info.sha256

    def header(self, step_key: str = "") -> Header:
        """The header of shards that hold this tokenizer's ids."""
        return Header(self.sha256, self.vocabulary, SPECIAL_IDS, step_key)

    def encode(
        self, texts: Texts, *, bos: bool = True, eos: bool = True, num_threads: int = 1
    ) -> tuple[np.ndarray, np.ndarray]:
        """(tokens uint16 or uint32 [T], offsets int64[D+1]) of D documents; each is BOS, its text, EOS.

        texts: str, or a string or large_string array; a null reads as an empty document. No text yields a special id.
        """
        array = large_strings(texts)
        if self.info.kind != "bpe":
            return self._encode_by_processor(array, bos, eos, num_threads)
        if num_threads == 1:
            return self._encode_by_tables(array, bos, eos)
        edges = np.linspace(0, len(array), num_threads + 1).astype(int)
        parts = [array.slice(a, b - a) for a, b in pairwise(edges)]
        with ThreadPoolExecutor(num_threads) as pool:
            results = list(pool.map(lambda part: self._encode_by_tables(part, bos, eos), parts))
        counts = np.concatenate([np.diff(offsets) for _, offsets in results])
        return np.concatenate([tokens for tokens, _ in results]), _offsets(counts)

    def ids(self, text: str) -> list[int]:
        """The ids of one text, without BOS and EOS: for prompts and chat turns."""
        return self.encode([text], bos=False, eos=False)[0].tolist()

    def decode(self, ids: Iterable[int], *, special: bool = False) -> str:
        """The text of ids. Special pieces are left out, or spelt ("<eos>") with special=True. Bytes that are no UTF-8
        (a generation cut inside a character) become U+FFFD."""
        return self.decode_bytes(ids, special=special).decode(errors="replace")

    def decode_bytes(self, ids: Iterable[int], *, special: bool = False) -> bytes:
        """The UTF-8 bytes of ids, which may begin or end inside a character: for output that streams."""
        pieces = self._spelt_bytes if special else self._piece_bytes
        return b"".join([pieces[number] for number in ids])

    def _encode_by_tables(self, array: pa.Array, bos: bool, eos: bool) -> tuple[np.ndarray, np.ndarray]:
        data_B, start_D1 = string_buffers(array)
        tables = self._tables
        out = np.empty(int(start_D1[-1] - start_D1[0]) + 2 * len(array), self.dtype)
        count_D = np.empty(len(array), np.int64)
        total = encode_documents(
            data_B, start_D1, BOS if bos else -1, EOS if eos else -1,
            tables.character_ids, tables.byte_ids, tables.newline_ids, tables.merges,
            tables.neighbours, out, count_D,
        )  # fmt: skip
        return out[:total].copy(), _offsets(count_D)

    def _encode_by_processor(
        self, array: pa.Array, bos: bool, eos: bool, num_threads: int
    ) -> tuple[np.ndarray, np.ndarray]:
        texts = [text or "" for text in array.to_pylist()]
        lists = self.processor.encode(texts, add_bos=bos, add_eos=eos, num_threads=num_threads)
        for d, text in enumerate(texts):
            if SPACE_PIECE in text:  # SentencePiece would read it as a space
                lists[d] = [BOS] * bos + self._ids_around_space_pieces(text) + [EOS] * eos
        counts = np.fromiter(map(len, lists), np.int64, len(lists))
        return np.fromiter(chain.from_iterable(lists), self.dtype, int(counts.sum())), _offsets(counts)

    def _ids_around_space_pieces(self, text: str) -> list[int]:
        literal = [FIRST_BYTE + byte for byte in SPACE_PIECE.encode()]
        first, *rest = self.processor.encode(text.split(SPACE_PIECE))
        return first + [number for ids in rest for number in chain(literal, ids)]

    @cached_property
    def _tables(self) -> Tables:
        pieces = [self.processor.id_to_piece(number) for number in range(self.vocabulary)]
        newline_ids = range(FIRST_BYTE - len(WHITESPACE_PIECES), FIRST_BYTE)
        return tables_of(pieces, RESERVED, FIRST_BYTE, newline_ids)

    @cached_property
    def _spelt_bytes(self) -> list[bytes]:
        pieces = [self.processor.id_to_piece(number) for number in range(self.vocabulary)]
        return [
            bytes([number - FIRST_BYTE])
            if FIRST_BYTE <= number < RESERVED
            else piece.replace(SPACE_PIECE, " ").encode()
            for number, piece in enumerate(pieces)
        ]

    @cached_property
    def _piece_bytes(self) -> list[bytes]:
        special = set(SPECIAL_IDS.values()) | {UNK}
        return [b"" if number in special else data for number, data in enumerate(self._spelt_bytes)]


def _offsets(counts: np.ndarray) -> np.ndarray:
    offsets = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets
