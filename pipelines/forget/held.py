"""Who else holds what goes: shards of the version that it goes from, trainings that read them, exports and mixtures
that were made of them."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gristmill.pipelines.errors import InputError
from gristmill.pipelines.forget.match import Matched
from gristmill.pipelines.forget.version import Piece, Version
from gristmill.pipelines.recipe.load import load
from gristmill.pipelines.run.published.exported import text_sha256
from gristmill.pipelines.storage.layout import RECIPE
from gristmill.pipelines.storage.store import Store
from gristmill.tokenizer.mixing.pool import INDEX
from gristmill.tokenizer.mixing.written import CARD
from gristmill.tokenizer.shards.exports.writing import MANIFEST as EXPORT

CHECKPOINT = "state.json"
"""Of a checkpoint: its `origin` says by which manifest its tokens were known (trainer/checkpoint)."""


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that was trained on the version, or that began with such a one."""

    path: str
    manifest: str
    """sha256 of the run's manifest.json that it was trained on."""
    through_parent: bool
    """It never read the version itself."""


@dataclass(frozen=True)
class Copy:
    """An export or a mixture that was made of the version."""

    path: str
    kind: str
    """`export` or `mixture`."""


def shards_of(version: Version, matched: Matched) -> list[dict[str, Any]]:
    """The shards of the version that hold something that goes: path and sha256, in the manifest's order."""
    goes = set(matched.documents)
    masked = {name for counter in matched.valued.values() for name in counter}
    found = []
    for name in version.manifest["datasets"]:
        if name in ("tokens/plan", "tokens/index"):
            continue
        wanted = pa.array(sorted(goes | masked if name.startswith("tokens/") else goes), pa.string())
        for shard in version.shards(name):
            if shard["path"] in matched.parts or _holds(version, Piece(name, shard), wanted, matched):
                found.append({"path": shard["path"], "sha256": shard["sha256"]})
    return found


def _holds(version: Version, piece: Piece, wanted: pa.Array, matched: Matched) -> bool:
    if piece.format not in ("arrow", "parquet"):
        return False
    for batch in version.batches(piece, ("doc_id", "row", "file", "step")):
        if "doc_id" in batch.schema.names and pc.any(pc.is_in(batch.column("doc_id"), wanted)).as_py():
            return True
        if piece.dataset in ("dead", "ledger"):
            letters = batch.select([name for name in ("row", "file") if name in batch.schema.names]).to_pylist()
            if any(
                (piece.stem, one["row"]) in matched.records or (one.get("file"), one["row"]) in matched.unencoded
                for one in letters
            ):
                return True
    return False


def checkpoints_of(version: Version, folders: Sequence[Path]) -> list[Checkpoint]:
    """Those of RUN/train and of some folders, by path. Raises InputError for a folder that is not there.

    A version that has been forgotten from before is part of the one it was made from: its trainings count, too.
    """
    manifests = {version.sha256, *(one["from"] for one in version.manifest.get("forgotten", ()))}
    known = [*_in_store(version.store), *(one for folder in folders for one in _in_folder(folder))]
    found: dict[str, Checkpoint] = {}
    digests: set[str] = set()
    while True:
        before = len(found)
        for path, origin, sha256 in known:
            direct, parent = origin.get("manifest") in manifests, origin.get("parent") in digests
            if path not in found and (direct or parent):
                found[path] = Checkpoint(path, str(origin.get("manifest")), not direct)
                digests.add(sha256)
        if len(found) == before:
            return sorted(found.values(), key=lambda one: one.path)


Known = tuple[str, dict[str, Any], str]
"""A checkpoint: its path, its origin, the sha256 of its manifest.json, by which another one names it as its parent."""


def _in_store(store: Store) -> Iterator[Known]:
    for path in store.below("train"):
        if path.endswith(f"/{CHECKPOINT}"):
            folder = path.rpartition("/")[0]
            manifest = f"{folder}/manifest.json"
            raw = store.read_bytes(manifest) if store.exists(manifest) else b""
            yield from _known(store.url(folder), store.read_bytes(path), raw)


def _in_folder(folder: Path) -> Iterator[Known]:
    if not folder.is_dir():
        raise InputError("there is no such folder", where=str(folder), fix="name a folder of trainings or checkpoints")
    for file in sorted(folder.rglob(CHECKPOINT)):
        manifest = file.parent / "manifest.json"
        yield from _known(str(file.parent), file.read_bytes(), manifest.read_bytes() if manifest.is_file() else b"")


def _known(path: str, state: bytes, manifest: bytes) -> Iterator[Known]:
    try:
        origin = json.loads(state).get("origin")
    except (ValueError, AttributeError):  # another program's state
        return
    if isinstance(origin, dict):
        yield path, origin, hashlib.sha256(manifest).hexdigest()


def copies_of(version: Version, folders: Sequence[Path]) -> list[Copy]:
    """The exports and mixtures below some folders that were made of the version, by path. An export knows its run by
    the index of its tokens or the shards of its text, a mixture by the index or the manifest."""
    if not folders:
        return []
    corpora, manifests = {*_corpora(version)}, {version.sha256}
    manifests |= {one["from"] for one in version.manifest.get("forgotten", ())}
    found: set[Copy] = set()
    for folder in folders:
        for name, kind in ((EXPORT, "export"), (CARD, "mixture")):
            for file in folder.rglob(name):
                said = _json_object(file.read_bytes())
                runs = [said, *(one for one in said.get("runs") or () if isinstance(one, dict))]  # of a mixture
                known = {run.get("corpus_sha256") or run.get("index") for run in runs}
                if known & corpora or {run.get("manifest") for run in runs} & manifests:
                    found.add(Copy(str(file.parent), kind))
    return sorted(found, key=lambda one: (one.path, one.kind))


def _corpora(version: Version) -> Iterator[str]:
    """By what exports know the version."""
    store = version.store
    if store.exists(INDEX):
        yield hashlib.sha256(store.read_bytes(INDEX)).hexdigest()
    if "text" in version.manifest["datasets"]:
        with store.on_disk(RECIPE) as path:
            recipe = load(path, models=False).recipe
        yield text_sha256(version.manifest["datasets"]["text"]["shards"], recipe)


def _json_object(raw: bytes) -> dict[str, Any]:
    """A JSON object; an empty one of what is another program's."""
    try:
        said = json.loads(raw)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
