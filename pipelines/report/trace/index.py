"""The index of a run's passages: beside each part that holds texts, the winnowed fingerprints of these, sorted.

A file is named by its part, whose name holds the hash of its bytes: what is there is right, what is missing is made. It
holds no text, and 8 bytes a fingerprint: 32 bits of its key and the place of its document in the part.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gristmill.filters.dedup.substrings import find_anchors, read
from gristmill.pipelines.errors import DamageError
from gristmill.pipelines.storage.layout import is_ours
from gristmill.pipelines.storage.store import Store

LENGTH = 24
"""Tokens: a passage of as many is found wherever it stands. About a sentence; fewer would make a larger index."""
FOLDER = f"_work/trace-{LENGTH}"
IN_BOTH = "deduplicate"
"""The step that drops documents which stand in `curated/`, too."""


@dataclass(frozen=True)
class Text:
    """A document of a part: `row` of its unit where the part knows it, else None."""

    doc_id: str
    row: int | None
    text: str


def searched_parts(store: Store) -> list[str]:
    """The parts that hold the run's texts: as extracted, and where `gristmill clean` has removed these as delivered."""
    curated = _parts(store, "curated")
    return [*(curated or _parts(store, "text")), *_parts(store, "dropped")]


def missing(store: Store, parts: list[str]) -> list[str]:
    """Those that have no index yet."""
    known = set(store.names(FOLDER))
    return [part for part in parts if _name(part) not in known]


def prune(store: Store, parts: list[str]) -> None:
    """Remove the indexes of other parts: of what a run held before it was changed."""
    for name in set(store.names(FOLDER)) - set(map(_name, parts)):
        store.delete(f"{FOLDER}/{name}")


def build(store: Store, part: str) -> int:
    """Make the index of a part. Returns its size in bytes."""
    keys, documents, counts = [np.empty(0, np.uint32)], [np.empty(0, np.uint32)], []
    first = 0
    for batch in _batches(store, part):
        counts.append(batch.num_rows)
        text = batch.column("text").fill_null("")
        if "step" in batch.schema.names:
            text = pa.array(
                [
                    "" if step == IN_BOTH else one
                    for step, one in zip(batch["step"].to_pylist(), text.to_pylist(), strict=True)
                ],
                pa.large_string(),
            )
        tokens = read(text)
        anchors = find_anchors(tokens, LENGTH)
        doc = np.searchsorted(tokens.start, anchors.at, "right") - 1
        both = np.unique(np.c_[anchors.key >> np.uint64(32), doc + first].astype(np.uint64), axis=0)
        keys.append(both[:, 0].astype(np.uint32))
        documents.append(both[:, 1].astype(np.uint32))
        first += batch.num_rows
    key, document = np.concatenate(keys), np.concatenate(documents)
    order = np.argsort(key, kind="stable")
    table = pa.record_batch([pa.array(key[order]), pa.array(document[order])], ["key", "document"])
    schema = table.schema.with_metadata({"counts": json.dumps(counts)})
    with store.temporary() as scratch:
        with pa.OSFile(str(scratch), "wb") as file, pa.ipc.new_file(file, schema) as writer:
            writer.write_batch(table.replace_schema_metadata(schema.metadata))
        size = scratch.stat().st_size
        store.publish(scratch, f"{FOLDER}/{_name(part)}")
    return size


def look_up(store: Store, part: str, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(documents of a part that may hold some of these keys (uint64), int64; how many of them each has)."""
    with _opened(store, part) as table:
        known, document = (table.column(name).to_numpy() for name in ("key", "document"))
        wanted = np.unique((keys >> np.uint64(32)).astype(np.uint32))
        first, last = np.searchsorted(known, wanted), np.searchsorted(known, wanted, "right")
        found = [document[a:b] for a, b in zip(first.tolist(), last.tolist(), strict=True) if b > a]
        return np.unique(np.concatenate([np.empty(0, np.uint32), *found]).astype(np.int64), return_counts=True)


def texts_at(store: Store, part: str, documents: np.ndarray) -> Iterator[Text]:
    """Some documents of a part, by rising place. Only the batches that hold them are read."""
    with _opened(store, part) as table:
        ends = np.cumsum(json.loads(table.schema.metadata[b"counts"]))
    batch_of = np.searchsorted(ends, documents, "right")
    with store.open(part) as file:
        for number in np.unique(batch_of).tolist():
            batch = _batch(file, part, number)
            within = documents[batch_of == number] - (ends[number - 1] if number else 0)
            some = batch.take(pa.array(within)).to_pylist()
            yield from (Text(one["doc_id"], one.get("row"), one["text"] or "") for one in some)


def _parts(store: Store, dataset: str) -> list[str]:
    return [path for name in store.names(dataset) if is_ours(path := f"{dataset}/{name}")]


def _name(part: str) -> str:
    return f"{part.replace('/', '-')}.index"


@contextmanager
def _opened(store: Store, part: str) -> Iterator[pa.RecordBatch]:
    path = f"{FOLDER}/{_name(part)}"
    try:
        with store.on_disk(path) as file, pa.memory_map(str(file)) as mapped:
            yield pa.ipc.open_file(mapped).get_batch(0)
    except pa.ArrowInvalid as error:
        fix = f"delete {FOLDER} and make it again: gristmill trace RUN --index"
        raise DamageError("the index of a part cannot be read", where=store.url(path), fix=fix) from error


COLUMNS = {"curated": ["doc_id", "row", "text"], "text": ["doc_id", "text"], "dropped": ["doc_id", "step", "text"]}


def _batches(store: Store, part: str) -> Iterator[pa.RecordBatch]:
    with store.open(part) as file:
        count = pq.ParquetFile(file).num_row_groups if part.endswith(".parquet") else _arrow(file).num_record_batches
        for number in range(count):
            yield _batch(file, part, number)


def _batch(file: IO[bytes], part: str, number: int) -> pa.RecordBatch:
    names = COLUMNS[part.partition("/")[0]]
    file.seek(0)
    if part.endswith(".parquet"):
        table = pq.ParquetFile(file).read_row_group(number, names).combine_chunks()
        return pa.record_batch(
            [
                table.column(name).chunk(0) if table.num_rows else pa.array([], table.schema.field(name).type)
                for name in names
            ],
            names,
        )
    known = _arrow(file).schema.names
    file.seek(0)
    fields = pa.ipc.IpcReadOptions(included_fields=[known.index(name) for name in names])
    return pa.ipc.open_file(file, options=fields).get_batch(number)


def _arrow(file: IO[bytes]) -> pa.ipc.RecordBatchFileReader:
    return pa.ipc.open_file(file)
