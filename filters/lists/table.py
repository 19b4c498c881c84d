"""A list as a file: the hashes of its entries, sorted, memory-mapped, so that workers share them.

5 million addresses take 60 MB. The file is an Arrow stream of hash (uint64) and label (uint8: which of the list's
labels the entry belongs to); of phrases, of begin (the hash of their first words), hash and words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gristmill.filters import kept_table
from gristmill.filters.counts import Stream
from gristmill.filters.kept_table import hash_strings
from gristmill.filters.kernels import listed
from gristmill.filters.lists import addresses

DOMAINS, HOSTS, URLS, WORDS = "domains", "hosts", "urls", "words"
KINDS = (DOMAINS, HOSTS, URLS, WORDS)
"""What an entry says of an address: its domain, with all below it; its host alone; its host and the beginning of its
path; a word of it."""
PHRASES = "phrases"
KIND = "list"
VERSION = 2
"""Of how entries are spelt and hashed. Raise it when either changes: tables of another one are refused."""


@dataclass(frozen=True, slots=True)
class ListFile:
    """A list that was read, by the content of its table. labels: (name, kind of entry), one signal each."""

    name: str
    sha256: str
    bytes: int
    entries: int
    labels: tuple[tuple[str, str], ...]

    @property
    def kept_as(self) -> str:
        """Where a run directory keeps it."""
        return f"models/{self.sha256[:16]}-{self.name}.list"

    @property
    def key(self) -> list[str]:
        """What a step key holds of it: no paths."""
        return [self.name, self.sha256]

    @property
    def table(self) -> "AddressTable | PhraseTable":
        """Its entries. Raises KeyError where the file was not placed."""
        return _open(self.sha256)


def write(file: Path, name: str, labels: Sequence[tuple[str, str]], columns: dict[str, np.ndarray]) -> ListFile:
    """Write the table of a list; the same entries give the same bytes."""
    about = {"version": VERSION, "labels": [list(label) for label in labels], "entries": len(columns["hash"])}
    kept_table.write(file, KIND, about, columns)
    return read_about(file, name)


def read_about(file: Path, name: str) -> ListFile:
    """What a table says of itself. Raises ValueError for a file that is none."""
    about, sha256, size = kept_table.read_about(file, KIND, VERSION)
    labels = tuple((str(label), str(kind)) for label, kind in about["labels"])
    return ListFile(name, sha256, size, about["entries"], labels)


@cache
def _open(sha256: str) -> "AddressTable | PhraseTable":
    """A table, opened once per process."""
    about, columns = kept_table.mapped(sha256, KIND)
    return PhraseTable(columns) if about["labels"][0][1] == PHRASES else AddressTable(about["labels"], columns)


class AddressTable:
    """Addresses: which labels of the list an address is under."""

    def __init__(self, labels: Sequence[tuple[str, str]], columns: dict[str, np.ndarray]) -> None:
        self.kinds = [kind for _, kind in labels]
        self.hash_P, self.label_P = columns["hash"], columns["label"]

    def match(self, url: pa.Array) -> np.ndarray:
        """float64[addresses, labels] of a string column: 1 where an entry matches, of words how many different ones do;
        NaN where there is no address."""
        found_DL = np.zeros((len(url), len(self.kinds)))
        asked, row_Q, kind_Q = self._questions(url)
        if not asked:
            found_DL[:] = np.nan
            return found_DL
        hash_Q = hash_strings(pa.array(asked, pa.large_string()))
        at_Q = np.searchsorted(self.hash_P, hash_Q)
        kind_L = np.array([KINDS.index(kind) for kind in self.kinds])
        while len(at_Q):  # an entry may stand under several labels
            inside = at_Q < len(self.hash_P)
            inside[inside] = self.hash_P[at_Q[inside]] == hash_Q[inside]
            at_Q, hash_Q, row_Q, kind_Q = at_Q[inside], hash_Q[inside], row_Q[inside], kind_Q[inside]
            label_Q = self.label_P[at_Q]
            fits = kind_L[label_Q] == kind_Q
            np.add.at(found_DL, (row_Q[fits], label_Q[fits]), 1)
            at_Q = at_Q + 1
        counted = np.array([kind == WORDS for kind in self.kinds])
        found_DL[:, ~counted] = np.minimum(found_DL[:, ~counted], 1)
        found_DL[pc.is_null(url).to_numpy(zero_copy_only=False)] = np.nan
        return found_DL

    def _questions(self, url: pa.Array) -> tuple[list[str], np.ndarray, np.ndarray]:
        """(entries that would match, whose address they are of, of which kind)."""
        asked: list[str] = []
        row: list[int] = []
        kind: list[int] = []
        wanted = [place for place, name in enumerate(KINDS) if name in self.kinds]
        for number, address in enumerate(url.to_pylist()):
            if address is None:
                continue
            host, path = addresses.host_and_path(address)
            for place in wanted:
                entries = _ASKED[place](host, path)
                asked += entries
                row += [number] * len(entries)
                kind += [place] * len(entries)
        return asked, np.array(row, np.int64), np.array(kind, np.int64)

    def matching(self, address: str) -> list[tuple[int, str]]:
        """(number of the label, entry) of everything in the list that an address is under."""
        host, path = addresses.host_and_path(address)
        found = []
        for label, kind in enumerate(self.kinds):
            for entry in _ASKED[KINDS.index(kind)](host, path):
                h = hash_strings(pa.array([entry], pa.large_string()))[0]
                span = slice(*(int(np.searchsorted(self.hash_P, h, side)) for side in ("left", "right")))
                if label in self.label_P[span]:
                    found.append((label, entry))
        return found


_ASKED = (
    lambda host, path: addresses.domains(host),
    lambda host, path: [host],
    addresses.prefixes,
    lambda host, path: sorted(set(addresses.words(host, path))),
)
"""By kind: the entries that would match an address."""


class PhraseTable:
    """Phrases: how often they occur in texts, as whole words where a script has spaces between words."""

    def __init__(self, columns: dict[str, np.ndarray]) -> None:
        self._columns = columns

    @cached_property
    def _tables(self) -> tuple[np.ndarray, ...]:
        return listed.tables(*(self._columns[name] for name in ("begin", "hash", "words")))

    def count(self, stream: Stream) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(occurrences, code points of their words, different phrases) per document of a `char` stream, int64."""
        found_D, chars_D, different_D = (np.empty(len(stream.first_D1) - 1, np.int64) for _ in range(3))
        counts = found_D, chars_D, different_D
        listed.find_phrases(stream.hash_W, stream.chars_W, stream.first_D1, *self._tables, *counts)
        return counts
