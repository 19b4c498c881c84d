"""What a pair says of its better document: enough to know what is read first."""

import numpy as np

from gristmill.filters.dedup.fingerprint_file import LOST, RANK_STEP
from gristmill.filters.dedup.fingerprints import OWN_BIT
from gristmill.pipelines.duplicates.pairs import EXACT_BIT, INDEX_PLACE, RECORD, bucket_pairs


def test_bucket_pairs__rank_the_better_one_but_copies_and_what_lost():
    number = np.arange(1, 4, dtype=np.uint64) * np.uint64(RANK_STEP)
    records = np.zeros(12, RECORD)
    records["place"] = [*(INDEX_PLACE + np.arange(3, dtype=np.uint64)), 7, 8, 9] * 2
    records["rank"] = [
        *(number | np.array([0, LOST, 0], np.uint64)),
        *(OWN_BIT | number | LOST),
    ] * 2  # of its own a document has any bits
    records["tie"] = records["place"]
    records["key"][:6], records["key"][6:] = 5, EXACT_BIT | np.uint64(5)
    at, lost = {int(record["place"]): int(record["rank"]) for record in records}, int(INDEX_PLACE) + 1
    pairs = bucket_pairs(np.random.default_rng(1).permutation(records))
    assert sorted(pairs.tolist()) == sorted(
        [(worse, better, 0 if better == lost else at[better]) for worse in (7, 8, 9) for better in at if better > 9]
        + [(8, 7, at[7]), (9, 7, at[7]), (9, 8, at[8])]
        + [(worse, int(INDEX_PLACE), 0) for worse in (7, 8, 9)]
    )
