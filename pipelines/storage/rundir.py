"""A run directory: its lock and its state. Times live in run.json only; everything else is deterministic."""

import contextlib
import errno
import fcntl
import json
import os
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gristmill.pipelines.errors import DamageError, GristmillError, RecipeError, RunnerError
from gristmill.pipelines.processes.aside import Aside, here
from gristmill.pipelines.processes.identity import is_gone, myself
from gristmill.pipelines.records.sealed import seal
from gristmill.pipelines.storage import remote
from gristmill.pipelines.storage.layout import LOCK_FILE, MANIFEST, PLAN, PLAN_MARK, PRIVATE, STATE, is_ours
from gristmill.pipelines.storage.store import Store

LOCK_TRIES, LOCK_SECONDS = 30, 0.1
LOCK = "run.lock"
"""The lock of a run directory on an object store: an object that only its creator's conditional put can make."""


def open_run(where: str | Path) -> Store:
    """The run directory of an earlier `run`. Raises RecipeError when there is none."""
    store = Store.at(where)
    if not is_run(store):
        fix = "give the folder that `gristmill run` printed: --out, or runs/<name of the recipe>"
        raise RecipeError(f"'{where}' is not a run directory", where=str(where), fix=fix)
    return store


def is_run(store: Store) -> bool:
    """Whether a folder is a run's: its state says so or, where that is damaged or gone, its manifest or its plan.

    Any folder may hold a run.json; only ours is sealed.
    """
    for path in (STATE, MANIFEST):
        with contextlib.suppress(DamageError):
            if store.read_sealed(path) is not None:
                return True
    return _is_plan(store)


def _is_plan(store: Store) -> bool:
    if not store.exists(PLAN):
        return False
    import pyarrow as pa  # rarely needed, slow to load: a new folder has no plan

    try:
        with store.open(PLAN) as file:
            return PLAN_MARK.keys() <= (pa.ipc.open_file(file).schema.metadata or {}).keys()
    except (OSError, pa.ArrowInvalid):
        return False


def check_folder(store: Store) -> None:
    """Raises RecipeError where a run would write among somebody else's files, or bring back what was forgotten. Writes
    nothing."""
    if is_run(store):
        _check_not_forgotten(store)
        return
    found = store.entries()
    if found and not (found == [STATE] and store.read_bytes(STATE) == b""):  # a run that was killed at its first step
        what = f"'{store.root}' is not empty, and it is not a run directory"
        if STATE in found:
            what += f": its {STATE} is not one that Gristmill wrote, or it is damaged"
        raise RecipeError(what, where=store.root, fix="give a new or an empty folder with --out; nothing was written")


def _check_not_forgotten(store: Store) -> None:
    for path in (STATE, MANIFEST):
        with contextlib.suppress(DamageError):
            if (store.read_sealed(path) or {}).get("forgotten"):
                fix = "give another folder with --out, and keep out of its input what was forgotten (docs/forget.md)"
                what = "this version was made by `gristmill forget`: a run would read its input again and bring it back"
                raise RecipeError(what, where=store.root, fix=fix)


def claim(store: Store) -> None:
    """Make an empty folder a run's, before anything else is written into it. Raises as check_folder."""
    check_folder(store)
    if not is_run(store):
        store.delete(STATE)  # empty, if there is one
        store.create(STATE, seal({"status": "starting"}))


def check_seen(store: Store) -> None:
    """Raises RunnerError on a host of a cluster that does not see the run directory: what it writes would be lost."""
    if store.local is None or (store.local / STATE).is_file():
        return
    where = f"{store.root} on {socket.gethostname()}"
    fix = "give --out an object store, or a folder that all hosts mount at the same path (docs/hosts.md)"
    raise RunnerError("a worker host does not see the run directory", where=where, fix=fix)


def now() -> str:
    """UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def update_state(store: Store, **values: Any) -> dict[str, Any]:
    """Merge some keys into run.json and return all of it."""
    try:
        before = store.read_sealed(STATE) or {}
    except DamageError:
        before = {}
    made = {**before, **values}
    try:
        store.write_sealed(STATE, made)
    except OSError as error:
        if store.local is None or error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        with (store.local / STATE).open("r+b") as file:  # a full disk has room where the file stands already
            file.write(seal(made))
            file.truncate()
    return made


@contextmanager
def locked(where: Path | str | Store, aside: Aside = here, break_lock: bool = False) -> Iterator[str]:
    """Hold the run directory. Gives what a user should know of an earlier holder. Raises RecipeError naming the holder.

    A local lock is released with the process, however it ends. On an object store it is an object: what a killed run
    left is taken over on the machine where that ran, and anywhere with `break_lock`. Two runs that both believe to hold
    it do no harm but work done twice: parts are named by their content, and every file appears at once.
    """
    store = Store.at(where)
    with _locked_folder(store.local) if store.local is not None else _locked_object(store, aside, break_lock) as told:
        yield told


@contextmanager
def _locked_folder(path: Path) -> Iterator[str]:
    path.mkdir(parents=True, exist_ok=True)
    with (path / LOCK_FILE).open("a+", encoding="utf-8", errors="replace") as file:
        if not lock_file(file.fileno()):
            file.seek(0)
            raise RecipeError(
                f"another run works in this directory: {_holder(file.read())}",
                where=str(path),
                fix="wait for it, stop it, or give another directory with --out",
            )
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": now()}))
        file.flush()
        yield ""


def lock_file(descriptor: int) -> bool:
    """Whether an open file is locked now for this process, until it is closed here and in all children.

    Children share their parent's lock: where the parent was killed it is free when they are gone, a moment later.
    """
    for _ in range(LOCK_TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(LOCK_SECONDS)
    return False


def _holder(text: str) -> str:
    try:
        holder = json.loads(text)
        return f"process {holder['pid']} on {holder['host']} since {holder['since']}"
    except (ValueError, KeyError, TypeError):
        return "a process that has just started"


@contextmanager
def _locked_object(store: Store, aside: Aside, break_lock: bool) -> Iterator[str]:
    token = uuid.uuid4().hex
    mine = {**myself(), "token": token}
    told = aside(lambda: _take(store, json.dumps(mine), break_lock))
    try:
        yield told
    finally:
        # A store that is out of reach leaves the lock behind, and must not hide why the run stopped.
        with contextlib.suppress(GristmillError):
            aside(lambda: _release(store, token))


def _take(store: Store, mine: str, break_lock: bool) -> str:
    """Create the lock. Where one stands whose process is gone, or which is to be broken, replace it and say so."""
    if remote.create(store.url(LOCK), mine.encode()):
        return ""
    held = _read_lock(store)
    if break_lock or _is_gone(held):
        store.delete(LOCK)
        if remote.create(store.url(LOCK), mine.encode()):
            return f"took over the lock of {_holder(held)}" if held else ""
        held = _read_lock(store)
    raise RecipeError(
        f"another run works in this directory: {_holder(held)}",
        where=store.url(LOCK),
        fix="wait for it, stop it, or give another directory with --out; if that process is gone, add --break-lock",
    )


def _release(store: Store, token: str) -> None:
    if token in _read_lock(store):
        store.delete(LOCK)


def _read_lock(store: Store) -> str:
    try:
        return store.read_bytes(LOCK).decode()
    except FileNotFoundError:
        return ""


def _is_gone(held: str) -> bool:
    """Whether the holder ran where this process can tell, and has ended. A lock that was just removed is gone."""
    if not held:
        return True
    try:
        return bool(is_gone(json.loads(held)))
    except (ValueError, KeyError, TypeError):
        return False


def clean(store: Store) -> tuple[list[str], list[str]]:
    """Remove raw text: (folders that were emptied, files in them that are not the run's and stay).

    Deliverables, ledger and report stay, and run.json says what is gone.
    """
    removed, left = [name for name in PRIVATE if store.exists(name)], []
    update_state(store, cleaned=removed)
    for folder in removed:
        theirs = [path for path in store.below(folder) if not is_ours(path)]
        if theirs:
            for path in store.below(folder):
                if path not in theirs:
                    store.delete(path)
        else:
            store.delete(folder)
        left += theirs
    return removed, left
