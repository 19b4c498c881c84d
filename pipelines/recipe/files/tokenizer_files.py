"""A tokenizer that a recipe takes over from elsewhere, as a run keeps it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TokenizerFile:
    """One of its files."""

    name: str
    sha256: str
    bytes: int
    kept_as: str


@dataclass(frozen=True)
class TakenTokenizer:
    """A tokenizer that was trained before."""

    files: tuple[TokenizerFile, ...]
    kept_as: str
    """The folder of the copies in a run."""

    @property
    def key(self) -> list[str]:
        """Its content, for step keys."""
        return [file.sha256 for file in self.files]
