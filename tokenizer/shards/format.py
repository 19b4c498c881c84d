"""The token-shard format: an uncompressed Arrow IPC file of one record batch, memory-mapped and read without a copy.

One row is one document. Columns: tokens large_list<uint16 or uint32>, doc_id, source, lang, cluster (string), bytes
int64 (UTF-8 length of the text), then optional ones: loss_mask large_list<uint8> (as long as tokens) of conversations,
rejected and margin of pairs, task and answer of prompts, quality of samplers. What a row of each kind is: index.KINDS.
One batch, so that a shard's tokens are one array: a writer holds one shard in memory, a reader none.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from gristmill.tokenizer.shards.arrow_file import file_sha256, map_batch, write_batch

FORMAT = "gristmill-tokens-1"
DOCUMENT_COLUMNS = (("doc_id", pa.string()), ("source", pa.string()), ("lang", pa.string()), ("cluster", pa.string()),
                    ("bytes", pa.int64()))  # fmt: skip
OPTIONAL_COLUMNS = (("loss_mask", pa.large_list(pa.uint8())), ("rejected", pa.int64()), ("margin", pa.float32()),
                    ("task", pa.string()), ("answer", pa.string()), ("quality", pa.float32()))  # fmt: skip

MEANINGS = {
    "tokens": "ids of the whole document, from `<bos>` to `<eos>`; of what else: `kind` in `tokens/index.json`; uint32"
    " where the vocabulary is beyond 65,536",
    "doc_id": "as in `text/`",
    "source": "name of the source in the recipe",
    "lang": "ISO 639-1 code, else 639-3",
    "cluster": "its duplicate cluster: documents of one cluster are all in train or all in validation",
    "bytes": "UTF-8 bytes of the text: what bits per byte divide by",
    "loss_mask": "1 where the token itself is to be learnt: the assistant's text and its `<|end|>`; one per token, only"
    " in shards of conversations and of pairs",
    "rejected": "which token the rejected conversation begins with; those before are the chosen one's; only of pairs",
    "margin": "by how much the chosen answer is better, 0 where nobody says; only of pairs",
    "task": "name of what checks the answer; only of prompts",
    "answer": "what the answer is compared with, text or JSON; only of prompts",
    "quality": "weight of the document; only where a sampler wrote it",
}
"""What each column says."""


@dataclass(frozen=True)
class Header:
    """What every shard says about itself, in its schema metadata."""

    tokenizer_sha256: str
    vocabulary: int
    special_ids: dict[str, int]
    step_key: str

    def metadata(self) -> dict[str, str]:
        """As schema metadata, every value a string."""
        ids = json.dumps(self.special_ids, sort_keys=True)
        return {"format": FORMAT, "tokenizer_sha256": self.tokenizer_sha256, "vocabulary": str(self.vocabulary),
                "special_ids": ids, "step_key": self.step_key}  # fmt: skip

    @classmethod
    def of(cls, metadata: Mapping[bytes, bytes] | None) -> "Header":
        """The header of a schema's metadata. Raises ValueError when it is not a token shard's."""
        text = {key.decode(): value.decode() for key, value in (metadata or {}).items()}
        if text.get("format") != FORMAT:
            raise ValueError(f"schema metadata says format {text.get('format')!r}, expected {FORMAT!r}")
        return cls(text["tokenizer_sha256"], int(text["vocabulary"]), json.loads(text["special_ids"]), text["step_key"])


def token_dtype(vocabulary: int) -> np.dtype:
    """uint16 while every id fits into it, else uint32."""
    return np.dtype(np.uint16 if vocabulary <= 1 << 16 else np.uint32)


def token_batch(
    tokens: np.ndarray,
    offsets: np.ndarray,
    columns: Mapping[str, Any],
    header: Header,
) -> pa.RecordBatch:
    """A record batch of a shard. tokens: flat ids; offsets: int64[D+1]; columns: doc_id, source, lang, cluster, bytes
    (D values each), optionally loss_mask (uint8, one per token, flat) and others of OPTIONAL_COLUMNS (D values each).

    Raises ValueError when a column is missing, unknown or of another length.
    """
    kind = token_dtype(header.vocabulary)
    if len(tokens) and not 0 <= tokens.min() <= tokens.max() < header.vocabulary:
        raise ValueError(f"ids {tokens.min()} to {tokens.max()} do not fit a vocabulary of {header.vocabulary}")
    lists = _large_list(np.ascontiguousarray(tokens, kind), offsets)
    known = dict(DOCUMENT_COLUMNS) | dict(OPTIONAL_COLUMNS)
    if not set(columns) <= set(known) or not set(dict(DOCUMENT_COLUMNS)) <= set(columns):
        raise ValueError(f"columns are {sorted(columns)}, expected {list(known)}, optional from loss_mask on")
    arrays, fields = [lists], [pa.field("tokens", lists.type)]
    for name, type_ in known.items():
        if name not in columns:
            continue
        value = columns[name]
        flat = name == "loss_mask"
        arrays.append(_large_list(np.ascontiguousarray(value, np.uint8), offsets) if flat else _array(value, type_))
        fields.append(pa.field(name, type_))
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields, metadata=header.metadata()))


def _array(value: Any, type_: pa.DataType) -> pa.Array:
    return value.cast(type_) if isinstance(value, pa.Array) else pa.array(value, type_)


def _large_list(values: np.ndarray, offsets: np.ndarray) -> pa.Array:
    if len(offsets) == 0 or offsets[0] != 0 or offsets[-1] != len(values) or np.any(np.diff(offsets) < 0):
        raise ValueError(f"offsets must rise from 0 to {len(values)}, the number of values")
    return pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), pa.array(values))


@dataclass(frozen=True)
class Written:
    """What a written shard holds; with its path it is an index.ShardEntry."""

    rows: int
    tokens: int
    bytes: int
    file_bytes: int
    sha256: str


def write_shard(target: str | Path | BinaryIO, batches: Iterable[pa.RecordBatch]) -> Written:
    """Write batches (at least one, of one schema) as one shard; equal rows give equal bytes, however they were batched.

    A path appears only when the file is complete; a file object is written to and left open.
    """
    batch = _one_batch(list(batches))
    file_bytes, sha256 = write_batch(target, batch)
    text_bytes = int(batch.column("bytes").to_numpy().sum())
    tokens = len(batch.column("tokens").flatten())
    return Written(batch.num_rows, tokens, text_bytes, file_bytes, sha256)


def _one_batch(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    if not batches:
        raise ValueError("a shard is written from at least one batch (an empty one will do: it carries the schema)")
    return batches[0] if len(batches) == 1 else pa.concat_batches(batches)


class Shard:
    """An opened shard: views into the memory map, nothing copied and no descriptor kept open."""

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.batch = map_batch(path)
        try:
            self.header = Header.of(self.batch.schema.metadata)
            lists = self.batch.column("tokens")
            if lists.type != pa.large_list(pa.from_numpy_dtype(token_dtype(self.header.vocabulary))):
                raise ValueError(f"tokens are {lists.type} for a vocabulary of {self.header.vocabulary}")
        except (KeyError, ValueError) as error:
            raise ValueError(f"{path}: not a token shard: {error}") from error
        self.tokens: np.ndarray = lists.values.to_numpy(zero_copy_only=True)
        """uint16 or uint32, all documents one after the other; read-only."""
        self.offsets: np.ndarray = lists.offsets.to_numpy(zero_copy_only=True)
        """int64[D+1]; document d is tokens[offsets[d]:offsets[d + 1]]."""

    def __len__(self) -> int:
        return self.batch.num_rows

    def document(self, d: int) -> np.ndarray:
        """The tokens of document d, a read-only view."""
        return self.tokens[self.offsets[d] : self.offsets[d + 1]]

    def unmapped(self, name: str) -> pa.Array:
        """A column that is read once: from a map of its own, so that its pages leave memory with it."""
        return map_batch(self.path).column(name)

    def column(self, name: str) -> pa.Array:
        """A column of the batch: doc_id, source, lang, cluster, bytes, and of OPTIONAL_COLUMNS those that it has."""
        return self.batch.column(name)

    def has(self, name: str) -> bool:
        """Whether there is such a column."""
        return name in self.batch.schema.names

    @property
    def mask(self) -> np.ndarray | None:
        """uint8, one per token of all documents: which are to be learnt; None: all. A view, read-only."""
        return self.column("loss_mask").values.to_numpy(zero_copy_only=True) if self.has("loss_mask") else None

    @property
    def lengths(self) -> np.ndarray:
        """int64[D], tokens per document."""
        return np.diff(self.offsets)

    def verify(self, sha256: str | None = None) -> None:
        """Read all of it. Raises ValueError naming the file when its hash, offsets, ids, mask or nulls are wrong."""
        if sha256 is not None and file_sha256(self.path) != sha256:
            raise ValueError(f"{self.path}: sha256 differs from the index; the file was changed or cut short")
        for problem in self._problems():
            raise ValueError(f"{self.path}: {problem}")

    def _problems(self) -> Iterator[str]:
        rising = not np.any(self.lengths < 0)
        if not rising or self.offsets[0] != 0 or self.offsets[-1] != len(self.tokens):
            yield f"offsets do not rise from 0 to {len(self.tokens)}"
        if len(self.tokens) and int(self.tokens.max()) >= self.header.vocabulary:
            yield f"token {int(self.tokens.max())} is outside the vocabulary of {self.header.vocabulary}"
        for name in self.batch.schema.names:
            if self.batch.column(name).null_count:
                yield f"column {name} has nulls"
        if self.has("loss_mask"):
            if not np.array_equal(self.column("loss_mask").offsets.to_numpy(), self.offsets):
                yield "loss_mask is not as long as tokens"
            if self.mask is not None and np.any(self.mask > 1):
                yield "loss_mask is neither 0 nor 1"
        if self.has("rejected"):
            rejected_D = self.column("rejected").to_numpy(zero_copy_only=False)
            if np.any((rejected_D <= 0) | (rejected_D >= self.lengths)):
                yield "rejected is not inside of its document"
