"""What `make bench-peers` counts (tests/benchmarks/peers_dedup): shingles, clusters, found pairs, removals."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.benchmarks.bench_duplicates import shingle_set
from tests.benchmarks.peers_dedup.peer_dedup import CHARACTER, WORD, components, outcome, shingles
from tests.benchmarks.peers_dedup.quality import COLUMNS, Outcome, Truth

ENGLISH = " ".join(f"word{n}" for n in range(40))
CHINESE = "".join(chr(0x4E00 + n) for n in range(40))


@pytest.mark.parametrize("text", [ENGLISH, CHINESE, f"{CHINESE[:9]}, {ENGLISH} カタカナ", "one, Two"])
def test_shingles_by_characters__are_as_many_as_the_truth_has(text):
    assert len(set(shingles(text, CHARACTER))) == len(shingle_set(text))


def test_shingles_by_words__take_a_chinese_sentence_for_a_word():
    assert shingles(CHINESE, WORD) == [CHINESE]


def test_outcome__is_what_hangs_together():
    assert outcome(components(6, [(3, 1), (5, 4), (1, 5)])) == {"clusters": [[1, 3, 4, 5]], "removed": [3, 4, 5]}


@pytest.fixture
def truth(tmp_path):
    """A Chinese text and its copy with one character replaced: 31 of 41 shingles are common."""
    copy = CHINESE[:20] + "丂" + CHINESE[21:]
    rows = {"text": [CHINESE, ENGLISH, copy], "url": ["a", "b", "a?mirror=1"], "lang": ["zh", "en", "zh"]}
    pq.write_table(pa.table(rows), tmp_path / "dedup.parquet")
    return Truth(tmp_path / "dedup.parquet")


@pytest.mark.parametrize(
    ("clusters", "removed", "found", "precision"),
    [
        ([[0, 2]], [2], "100.0% of 1", "100.0%"),
        ([[0, 1, 2]], [1, 2], "100.0% of 1", "50.0%"),
        ([], [1], "0.0% of 1", "0.0%"),
        ([], [], "0.0% of 1", "-"),
    ],
)
def test_quality__counts_pairs_and_removals(truth, clusters, removed, found, precision):
    row = dict(zip(COLUMNS, truth.row("tool", Outcome(clusters, removed)), strict=True))
    assert row["zh, ja .7-.8"] == found
    assert (row["spaced .7-.8"], row["zh, ja .8-.9"]) == ("-", "-")
    assert (row["removed"], row["of these J >= .7"]) == (str(len(removed)), precision)
