"""Bands and rows for a recall: against the curve, a search of all, and found pairs in both languages."""

import random
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill.filters.dedup.banding import FALSE_CANDIDATES, MOST_BANDS, banding, found
from gristmill.filters.dedup.fingerprints import fingerprint, shingles


@dataclass(frozen=True)
class Options:
    bands: int
    rows: int
    shingle: int = 5
    seed: int = 1


@given(threshold=st.floats(0.3, 0.95), recall=st.floats(0.5, 0.999))
def test_banding__reaches_the_recall_by_the_fewest_permutations(threshold, recall):
    bands, rows = banding(threshold, recall)
    assert found(threshold, bands, rows) >= recall - 1e-9
    assert bands == 1 or found(threshold, bands - 1, rows) < recall
    if found(threshold / 2, bands, rows) <= FALSE_CANDIDATES:
        for other in range(1, 40):
            enough = (b for b in range(1, MOST_BANDS + 1) if found(threshold, b, other) >= recall)
            fewest = next(enough, None)
            if fewest is not None and found(threshold / 2, fewest, other) <= FALSE_CANDIDATES:
                assert bands * rows <= fewest * other


def test_banding__of_the_default_threshold():
    assert banding(0.7, 0.99) == (37, 6)
    assert found(0.7, 16, 7) == pytest.approx(0.748, abs=0.001)  # what the default finds just at the threshold
    with pytest.raises(ValueError, match="128 bands"):
        banding(0.01, 0.99)


@pytest.mark.parametrize("script", ["en", "zh"])
def test_recall__of_pairs_at_the_threshold(script):
    rng, texts, alike = random.Random(5), [], []
    while len(alike) < 600:
        words = [chr(0x4E00 + rng.randrange(3000)) if script == "zh" else f"w{rng.randrange(9999)}" for _ in range(120)]
        other = list(words)
        for at in rng.sample(range(120), rng.randint(3, 5)):
            other[at] = "另" if script == "zh" else "otherwise"
        pair = [("" if script == "zh" else " ").join(some) for some in (words, other)]
        one, two = (set(shingles(text)) for text in pair)
        if 0.7 <= len(one & two) / len(one | two) <= 0.74:
            texts += pair
            alike.append(len(one & two) / len(one | two))
    for recall in (0.9, 0.99):
        options = Options(*banding(0.7, recall))
        bands = fingerprint(pa.array(texts, pa.large_string()), options).bands
        share = np.mean((bands[0::2] == bands[1::2]).any(axis=1))
        expected = np.mean([found(j, options.bands, options.rows) for j in alike])
        assert expected >= recall
        assert share >= recall - 3 * (recall * (1 - recall) / len(alike)) ** 0.5
