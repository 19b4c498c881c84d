"""A run directory: its lock and its state. Times live in run.json only; everything else is deterministic."""

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.errors import RecipeError
from pipelines.storage import PRIVATE, Store

LOCK_TRIES, LOCK_SECONDS = 30, 0.1


def open_run(path: Path) -> Store:
    """The run directory of an earlier `run`. Raises RecipeError when there is none."""
    if not (path / "run.json").exists():
        fix = "give the folder that `gristmill run` printed"
        raise RecipeError(f"'{path}' is not a run directory", where=str(path), fix=fix)
    return Store(str(path))


def now() -> str:
    """UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def update_state(store: Store, **values: Any) -> dict[str, Any]:
    """Merge some keys into run.json and return all of it."""
    state = {**(store.read_json("run.json") or {}), **values}
    store.write_json("run.json", state)
    return state


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the run directory; released with the process, however it ends. Raises RecipeError naming the holder."""
    path.mkdir(parents=True, exist_ok=True)
    with (path / ".lock").open("a+", encoding="utf-8") as file:
        if not _lock(file.fileno()):
            file.seek(0)
            raise RecipeError(
                f"another run works in this directory: {_holder(file.read())}",
                where=str(path),
                fix="wait for it, stop it, or give another directory with --out",
            )
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": now()}))
        file.flush()
        yield


def _lock(descriptor: int) -> bool:
    """Workers share their parent's lock: where the parent was killed it is free when they are gone, a moment later."""
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
    except (ValueError, KeyError):
        return "a process that has just started"


def clean(store: Store) -> list[str]:
    """Remove the folders that hold raw text; deliverables, ledger and report stay. Returns what was removed."""
    removed = [name for name in PRIVATE if store.local is None or (store.local / name).exists()]
    for name in removed:
        store.delete(name)
    return removed
