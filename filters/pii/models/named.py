"""Models of a user's own that find names: which engine runs one, and what must be installed for it. Imports nothing
heavy: recipes are checked against it."""

from dataclasses import dataclass
from importlib.util import find_spec

ENGINES: dict[str, tuple[str, str]] = {
    "spacy": ("spacy", "spacy"),
    "stanza": ("stanza", "gristmill[stanza]"),
    "transformers": ("transformers", "gristmill[hf-classifier]"),
    "gliner": ("gliner", "gristmill[gliner]"),
}
"""Name -> the package that it needs, and what to install for it."""


@dataclass(frozen=True)
class NamedModel:
    """A model: the engine that runs it, its folder (or an installed spaCy package), the languages (ISO 639-1) of the
    texts that it reads, its labels and what they are called here, and the sha256 of its files."""

    engine: str
    place: str
    languages: tuple[str, ...]
    entities: tuple[tuple[str, str], ...]
    sha256: str = ""

    @property
    def types(self) -> tuple[str, ...]:
        """The types of personal data that it finds."""
        return tuple(dict.fromkeys(name for _, name in self.entities))

    @property
    def key(self) -> list[object]:
        """What step keys hold of it: its content and options, no path."""
        return [self.engine, self.sha256, list(self.languages), [list(pair) for pair in self.entities]]


def missing_package(engine: str) -> str | None:
    """What to install for an engine; None where it is there."""
    package, install = ENGINES[engine]
    return None if find_spec(package) is not None else install
