"""One training in a folder at a time: two would write each other's checkpoints and lines of metrics."""

import errno
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from gristmill.trainer.devices.world import World, together
from gristmill.trainer.errors import ConfigError

LOCK = "train.lock"
HELD = (errno.EACCES, errno.EAGAIN)
"""Which of them says that another process holds a lock is left to the system (POSIX, fcntl)."""
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
"""Of a file system that is mounted without them: a training there has to do without."""


@contextmanager
def alone(folder: Path, world: World) -> Iterator[None]:
    """Nobody else trains into this folder until the block ends. Raises ConfigError, on all ranks, that names who does.

    The first rank holds the lock for all. It is its process's alone (fcntl), not that of programs and searches which
    that starts: however the process ends, the folder is free at once. A folder that is as empty as before goes again.
    """
    held = together(world, lambda: _take(folder) if world.first else None)
    try:
        yield
    finally:
        if held is not None:
            with suppress(OSError):  # somebody has removed it already
                if os.listdir(folder) == [LOCK]:
                    os.unlink(folder / LOCK)
                    folder.rmdir()
            held.close()


def _take(folder: Path) -> IO[str]:
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / LOCK).open("a+", encoding="utf-8", errors="replace")
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in HELD:
                file.seek(0)
                raise _busy(folder, file.read()) from None
            if error.errno not in NO_LOCKS:
                raise
        if _stands(file, folder / LOCK):
            break
        file.close()
    file.truncate(0)
    since = datetime.now(UTC).isoformat(timespec="seconds")
    file.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": since}))
    file.flush()
    return file


def _stands(file: IO[str], path: Path) -> bool:
    """Whether it was not removed by who held it, between our opening and our locking it."""
    return path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat())


def _busy(folder: Path, told: str) -> ConfigError:
    try:
        by = json.loads(told)
        who, end = f"process {by['pid']} on {by['host']} since {by['since']}", f" (kill {by['pid']}: it saves first)"
    except (ValueError, KeyError, TypeError):
        who, end = "a process that has just started", ""
    return ConfigError(
        f"another training works in this folder: {who}",
        where=str(folder),
        fix=f"wait for it, or end it{end} and go on with --resume; or choose another --name",
    )
