"""What a deduplication found of the pairs that were injected, and how alike what it removed is, by exact similarity."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from tests.benchmarks.bench_duplicates import injected, jaccard, shingle_set

BANDS = {".8-.9": (0.8, 0.9), ".7-.8": (0.7, 0.8)}
COLUMNS = ["tool", *(f"{script} {band}" for script in ("spaced", "zh, ja") for band in BANDS), "removed"]
COLUMNS += ["of these J >= .7", "largest cluster"]


@dataclass(frozen=True)
class Outcome:
    """Which rows stand together, and which of them went."""

    clusters: list[list[int]]
    removed: list[int]


class Truth:
    """Texts with injected copies (url ends in ?mirror=N), and how alike each pair is: Jaccard similarity of five-word
    shingles (Han and Kana: characters) by a regular expression."""

    def __init__(self, file: Path):
        table = pq.read_table(file, columns=["text", "url", "lang"])
        self.texts = table["text"].to_pylist()
        self.sets = [shingle_set(text) for text in self.texts]
        langs = table["lang"].to_pylist()
        self.pairs = [(a, b, langs[a] in ("zh", "ja"), self.similarity(a, b)) for a, b in injected(table)]

    def similarity(self, a: int, b: int) -> float:
        """Of two rows."""
        return 1.0 if self.texts[a] == self.texts[b] else jaccard(self.sets[a], self.sets[b])

    def row(self, name: str, outcome: Outcome) -> list[str]:
        """Cells of COLUMNS. A pair is found where both are in one cluster; a removal counts by its nearest other member
        of its cluster, whichever stays, and as nothing where it has none."""
        cluster_of = {row: rows for rows in outcome.clusters for row in rows}
        cells = [name]
        for unspaced in (False, True):
            for low, high in BANDS.values():
                wanted = [(a, b) for a, b, zh_ja, alike in self.pairs if zh_ja == unspaced and low <= alike < high]
                hits = [b in cluster_of.get(a, ()) for a, b in wanted]
                cells.append(f"{np.mean(hits):.1%} of {len(hits)}" if hits else "-")
        nearest = [
            max((self.similarity(row, other) for other in cluster_of.get(row, ()) if other != row), default=0.0)
            for row in outcome.removed
        ]
        precision = f"{np.mean(np.array(nearest) >= 0.7):.1%}" if nearest else "-"
        return [*cells, f"{len(nearest):,}", precision, str(max(map(len, outcome.clusters), default=0))]
