"""What moves between planning, reading and the stages: pieces of input, batches of records, dead letters."""

from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow as pa
import xxhash

FIRST_BYTES = 4096
"""How much of a record a dead letter keeps."""


@dataclass(frozen=True, slots=True)
class Split:
    """A piece of one file. `start` and `end` count bytes (jsonl), row groups (parquet), record batches (arrow files);
    every other format is read whole: 0 to size, or 0 to -1 where the number of pieces is not known before reading."""

    path: str
    """Absolute path or URL; for the source `machine` a path below one of its roots."""
    start: int
    end: int
    size: int
    """Of the whole file, in bytes."""
    etag: str
    """Changes when the file does: the object store's tag, a local file's modification time in nanoseconds."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One task's piece of input: some splits of one source. `bytes` is about what it costs to read."""

    source: str
    splits: tuple[Split, ...]
    bytes: int

    @property
    def key(self) -> str:
        """32 hex characters that name the unit: equal for equal source and splits, whoever planned them."""
        digest = xxhash.xxh3_128(self.source.encode())
        for split in self.splits:
            digest.update(
                f"\0{split.path}\0{split.start}\0{split.end}\0{split.size}\0{split.etag}".encode(
                    errors="surrogateescape"
                )
            )
        return digest.hexdigest()

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> "Unit":
        """The inverse of to_json."""
        return cls(record["source"], tuple(Split(**split) for split in record["splits"]), record["bytes"])


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record, or the unreadable rest of a file, that could not be processed. It counts as one record.

    `offset` and `length` are bytes of the (decompressed) file; for parquet and arrow the row in the file and its bytes.
    `error` reads "Type: message" and never holds text of the document.
    """

    row: int
    """Position in the unit, in one sequence with the records that could be read."""
    file: str
    offset: int
    length: int
    step: str
    error: str
    sha256: str
    """Of the whole record, also where only the first bytes were kept; "" where its bytes could not be had."""
    first_bytes: bytes

    @property
    def kind(self) -> str:
        """The type of the error, without where it happened."""
        return self.error.split(":")[0].split(" ")[0]


@dataclass(frozen=True, slots=True)
class Records:
    """A batch of records (columns: `read.batches.record_schema`), what died on the way, and what is no input.

    `aside` counts records that are not inputs by kind ("warc_request", "not_sampled").
    """

    batch: pa.RecordBatch
    dead: list[DeadLetter] = field(default_factory=list)
    aside: dict[str, int] = field(default_factory=dict)
