"""What of a finished run is exported: its token shards, or its text in the same splits."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gristmill.pipelines.errors import DamageError, RecipeError
from gristmill.pipelines.recipe.load import load
from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.records.sealed import MAKE_AGAIN
from gristmill.pipelines.storage.layout import INDEX, MANIFEST, RECIPE
from gristmill.pipelines.storage.parts import read_part
from gristmill.pipelines.storage.store import Store
from gristmill.tokenizer.mixing.pool import Pool, open_runs
from gristmill.tokenizer.mixing.written import CARD as MIX_CARD
from gristmill.tokenizer.mixing.written import open_mix
from gristmill.tokenizer.sampling import SPLITS, TRAIN, VALIDATION, splits_of
from gristmill.tokenizer.shards.dataset import TokenShards
from gristmill.tokenizer.shards.exports.asked import ROWS, TEXT, Asked, Counted
from gristmill.tokenizer.shards.exports.contents import Split, documents_of, rows_in_order, rows_of
from gristmill.tokenizer.shards.format import Shard
from gristmill.tokenizer.shards.index import Index, read_index
from gristmill.tokenizer.shards.packing import PackPlan

DESCRIBED = ["source", "lang", "bytes"]


@dataclass(frozen=True)
class Exported:
    """What is exported, and what tells it from every other export."""

    asked: Asked
    about: dict[str, Any]


def exported_tokens(folder: Path, name: str, content: str) -> Exported:
    """The token shards of a run on this machine: its documents, or its training rows.

    Every byte is read first. Raises DamageError for a shard that is not as it was written, or holds an id outside the
    vocabulary.
    """
    index_path = folder / INDEX
    index = read_index(index_path)
    splits, counted = [], []
    for split in index.splits:
        shards = _verified(index_path, split)
        made = (rows_of if content == ROWS else documents_of)(shards, split)
        if made.documents:
            splits.append(made)
            counted += _counted(split, [shard.batch.select(DESCRIBED) for shard in shards.shards])
    return _exported(name, content, splits, index, counted, folder, hashlib.sha256(index_path.read_bytes()).hexdigest())


def exported_mixture(folders: Sequence[Path], mix: str, name: str) -> Exported:
    """The rows of a written mixture of the first of these runs, in the order in which a training reads them, repeats
    included; then its validation rows. Every byte is read first. Raises MixError, DamageError."""
    runs = open_runs(folders)
    opened = open_mix(folders[0] / "mix" / mix, runs)
    for run in runs:
        for split in run.index.splits:
            _verified(run.path / INDEX, split)
    splits, counted = [], []
    for split, plan, row_R in (
        (TRAIN, opened.rows, opened.row_R),
        (VALIDATION, opened.validation, np.arange(len(opened.validation))),
    ):
        if len(row_R):
            shards = Pool(runs, split).shards
            read = _read_once(shards, plan, row_R)
            counted += _counted(split, read)
            splits.append(
                rows_in_order(split, shards, plan, row_R, sum(pc.sum(one["bytes"]).as_py() or 0 for one in read))
            )
    card = hashlib.sha256((opened.folder / MIX_CARD).read_bytes()).hexdigest()
    made = _exported(name, ROWS, splits, runs[0].index, counted, folders[0], card)
    return replace(made, about=made.about | {"runs": opened.card["runs"]})


def _verified(index_path: Path, split: str) -> TokenShards:
    try:
        shards = TokenShards(index_path, split)
        shards.verify()
    except ValueError as error:
        raise DamageError(f"a token shard is damaged: {error}", where=str(index_path), fix=MAKE_AGAIN) from error
    return shards


def _exported(
    name: str, content: str, splits: list[Split], index: Index, counted: list[Counted], folder: Path, sha256: str
) -> Exported:
    tokenizer = sorted(path for path in (folder / "tokenizer").iterdir() if path.is_file())
    special_ids, vocabulary = index.tokenizer["special_ids"], index.tokenizer["vocabulary"]
    asked = Asked(name, content, splits, index.kind, vocabulary, special_ids, counted, tokenizer)
    about = {
        "corpus_sha256": sha256,
        "tokenizer_sha256": index.tokenizer["sha256"],
        "vocabulary": vocabulary,
        "special_ids": special_ids,
    }
    return Exported(asked, about)


def text_sha256(shards: list[dict[str, Any]], recipe: Recipe) -> str:
    """By what an export of text knows its run: the shards as the manifest lists them, and how they are split."""
    validation, test = _shares(recipe)
    chosen = [shards, validation, recipe.seed, *([test] if test else [])]
    return hashlib.sha256(json.dumps(chosen).encode()).hexdigest()


def _shares(recipe: Recipe) -> tuple[float, float]:
    """Of validation and test."""
    return (recipe.tokens.validation, recipe.tokens.test) if recipe.tokenizer else (0.0, 0.0)


def _read_once(shards: Sequence[Shard], plan: PackPlan, row_R: np.ndarray) -> list[pa.RecordBatch]:
    """What is known of the documents of which some of these rows hold a part, each once."""
    is_read = np.zeros(len(plan), bool)
    is_read[row_R] = True
    segment_P = np.flatnonzero(is_read[plan.row])
    found = []
    for number, shard in enumerate(shards):
        mine = np.zeros(len(shard), bool)
        mine[plan.doc[segment_P[plan.shard[segment_P] == number]]] = True
        found.append(shard.batch.select(DESCRIBED).filter(pa.array(mine)))
    return found


def exported_text(store: Store) -> Exported:
    """The clean text of a run, split as its tokens are. Raises RecipeError for a run that has not finished."""
    manifest = store.read_json(MANIFEST) or {}
    listed = manifest.get("datasets", {}).get("text")
    if not listed:
        raise RecipeError("this run has no text yet", where=store.root, fix="finish it with `gristmill run`")
    with store.on_disk(RECIPE) as path:
        recipe = load(path, models=False).recipe
    shares = _shares(recipe)
    blocks: dict[str, list[TextPart]] = {split: [] for split in SPLITS}
    described: dict[str, list[pa.RecordBatch]] = {split: [] for split in SPLITS}
    for part in listed["shards"]:
        batch = _whole(store, part["path"], [*DESCRIBED, "cluster"])
        for split, mine in splits_of(batch.column("cluster"), *shares, recipe.seed).items():
            size_D = batch.column("bytes").to_numpy()[mine]
            blocks[split].append(TextPart(store, part["path"], np.flatnonzero(mine), size_D))
            described[split].append(batch.filter(pa.array(mine)).select(DESCRIBED))
    splits, counted = [], []
    for split, made in blocks.items():
        counts = _counted(split, described[split])
        if counts:
            documents, size = sum(one.documents for one in counts), sum(one.bytes for one in counts)
            splits.append(Split(split, made, documents, 0, size))
            counted += counts
    about = {"corpus_sha256": text_sha256(listed["shards"], recipe)}
    return Exported(Asked(store.name, TEXT, splits, counted=counted), about)


@dataclass
class TextPart:
    """The documents of a part of `text/` that are in one split."""

    store: Store
    path: str
    row_D: np.ndarray
    """int64[D]: which rows of the part."""
    size_D: np.ndarray

    def read(self, begin: int, end: int) -> pa.RecordBatch:
        """All columns of `text/`. The part is held until the last document has been read."""
        batch = self._batch.take(pa.array(self.row_D[begin:end]))
        if end == len(self.row_D):
            del self._batch
        return batch

    @cached_property
    def _batch(self) -> pa.RecordBatch:
        return _whole(self.store, self.path)


def _whole(store: Store, path: str, columns: list[str] | None = None) -> pa.RecordBatch:
    return pa.concat_batches(list(read_part(store, path, columns)))


def _counted(split: str, batches: Sequence[pa.RecordBatch]) -> list[Counted]:
    """How many documents and bytes there are of each source and language, in the order of their names."""
    grouped = pa.Table.from_batches(batches).group_by(["source", "lang"])
    rows = grouped.aggregate([("bytes", "count"), ("bytes", "sum")]).sort_by(
        [("source", "ascending"), ("lang", "ascending")]
    )
    return [
        Counted(split, row["source"], row["lang"], row["bytes_count"], row["bytes_sum"]) for row in rows.to_pylist()
    ]
