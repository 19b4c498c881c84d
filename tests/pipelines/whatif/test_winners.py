"""Looking again only at what a changed verdict can touch gives what looking at every document gives."""

import random

import numpy as np
import pyarrow as pa
import pytest

from gristmill.filters.dedup.fingerprint_file import (
    Settled,
    fingerprint_batch,
    settled_batch,
    with_urls,
)
from gristmill.filters.dedup.fingerprints import doc_ids, fingerprint, pack_ids, rank
from gristmill.filters.dedup.urls import describe_urls, url_keys
from gristmill.pipelines.duplicates.components import LINK, MEMBER, Deciding, contract, decide, rooted_edges
from gristmill.pipelines.duplicates.pairs import EDGE, decided_by, numbered
from gristmill.pipelines.duplicates.urls import edges_of_files
from gristmill.pipelines.recipe.deduplication import Urls
from gristmill.pipelines.recipe.schema import Deduplicate, MinHash
from gristmill.pipelines.whatif.winners import Prints, _edges, _Shelf, dropped_again

OPTIONS = Deduplicate(minhash=MinHash(bands=32, rows=2, shingle=2, threshold=0.5))
PAGES = OPTIONS.model_copy(update={"urls": Urls(keep="newest")})
NONE = (np.zeros(0, np.uint64), np.zeros(0, bool))
UNITS, ROWS = 3, 30


def texts(rng: random.Random) -> list[str]:
    """Families of alike texts, English and Chinese, larger than what one bucket compares with everything."""
    made = []
    for family in range(UNITS * ROWS // 15):
        words = [f"w{family}{number}" if family % 2 else chr(0x4E00 + 40 * family + number) for number in range(14)]
        for _ in range(15):
            some = list(words)
            for _ in range(rng.choice([0, 0, 1, 2, 4])):
                some[rng.randrange(14)] = f"x{rng.randrange(4)}" if family % 2 else chr(0x9000 + rng.randrange(4))
            made.append(" ".join(some) if family % 2 else "".join(some))
    return rng.sample(made, len(made))


def everything(paths, changed, kept, indexed, options) -> tuple[np.ndarray, np.ndarray]:
    """(places, members) of a comparison of all documents."""
    shelf = _Shelf(paths, changed, kept, tuple(numbered(indexed)))
    places = np.concatenate([np.uint64(u << 32) | np.arange(ROWS, dtype=np.uint64) for u in range(UNITS)])
    by_url = edges_of_files(shelf.files(), options) if options.urls else np.zeros(0, EDGE)
    shelf.leave_out(np.sort(by_url["worse"]["place"]))
    edges = np.concatenate([by_url, _edges(shelf, places, options)])
    if not len(edges):
        return NONE[0], np.zeros(0, MEMBER)
    links = np.empty(len(edges), LINK)
    links["place"], links["root"] = edges["worse"]["place"], edges["better"]["place"]
    sizes = tuple(sum(documents for _, documents in files) for files in indexed)
    return decide(rooted_edges(edges, contract(links)), Deciding(indexes=sizes))


def on_pages(rng: random.Random, batch: pa.RecordBatch) -> pa.RecordBatch:
    """Some documents are on pages that others are on, too."""
    url = pa.array(
        [rng.choice([None, *(f"https://a.cn/{page}" for page in "abcdefgh页頁")]) for _ in range(len(batch))]
    )
    order = np.array([rng.randrange(4) for _ in range(len(batch))], np.uint64)
    return with_urls(batch, url_keys(url), order, describe_urls(True))


def write_index(path, written: list[str], rng: random.Random, options: Deduplicate) -> list[tuple[str, int]]:
    """Some texts as an index in which every fourth one lost, its texts alike those of the run, every eighth one for its
    address."""
    ids = doc_ids("old", [str(number) for number in range(len(written))], [text.encode() for text in written])
    prints = fingerprint(pa.array(written, pa.large_string()), OPTIONS.minhash)
    rows = np.arange(len(written), dtype=np.uint32)
    batch = on_pages(rng, fingerprint_batch(rows, ids, np.zeros(len(rows), np.uint64), prints))
    lost, packed = rows % 4 == 3, pack_ids(ids)
    winner = np.where(lost[:, None], np.roll(packed, 1, axis=0), 0).astype(np.uint8)
    winner_rank = np.where(lost, (rows - 1) * 4, 0).astype(np.uint64)
    numbers = np.where(lost, np.float32(0.6), np.float32(0))
    numbers[rows % 8 == 3] = np.nan
    settled = Settled(winner, winner_rank, numbers, numbers, packed, decided_by(options))
    made = settled_batch(batch, rows, rows.astype(np.uint64) * 4 + lost, settled)
    with pa.ipc.new_file(path, made.schema) as writer:
        writer.write_batch(made)
    return [(str(path), len(written))]


@pytest.mark.parametrize("seed", range(12))
def test_changed_verdicts__the_winners_of_a_whole_comparison(tmp_path, seed):
    rng, options = random.Random(seed), OPTIONS if seed % 3 else PAGES
    written, paths, places = texts(rng), {}, []
    indexed = [write_index(tmp_path / f"{name}.arrow", texts(rng)[:12], rng, options) for name in "ab" * (seed % 2)]
    was = [rng.random() < 0.7 for _ in written]
    for unit in range(UNITS):
        mine = slice(unit * ROWS, (unit + 1) * ROWS)
        some, rows = written[mine], np.arange(ROWS, dtype=np.uint32)
        ids = doc_ids("test", [f"{unit}-{row}" for row in rows], [text.encode() for text in some])
        lengths = np.array([len(text.encode()) for text in some])
        prints = fingerprint(pa.array(some, pa.large_string()), OPTIONS.minhash)
        file = tmp_path / f"{unit}.arrow"
        batch = fingerprint_batch(rows, ids, rank(np.array(was[mine]), 0, None, lengths, ids), prints)
        batch = on_pages(rng, batch)
        with pa.ipc.new_file(file, batch.schema) as writer:
            writer.write_batch(batch)
        paths[unit] = [str(file)]
        places += [unit << 32 | row for row in range(ROWS)]
    before, members = everything(paths, *NONE, indexed, options)
    turned = sorted(rng.sample(range(len(places)), rng.choice([1, 2, 5, 40])))
    changed = np.array([places[at] for at in turned], np.uint64)
    kept = np.array([not was[at] for at in turned])
    after, decided = everything(paths, changed, kept, indexed, options)
    found = dropped_again(Prints(paths, members, before, indexed), changed, kept, options)
    assert found.tolist() == np.sort(after[decided["dropped"] > 0]).tolist()
    assert dropped_again(Prints(paths, members, before, indexed), *NONE, options).tolist() == sorted(
        before[members["dropped"] > 0].tolist()
    )
