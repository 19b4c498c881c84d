"""Which code works here. A worker of another version would write other bytes under the names of the driver's."""

import functools
import hashlib
import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from gristmill.pipelines.errors import RunnerError

ROOT = Path(__file__).parents[2]

LIBRARIES = (
    "pyarrow",
    "numpy",
    "resiliparse",
    "chardet",
    "brotli",
    "pypdfium2",
    "fasttext",
    "presidio-analyzer",
    "phonenumbers",
    "sentencepiece",
)
"""Libraries whose version can change a dataset's bytes."""
ONE_IMAGE = "install the same wheel under the same constraints on every host: one image does (docs/hosts.md)"


@functools.cache
def libraries() -> dict[str, str]:
    """Name -> version of those that are installed."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _files(place: str) -> Iterator[str]:
    """All files of a place, from ROOT on; names come with their kinds, so that none is asked for alone."""
    if not (ROOT / place).is_dir():
        yield place
        return
    with os.scandir(ROOT / place) as entries:
        for entry in entries:
            if entry.is_dir() and entry.name != "__pycache__":
                yield from _files(f"{place}/{entry.name}")
            elif entry.is_file():
                yield f"{place}/{entry.name}"


@functools.cache
def code_version(places: tuple[str, ...]) -> str:
    """Hash of the source and data files of some places, and of the versions of the libraries they stand on."""
    digest = hashlib.sha256()
    for place in places:
        for name in sorted(_files(place)):
            digest.update(name.encode() + b"\x00" + (ROOT / name).read_bytes())
    for name, number in libraries().items():
        digest.update(f"{name}={number}".encode())
    return digest.hexdigest()


@dataclass(frozen=True)
class Code:
    """What a stage was planned with; it travels to whoever works on it."""

    places: tuple[str, ...]
    """Folders and files of this repository."""
    version: str
    libraries: tuple[tuple[str, str], ...]
    """Name and version, Python's own among them: its tables of Unicode are in the bytes too."""

    @classmethod
    @functools.cache
    def here(cls, places: tuple[str, ...]) -> "Code":
        """That of this process."""
        python = ".".join(platform.python_version_tuple()[:2])
        return cls(places, code_version(places), (("Python", python), *libraries().items()))

    def check(self, stage: str) -> None:
        """Raises RunnerError in a process that has another."""
        mine = Code.here(self.places)
        if mine == self:
            return
        here, there = dict(mine.libraries), dict(self.libraries)
        unlike = [f"{name} {here.get(name, 'missing')}, not {number}" for name, number in there.items()]
        unlike = [one for one, name in zip(unlike, there, strict=True) if here.get(name) != there[name]]
        what = f"a worker has {unlike[0]}" if unlike else "a worker has another version of gristmill than the driver"
        raise RunnerError(what, where=f"{platform.node()}, stage {stage}", fix=ONE_IMAGE)
