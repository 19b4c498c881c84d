"""Finding duplicates end to end on FnApiRunner, against the truth in plain Python sets."""

import itertools
import random
import time
from collections import defaultdict

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gristmill.filters.dedup.fingerprint_file import (
    open_fingerprints,
)
from gristmill.filters.dedup.fingerprint_rows import open_rows
from gristmill.filters.dedup.fingerprints import fingerprint, normalised
from gristmill.pipelines.duplicates.pairs import EXACT, NEAR, RECORD, REPEATED, band_keys, bucket_pairs, records_of
from gristmill.pipelines.recipe.schema import Deduplicate, MinHash
from gristmill.pipelines.stages.duplicates import comparing
from gristmill.pipelines.stages.duplicates.find import FindDuplicates, members_of
from gristmill.pipelines.stages.duplicates.partitions import File
from tests.pipelines.stages.duplicates.planted import (
    HAN,
    SURE,
    Doc,
    Save,
    alike,
    corpus,
    cut,
    edited,
    find,
    join,
    ranked,
    similarity,
    truth,
    write_unit,
    write_words,
)


@pytest.mark.parametrize("seed", [1, 2])
def test_find__is_the_greedy_choice_over_all_pairs(tmp_path, seed):
    docs = corpus(seed, groups=24)
    found = find(cut(docs, 20, 0, 15), tmp_path, Deduplicate(minhash=SURE))
    assert {f.doc_id: (f.winner, f.cluster) for f in found} == truth(docs, 0.7)
    assert any(f.dropped for f in found)


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.9])
def test_find__drops_only_for_a_kept_winner_that_similar(tmp_path, threshold):
    docs = corpus(3, groups=40)
    by_id = {doc.doc_id: doc for doc in docs}
    found = find(cut(docs, 30, 30), tmp_path, Deduplicate(minhash=MinHash(threshold=threshold)))
    dropped = {f.doc_id for f in found if f.dropped}
    assert len(dropped) > 10
    for f in (f for f in found if f.dropped):
        loser, winner = by_id[f.doc_id], by_id[f.winner]
        exact = normalised(loser.text) == normalised(winner.text)
        assert f.winner not in dropped
        assert f.kind == (EXACT if exact else NEAR)
        assert alike(loser, winner, threshold)
        assert f.similarity >= threshold
        assert f.similarity == pytest.approx(1.0 if exact else similarity(loser.text, winner.text), abs=1e-6)
        assert winner.kept or not loser.kept
        assert winner.priority >= loser.priority or winner.kept > loser.kept


@pytest.mark.parametrize("script", ["en", "zh"])
def test_find__recall_follows_the_curve_of_16_bands_of_7_in_both_scripts(tmp_path, script):
    rng, pairs = random.Random(11), []
    for number in range(1000):
        words = write_words(rng, script, 150)
        copy = join(script, edited(rng, script, words, rng.uniform(0, 0.045)))
        pairs.append((Doc(join(script, words), f"a{number}"), Doc(copy, f"b{number}")))
    docs = [doc for pair in pairs for doc in pair]
    rng.shuffle(docs)
    options = Deduplicate(minhash=MinHash(threshold=0.7))
    together = {f.doc_id: f.cluster for f in find(cut(docs, 1000, 1000), tmp_path, options)}
    hits, curve = defaultdict(list), defaultdict(list)
    for a, b in pairs:
        j = similarity(a.text, b.text)
        band = next((low for low in (0.9, 0.8, 0.7) if j >= low), None)
        hits[band].append(together.get(a.doc_id, "a") == together.get(b.doc_id, "b"))
        curve[band].append(1 - (1 - j**7) ** 16)
    assert min(len(hits[band]) for band in (0.7, 0.8, 0.9)) > 100
    assert np.mean(hits[0.7]) >= 0.82
    assert np.mean(hits[0.8]) >= 0.97
    assert np.mean(hits[0.9]) == 1
    for band in (0.7, 0.8):  # three standard errors of the theory
        assert np.mean(hits[band]) == pytest.approx(np.mean(curve[band]), abs=3 * (0.25 / len(hits[band])) ** 0.5)


@pytest.mark.parametrize("script", ["en", "zh"])
def test_find__of_a_chain_keeps_the_far_end(tmp_path, script):
    rng = random.Random(4)
    words = write_words(rng, script, 104)
    chain = [Doc(join(script, words[i : i + 90] + words[:1] * (2 - i // 5)), f"{i}") for i in (0, 7, 14)]
    a, b, c = ranked(chain)
    assert alike(a, b, 0.8)
    assert alike(b, c, 0.8)
    assert not alike(a, c, 0.8)
    found = find({0: [c], 1: [a], 2: [b]}, tmp_path, Deduplicate(minhash=MinHash(bands=64, rows=2, threshold=0.8)))
    assert {f.doc_id: (f.winner, f.cluster) for f in found} == {
        a.doc_id: (None, a.doc_id),
        b.doc_id: (a.doc_id, a.doc_id),
        c.doc_id: (None, a.doc_id),
    }


SHORT = [
    Doc("word", "1"), Doc("Word!", "2"), Doc("字", "3"), Doc("“字”", "4"), Doc("another", "5"),
    Doc("…!?", "6"), Doc(" …!?\n", "7"), Doc("***", "8"), Doc("", "9"), Doc(" \n", "10"),
]  # fmt: skip


def test_find__of_documents_with_one_word_or_no_letters(tmp_path):
    units = {0: [], 7: SHORT[:5], 3: SHORT[5:], 1: []}
    found = {f.doc_id: f for f in find(units, tmp_path, Deduplicate())}
    one = {doc.id: doc.doc_id for doc in SHORT}
    losers = {doc.id: found[doc.doc_id] for doc in SHORT if doc.doc_id in found and found[doc.doc_id].dropped}
    assert {id: (f.winner, f.kind) for id, f in losers.items()} == {
        "1": (one["2"], NEAR),  # one equal shingle, another text; the longer one stays
        "3": (one["4"], NEAR),
        "6": (one["7"], EXACT),  # no letters, but the same text
        "9": (one["10"], EXACT),
    }
    assert len(found) == 8

    near_only = find(units, tmp_path, Deduplicate(exact=False))
    assert {f.doc_id for f in near_only if f.dropped} == {one["1"], one["3"]}  # without letters there is no similarity
    exact_only = find(units, tmp_path, Deduplicate(minhash=None))
    assert {f.doc_id for f in exact_only if f.dropped} == {one["6"], one["9"]}
    assert find(units, tmp_path, Deduplicate(exact=False, minhash=None)) == []
    assert find({}, tmp_path, Deduplicate()) == []
    assert find({5: []}, tmp_path, Deduplicate()) == []


@pytest.mark.parametrize("script", ["en", "zh"])
def test_find__of_3_million_words_only_the_copy_goes(tmp_path, script):
    numbers = np.random.default_rng(6).integers(0, 2000, 3_000_000)
    lexicon = [join(script, [word]) for word in ([f"w{n:x}" for n in range(2000)] if script == "en" else HAN[:2000])]
    words = [lexicon[number] for number in numbers.tolist()]
    giant = join(script, words)
    docs = [
        Doc(giant, "1"),
        Doc(join(script, words[::-1]), "2"),
        Doc(f"{giant}\n", "3"),
        Doc(giant[:300], "4"),
        Doc("", "5"),
    ]
    found = find({0: docs[:2], 1: docs[2:]}, tmp_path, Deduplicate())
    ((gone, stays, kind),) = [(f.doc_id, f.winner, f.kind) for f in found if f.dropped]
    assert ({gone, stays}, kind) == ({docs[0].doc_id, docs[2].doc_id}, EXACT)


def test_find__without_exact_still_finds_equal_texts_as_near_duplicates(tmp_path):
    text = "the same five words and a few more"
    docs = [Doc(text, str(n)) for n in range(12)]
    found = find(cut(docs, 5), tmp_path, Deduplicate(exact=False))
    assert sum(f.dropped for f in found) == 11
    assert {(f.similarity, f.kind) for f in found if f.dropped} == {(1.0, NEAR)}


def test_find__copies_share_what_was_verified_for_one_of_them(tmp_path):
    # Twelve copies of a near-duplicate: only their best was compared with the winner, and none of them stays.
    rng = random.Random(8)
    words = write_words(rng, "en", 80)
    best = Doc(join("en", [*words, "longer"]), "best", priority=9)
    crowd = [Doc(join("en", edited(rng, "en", words, 0.3)), f"crowd{n}", priority=7) for n in range(8)]
    copies = [Doc(join("en", words), f"copy{n}") for n in range(12)]
    found = find(cut([*copies, best, *crowd], 9), tmp_path, Deduplicate(minhash=SURE))
    losers = [f for f in found if f.dropped]
    assert {f.doc_id for f in losers} == {doc.doc_id for doc in copies}
    assert {(f.winner, f.kind) for f in losers} == {(best.doc_id, NEAR)}


@pytest.mark.parametrize("kind", ["equal texts", "equal words in other texts"])
def test_find__of_20_000_documents_in_one_bucket_is_linear(tmp_path, kind):
    words = "one hot bucket of documents that all say the very same thing"
    marks = [f" {'.' * (n % 100)}{'!' * (n // 100)}" if kind != "equal texts" else "" for n in range(20_000)]
    docs = [Doc(words + mark, str(n), rank=n) for n, mark in enumerate(marks)]
    options = Deduplicate(minhash=MinHash(bands=2, rows=2))
    file = open_fingerprints(write_unit(tmp_path / "hot.arrow", docs, options.minhash, 4096))
    pairs = bucket_pairs(np.concatenate([records_of(0, file, *some) for some in band_keys(file, options)]))
    assert len(pairs) <= (8 * 2 + 1) * len(docs)
    began = time.process_time()
    found = find(cut(docs, 9000), tmp_path, options, batch_rows=4096)
    assert time.process_time() - began < 30  # quadratic would be hours
    assert len(found) == 20_000
    assert sum(f.dropped for f in found) == 19_999
    assert {f.winner for f in found} == {None, docs[0].doc_id}


def test_find__of_texts_whose_ties_are_equal_misses_none(tmp_path):
    # Of 120,000 texts some share 32 bits of their hash: in buckets of one band one of two was taken for a copy.
    words = "one hot bucket of documents that all say the very same thing "
    texts = [words + "".join(marks) for marks in itertools.islice(itertools.product(".!?", repeat=11), 120_000)]
    prints = fingerprint(pa.array(texts, pa.large_string()), MinHash())
    half = prints.exact[:, 1].astype(np.uint32)
    order = np.argsort(half)
    first = np.flatnonzero(half[order[1:]] == half[order[:-1]])[0]
    docs = [Doc(texts[n], str(n)) for n in order[first : first + 2]]
    (loser,) = [one for one in find(cut(docs, 1), tmp_path, Deduplicate()) if one.dropped]
    assert loser.similarity == 1


def test_find__of_documents_that_do_not_lie_in_memory_is_the_same(tmp_path, monkeypatch):
    docs, opened = corpus(3, groups=6, words=25), []
    told = find(cut(docs, 9), tmp_path, Deduplicate(minhash=SURE))
    monkeypatch.setattr(comparing, "IN_MEMORY", len(docs) - 1)
    monkeypatch.setattr(comparing, "open_rows", lambda *asked: opened.append(asked[1]) or open_rows(*asked))
    assert find(cut(docs, 9), tmp_path, Deduplicate(minhash=SURE)) == told
    assert set(opened) == {True}
    opened.clear()
    monkeypatch.setattr(comparing, "IN_MEMORY", len(docs))
    assert find(cut(docs, 9), tmp_path, Deduplicate(minhash=SURE)) == told
    assert set(opened) == {False}


@settings(deadline=None, max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_find__depends_on_documents_not_on_units_partitions_or_order(tmp_path, data):
    rng = random.Random(data.draw(st.integers(0, 2**32)))
    docs = corpus(rng.randrange(1000), groups=6, words=25)
    crowd = write_words(rng, "en", 25)  # a bucket of more than nine, with equal ranks, repeated ids and repeated texts
    for _n in range(30):
        text = join("en", edited(rng, "en", crowd, rng.choice([0, 0.02, 0.04])))
        docs.append(Doc(text, str(rng.randrange(20)), rank=rng.choice([1, 1, 2, 1 << 63])))
    options = Deduplicate(minhash=MinHash(bands=8, rows=2, threshold=0.6))
    first = find({0: docs}, tmp_path, options, per=1000)
    shuffled = docs[:]
    rng.shuffle(shuffled)
    units = cut(shuffled, *(rng.randrange(20) for _ in range(4)))
    numbers = rng.sample(range(1, 5000), len(units))
    moved = dict(zip(numbers, units.values(), strict=True))
    assert find(moved, tmp_path, options, per=rng.randrange(3, 15), batch_rows=rng.randrange(1, 30)) == first


def test_bucket_pairs__of_equal_ranks_do_not_depend_on_places():
    # Twelve texts in one bucket, three copies each, more than the eight that a document is paired with.
    rng = np.random.default_rng(3)
    records = np.zeros(36, RECORD)
    records["key"], records["rank"], records["tie"] = 5, np.arange(36) % 2, np.arange(36) // 3
    seen = set()
    for _ in range(5):
        records["place"] = rng.permutation(36)
        text_at = dict(zip(records["place"].tolist(), records["tie"].tolist(), strict=True))
        pairs = bucket_pairs(rng.permutation(records))
        seen.add(
            frozenset((text_at[int(w)], text_at[int(b)]) for w, b in zip(pairs["worse"], pairs["better"], strict=True))
        )
        assert len(pairs) == 8 * 12 - 36
    assert len(seen) == 1


def test_find__of_repeated_ids_keeps_one_of_each_text(tmp_path):
    docs = [Doc("the same record with the same id", "twice")] * 2 + [Doc("another text under that same id", "twice")]
    for options in (Deduplicate(), Deduplicate(exact=False), Deduplicate(minhash=None)):
        found = find({0: docs[:1], 1: docs[1:]}, tmp_path, options)
        assert [(f.doc_id, f.winner, f.kind, f.similarity) for f in found] == [
            (docs[0].doc_id, None, NEAR, 0),
            (docs[0].doc_id, docs[0].doc_id, REPEATED, 1),
        ]


def test_find__reads_a_giant_unit_from_several_files(tmp_path):
    docs = corpus(5, groups=20)
    options = Deduplicate(minhash=SURE)
    whole = find({0: docs}, tmp_path, options)
    file = pa.ipc.open_file(write_unit(tmp_path / "whole.arrow", docs, SURE, 1000)).get_batch(0)
    paths = []
    for n, first in enumerate(range(0, len(docs), 7)):
        with pa.ipc.new_file(tmp_path / f"{n}.arrow", file.schema) as writer:
            writer.write_batch(file.slice(first, 7))
        paths.append((0, str(tmp_path / f"{n}.arrow"), 7))
    (tmp_path / "out").mkdir()
    with beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([])) as pipeline:
        source = pipeline | beam.Create(paths[::-1]).with_output_types(File)
        _ = source | FindDuplicates(options, 10) | "Save" >> beam.ParDo(Save(tmp_path / "out"))
    members = members_of([path.read_bytes() for path in (tmp_path / "out").iterdir()])
    assert sorted((docs[m["row"] // 2].doc_id, bool(m["dropped"])) for m in members) == [
        (f.doc_id, f.dropped) for f in whole
    ]


def test_find__refuses_fingerprints_of_another_recipe(tmp_path):
    path = write_unit(tmp_path / "f.arrow", SHORT, MinHash(bands=4, rows=2), 100)
    with pytest.raises(ValueError, match=r"4 bands of 2, .* the recipe has 16 bands of 7"):
        next(band_keys(open_fingerprints(path), Deduplicate()))
