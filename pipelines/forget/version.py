"""A finished run as it is read here: its manifest and its parts."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from gristmill.pipelines.errors import DamageError, RecipeError
from gristmill.pipelines.records.receipts import Part, Receipt
from gristmill.pipelines.records.sealed import MAKE_AGAIN
from gristmill.pipelines.storage.layout import MANIFEST, PRIVATE, RECIPE, STATE, is_ours, stem_of
from gristmill.pipelines.storage.parts import read_parts
from gristmill.pipelines.storage.rundir import open_run
from gristmill.pipelines.storage.store import Store
from gristmill.pipelines.storage.verification import check_files
from gristmill.tokenizer.sampling import SPLITS

DOCUMENTS = ("ledger", "text", "curated", "dropped")
"""Those that say what a document is: its `doc_id`, own id and address."""
DATASETS_OF_TOKENS = tuple(f"tokens/{split}" for split in SPLITS)


@dataclass(frozen=True)
class Piece:
    """A part of a table, as one unit wrote it at one stage."""

    dataset: str
    shard: dict[str, Any]
    """As the manifest lists it: path, rows, bytes, sha256."""

    @property
    def path(self) -> str:
        """Where it lies."""
        return self.shard["path"]

    @property
    def stem(self) -> str:
        """What says in its name which unit wrote it."""
        return stem_of(self.path.rpartition("/")[2])

    @property
    def number(self) -> int:
        """Which of the unit's parts it is, from 0."""
        return int(self.path.rpartition("/")[2].split("-")[1])

    @property
    def format(self) -> str:
        """`arrow` or `parquet`."""
        return self.path.rpartition(".")[2]


@dataclass(frozen=True)
class Version:
    """A run directory that is finished and whole."""

    store: Store
    manifest: dict[str, Any]
    state: dict[str, Any]
    sha256: str
    """Of manifest.json: what checkpoints know the version by."""

    @property
    def cleaned(self) -> tuple[str, ...]:
        """Private folders that `gristmill clean` has emptied."""
        return tuple(name for name in self.state.get("cleaned", ()) if name in PRIVATE)

    def shards(self, dataset: str) -> list[dict[str, Any]]:
        """The files of a dataset, in order; none of one that the run lacks or that was cleaned away."""
        if dataset in self.cleaned:
            return []
        return self.manifest["datasets"].get(dataset, {"shards": []})["shards"]

    @property
    def tables(self) -> list[str]:
        """Datasets whose parts units have written, but for the token shards, which are made from `text`."""
        datasets = self.manifest["datasets"].items()
        return [
            name
            for name, dataset in datasets
            if not name.startswith("tokens/") and all(is_ours(shard["path"]) for shard in dataset["shards"])
        ]

    def pieces(self, dataset: str) -> Iterator[Piece]:
        """The parts of a table."""
        yield from (Piece(dataset, shard) for shard in self.shards(dataset))

    def batches(self, piece: Piece, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """The rows of a part, of those columns that it has."""
        yield from batches(self.store, piece, columns)


def open_version(run: str) -> Version:
    """The run to forget from. Raises RecipeError where it is not finished, DamageError where it is not whole."""
    store = open_run(run)
    state, raw = store.read_sealed(STATE) or {}, _bytes(store)
    if raw is None or state.get("status") != "finished":
        fix = "finish it first: `gristmill run` with its recipe goes on from there"
        raise RecipeError("the run is not finished, so that nobody knows what it will hold", where=run, fix=fix)
    check_files(store)
    manifest = store.read_sealed(MANIFEST)
    assert manifest is not None
    if not store.exists(RECIPE):
        raise DamageError("the run has no recipe", where=store.url(RECIPE), fix=MAKE_AGAIN)
    return Version(store, manifest, state, hashlib.sha256(raw).hexdigest())


def _bytes(store: Store) -> bytes | None:
    try:
        return store.read_bytes(MANIFEST)
    except FileNotFoundError:
        return None


def batches(store: Store, piece: Piece, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """The rows of a part, of those columns that it has. Raises DamageError for one that cannot be read."""
    shard = piece.shard
    part = Part(piece.dataset, shard["path"], shard["rows"], shard["bytes"], shard["sha256"])
    whole = Receipt("forget", "", (part,))
    if columns is None:
        yield from read_parts(store, whole, piece.dataset)
        return
    have = schema_of(store, piece.path).names
    yield from read_parts(store, whole, piece.dataset, [name for name in columns if name in have])


def schema_of(store: Store, path: str) -> pa.Schema:
    """The columns of a file of a table."""
    with store.open(path) as file:
        return pq.read_schema(file) if path.endswith(".parquet") else pa.ipc.open_file(file).schema
