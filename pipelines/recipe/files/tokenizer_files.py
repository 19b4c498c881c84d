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
    """The first one is the tokenizer itself."""
    kept_as: str
    """The folder of the copies in a run."""
    is_foreign: bool = False
    """Whether others trained it."""
    ends: tuple[str | None, str | None] | None = None
    """Of one that the recipe names by its file: `bos` and `eos`, as the recipe has them. Others have an info.json."""

    @property
    def key(self) -> list[str | None]:
        """Its content, for step keys."""
        return [*(file.sha256 for file in self.files), *(self.ends or ())]
