"""An index on disk: files of fingerprints whose names carry the hash of their bytes, and a manifest, written last."""

import json
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gristmill.filters.dedup.fingerprint_file import HASHES, RANK_STEP, Settled, settled_batch
from gristmill.filters.dedup.fingerprints import describe
from gristmill.filters.dedup.urls import describe_urls
from gristmill.pipelines.errors import DamageError, RecipeError
from gristmill.pipelines.recipe.deduplication import Deduplicate
from gristmill.pipelines.recipe.files.index_files import MANIFEST, NAME
from gristmill.pipelines.recipe.files.indexes import TakenIndex, read_index
from gristmill.pipelines.recipe.files.named_files import ProblemError
from gristmill.pipelines.records.sealed import seal
from gristmill.pipelines.storage.models import fetch
from gristmill.pipelines.storage.parts import FROM_ITS_RUN, PartWriter
from gristmill.pipelines.storage.store import Store

FILES, SCRATCH = "fingerprints", "_work"
DECIDED = ("exact", "minhash", "max_lost", "urls")
"""Options of `deduplicate` that the manifest keeps: who merges indexes decides by them."""


class IndexWriter:
    """Writes one index into an empty folder. Use as a context manager; `finish` makes it one."""

    def __init__(self, target: Path | str, name: str, options: Deduplicate):
        if not re.fullmatch(NAME, name):
            fix = "use letters, digits, '.', '_' and '-'"
            raise RecipeError(f"'{name}' is no name for an index", where="--name", fix=fix)
        self.store, self.name, self.options = Store.at(target), name, options
        if self.store.entries():
            what = f"'{target}' is not empty"
            raise RecipeError(what, where="--out", fix="name a new folder; nothing was written")
        self._stack = ExitStack()
        self.documents = self.kept = self._row = 0

    def __enter__(self) -> "IndexWriter":
        self._writer = self._stack.enter_context(PartWriter(self.store, FILES, self.name, compression=None))
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)
        if not self.store.exists(MANIFEST):  # without it nothing here is an index
            for path in self.store.below(FILES):
                self.store.delete(path)
        if self.store.local is not None:
            shutil.rmtree(self.store.local / SCRATCH, ignore_errors=True)

    def add(
        self,
        prints: pa.RecordBatch,
        number: np.ndarray,
        flags: np.ndarray,
        settled: Settled,
        url_order: np.ndarray | None = None,
    ) -> None:
        """Documents of a fingerprint file; number: int64, their order by rank in the index; flags: uint64, LOST and
        ELSEWHERE; url_order: uint64, their order among those of one address, where they have any."""
        closed, count = len(self._writer.parts), prints.num_rows
        row = np.arange(self._row, self._row + count, dtype=np.uint32)
        rank = number.astype(np.uint64) * np.uint64(RANK_STEP) | flags
        self._writer.write(settled_batch(prints, row, rank, settled, url_order))
        self._row = 0 if len(self._writer.parts) > closed else self._row + count
        self.documents += count
        self.kept += int((flags == 0).sum())

    def finish(self, made_from: Sequence[dict[str, Any]], against: Sequence[str] = ()) -> dict[str, Any]:
        """Write the manifest, and give it. made_from: runs or indexes; against: hashes of the indexes that decisions
        stand on."""
        self._stack.close()
        options = self.options.model_dump(mode="json")
        manifest = {
            "gristmill_index": 1,
            "name": self.name,
            "documents": self.documents,
            "kept": self.kept,
            "hashes": HASHES.decode(),
            "minhash": describe(self.options.minhash),
            "urls": self.options.urls and describe_urls(self.options.urls.www),
            "deduplicate": {name: options[name] for name in DECIDED},
            "made_from": list(made_from),
            "against": list(against),
            "files": [
                {"path": part.path, "documents": part.rows, "bytes": part.bytes, "sha256": part.sha256}
                for part in self._writer.parts
            ],
        }
        self.store.write_bytes(MANIFEST, seal(manifest))
        return manifest


class Staying:
    """The documents that stay in an index, by doc_id: whom others lost to."""

    def __init__(self, doc_id: np.ndarray, number: np.ndarray):
        """doc_id: uint8[N, 16]; number: int64[N], their order by rank."""
        self._ids, self._number = _binary(doc_id), number

    def ranks(self, winner: np.ndarray) -> np.ndarray:
        """uint64: the ranks of some of them (uint8[n, 16])."""
        place = pc.index_in(_binary(winner), value_set=self._ids).to_numpy(zero_copy_only=False)
        return self._number[place.astype(np.int64)].astype(np.uint64) * np.uint64(RANK_STEP)


def _binary(ids: np.ndarray) -> pa.Array:
    data = pa.py_buffer(np.ascontiguousarray(ids).tobytes())
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(ids), [None, data])


def open_index(place: str) -> tuple[TakenIndex, dict[str, Any]]:
    """(the index at a path or an address, its manifest). Raises RecipeError where there is none, DamageError where its
    manifest is not as it was written."""
    try:
        index = read_index(place, Path.cwd(), fetch)
    except ProblemError as problem:
        if Store.at(place).exists(MANIFEST):
            raise DamageError("an index is damaged", where=f"{place}/{MANIFEST}", fix=FROM_ITS_RUN) from None
        fix = "give the folder that `gristmill index build` wrote"
        raise RecipeError(problem.text, where=place, fix=fix) from None
    return index, json.loads(Store.at(index.place).read_bytes(MANIFEST))


def damaged(index: TakenIndex, manifest: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(path, what is wrong) of files that are not as they were written; reads every byte."""
    store = Store.at(index.place)
    for file in manifest["files"]:
        if not store.exists(file["path"]):
            yield file["path"], "missing"
        elif store.sha256(file["path"]) != file["sha256"]:
            yield file["path"], "damaged"
