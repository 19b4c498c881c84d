"""Which verified pairs count: the best-ranked of each document, whatever was compared first."""

import random
from collections import defaultdict

import numpy as np
import pytest

from gristmill.filters.dedup.fingerprint_file import FingerprintFile, open_fingerprints
from gristmill.filters.dedup.fingerprint_rows import MAP_BYTES, FingerprintRows, open_rows
from gristmill.pipelines.duplicates.pairs import EXACT, PAIR
from gristmill.pipelines.duplicates.verified import MOST_EDGES, Documents, Shelf, verified_pairs, verify
from gristmill.pipelines.recipe.schema import Deduplicate
from tests.pipelines.stages.duplicates.planted import SURE, Doc, edited, join, write_unit, write_words


def every_pair(file: FingerprintFile) -> np.ndarray:
    """PAIR rows of a unit 0 whose documents lie in the order of their ranks, twice as several bands would name them."""
    worse, better = np.tril_indices(len(file.row), -1)
    copies = (file.exact[worse] == file.exact[better]).all(axis=1)
    pairs = np.empty(len(worse), PAIR)
    pairs["worse"], pairs["better"] = file.row[worse], file.row[better]
    pairs["rank"] = np.where(copies, 0, file.rank[better])
    return np.concatenate([pairs, pairs])


def shelf_of(path: str, scattered: bool = True) -> Shelf[FingerprintRows]:
    shelf = Shelf(open_rows)
    shelf.paths[0], shelf.scattered = [path], scattered
    return shelf


@pytest.mark.parametrize("scattered", [True, False])
@pytest.mark.parametrize(("script", "max_lost"), [("en", 1.0), ("zh", 1.0), ("en", 0.12), ("zh", 0.12)])
def test_verified_pairs__of_a_family_the_best_ranked_of_each_and_its_copy(tmp_path, script, max_lost, scattered):
    rng, words = random.Random(5), write_words(random.Random(2), script, 60)
    docs = [Doc(join(script, edited(rng, script, words, rng.choice([0.01, 0.04]))), str(n), rank=n) for n in range(50)]
    docs += [Doc(f"{doc.text}\n", f"{doc.id}-copy", rank=60 + at) for at, doc in enumerate(docs[:9])]
    options = Deduplicate(minhash=SURE, max_lost=max_lost)
    path = write_unit(tmp_path / "f.arrow", docs, SURE, 7)
    file = open_fingerprints(path)
    pairs = every_pair(file)
    (found,) = verified_pairs(0, rng.choice([pairs, pairs[::-1]]), shelf_of(path, scattered), options)

    every = Documents.of(0, file)
    edges = verify(
        every,
        every,
        tuple((pairs[name][: len(pairs) // 2] // 2).astype(np.int64) for name in ("worse", "better")),
        options,
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


def test_verified_pairs__reads_only_what_it_compares(tmp_path, monkeypatch):
    """All of a family are alike, so that nobody is compared with more than eight; of another one too few are."""
    rng = random.Random(5)
    alike, apart = write_words(rng, "en", 60), write_words(rng, "en", 60)
    docs = [Doc(join("en", [*alike, f"n{n}"]), str(n), rank=n) for n in range(40)]
    docs += [Doc(join("en", edited(rng, "en", apart, 0.5)), str(40 + n), rank=40 + n) for n in range(30)]
    path = write_unit(tmp_path / "f.arrow", docs, SURE, 7)
    pairs = every_pair(open_fingerprints(path))
    pairs = pairs[(pairs["worse"] < 2 * 40) == (pairs["better"] < 2 * 40)]
    last = {2 * 39: list(range(8)), 2 * 69: list(range(40, 69))}
    read, take = [], Shelf.take
    monkeypatch.setattr(Shelf, "take", lambda self, unit, rows: read.append(rows) or take(self, unit, rows))
    for worse, numbers in last.items():
        read.clear()
        list(verified_pairs(0, pairs[pairs["worse"] == worse], shelf_of(path), Deduplicate(minhash=SURE)))
        assert read[0].tolist() == [worse]
        assert sorted(np.concatenate(read[1:]).tolist()) == [2 * number for number in numbers]
        assert len(read) == 1 + (1 if len(numbers) <= MOST_EDGES else 2), "each asks all files that hold one of them"
    read.clear()
    list(verified_pairs(0, pairs, shelf_of(path, scattered=False), Deduplicate(minhash=SURE)))
    assert len(read) == 2


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
