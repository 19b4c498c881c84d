"""Which verified pairs count: the best-ranked of each document, whatever was compared first."""

import random
from collections import defaultdict

import numpy as np
import pytest

from gristmill.filters.dedup.fingerprint_file import open_fingerprints
from gristmill.filters.dedup.fingerprint_rows import MAP_BYTES, open_rows
from gristmill.pipelines.duplicates.pairs import EXACT, PAIR
from gristmill.pipelines.duplicates.verified import MOST_EDGES, Documents, Shelf, verified_pairs, verify
from gristmill.pipelines.recipe.schema import Deduplicate
from tests.pipelines.stages.duplicates.planted import SURE, Doc, edited, join, write_unit, write_words


@pytest.mark.parametrize(("script", "max_lost"), [("en", 1.0), ("zh", 1.0), ("en", 0.12), ("zh", 0.12)])
def test_verified_pairs__of_a_family_the_best_ranked_of_each_and_its_copy(tmp_path, script, max_lost):
    rng, words = random.Random(5), write_words(random.Random(2), script, 60)
    docs = [Doc(join(script, edited(rng, script, words, rng.choice([0.01, 0.04]))), str(n), rank=n) for n in range(50)]
    docs += [Doc(f"{doc.text}\n", f"{doc.id}-copy", rank=60 + at) for at, doc in enumerate(docs[:9])]
    options = Deduplicate(minhash=SURE, max_lost=max_lost)
    path = write_unit(tmp_path / "f.arrow", docs, SURE, 7)
    pairs = np.array([(2 * worse, 2 * better) for worse in range(len(docs)) for better in range(worse)], PAIR)
    shelf = Shelf(open_rows)
    shelf.paths[0] = [path]
    (found,) = verified_pairs(0, rng.choice([pairs, pairs[::-1]]), shelf, options)

    file = open_fingerprints(path)
    every = Documents.of(0, file)
    edges = verify(
        every, every, ((pairs["worse"] // 2).astype(np.int64), (pairs["better"] // 2).astype(np.int64)), options
    )
    wanted, by_worse = set(), defaultdict(list)
    for edge in edges:
        place = int(edge["worse"]["place"]), int(edge["better"]["place"])
        if edge["kind"] == EXACT:
            wanted.add(place)
        else:
            by_worse[place[0]].append((bool(edge["lost"] > np.float32(max_lost)), int(edge["better"]["rank"]), place))
    wanted |= {place for some in by_worse.values() for *_, place in sorted(some)[:MOST_EDGES]}
    assert {(int(edge["worse"]["place"]), int(edge["better"]["place"])) for edge in found} == wanted
    assert len(found) == len(wanted) < len(edges)
    assert (found["kind"] == EXACT).sum() >= 9


def test_shelf__opens_each_local_file_once_whatever_it_holds(tmp_path, monkeypatch):
    """Where a cluster lies in all files, every partition asks for each: opened anew, that is quadratic."""
    words = write_words(random.Random(2), "zh", 20)
    docs = [[Doc(join("zh", words), f"{unit}-{n}") for n in range(40)] for unit in range(6)]
    paths = [write_unit(tmp_path / f"{unit}", mine, SURE, 7) for unit, mine in enumerate(docs)]
    opened = []
    shelf = Shelf(lambda path: opened.append(path) or open_rows(path), limit=len(paths) * MAP_BYTES)
    shelf.paths = {unit: [path] for unit, path in enumerate(paths)}
    monkeypatch.setattr("gristmill.pipelines.duplicates.verified.TOUCHED_BYTES", 1)  # mapped anew each time
    rows = np.arange(40, dtype=np.uint32) * 2
    for _ in range(3):
        for unit, path in enumerate(paths):
            np.testing.assert_array_equal(shelf.take(unit, rows).exact, open_fingerprints(path).exact)
    assert opened == paths
    assert all(file.touched_bytes == 0 for file in shelf._open.values())
    shelf.limit -= 1
    shelf.forget()
    for unit in (0, 1, 2, 3, 4, 5, 0):
        shelf.take(unit, rows[:1])
    assert len(opened) == 2 * len(paths) + 1, "beyond the limit the one that was not used longest goes"
