"""How little deduplication could lose: what goes with the near-duplicates of a run, and a bound for any choice of who
stays.

    python tests/benchmarks/least_loss.py RUN        # of a finished run; its fingerprints must lie in _work

Of a cluster of which k documents went, any k have to go. One that goes loses at least what the one that has most of it,
of all that are similar enough, lacks of it, whether that one stays or not; the k documents that lose least are a bound
that no choice of winners reaches better.
"""

import itertools
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import yaml

from gristmill.filters.dedup.fingerprint_file import open_fingerprints
from gristmill.pipelines.storage.ledger import Ledger
from gristmill.pipelines.storage.rundir import open_run

ROWS = """\
SELECT doc_id, unit, row, cluster, lost, verdict FROM 'ledger/*.parquet' WHERE cluster_size > 1"""
Texts = dict[str, tuple[np.ndarray, bytes]]
"""By doc_id: sorted shingle hashes, and the hash of the text."""


def texts_of(run: Path) -> Texts:
    """Of all documents."""
    found = {}
    for path in (run / "_work" / "fingerprints").rglob("*.arrow"):
        file = open_fingerprints(str(path))
        for at, doc_id in enumerate(file.doc_id):
            found[doc_id.tobytes().hex()] = file.hashes[file.start[at] : file.end[at]], file.exact[at].tobytes()
    return found


def losses(documents: list[str], texts: Texts, threshold: float) -> np.ndarray:
    """float64[N, N]: the share of document i's shingles that j lacks; 1 where they are not similar enough."""
    lost_NN = np.ones((len(documents), len(documents)))
    for (i, one), (j, other) in itertools.combinations(enumerate(documents), 2):
        (mine, text), (theirs, other_text) = texts[one], texts[other]
        common = len(np.intersect1d(mine, theirs, assume_unique=True))
        if text == other_text:
            lost_NN[i, j] = lost_NN[j, i] = 0
        elif common and common / (len(mine) + len(theirs) - common) >= threshold:
            lost_NN[i, j], lost_NN[j, i] = 1 - common / len(mine), 1 - common / len(theirs)
    return lost_NN


def measured(run: Path) -> Iterator[tuple[str, np.ndarray]]:
    """(what, float64 losses of documents that went)."""
    texts, clusters = texts_of(run), defaultdict(list)
    with Ledger(open_run(str(run))) as ledger:
        for row in ledger.rows(ROWS, []):
            clusters[row["cluster"]].append(row)
    threshold = yaml.safe_load((run / "recipe.yaml").read_text("utf-8"))["deduplicate"]["minhash"]["threshold"]
    now, kept, least = [], [], []
    for rows in clusters.values():
        lost_NN = losses([row["doc_id"] for row in rows], texts, threshold)
        went = np.array([row["lost"] is not None for row in rows])
        now += [row["lost"] for row in rows if row["lost"] is not None]
        kept += lost_NN[np.ix_(went, ~went)].min(axis=1, initial=1).tolist()
        least += np.sort(lost_NN.min(axis=1))[: went.sum()].tolist()
    yield "now", np.array(now)
    yield "of the same documents, to the one that stays and lacks least", np.array(kept)
    yield "any choice of who stays, as many going: at least", np.array(least)


def main() -> None:
    """A line each."""
    for what, lost in measured(Path(sys.argv[1])):
        middle, high = np.percentile(lost, (50, 95))
        few = f"{np.mean(lost <= 0.02):.1%} of {len(lost):,} at most 2 %"
        sys.stdout.write(f"{what}: median {middle:.1%}, 95th percentile {high:.1%}, {few}\n")


if __name__ == "__main__":
    main()
