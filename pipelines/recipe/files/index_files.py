"""An index of an earlier run that a recipe deduplicates against (`deduplicate.against`), as its manifest says."""

from dataclasses import dataclass

MANIFEST = "index.json"
"""In the folder of an index: written last."""
NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"


@dataclass(frozen=True)
class TakenIndex:
    """Where an index lies, and what is in it."""

    name: str
    place: str
    """Its folder, absolute, or its address."""
    sha256: str
    """Of its manifest, which has the hash of every file."""
    hashes: str
    minhash: str
    """As the files of fingerprints say it: what must be equal for documents to be comparable."""
    urls: str | None
    """The same of addresses; None: it has none."""
    files: tuple[tuple[str, int], ...]
    """(path below its folder, documents)."""

    @property
    def key(self) -> list[str]:
        """Its name, which the ledger says, and its content, for step keys."""
        return [self.name, self.sha256]

    @property
    def documents(self) -> int:
        """In all files."""
        return sum(documents for _, documents in self.files)

    @property
    def addressed(self) -> list[tuple[str, int]]:
        """(path or address of each file, documents)."""
        return [(f"{self.place}/{path}", documents) for path, documents in self.files]
