"""What goes on to the buckets is what brute force finds: keys of two documents or more, one of the run among them."""

import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from gristmill.filters.dedup.fingerprint_file import open_fingerprints
from gristmill.pipelines.duplicates.pairs import RECORD, band_keys, records_of
from gristmill.pipelines.recipe.schema import Deduplicate, MinHash
from gristmill.pipelines.stages.duplicates.partitions import PIECE_TAG
from gristmill.pipelines.stages.duplicates.shared_keys import INDEXED, EmitBands, EmitKeys, FindShared, repeated
from gristmill.pipelines.stages.exchange import COST_TAG, Block, BlockDoFn, among, table
from tests.pipelines.stages.duplicates.planted import SURE, Doc, corpus, write_unit


def through(stage: BlockDoFn, blocks: Iterable[Block]) -> list[Block]:
    """What a stage gives for blocks grouped by their keys, without costs."""
    groups = defaultdict(list)
    for key, block in blocks:
        groups[key].append(block)
    stage.start_bundle()
    given = [block for group in groups.items() for block in stage.process(group)]
    given += [windowed.value for windowed in stage.finish_bundle()]
    return [(key, block) for key, block in given if block[:1] != COST_TAG]


def emitted(paths: list[Path], documents: list[int], options: Deduplicate, partitions: int, most: int) -> np.ndarray:
    """RECORD rows of all files, in pieces of `most` documents."""
    pieces: list[Block] = []
    for unit, (path, count) in enumerate(zip(paths, documents, strict=True)):
        for first in range(0, count, most):
            piece = json.dumps([unit, str(path), None, first, min(count, first + most)]).encode()
            pieces.append((int(among(partitions, len(pieces))), PIECE_TAG + piece))
    blocks = through(FindShared(), through(EmitKeys(options), pieces))
    return table([block for _, block in through(EmitBands(options), blocks)], RECORD)


@pytest.mark.parametrize(
    "options", [Deduplicate(minhash=SURE), Deduplicate(exact=False, minhash=SURE), Deduplicate(minhash=None)]
)
@pytest.mark.parametrize(("partitions", "most"), [(5, 1000), (64, 7)])
def test_records__are_of_all_keys_that_stand_twice(tmp_path, options, partitions, most):
    docs = [*corpus(3, groups=12), Doc("", "empty"), Doc("字", "a word")]
    random.Random(2).shuffle(docs)
    cuts = [docs[:9], docs[9:40], docs[40:]]
    paths = [write_unit(tmp_path / f"{n}.arrow", some, options.minhash, 5) for n, some in enumerate(cuts)]
    every = [np.zeros(0, RECORD)]
    for unit, path in enumerate(paths):
        file = open_fingerprints(path)
        every += [records_of(unit, file, *some) for some in band_keys(file, options)]
    records = np.concatenate(every)
    count = Counter(records["key"].tolist())
    wanted = sorted(record.tobytes() for record in records if count[int(record["key"])] > 1)
    found = emitted(paths, [len(some) for some in cuts], options, partitions, most)
    assert len(wanted) > 5
    assert len(wanted) < len(records)
    assert sorted(record.tobytes() for record in found) == wanted


def test_repeated__of_an_index_alone_is_not_shared():
    rng = np.random.default_rng(4)
    for size, values in [(0, 1), (1, 1), (50, 30), (3000, 2000), (3000, 3)]:
        half = rng.integers(2**32 - values, 2**32, size).astype(np.uint32)
        indexed = rng.random(size) < 0.8
        owned = {value for value, of_index in zip(half.tolist(), indexed, strict=True) if not of_index}
        count = Counter(half.tolist())
        wanted = [at for at, value in enumerate(half.tolist()) if count[value] > 1 and value in owned]
        assert repeated(half, indexed).tolist() == wanted
    assert int(INDEXED) > 2**30


def test_lone_documents__make_no_records(tmp_path):
    docs = [Doc(f"only {n} says this of {n * n} and of {n**3} and no other one does", f"{n}") for n in range(200)]
    options = Deduplicate(minhash=MinHash())
    path = write_unit(tmp_path / "f.arrow", docs, options.minhash, 50)
    assert len(emitted([path], [200], options, 5, 60)) == 0
