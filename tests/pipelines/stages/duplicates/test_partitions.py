"""Partitions follow documents: short ones, many to a megabyte, fill no partition and no task more than long ones."""

import json
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from gristmill.filters.dedup.fingerprint_file import fingerprint_batch
from gristmill.filters.dedup.fingerprints import doc_ids, fingerprint, rank
from gristmill.pipelines.duplicates.sizes import FEWEST, MOST
from gristmill.pipelines.recipe.schema import Deduplicate
from gristmill.pipelines.recipe.sources import PARTITION_DOCUMENTS
from gristmill.pipelines.stages.duplicates.partitions import (
    PIECE_DOCUMENTS,
    GatherFiles,
    SharePaths,
    SpreadFiles,
)
from gristmill.pipelines.stages.duplicates.shared_keys import HALF, HALVES_TAG, HEAD, EmitKeys
from gristmill.pipelines.stages.exchange import partitions_of


def gathered(files: list[tuple[int, str, int]]) -> tuple[int, list[bytes]]:
    return 0, [block for file in files for _, block in GatherFiles().process(file)]


@pytest.mark.parametrize(
    ("documents", "partitions"), [(0, FEWEST), (40_000, FEWEST), (2_000_000, 123), (10**6, 62), (10**9, MOST)]
)
def test_partitions__are_counted_in_documents(documents, partitions):
    files = [(unit, f"{unit}.arrow", documents // 5) for unit in range(5)]
    keys = [key for key, _ in SharePaths(PARTITION_DOCUMENTS).process(gathered(files))]
    assert keys == [partitions << 32 | number for number in range(partitions)]
    pieces = list(SpreadFiles(PARTITION_DOCUMENTS).process(gathered(files[::-1])))
    assert {partitions_of(key) for key, _ in pieces} <= {partitions}
    assert len({key for key, _ in pieces}) == len(pieces)
    covered = Counter()
    for unit, path, _, first, last in (json.loads(block[1:]) for _, block in pieces):
        assert path == f"{unit}.arrow"
        assert first == covered[unit]
        assert 0 < last - first <= PIECE_DOCUMENTS
        covered[unit] = last
    assert set(covered.values()) <= {documents // 5}


def test_partitions__of_one_unit_with_all_documents_stay_small(tmp_path):
    # As an unsplittable file of short lines gives them. Its bytes are few: 1.6 MB would once have been one partition.
    texts = [f"{number:x}字" for number in range(200_000)]
    ids = doc_ids("s", texts, [b""] * len(texts))
    prints = fingerprint(pa.array(texts, pa.large_string()), None)
    ranks = rank(True, 0, None, np.full(len(texts), 8), ids)
    batch = fingerprint_batch(np.arange(len(texts), dtype=np.uint32), ids, ranks, prints)
    with pa.ipc.new_file(tmp_path / "f", batch.schema) as writer:
        for first in range(0, len(texts), 4096):
            writer.write_batch(batch.slice(first, 4096))
    size, largest_task = Counter(), 0
    for key, block in SpreadFiles(PARTITION_DOCUMENTS).process(gathered([(0, str(tmp_path / "f"), len(texts))])):
        emit = EmitKeys(Deduplicate(minhash=None))
        emit.start_bundle()
        given = [*emit.process((key, [block])), *(windowed.value for windowed in emit.finish_bundle())]
        given = [(partition, packed[1 + HEAD.itemsize :]) for partition, packed in given if packed[:1] == HALVES_TAG]
        largest_task = max(largest_task, sum(len(halves) for _, halves in given))
        for partition, halves in given:
            size[partition] += len(halves)
    assert sum(size.values()) == len(texts) * HALF.itemsize
    assert largest_task <= PIECE_DOCUMENTS * HALF.itemsize
    assert max(size.values()) <= 1.1 * 7 * PARTITION_DOCUMENTS * HALF.itemsize
