"""Precision and recall on the generated set. It is ours: it shows that nothing got worse, not how the web is."""

from collections import Counter

import pytest

from gristmill.filters.pii.entities import DEFAULT


@pytest.fixture(scope="module")
def counts(labelled, scrubber) -> dict[str, Counter]:
    """right, missed, wrong by type; a finding is right if type and both ends are."""
    counts = {entity: Counter() for entity in DEFAULT}
    for sample in labelled(1, 40):
        found = {(f.start, f.end, f.entity) for f in scrubber.find(sample.text)}
        for *_, entity in found & set(sample.data):
            counts[entity]["right"] += 1
        for *_, entity in set(sample.data) - found:
            counts[entity]["missed"] += 1
        for *_, entity in found - set(sample.data):
            counts[entity]["wrong"] += 1
    return counts


@pytest.mark.parametrize("entity", DEFAULT)
def test_precision_and_recall(counts, entity):
    count = counts[entity]
    assert count["right"] + count["missed"] >= 40
    assert count["right"] >= 0.95 * (count["right"] + count["missed"]), "recall"
    assert count["right"] >= 0.95 * (count["right"] + count["wrong"]), "precision"
