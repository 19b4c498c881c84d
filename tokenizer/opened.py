"""Any tokenizer by its file, to be measured: ours, SentencePiece's, and those of the library `tokenizers`.

Letters: V ids, T tokens, D documents, D1 = D + 1 offsets.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sentencepiece

from gristmill.tokenizer.encode import Encoder
from gristmill.tokenizer.train import INFO_FILE, MODEL_FILE

TOKENIZER_FILE = "tokenizer.json"
TEXTS_AT_ONCE = 256
_BYTE_PIECE = re.compile(r"<0x([0-9A-F]{2})>")


class UnknownTokenizerError(ValueError):
    """A file that is no tokenizer of a known kind."""


@dataclass(frozen=True)
class Opened:
    """A tokenizer, whoever trained it."""

    name: str
    kind: str
    """Such as `bpe`, `unigram`; who encodes stands before it where that is not our compiled encoder."""
    vocabulary: int
    partial_V: np.ndarray
    """bool[V]: ids that are no whole characters: bytes of what has no piece of its own."""
    encode: Callable[[Sequence[str]], tuple[np.ndarray, np.ndarray]]
    """Texts -> (ids [T], offsets int64[D1]), without the special ids that begin and end a document."""


def open_tokenizer(path: str | Path) -> Opened:
    """A run, a folder with tokenizer.model or tokenizer.json, or one of these files.

    Raises UnknownTokenizerError that names the path.
    """
    path = Path(path)
    file = _file(path)
    if file.suffix == ".json":
        return _huggingface(file, str(path))
    if (file.parent / INFO_FILE).exists() and file.name == MODEL_FILE:
        return _ours(file, str(path))
    return _sentencepiece(file, str(path))


def _file(path: Path) -> Path:
    if path.is_file():
        return path
    for folder in (path / "tokenizer", path):
        for name in (MODEL_FILE, TOKENIZER_FILE):
            if (folder / name).is_file():
                return folder / name
    what = "holds neither" if path.is_dir() else "is no file, and no folder with"
    raise UnknownTokenizerError(f"'{path}' {what} {MODEL_FILE} or {TOKENIZER_FILE}")


def _ours(file: Path, name: str) -> Opened:
    try:
        encoder = Encoder(file)
    except (ValueError, TypeError, RuntimeError, OSError) as error:
        raise UnknownTokenizerError(f"'{name}': {error}") from error
    pieces = [encoder.processor.id_to_piece(number) for number in range(encoder.vocabulary)]
    return Opened(name, encoder.info.kind, encoder.vocabulary, _byte_pieces(pieces),
                  lambda texts: encoder.encode(texts, bos=False, eos=False))  # fmt: skip


def _sentencepiece(file: Path, name: str) -> Opened:
    try:
        processor = sentencepiece.SentencePieceProcessor(model_proto=file.read_bytes())
        pieces = [processor.id_to_piece(number) for number in range(processor.get_piece_size())]
    except (RuntimeError, TypeError) as error:
        raise UnknownTokenizerError(f"'{name}' is no SentencePiece model, and no {TOKENIZER_FILE}") from error
    return Opened(name, "SentencePiece", len(pieces), _byte_pieces(pieces),
                  lambda texts: _flat(processor.encode(list(texts))))  # fmt: skip


def _huggingface(file: Path, name: str) -> Opened:
    try:
        import tokenizers
    except ImportError as error:
        raise UnknownTokenizerError(f"'{name}' is read by the package tokenizers: pip install tokenizers") from error
    try:
        about = json.loads(file.read_bytes())
        kind = about["model"].get("type", "BPE")
        tokenizer = tokenizers.Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises a bare Exception
        raise UnknownTokenizerError(f"'{name}' is no tokenizer that the package tokenizers knows") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    size = tokenizer.get_vocab_size()
    ids = tokenizer.get_vocab()
    pieces = [""] * max(size, 1 + max(ids.values(), default=0))
    for piece, number in ids.items():
        pieces[number] = piece
    is_byte_level = '"ByteLevel"' in json.dumps([about.get("pre_tokenizer"), about.get("decoder")])
    partial_V = _cut_characters(pieces) if is_byte_level else _byte_pieces(pieces)

    def encode(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        lists: list[list[int]] = []
        for begin in range(0, len(texts), TEXTS_AT_ONCE):
            batch = tokenizer.encode_batch(list(texts[begin : begin + TEXTS_AT_ONCE]), add_special_tokens=False)
            lists += [one.ids for one in batch]
        return _flat(lists)

    return Opened(name, f"tokenizers {kind}", len(pieces), partial_V, encode)


def _flat(lists: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in lists], dtype=np.int64)])
    return np.fromiter((number for one in lists for number in one), np.int64, int(offsets[-1])), offsets


def _byte_pieces(pieces: Sequence[str]) -> np.ndarray:
    return np.array([_BYTE_PIECE.fullmatch(piece) is not None for piece in pieces])


def _cut_characters(pieces: Sequence[str]) -> np.ndarray:
    """Of byte-level pieces: those whose bytes are no UTF-8."""
    bytes_of = _byte_level()
    cut_V = np.zeros(len(pieces), bool)
    for number, piece in enumerate(pieces):
        if all(character in bytes_of for character in piece):
            try:
                bytes(bytes_of[character] for character in piece).decode()
            except UnicodeDecodeError:
                cut_V[number] = True
    return cut_V


def _byte_level() -> dict[str, int]:
    """Character -> the byte that GPT-2 spells by it (encoder.py, bytes_to_unicode)."""
    shown = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in shown]
    return {chr(byte): byte for byte in shown} | {chr(256 + n): byte for n, byte in enumerate(others)}
