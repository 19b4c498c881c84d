"""A language model's file: a head that says what it is, and arrays that are memory-mapped, so that workers share them.

    magic (8 bytes), version, bytes of the head (uint32 each), head (JSON), arrays, each at a multiple of 64

The head names type, length, place of every array, and has the XXH3 of all that comes behind it.
"""

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

from gristmill.filters.language_models.errors import BadModelError
from gristmill.filters.language_models.table import COLUMNS, Table
from gristmill.filters.placed import placed_at

MAGIC = b"GMILL.LM"
VERSION = 1
_HEAD = struct.Struct("<8sII")
_ALIGN = 64
_CHUNK = 1 << 24
PIECES, WORDS, CHARACTERS = "pieces", "words", "characters"
UNITS = (PIECES, WORDS, CHARACTERS)
SUFFIX = ".lm"


@dataclass(frozen=True)
class OpenModel:
    """A model that was opened: what its head says, and its table."""

    about: Mapping[str, Any]
    table: Table
    pieces: bytes
    """The SentencePiece model that makes its words; empty where its words are no pieces."""

    @cached_property
    def units(self) -> str:
        """What its words are: one of UNITS."""
        return str(self.about["units"])


def write_model(file: Path, about: Mapping[str, Any], table: Table, pieces: bytes = b"") -> None:
    """Write a model; the same values give the same bytes. about: any JSON values, `units` among them."""
    arrays = {**table.columns, "pieces": np.frombuffer(pieces, np.uint8)}
    places: dict[str, tuple[str, int, int]] = {}
    digest, at = xxhash.xxh3_64(), 0
    for name, values in arrays.items():
        gap = -at % _ALIGN
        digest.update(bytes(gap))
        digest.update(np.ascontiguousarray(values).data)
        places[name] = (values.dtype.str, len(values), at + gap)
        at += gap + values.nbytes
    head = {**about, "order": table.order, "arrays": places, "bytes": at, "xxh3": digest.hexdigest()}
    text = json.dumps(head, sort_keys=True).encode()
    text += b" " * (-(_HEAD.size + len(text)) % _ALIGN)
    with file.open("wb") as stream:
        stream.write(_HEAD.pack(MAGIC, VERSION, len(text)) + text)
        begin = stream.tell()
        for name, values in arrays.items():
            stream.write(bytes(begin + places[name][2] - stream.tell()))
            stream.write(np.ascontiguousarray(values).data)


def is_model(file: Path) -> bool:
    """Whether a file begins as ours do."""
    with file.open("rb") as stream:
        return stream.read(len(MAGIC)) == MAGIC


def read_about(file: Path) -> tuple[dict[str, Any], str]:
    """(the head of a model, sha256 of the file). Raises BadModelError for one that is cut off, damaged, or none."""
    again = "copy it again, or train it again: gristmill lm train"
    with file.open("rb") as stream:
        head, begin = _read_head(stream.read(_HEAD.size), stream.read, again)
        size, wanted = file.stat().st_size, begin + head["bytes"]
        if size != wanted:
            raise BadModelError(f"the model is cut off: {size:,} bytes of {wanted:,}; {again}")
        digest = xxhash.xxh3_64()
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
        if digest.hexdigest() != head["xxh3"]:
            raise BadModelError(f"the model is damaged: its check sum differs; {again}")
        stream.seek(0)
        return head, hashlib.file_digest(stream, "sha256").hexdigest()


def _read_head(start: bytes, read: Any, again: str) -> tuple[dict[str, Any], int]:
    if len(start) < _HEAD.size or start[: len(MAGIC)] != MAGIC:
        raise BadModelError("this is no language model of Gristmill's, no ARPA file and no KenLM binary")
    _, version, size = _HEAD.unpack(start)
    if version != VERSION:
        raise BadModelError(f"the model has the format {version}, and this version reads {VERSION}; train it again")
    try:
        head = json.loads(read(size))
        arrays = {*head["arrays"]} >= {*COLUMNS, "pieces"} and head["units"] in UNITS and head["bytes"] >= 0
    except (ValueError, KeyError, TypeError):
        arrays = False
    if not arrays:
        raise BadModelError(f"the model's head is damaged; {again}")
    return head, _HEAD.size + size


@cache
def open_model(sha256: str) -> OpenModel:
    """The model of this content, mapped once per process: before a fork, so that workers share it.

    Raises KeyError for one that was not placed.
    """
    data = np.memmap(placed_at(sha256), np.uint8, "r")
    _, _, size = _HEAD.unpack(bytes(data[: _HEAD.size]))
    begin = _HEAD.size + size
    head = json.loads(bytes(data[_HEAD.size : begin]))

    def array(name: str) -> np.ndarray:
        dtype, length, at = head["arrays"][name]
        first = begin + at
        return np.asarray(data[first : first + np.dtype(dtype).itemsize * length]).view(dtype)

    table = Table(head["order"], **{name: array(name) for name in COLUMNS})
    return OpenModel(head, table, array("pieces").tobytes())
