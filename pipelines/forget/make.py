"""A new version of a run without what is to be forgotten: written beside the old one, looked through, then published.

Nothing of it counts before its manifest, which is written last; a folder without one is begun again. The same request
on the same run gives the same bytes.
"""

import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

from gristmill.filters.pii.operators.audit import keyed_hash
from gristmill.pipelines.errors import DamageError, RecipeError
from gristmill.pipelines.forget.accounts import without
from gristmill.pipelines.forget.asked import Asked
from gristmill.pipelines.forget.held import Checkpoint, Copy, checkpoints_of, copies_of, shards_of
from gristmill.pipelines.forget.match import Matched, match
from gristmill.pipelines.forget.proof import FOLDER, FORMAT, Scan, left_in_bytes, scan, sha256_of
from gristmill.pipelines.forget.tables import Tables, Written, copy
from gristmill.pipelines.forget.tokens import Tokens
from gristmill.pipelines.forget.version import Piece, Version, batches
from gristmill.pipelines.records.accounts import Accounts, reconcile
from gristmill.pipelines.records.elements import Split, Unit
from gristmill.pipelines.records.sealed import seal
from gristmill.pipelines.report.build import write_report
from gristmill.pipelines.run.published.contamination import DATASET as CONTAMINATION
from gristmill.pipelines.run.published.contamination import counted
from gristmill.pipelines.run.published.manifest import described
from gristmill.pipelines.storage.layout import LOCK_FILE, MANIFEST, PAGE, PLAN, REPORT, STATE
from gristmill.pipelines.storage.parts import add_content
from gristmill.pipelines.storage.plan_file import read_plan, write_plan
from gristmill.pipelines.storage.rundir import locked, now
from gristmill.pipelines.storage.store import Store
from gristmill.pipelines.storage.verification import listed_in, write_inventory

WORK = "_work"
FORGETTING = "forgetting"
"""Status of a version that is being written."""


@dataclass(frozen=True)
class Found:
    """What a request means in a run, and who holds it."""

    matched: Matched
    shards: list[dict[str, Any]]
    checkpoints: list[Checkpoint]
    copies: list[Copy]

    def figures(self) -> dict[str, Any]:
        """In numbers and names of files: nothing of what goes."""
        return {
            "documents": len(self.matched.documents),
            "records": len(self.matched.records),
            "masked": {
                name: {"documents": len(counter), "values": sum(counter.values())}
                for name, counter in sorted(self.matched.valued.items())
            },
            "shards": self.shards,
            "checkpoints": [
                {"path": one.path, "manifest": one.manifest, "through_parent": one.through_parent}
                for one in self.checkpoints
            ],
            "copies": [{"path": one.path, "kind": one.kind} for one in self.copies],
        }


def look(version: Version, asked: Asked, duplicates: bool, folders: Sequence[Path]) -> Found:
    """What would go, of a request without hashes (`hashes.resolved`). Raises RecipeError where nothing does."""
    matched = match(version, asked, duplicates)
    shards, checkpoints = shards_of(version, matched), checkpoints_of(version, folders)
    return Found(matched, shards, checkpoints, copies_of(version, folders))


def make(
    version: Version,
    asked: Asked,
    found: Found,
    where: str,
    duplicates: bool,
    say: Callable[[str], None],
    key: bytes | None = None,
) -> Store:
    """Write the new version; returns where it lies. `key`: the proof then names values by their keyed hashes.

    Raises RecipeError for a folder that holds something else, and where something would be left in a file that cannot
    be written anew.
    """
    store = Store.at(where)
    _check_place(version, store)
    if store.local is not None:
        store.local.mkdir(parents=True, exist_ok=True)
    with locked(store):
        _begin(store)
        say("writing the tables")
        tables = Tables(version, found.matched, asked, store)
        written = tables.write()
        say("writing the token shards")
        tokens = Tokens(version, found.matched, tables.gone, store)
        written |= tokens.write()
        manifest = _manifest(version, asked, store, written, tables, tokens)
        say("looking through all of it")
        done = scan(store, manifest, asked, found.matched.documents)
        _refuse(store, done)
        proof = _proof(version, asked, found, duplicates, written, done, tokens)
        if key is not None:
            proof["asked"]["value_hashes"] = sorted(keyed_hash(key, value) for value in asked.values)
        path = f"{FOLDER}/{version.sha256[:16]}.json"
        store.write_sealed(path, proof)
        manifest["files"].append(described(store, path))
        _publish(version, asked, store, manifest, {"from": version.sha256, "proof": path})
        _report(store, asked, found.matched.documents)
    return store


def _check_place(version: Version, store: Store) -> None:
    """Raises RecipeError where something else lies."""
    if store.root.rstrip("/") == version.store.root.rstrip("/"):
        fix = "name a new folder; remove the old one when nobody needs it any more"
        raise RecipeError("a version cannot take the place of the one that it is made from", where=store.root, fix=fix)
    if not (entries := store.entries()):
        return
    with contextlib.suppress(DamageError):
        state = store.read_sealed(STATE) or {}
        if state.get("status") == FORGETTING or entries == [LOCK_FILE]:
            return
    fix = "give a new or an empty folder with --out; nothing was written"
    raise RecipeError(f"'{store.root}' is not empty", where=store.root, fix=fix)


def _begin(store: Store) -> None:
    """What an attempt that was killed has left goes; then the folder is ours."""
    for name in store.entries():
        if name not in (STATE, LOCK_FILE):
            store.delete(name)
    store.write_bytes(STATE, seal({"status": FORGETTING, "forgotten": True}))
    store.prepare()


def _manifest(
    version: Version, asked: Asked, store: Store, written: dict[str, Written], tables: Tables, tokens: Tokens
) -> dict[str, Any]:
    """That of the new version, but for its proof; what no table or shard holds is copied."""
    old = version.manifest
    datasets = {}
    for name, dataset in old["datasets"].items():
        if name in version.cleaned:
            continue
        if name in written:
            shards, content = written[name].shards, add_content([f"{written[name].content:x}"])
            sizes = {key: sum(shard[key] for shard in shards) for key in ("rows", "bytes")}
            datasets[name] = {**dataset, **sizes, "content": content, "shards": shards}
        else:
            for shard in dataset["shards"]:
                copy(version.store, store, shard["path"])
            datasets[name] = dataset
    listed = {file["path"]: file for file in old["files"]}
    for path in listed:
        copy(version.store, store, path)
    if asked.values and PLAN in listed:
        _mask_plan(store, asked)
        listed[PLAN] = described(store, PLAN)
    accounts = without(Accounts.from_json(old["accounts"]), old["reconciled_steps"], tables.gone, tokens.encoded)
    accounts = tokens.account(accounts)
    reconcile(accounts, old["reconciled_steps"])
    new = {**old, "datasets": datasets, "files": list(listed.values()), "accounts": accounts.to_json()}
    if (rates := old.get("contamination")) is not None:
        shards = datasets.get(CONTAMINATION, {"shards": []})["shards"]
        new["contamination"] = counted(
            rates, (row for one in shards for row in batches(store, Piece(CONTAMINATION, one)))
        )
    return new


def _mask_plan(store: Store, asked: Asked) -> None:
    """Names of input files may hold a value. A unit of one has another key then, and `why` cannot read it again."""
    units = read_plan(store)

    def hidden(path: str) -> str:
        return _hidden(path, asked)

    masked = [
        Unit(
            unit.source,
            tuple(Split(hidden(s.path), s.start, s.end, s.size, s.etag) for s in unit.splits),
            unit.bytes,
        )
        for unit in units
    ]
    if masked != units:
        write_plan(store, masked)


def _hidden(value: Any, asked: Asked) -> Any:
    """JSON whose strings hold no value."""
    if isinstance(value, dict):
        return {_hidden(key, asked): _hidden(inner, asked) for key, inner in value.items()}
    if isinstance(value, list):
        return [_hidden(inner, asked) for inner in value]
    return asked.sought.masked_text(value) if isinstance(value, str) and asked.values else value


def _refuse(store: Store, done: Scan) -> None:
    if not done.found:
        return
    shown = "\n    ".join(done.found[:10])
    fix = (
        "a recipe, model, list or tokenizer that holds it has to be made without it: change it, run again, then forget"
    )
    what = f"it would be left in what cannot be written anew, so there is no new version:\n    {shown}"
    raise RecipeError(what, where=store.root, fix=fix)


def _proof(
    version: Version, asked: Asked, found: Found, duplicates: bool, written: dict[str, Written], done: Scan,
    tokens: Tokens,
) -> dict[str, Any]:  # fmt: skip
    numbers = Counter(entry.kind for entry in asked.entries)
    figures = found.figures()
    return {
        "format": FORMAT,
        "gristmill": installed("gristmill"),
        "from": {"manifest_sha256": version.sha256, "recipe": version.manifest["recipe"]},
        "asked": {
            "domains": sorted(map(sha256_of, asked.texts("domain"))),
            **{
                name: numbers[kind]
                for name, kind in (("urls", "url"), ("ids", "id"), ("doc_ids", "doc_id"), ("values", "value"))
            },
            "duplicates": duplicates,
        },
        "removed": {
            "documents": sorted(map(sha256_of, found.matched.documents)),
            "records": figures["records"],
            "masked": figures["masked"],
            "left_out_of_tokens": len(tokens.left_out),
            "clusters_named_anew": len(found.matched.clusters),
        },
        "held": {name: figures[name] for name in ("shards", "checkpoints", "copies")},
        "replaced": [
            {"path": shard["path"], "sha256": shard["sha256"], "by": by}
            for one in written.values()
            for shard, by in one.changed
        ],
        "scan": {"files": done.files, "rows": done.rows, "bytes": done.bytes, "found": len(done.found)},
    }


def _publish(version: Version, asked: Asked, store: Store, manifest: dict[str, Any], step: dict[str, str]) -> None:
    """The manifest last, when all else is on the disk; then the state."""
    manifest["forgotten"] = [*version.manifest.get("forgotten", ()), step]
    listed = listed_in(manifest)
    write_inventory(store, listed)
    store.sync(file.path for file in listed)
    store.write_sealed(MANIFEST, manifest)
    store.sync([MANIFEST])
    kept = {key: value for key, value in version.state.items() if key not in ("pid", "report", "reported", "unchanged")}
    cleaned = list(dict.fromkeys([*version.cleaned, WORK]))
    state = {**_hidden(kept, asked), "status": "finished", "finished": now(), "cleaned": cleaned, "forgotten": True}
    store.write_sealed(STATE, state)


def _report(store: Store, asked: Asked, documents: set[str]) -> None:
    """Made of the new version alone; looked through all the same."""
    write_report(store)
    for path in (REPORT, PAGE):
        if left_in_bytes(store.read_bytes(path), asked, documents):
            store.delete("report")
            raise RecipeError(
                "the report would hold it, so there is none; all else is whole",
                where=store.url(path),
                fix="this is a bug of Gristmill; please report it",
            )
    store.delete(WORK)
