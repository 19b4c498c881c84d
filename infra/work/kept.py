"""What a training leaves, in the run directory on an object store: a pod's or a cloud machine's disk goes with it."""

import shutil
from pathlib import Path

from gristmill.pipelines.storage.store import Store
from gristmill.trainer.checkpoint.files import MANIFEST, checkpoints_in

BESIDE = ("chain.json", "metrics.jsonl")
"""Of a training, beside its checkpoints."""


def keep(store: Store, training: Path, path: str) -> None:
    """Put the last checkpoint and what stands beside it into the run; nothing where the run is on this machine."""
    if store.local is not None:
        return
    for checkpoint in checkpoints_in(training)[-1:]:
        there = f"{path}/{checkpoint.name}"
        if not store.exists(f"{there}/{MANIFEST}"):
            files = sorted(file for file in checkpoint.rglob("*") if file.is_file())
            for file in sorted(files, key=lambda file: file == checkpoint / MANIFEST):  # last: it names the others
                _put(store, file, f"{there}/{file.relative_to(checkpoint).as_posix()}")
        for name in store.entries(path):
            if name.startswith("step-") and name != checkpoint.name:
                store.delete(f"{path}/{name}")
    for name in BESIDE:
        if (training / name).exists():
            _put(store, training / name, f"{path}/{name}")


def fetch(store: Store, training: Path, path: str) -> None:
    """The inverse of `keep`, where this machine has nothing of the training."""
    if store.local is not None or checkpoints_in(training):
        return
    whole = [name for name in store.entries(path) if store.exists(f"{path}/{name}/{MANIFEST}")]
    wanted = [*whole[-1:], *(name for name in BESIDE if store.exists(f"{path}/{name}"))]
    if not wanted:
        return
    aside = training.with_name(f".{training.name}.fetched")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    store.copy_to(aside, *(f"{path}/{name}" for name in wanted))
    training.mkdir(parents=True, exist_ok=True)
    for name in reversed(wanted):
        shutil.move(aside / path / name, training / name)
    shutil.rmtree(aside)


def _put(store: Store, file: Path, path: str) -> None:
    with store.temporary() as scratch:
        shutil.copyfile(file, scratch)
        store.publish(scratch, path)
