"""How a text becomes the ids of a tokenizer that others trained: by our loops, by SentencePiece, by `tokenizers`."""

import re
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sentencepiece

from gristmill.tokenizer.foreign.byte_level import byte_vocabulary, encode_documents
from gristmill.tokenizer.foreign.classes import classes
from gristmill.tokenizer.foreign.description import Described, UnknownTokenizerError, describe
from gristmill.tokenizer.foreign.spelling import bytes_of_piece, is_part
from gristmill.tokenizer.foreign.splits import may_compose
from gristmill.tokenizer.sampling import large_strings, string_buffers
from gristmill.tokenizer.shards.format import token_dtype


def open_sentencepiece(model: bytes) -> sentencepiece.SentencePieceProcessor:
    """Raises UnknownTokenizerError for what is no such model."""
    try:
        processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        processor.get_piece_size()
    except (RuntimeError, TypeError) as error:
        raise UnknownTokenizerError("it is no SentencePiece model, and no tokenizer.json") from error
    return processor


class Codec(ABC):
    """What encodes."""

    kind: str
    """For people: such as `byte-level BPE`; who encodes stands before it where that is not our loop."""
    decode: Callable[[list[int]], str] | None = None

    def __init__(self, pieces: Sequence[str], bytes_of: dict[int, bytes], special: set[int], byte_level: bool):
        self.bytes_of, self.special = bytes_of, special
        self.partial_V = np.array(
            [n not in special and is_part(piece, bytes_of.get(n, b""), byte_level) for n, piece in enumerate(pieces)]
        )

    @abstractmethod
    def encode(self, array: pa.Array, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """(ids, count per document); first, last: -1 for none."""


class TextCodec(Codec):
    """By a library, which gives lists of ids."""

    @abstractmethod
    def lists(self, texts: list[str]) -> list[list[int]]:
        """The ids of each text."""

    def encode(self, array: pa.Array, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """Of a `Codec`."""
        before, after = [first] * (first >= 0), [last] * (last >= 0)
        lists = [[*before, *ids, *after] for ids in self.lists([text or "" for text in array.to_pylist()])]
        count_D = np.array([len(ids) for ids in lists], np.int64)
        return np.fromiter((number for ids in lists for number in ids), np.int64, int(count_D.sum())), count_D


class ByteLevel(Codec):
    """Byte-level BPE by our loops."""

    kind = "byte-level BPE"

    def __init__(self, described: Described, split: int):
        super().__init__(*_parts(described))
        learnt = {number: self.bytes_of[number] for number in described.ids.values()}
        ignore_merges = bool(described.about["model"].get("ignore_merges"))
        self.vocabulary = byte_vocabulary(learnt, described.merges(), ignore_merges)
        self.split, self.nfc = split, described.nfc
        self.dtype = token_dtype(described.vocabulary)
        self.added = {one.content: one for one in described.added}
        self.found = re.compile("|".join(map(re.escape, sorted(self.added, key=len, reverse=True))))
        self.sought = "|".join(re.escape(one.content) for one in described.added if not one.special)

    def encode(self, array: pa.Array, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """Of a `Codec`. Documents that NFC may change or that hold an added piece are taken apart first."""
        held_D = self._held(array)
        if not held_D.any():
            return self._plain(array, first, last)
        texts, document_P, piece_P = [], [], []
        for d, text in enumerate(array.to_pylist()):
            for part, number in self._parted(text or "") if held_D[d] else [(text or "", -1)]:
                texts.append(part)
                document_P.append(d)
                piece_P.append(number)
        tokens, count_P = self._plain(large_strings(texts), -1, -1)
        return _around(tokens, count_P, np.array(document_P), np.array(piece_P), len(array), first, last)

    def _held(self, array: pa.Array) -> np.ndarray:
        """bool[D]: documents that need more than the loop."""
        held_D = np.zeros(len(array), bool)
        if self.nfc:
            may_compose(*string_buffers(array), classes(), held_D)
        if self.sought:
            held_D |= pc.fill_null(pc.match_substring_regex(array, self.sought), False).to_numpy(zero_copy_only=False)
        return held_D

    def _parted(self, text: str) -> Iterator[tuple[str, int]]:
        """(text, the id of the added piece behind it, or -1)."""
        begin = 0
        for match in self.found.finditer(text):
            added = self.added[match[0]]
            if not added.special:
                yield self._normal(text[begin : match.start()]), added.id
                begin = match.end()
        yield self._normal(text[begin:]), -1

    def _normal(self, text: str) -> str:
        return unicodedata.normalize("NFC", text) if self.nfc else text

    def _plain(self, array: pa.Array, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        data_B, start_D1 = string_buffers(array)
        out = np.empty(int(start_D1[-1] - start_D1[0]) + 2 * len(array), self.dtype)
        count_D = np.empty(len(array), np.int64)
        total = encode_documents(data_B, start_D1, first, last, self.split, classes(), self.vocabulary, out, count_D)
        return out[:total].copy(), count_D


class SentencePiece(TextCodec):
    """A SentencePiece model, by SentencePiece."""

    kind = "SentencePiece"

    def __init__(self, model: bytes):
        self.processor = open_sentencepiece(model)
        numbers = range(self.processor.get_piece_size())
        pieces = [self.processor.id_to_piece(number) for number in numbers]
        special = {n for n in numbers if self.processor.is_control(n) or self.processor.is_unknown(n)}
        bytes_of = {n: bytes_of_piece(piece, False) for n, piece in enumerate(pieces)}
        super().__init__(pieces, bytes_of, special, False)
        self.decode = self.processor.decode

    def lists(self, texts: list[str]) -> list[list[int]]:
        """Of a `TextCodec`."""
        return [self.processor.encode(text) for text in texts]


class Library(TextCodec):
    """Any tokenizer.json, by the library `tokenizers`."""

    def __init__(self, described: Described, raw: bytes):
        try:
            import tokenizers
        except ImportError as error:
            what = "it is of a kind that the package tokenizers reads: pip install 'gristmill[tokenizers]'"
            raise UnknownTokenizerError(what) from error
        try:
            self.tokenizer: Any = tokenizers.Tokenizer.from_str(raw.decode())
        except Exception as error:  # the library raises a bare Exception
            raise UnknownTokenizerError(f"the package tokenizers cannot read it: {error}") from error
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        self.tokenizer.encode_special_tokens = True
        without_dropout(self.tokenizer)
        super().__init__(*_parts(described))
        self.decode = self.tokenizer.decode
        self.kind = f"tokenizers {described.kind}"

    def lists(self, texts: list[str]) -> list[list[int]]:
        """Of a `TextCodec`. One by one: the library's threads do not outlive a fork."""
        return [self.tokenizer.encode(text, add_special_tokens=False).ids for text in texts]


def without_dropout(tokenizer: Any) -> None:
    """BPE that leaves merges out at random (Provilkov et al. 2020) is for trainings that tokenize as they go: here a
    text has the same ids every time."""
    if getattr(tokenizer.model, "dropout", None):
        tokenizer.model.dropout = None


def is_json(raw: bytes) -> bool:
    """Whether a tokenizer's file is a tokenizer.json; else it is a SentencePiece model, or nothing."""
    return raw.lstrip()[:1] == b"{"


def open_codec(path: Path) -> Codec:
    """What encodes, of a tokenizer.json or a SentencePiece model. Raises UnknownTokenizerError."""
    raw = path.read_bytes()
    if not is_json(raw):
        return SentencePiece(raw)
    described = describe(raw)
    split = described.split()
    return Library(described, raw) if split is None else ByteLevel(described, split)


def _parts(described: Described) -> tuple[list[str], dict[int, bytes], set[int], bool]:
    pieces = [""] * described.vocabulary
    for piece, number in described.all_ids.items():
        pieces[number] = piece
    return pieces, described.bytes_of, {one.id for one in described.added if one.special}, described.is_byte_level


def _around(
    tokens: np.ndarray, count_P: np.ndarray, document_P: np.ndarray, piece_P: np.ndarray, documents: int, first: int,
    last: int,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Parts of documents put together, each with the added piece behind it: (ids, count per document)."""
    lists: list[list[np.ndarray]] = [[np.array([first])] if first >= 0 else [] for _ in range(documents)]
    for d, number, ids in zip(document_P, piece_P, np.split(tokens, np.cumsum(count_P)[:-1]), strict=True):
        lists[d] += [ids, np.array([number])] if number >= 0 else [ids]
    made = [np.concatenate([*one, *([np.array([last])] if last >= 0 else [])]) for one in lists]
    return np.concatenate([np.zeros(0, tokens.dtype), *made]), np.array([len(one) for one in made], np.int64)
