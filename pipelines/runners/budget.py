"""What a run on this machine may take: memory of its workers, disk space between its stages."""

import shutil
from dataclasses import dataclass

from gristmill.pipelines.errors import RecipeError, RunnerError

MEMORY_FLOOR = 256_000_000
"""Bytes: with less a worker cannot hold a batch, its signals and the tables of a unit (docs/running.md)."""
DISK_FLOOR = 64_000_000
"""Free bytes that are left on the disk, so that what is finished and why the run stopped can still be written."""
AGAIN = "then run the same command again: finished units are kept"


@dataclass(frozen=True)
class Budget:
    """Bytes; None: no limit of ours."""

    memory: int | None = None
    """What all workers together may take, beyond what they share."""
    disk: int | None = None
    """What may lie between stages."""

    def share(self, workers: int) -> int | None:
        """The memory of one worker. Raises RecipeError where it is too little to work with."""
        if self.memory is None:
            return None
        if self.memory < MEMORY_FLOOR * workers:
            fix = f"give at least {MEMORY_FLOOR * workers // 10**6}MB, or use fewer --workers"
            raise RecipeError(f"too little for {workers} workers", where="--memory", fix=fix)
        return self.memory // workers

    def check_disk(self, spilled: int, folder: str) -> None:
        """Raises RunnerError when the bytes in the folder pass the budget, or its disk is nearly full."""
        if self.disk is not None and spilled > self.disk:
            what = f"data between stages passed {self.disk:,} bytes"
            raise RunnerError(what, where=folder, fix=f"give more --disk, {AGAIN}")
        if (free := shutil.disk_usage(folder).free) < DISK_FLOOR:
            raise RunnerError(
                f"the disk is full: {free:,} bytes are free", where=folder, fix=f"free some space, {AGAIN}"
            )


UNLIMITED = Budget()
