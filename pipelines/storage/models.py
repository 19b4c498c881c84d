"""Models that a recipe names, its lists and labels: kept in the run directory, brought to whoever works on it."""

import hashlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import xxhash

from gristmill.filters.placed import KeptFile, is_placed, place, placed
from gristmill.pipelines.errors import InputError
from gristmill.pipelines.processes.aside import in_child
from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.storage import remote
from gristmill.pipelines.storage.addresses import check_address
from gristmill.pipelines.storage.rundir import check_seen
from gristmill.pipelines.storage.store import Store


def models(recipe: Recipe) -> Iterator[KeptFile]:
    """Every file of a model, list, table of labels, tokenizer and evaluation set of a recipe once."""
    read = [model for classifier in recipe.read_classifiers for _, model in classifier.models]
    found: list[KeptFile] = [file for model in read for file in model.files]
    found += [model for one in recipe.read_language_models for _, model in one.models]
    found += recipe.taken_tokenizer.files if recipe.taken_tokenizer else ()
    found += [recipe.read_evaluations] if recipe.read_evaluations else []
    yield from {one.kept_as: one for one in [*found, *recipe.read_lists, *recipe.read_labels]}.values()


def fetch(url: str) -> Path | None:
    """A copy of a file of an object store, on this machine as long as its temporary folder; None: no such file.

    In a child, because clients of stores leave threads behind (processes/aside.py). Raises InputError.
    """
    check_address(url, "the files that the recipe names")
    file = _temporary(f"{xxhash.xxh3_64_hexdigest(url.encode())}-{url.rpartition('/')[2]}")

    def get() -> bool:
        known = remote.info(url, InputError)
        if known is None or known["type"] == "directory":
            return False
        _whole(file, partial(remote.download, url))
        return True

    return file if in_child(get) else None


def keep(store: Store, recipe: Recipe) -> None:
    """Put the models into the run directory: workers read them there, and the run stays whole without the original."""
    for model in models(recipe):
        if store.exists(model.kept_as) and store.sha256(model.kept_as) == model.sha256:
            continue
        with store.temporary() as scratch:
            shutil.copyfile(placed(model), scratch)
            with scratch.open("rb") as copy:
                if hashlib.file_digest(copy, "sha256").hexdigest() != model.sha256:
                    what = f"the file '{Path(placed(model)).name}' has changed since the recipe was read"
                    raise InputError(what, where=placed(model), fix="run again when nobody writes to it")
            store.publish(scratch, model.kept_as)


def bring(store: Store, recipe: Recipe) -> None:
    """See that each model lies on this machine, and where. Raises RunnerError where the run directory is not seen."""
    check_seen(store)
    for model in models(recipe):
        if is_placed(model):
            continue
        if store.local is not None:
            place(model, store.local / model.kept_as)
            continue
        file = _temporary(model.sha256)
        if not file.is_file() or file.stat().st_size != model.bytes:
            _whole(file, partial(remote.download, store.url(model.kept_as)))
        place(model, file)


def _temporary(name: str) -> Path:
    folder = Path(tempfile.gettempdir()) / "gristmill-models"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name


def _whole(file: Path, write: Callable[[Path], None]) -> None:
    """Write a file so that whoever looks meanwhile sees none, or all of it."""
    part = file.with_name(f"{file.name}-{os.getpid()}-{uuid.uuid4().hex}")
    try:
        write(part)
        os.replace(part, file)
    finally:
        part.unlink(missing_ok=True)
