"""The token shards of a version without what goes: rows taken out, masked documents encoded anew, rows packed again."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gristmill.pipelines.forget.match import Matched
from gristmill.pipelines.forget.tables import Gone, Shards, Written, copy
from gristmill.pipelines.forget.version import DATASETS_OF_TOKENS, Piece, Version
from gristmill.pipelines.recipe.load import load
from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.records.accounts import DROPPED, KEPT, Accounts
from gristmill.pipelines.stages.rendering import TOO_LONG, Renderer
from gristmill.pipelines.storage.layout import FIXED, INDEX, PLUGINS, RECIPE
from gristmill.pipelines.storage.parts import put_part, row_digest
from gristmill.pipelines.storage.store import Store
from gristmill.tokenizer.foreign.encoder import open_encoder
from gristmill.tokenizer.shards.format import DOCUMENT_COLUMNS, Header, Shard, token_batch, write_shard
from gristmill.tokenizer.shards.index import ShardEntry, SplitEntry, read_index, write_index
from gristmill.tokenizer.shards.packing import PackPlan, pack


@dataclass
class Tokens:
    """Writes the token shards of a new version."""

    version: Version
    matched: Matched
    gone: Gone
    store: Store
    """Of the new version."""
    encoded: Counter[str] = field(default_factory=Counter)
    """Rows taken out, by doc_id."""
    left_out: list[dict[str, Any]] = field(default_factory=list)
    """Masked documents for which a training row has no room any more: source, lang, bytes."""

    def account(self, accounts: Accounts) -> Accounts:
        """`accounts`, with the masked documents that are left out as dropped by `encode`."""
        counted = Accounts(accounts)
        for row in self.left_out:
            told = {"lang": row["lang"] or ""}
            counted.add("encode", KEPT, row["source"], -1, -row["bytes"], **told)
            counted.add("encode", DROPPED, row["source"], 1, row["bytes"], reason=TOO_LONG, **told)
        return Accounts(one for one in counted if one.documents > 0)

    def write(self) -> dict[str, Written]:
        """`tokens/...`, by dataset."""
        datasets = self.version.manifest["datasets"]
        written = {}
        for name in DATASETS_OF_TOKENS:
            if name in datasets:
                written[name] = self._split(name)
        if not any(one.changed for one in written.values()):
            return written | {
                name: self._as_it_is(name) for name in ("tokens/plan", "tokens/index") if name in datasets
            }
        return written | self._planned(written)

    def _as_it_is(self, dataset: str) -> Written:
        shards = self.version.shards(dataset)
        for shard in shards:
            copy(self.version.store, self.store, shard["path"])
        return Written(shards)

    def _split(self, dataset: str) -> Written:
        written = Written(content=int(self.version.manifest["datasets"][dataset]["content"], 16))
        for shard in self.version.shards(dataset):
            with self.version.store.on_disk(shard["path"]) as file:
                old = Shard(file).batch
                new = self._without(old)
                if new is old:
                    copy(self.version.store, self.store, shard["path"])
                    written.shards.append(shard)
                    continue
                written.content -= row_digest(old, _content(old))
                made = self._publish(dataset, Piece(dataset, shard), new) if new.num_rows else None
            if made is not None:
                written.content += row_digest(new, _content(new))
                written.shards.append(made)
            written.changed.append((shard, made["sha256"] if made else None))
        written.content %= 2**128
        return written

    def _publish(self, dataset: str, piece: Piece, batch: pa.RecordBatch) -> dict[str, Any]:
        with self.store.temporary() as scratch:
            made = write_shard(scratch, [batch])
            path = f"{dataset}/{piece.stem}-{piece.number:02d}-{made.sha256[:16]}.arrow"
            self.store.publish(scratch, path)
        return {"path": path, "rows": made.rows, "bytes": made.file_bytes, "sha256": made.sha256}

    def _without(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """A shard without what goes; itself where nothing does."""
        names = batch.column("doc_id")
        goes = pc.is_in(names, pa.array(sorted(self.matched.documents), pa.string()))
        self.encoded.update(names.filter(goes).to_pylist())
        new = batch.filter(pc.invert(goes)) if pc.any(goes).as_py() else batch
        clusters = self.matched.clusters
        if clusters and pc.any(pc.is_in(new.column("cluster"), pa.array(list(clusters), pa.string()))).as_py():
            named = pa.array([clusters.get(name, name) for name in new.column("cluster").to_pylist()], pa.string())
            place = new.schema.get_field_index("cluster")
            new = new.set_column(place, new.schema.field(place), named)
        masked = self._masked
        if masked and not masked.keys().isdisjoint(new.column("doc_id").to_pylist()):
            new = pa.concat_batches(list(self._with_masks(new, masked)) or [new.slice(0, 0)])
        return new

    @cached_property
    def _masked(self) -> dict[str, pa.RecordBatch]:
        """Documents whose text was masked, each by itself."""
        return {
            name: batch.slice(row, 1)
            for batch in self.gone.texts
            for row, name in enumerate(batch.column("doc_id").to_pylist())
        }

    def _with_masks(self, batch: pa.RecordBatch, masked: dict[str, pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The rows of a shard in order, those of masked documents encoded anew."""
        first = 0
        for row, name in enumerate(batch.column("doc_id").to_pylist()):
            if name in masked:
                yield batch.slice(first, row - first)
                yield from self._anew(batch.slice(row, 1), masked[name])
                first = row + 1
        yield batch.slice(first)

    def _anew(self, row: pa.RecordBatch, document: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """A row of a shard from its masked document; what the text does not say stays."""
        rendered = self._renderer.render(document)
        if not rendered.kept.any():
            self.left_out += row.select(("source", "lang", "bytes")).to_pylist()
            return
        names = [name for name, _ in DOCUMENT_COLUMNS]
        others = [name for name in row.schema.names if name not in ("tokens", *names, *rendered.columns)]
        known = {name: row.column(name) for name in (*names, *others)}
        made = token_batch(
            rendered.tokens_T, rendered.offsets_K1, known | dict(rendered.columns), Header.of(row.schema.metadata)
        )
        yield made.select(row.schema.names).cast(row.schema)

    @cached_property
    def _recipe(self) -> Recipe:
        with self.version.store.folder_on_disk(RECIPE, PLUGINS) as folder:
            return load(folder / RECIPE, models=False).recipe

    @cached_property
    def _renderer(self) -> Renderer:
        with self.version.store.folder_on_disk(*FIXED) as folder:
            return Renderer(self._recipe, open_encoder(folder / "tokenizer"))

    def _planned(self, written: dict[str, Written]) -> dict[str, Written]:
        """The pack plans over the new shards, and the index."""
        with self.version.store.folder_on_disk("tokens/index.json") as folder:
            index = read_index(folder / INDEX)
        plans, splits = Written(), {}
        for split, before in index.splits.items():
            shards = written[f"tokens/{split}"].shards if f"tokens/{split}" in written else []
            made, splits[split] = self._plan(split, before, shards)
            plans.shards.append(made)
        old = self.version.shards("tokens/plan")
        plans.changed = [(one, new["sha256"]) for one, new in zip(old, plans.shards, strict=True)]
        with self.store.temporary() as scratch:
            write_index(scratch, replace(index, splits=splits))
            raw = scratch.read_bytes()
            self.store.publish(scratch, INDEX)
        named = {"path": INDEX, "rows": 1, "bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}
        return {"tokens/plan": plans, "tokens/index": Written([named])}

    def _plan(self, split: str, before: SplitEntry, shards: Shards) -> tuple[dict[str, Any], SplitEntry]:
        whole = all(source.kind != "text" for source in self._recipe.sources.values())
        with ExitStack() as stack:
            mapped = [Shard(stack.enter_context(self.store.on_disk(shard["path"]))) for shard in shards]
            with self.version.store.on_disk(f"tokens/{before.plan}") as file:
                figures = PackPlan.open(file).figures
            length, packing = figures.sequence_length, self._recipe.tokens.packing
            plan = pack(mapped, length, seed=figures.seed, epoch=figures.epoch, whole=whole, packing=packing)
            entries = tuple(
                ShardEntry(
                    shard["path"].removeprefix("tokens/"),
                    shard["rows"],
                    len(one.tokens),
                    int(np.sum(one.column("bytes").to_numpy())),
                    shard["bytes"],
                    shard["sha256"],
                )
                for shard, one in zip(shards, mapped, strict=True)
            )
        with self.store.temporary() as scratch:
            plan.write(scratch)
            stem = f"tokens/plan/{split}-{plan.figures.sequence_length}"
            part = put_part(self.store, scratch, stem, ".arrow", dataset="tokens/plan", rows=plan.figures.rows)
        made = {"path": part.path, "rows": part.rows, "bytes": part.bytes, "sha256": part.sha256}
        path = part.path.removeprefix("tokens/")
        return made, SplitEntry(entries, path, plan.figures.rows, plan.figures.tokens, plan.figures.padding)


def _content(batch: pa.RecordBatch) -> tuple[str, ...]:
    """What the digest of token shards covers, as `stages/tokens.py` has it."""
    return ("doc_id", "tokens", "cluster", *batch.schema.names[1 + len(DOCUMENT_COLUMNS) :])
