"""Where the files of a recipe (models, lists) lie on this machine, told by their content."""

from pathlib import Path
from typing import Protocol

_places: dict[str, str] = {}


class KeptFile(Protocol):
    """A file that a recipe names and a run keeps."""

    @property
    def sha256(self) -> str:
        """Of its bytes."""

    @property
    def bytes(self) -> int:
        """Its size."""

    @property
    def kept_as(self) -> str:
        """Where a run directory keeps a copy."""


def place(file: KeptFile, where: Path) -> None:
    """Say where a file lies."""
    _places[file.sha256] = str(where)


def placed(file: KeptFile) -> str:
    """Where a file lies. Raises KeyError for one that was not placed."""
    return _places[file.sha256]


def placed_at(sha256: str) -> str:
    """Where the file of this content lies. Raises KeyError for one that was not placed."""
    return _places[sha256]


def is_placed(file: KeptFile) -> bool:
    """Whether it is known where the file lies, and it is there."""
    return file.sha256 in _places and Path(_places[file.sha256]).is_file()
