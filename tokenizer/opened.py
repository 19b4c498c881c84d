"""Any tokenizer by its file, to be measured: ours, SentencePiece's, and those of the library `tokenizers`.

Letters: V ids, T tokens, D documents, D1 = D + 1 offsets.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gristmill.tokenizer.foreign.codecs import open_codec
from gristmill.tokenizer.foreign.description import UnknownTokenizerError
from gristmill.tokenizer.foreign.encoder import open_encoder
from gristmill.tokenizer.sampling import large_strings
from gristmill.tokenizer.train import INFO_FILE, JSON_FILE, MODEL_FILE


@dataclass(frozen=True)
class Opened:
    """A tokenizer, whoever trained it."""

    name: str
    kind: str
    """Such as `bpe`, `byte-level BPE`; who encodes stands before it where that is not our compiled encoder."""
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
    if (file.parent / INFO_FILE).exists() and file.name == MODEL_FILE:
        return _ours(file, str(path))
    return _theirs(file, str(path))


def _file(path: Path) -> Path:
    if path.is_file():
        return path
    for folder in (path / "tokenizer", path):
        for name in (MODEL_FILE, JSON_FILE):
            if (folder / name).is_file():
                return folder / name
    what = "holds neither" if path.is_dir() else "is no file, and no folder with"
    raise UnknownTokenizerError(f"'{path}' {what} {MODEL_FILE} or {JSON_FILE}")


def _ours(file: Path, name: str) -> Opened:
    try:
        encoder = open_encoder(file.parent)
    except (ValueError, TypeError, RuntimeError, OSError) as error:
        raise UnknownTokenizerError(f"'{name}': {error}") from error
    return Opened(name, encoder.info.kind, encoder.vocabulary, encoder.partial_V,
                  lambda texts: encoder.encode(texts, bos=False, eos=False))  # fmt: skip


def _theirs(file: Path, name: str) -> Opened:
    """Whatever ends its documents."""
    try:
        codec = open_codec(file)
    except UnknownTokenizerError as error:
        raise UnknownTokenizerError(f"'{name}': {error}") from error

    def encode(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        tokens, count_D = codec.encode(large_strings(texts), -1, -1)
        return tokens, np.concatenate([np.zeros(1, np.int64), np.cumsum(count_D)])

    return Opened(name, codec.kind, len(codec.partial_V), codec.partial_V, encode)
