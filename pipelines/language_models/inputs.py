"""The documents that a language model learns from, in pieces that workers read one by one."""

import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from gristmill.pipelines.classifiers.documents import ask_ledger, tables_of, text_shards, untagged
from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.read.unit import read_unit
from gristmill.pipelines.recipe.load import LoadedRecipe
from gristmill.pipelines.recipe.schema import Extract, Read, Source
from gristmill.pipelines.recipe.sources import Documents
from gristmill.pipelines.records.elements import Unit
from gristmill.pipelines.run.inputs.plan import plan_source
from gristmill.pipelines.storage.layout import is_ours
from gristmill.pipelines.storage.rundir import open_run
from gristmill.pipelines.storage.store import Store

ASKED = "asked.arrow"
SHARD_BYTES = 16_000_000
"""About, of a shard whose size the manifest need not say."""


@dataclass(frozen=True)
class Files:
    """A unit of files, and how it is read."""

    unit: Unit
    source: Source
    read: Read
    extract: Extract
    bytes: int


@dataclass(frozen=True)
class Shard:
    """A shard of a run's texts. asked: a file of the doc_ids that are meant; None: all of them."""

    root: str
    path: str
    asked: str | None
    bytes: int


Piece = Files | Shard


def plan(loaded: LoadedRecipe, name: str, language: str, asked: Documents, work: Path) -> list[Piece]:
    """The pieces of the documents of a language. Raises RecipeError for a place that names none, or more than one."""
    where = loaded.where("language_models", name, "train", language)
    if (asked.files is None) == (asked.run is None) or (asked.files is not None and asked.where is not None):
        raise RecipeError(
            "a language needs either `files` or `run`; `where` asks the ledger of a `run`",
            where=where,
            fix="write {files: {format: jsonl, paths: ...}}, or {run: RUN}, or {run: RUN, where: \"source = 'wiki'\"}",
        )
    recipe = loaded.recipe
    if asked.files is not None:
        units = plan_source(f"{name}.{language}", asked.files, loaded.folder, recipe.plan.unit_bytes)
        return [Files(unit, asked.files, recipe.read, recipe.extract, unit.bytes) for unit in units]
    assert asked.run is not None
    store = open_run(asked.run if "://" in asked.run else loaded.folder / Path(asked.run).expanduser())
    if asked.where is None:
        return [Shard(store.root, shard["path"], None, shard["bytes"]) for shard in text_shards(store)]
    ids = ask_ledger(store, asked.where, where)
    file = work / ASKED
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, ids.schema) as writer:
        writer.write_table(ids)
    paths = sorted(f"{folder}/{shard}" for folder in ("text", "dropped") for shard in store.names(folder))
    return [Shard(store.root, path, str(file), SHARD_BYTES) for path in paths if is_ours(path)]


def texts(piece: Piece, language: str) -> Iterator[pa.Array]:
    """The texts of a piece as large_string columns, those that say that they are in another language left out."""
    if isinstance(piece, Files):
        for records in read_unit(piece.unit, piece.source, piece.read, piece.extract):
            batch = records.batch.filter(records.batch.column("drop").is_null())
            yield _in(language, batch["text"], batch["declared_language"])
        return
    wanted = _ids(piece.asked) if piece.asked else None
    with Store(piece.root).open(piece.path) as file:
        for table in tables_of(file, piece.path):
            if wanted is not None:
                table = table.filter(pc.is_in(table["doc_id"], wanted))
            table = table.combine_chunks()
            if len(table):
                yield _in(language, untagged(table["text"]).combine_chunks(), table["lang"].combine_chunks())


def _in(language: str, text: pa.Array, declared: pa.Array) -> pa.Array:
    told = pc.fill_null(pc.equal(declared, language), True)
    return text.filter(pc.and_(told, pc.fill_null(pc.greater(pc.binary_length(text), 0), False)))


@cache
def _ids(file: str) -> pa.Array:
    table = pa.ipc.open_file(pa.memory_map(file)).read_all()
    return table["doc_id"].combine_chunks()


def packed(piece: Piece) -> bytes:
    """A piece as an element of a pipeline."""
    return pickle.dumps(piece)


def unpacked(block: bytes) -> Piece:
    """The inverse of `packed`."""
    piece: Piece = pickle.loads(block)
    return piece
