"""Whether the files of a run are as they were written: a look for whoever reads them, all bytes for `gristmill verify`.

The manifest says which bytes a run's files have. The inventory beside the plan says what `Store.signs` said of them
when they were last known to be whole: a file whose sign has not changed need not be read again to be trusted.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from gristmill.pipelines.errors import DamageError
from gristmill.pipelines.records.sealed import MAKE_AGAIN
from gristmill.pipelines.storage.layout import (
    COPIES,
    DATASETS,
    FIXED,
    INVENTORY,
    MANIFEST,
    MODELS,
    PRIVATE,
    REPORT_LIST,
    STATE,
)
from gristmill.pipelines.storage.receipt_book import is_whole, read_receipt
from gristmill.pipelines.storage.store import Store

DAMAGED, MISSING, UNEXPECTED, HELD = "damaged", "missing", "unexpected", "not forgotten"
SHOWN = 3
FIXES = {
    DAMAGED: MAKE_AGAIN,
    MISSING: MAKE_AGAIN,
    UNEXPECTED: "no run made this: move it away, or let it lie; runs do not touch it",
    HELD: "this version is not what its proof of absence says: make it again with `gristmill forget`",
}


@dataclass(frozen=True)
class Fault:
    """A file of a run that is not as it should be."""

    path: str
    kind: str
    """DAMAGED, MISSING, UNEXPECTED or HELD."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a file should hold."""

    path: str
    bytes: int
    sha256: str


@dataclass
class Verdict:
    """What was looked at, and what is wrong with it."""

    finished: bool
    files: int
    bytes: int
    faults: list[Fault]


def write_inventory(
    store: Store, files: Iterable[Wanted], receipts: Iterable[str] = (), marks: Iterable[str] = ()
) -> None:
    """Note the signs of files that have just been written or compared, and what under `_work` makes up the run.

    `marks`: sealed files beside the receipts.
    Raises DamageError for a file that has gone, or become shorter or longer, since.
    """
    wanted = {file.path: file.bytes for file in files}
    signs = store.signs(wanted)
    for path, size in wanted.items():
        if not signs.get(path, "").startswith(f"{size} "):
            raise DamageError("the file was changed during the run", where=store.url(path), fix=MAKE_AGAIN)
    store.write_sealed(INVENTORY, {"receipts": list(receipts), "marks": list(marks), "signs": signs})


def check_files(store: Store, *places: str) -> None:
    """Raises DamageError that names files of a finished run that are not as they were written.

    `places`: only these files and folders are looked at. A file is read only where its sign has changed.
    """
    faults = faults_of(store, *places)
    if faults:
        names = ", ".join(f"{fault.path} ({fault.kind})" for fault in faults[:SHOWN])
        more = f" and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        raise DamageError(
            f"not as the run wrote it: {names}{more}",
            where=store.url(faults[0].path),
            fix=f"{MAKE_AGAIN}; `gristmill verify` lists every file",
        )


def faults_of(store: Store, *places: str) -> list[Fault]:
    """What `check_files` raises."""
    return [*_sealed_faults(store, (STATE, MANIFEST)), *_listed_faults(store, places)]


def _listed_faults(store: Store, places: tuple[str, ...]) -> Iterator[Fault]:
    manifest, state = _read(store, MANIFEST), _read(store, STATE)
    known = (_read(store, INVENTORY) or {"signs": {}})["signs"]
    listed = listed_in(manifest or {}, *places)
    signs = store.signs(file.path for file in listed)
    for file in _not_cleaned(listed, state):
        if file.path not in signs or known.get(file.path) != signs[file.path]:
            yield from _fault(store, file, signs)


def verify(store: Store) -> Verdict:
    """Read every byte of a run's files and compare it with what was written."""
    manifest, state = _read(store, MANIFEST), _read(store, STATE)
    inventory = _read(store, INVENTORY) or {"receipts": [], "marks": []}
    faults = list(_sealed_faults(store, (STATE, MANIFEST, INVENTORY) if manifest else (STATE, MANIFEST)))
    if manifest is None and (state or {}).get("status") == "finished" and not faults:
        faults.append(Fault(MANIFEST, MISSING))
    wanted = {file.path: file for file in listed_in(manifest or {})}
    if "_work" not in (state or {}).get("cleaned", ()):
        faults += _sealed_faults(store, inventory["marks"])
        for path in inventory["receipts"]:
            try:
                receipt, _ = read_receipt(store, path)
            except FileNotFoundError:
                faults.append(Fault(path, MISSING))
            except DamageError:
                faults.append(Fault(path, DAMAGED))
            else:
                parts = (Wanted(part.path, part.bytes, part.sha256) for part in receipt.parts)
                wanted |= {part.path: part for part in parts}
    if manifest:
        faults += _sealed_faults(store, (REPORT_LIST,))
        wanted |= {file.path: file for file in listed_in(_read(store, REPORT_LIST) or {})}
        faults += _unexpected(store, wanted)
    files = list(_not_cleaned(wanted.values(), state))
    signs = store.signs(file.path for file in files)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for found in threads.map(lambda file: list(_fault(store, file, signs)), files):
            faults += found
    faults.sort(key=lambda fault: fault.path)
    return Verdict(manifest is not None, len(files), sum(file.bytes for file in files), faults)


def listed_in(manifest: dict[str, Any], *places: str) -> list[Wanted]:
    """Every file that a manifest names; those of some files and folders only, where they are given."""
    shards = [shard for dataset in manifest.get("datasets", {}).values() for shard in dataset["shards"]]
    files = [Wanted(file["path"], file["bytes"], file["sha256"]) for file in (*shards, *manifest.get("files", ()))]
    within = tuple(f"{place}/" for place in places)
    return [file for file in files if not places or f"{file.path}/".startswith(within)]


def list_report(store: Store, files: dict[str, bytes]) -> None:
    """Note what the report's files hold: they are made again at any time, so no manifest names them."""
    listed = [
        {"path": path, "bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()} for path, raw in files.items()
    ]
    store.write_sealed(REPORT_LIST, {"files": listed})


def _fault(store: Store, file: Wanted, signs: dict[str, str]) -> Iterator[Fault]:
    if file.path not in signs:
        yield Fault(file.path, MISSING)
    elif not is_whole(store, file.path, file.bytes, file.sha256, signs):
        yield Fault(file.path, DAMAGED)


def _not_cleaned(files: Iterable[Wanted], state: dict[str, Any] | None) -> Iterator[Wanted]:
    """Without those that `gristmill clean` has removed."""
    cleaned = tuple(f"{folder}/" for folder in (state or {}).get("cleaned", ()) if folder in PRIVATE)
    return (file for file in files if not file.path.startswith(cleaned)) if cleaned else iter(files)


def _unexpected(store: Store, wanted: dict[str, Wanted]) -> list[Fault]:
    """Files among the datasets that no list names: whoever opens the folder as a whole reads them too."""
    copies = (path.rpartition("/")[0] for path in wanted if path.startswith(f"{MODELS}/"))
    fixed = (path.rpartition("/")[0] for path in (*FIXED, REPORT_LIST))
    folders = dict.fromkeys((*DATASETS, *COPIES, *copies, *fixed))
    found = (f"{folder}/{name}" for folder in folders for name in store.names(folder))
    return [Fault(path, UNEXPECTED) for path in found if path not in wanted and path != REPORT_LIST]


def _sealed_faults(store: Store, paths: Iterable[str]) -> Iterator[Fault]:
    for path in paths:
        try:
            if store.read_sealed(path) is None and path != MANIFEST:
                yield Fault(path, MISSING)
        except DamageError:
            yield Fault(path, DAMAGED)


def _read(store: Store, path: str) -> dict[str, Any] | None:
    """A sealed file; None as well where it is damaged, which `_sealed_faults` says."""
    try:
        return store.read_sealed(path)
    except DamageError:
        return None
