"""A tokenizer that others trained, as an `Encoder`."""

import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gristmill.tokenizer.encode import Encoder
from gristmill.tokenizer.foreign.codecs import Library, is_json, open_codec, open_sentencepiece
from gristmill.tokenizer.foreign.description import Described, describe
from gristmill.tokenizer.foreign.ends import Ends, ends_of, sentencepiece_ends
from gristmill.tokenizer.shards.arrow_file import file_sha256
from gristmill.tokenizer.shards.format import token_dtype
from gristmill.tokenizer.train import BYTE_BPE, INFO_FILE, JSON_FILE, LIBRARY, MODEL_FILE, SENTENCEPIECE, TokenizerInfo

CONFIG_FILE = "tokenizer_config.json"
FILES = (JSON_FILE, MODEL_FILE, CONFIG_FILE)
"""What belongs to a tokenizer of others, as far as it is there."""


def open_encoder(folder: str | Path) -> Encoder:
    """The tokenizer of a run, a checkpoint or a folder, whoever trained it. Raises ValueError, as `Encoder`."""
    folder = Path(folder)
    if (folder / INFO_FILE).exists() and TokenizerInfo.load(folder).is_foreign:
        return ForeignEncoder(folder)
    return Encoder(folder)


def examine(raw: bytes, config: Mapping[str, Any], bos: str | None, eos: str | None) -> tuple[str, int, Ends]:
    """(kind, vocabulary, what stands around a document) of a tokenizer's file; config: its tokenizer_config.json.

    Raises UnknownTokenizerError where it is of no known kind, names pieces that it does not have, or no end.
    """
    if not is_json(raw):
        processor = open_sentencepiece(raw)
        return SENTENCEPIECE, processor.get_piece_size(), sentencepiece_ends(processor, bos, eos)
    described = describe(raw)
    ends = ends_of(described, config, bos, eos)
    if described.split() is None:
        Library(described, raw)
        return LIBRARY, described.vocabulary, ends
    described.merges()
    return BYTE_BPE, described.vocabulary, ends


def take(folder: Path, bos: str | None = None, eos: str | None = None) -> TokenizerInfo:
    """Write info.json beside a tokenizer.json or tokenizer.model, and a tokenizer_config.json beside the first where
    there is none. Raises UnknownTokenizerError as `examine`."""
    file, config = folder / JSON_FILE, folder / CONFIG_FILE
    file = file if file.exists() else folder / MODEL_FILE
    raw = file.read_bytes()
    kind, vocabulary, ends = examine(raw, json.loads(config.read_bytes()) if config.exists() else {}, bos, eos)
    if kind != SENTENCEPIECE and not config.exists():
        config.write_text(_config(describe(raw), ends), encoding="utf-8")
    info = TokenizerInfo(file_sha256(file), kind, vocabulary, ends.as_dict(), {})
    info.save(folder)
    return info


def _config(described: Described, ends: Ends) -> str:
    """tokenizer_config.json for transformers, which takes tokenizer.json as it is."""
    names = {number: piece for piece, number in described.all_ids.items()}
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": names[ends.bos], "eos_token": names[ends.eos], "pad_token": names[ends.pad],
        "clean_up_tokenization_spaces": False,
    }  # fmt: skip
    return json.dumps(config, indent=1, ensure_ascii=False) + "\n"


class ForeignEncoder(Encoder):
    """A tokenizer of others, as `take` has described it. What spells a special token in a text is text."""

    def __init__(self, folder: str | Path):
        folder = Path(folder)
        try:
            self.info = TokenizerInfo.load(folder)
        except FileNotFoundError as error:
            raise ValueError(f"{folder}: no {INFO_FILE} beside its tokenizer") from error
        self.path = folder / self.info.file
        if file_sha256(self.path) != self.info.sha256:
            raise ValueError(f"{self.path}: not the file that {INFO_FILE} describes, its sha256 differs")
        self.vocabulary = self.info.vocabulary
        self.dtype = token_dtype(self.vocabulary)
        special = self.info.special_ids
        self.bos, self.eos, self.pad = special["<bos>"], special["<eos>"], special["<pad>"]
        self.unk = special.get("<unk>", -1)
        self._codec = open_codec(self.path)

    @property
    def partial_V(self) -> np.ndarray:  # noqa: N802
        """bool[V]: ids that are no whole characters."""
        return self._codec.partial_V

    def decode(self, ids: Iterable[int], *, special: bool = False) -> str:
        """As of `Encoder`; SentencePiece and `tokenizers` say themselves what becomes of spaces."""
        if self._codec.decode is None or special:
            return super().decode(ids, special=special)
        return self._codec.decode([number for number in ids if number not in self._codec.special])

    def _encode(self, array: pa.Array, bos: bool, eos: bool) -> tuple[np.ndarray, np.ndarray]:
        tokens, count_D = self._codec.encode(array, self.bos if bos else -1, self.eos if eos else -1)
        return tokens.astype(self.dtype, copy=False), count_D

    @cached_property
    def _spelt_bytes(self) -> list[bytes]:
        return [self._codec.bytes_of.get(number, b"") for number in range(self.vocabulary)]

    @cached_property
    def _piece_bytes(self) -> list[bytes]:
        special = self._codec.special | {self.bos, self.eos, self.pad}
        return [b"" if number in special else data for number, data in enumerate(self._spelt_bytes)]
