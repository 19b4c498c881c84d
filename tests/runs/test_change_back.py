"""From recipe A to B and back: the files and the manifest are A's, and B's are those of a run that never saw A."""

import pytest

from pipelines.run.execute import execute
from pipelines.run.request import Request

CHANGES = {
    "vocabulary": ("vocabulary: 640", "vocabulary: 650"),
    "seed": ("name: mill\n", "name: mill\nseed: 7\n"),
    "scrub": ("scrub: {operator: tag}\n", ""),
    "no deduplication": ("deduplicate:\n  minhash: {threshold: 0.7}\n", ""),
    "threshold": ("threshold: 0.7", "threshold: 0.999"),
    "validation": ("validation: 10%", "validation: 30%"),
    "sequence length": ("sequence_length: 64", "sequence_length: 32"),
    "text format": ("tokenizer:", "text: {format: parquet}\ntokenizer:"),
    "no tokenizer": ("tokenizer: {vocabulary: 640, sample_bytes: 1MB}\n", ""),
    "unit size": ("unit_bytes: 30kB", "unit_bytes: 1MB"),
}


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_back_again__each_recipe_s_own_bytes(small, small_run, tmp_path, digests, change):
    other = small.with_recipe(change.replace(" ", "-"), *CHANGES[change])
    run = tmp_path / "run"
    execute(Request(small.recipe, run))
    for out in (run, tmp_path / "fresh"):
        execute(Request(other.recipe, out))
    assert digests(run) == digests(tmp_path / "fresh")
    execute(Request(small.recipe, run))
    assert digests(run) == digests(small_run)
