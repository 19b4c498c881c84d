"""A run against the index of another decides as one over both inputs, and so do merged indexes; English and Chinese."""

import random
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pytest

from gristmill.filters.dedup.fingerprint_file import ELSEWHERE, LOST, open_fingerprints
from gristmill.pipelines.duplicates.members import Membership
from gristmill.pipelines.duplicates.pairs import decided_by
from gristmill.pipelines.errors import DamageError, RecipeError
from gristmill.pipelines.indexes.build import Piece, write_pieces
from gristmill.pipelines.indexes.merge import merge
from gristmill.pipelines.indexes.written import IndexWriter, damaged, open_index
from gristmill.pipelines.recipe.deduplication import Urls
from gristmill.pipelines.recipe.schema import Deduplicate, MinHash
from tests.pipelines.stages.duplicates.planted import Doc, alike, corpus, edited, find_members, join, write_words

OPTIONS = Deduplicate(minhash=MinHash(bands=12, rows=2, threshold=0.6))
ABOVE = 10
"""Priorities of A's sources over B's, in one run over both."""


@dataclass(frozen=True)
class Fate:
    """What a run says of a dropped document."""

    winner: str
    similarity: float
    lost: float


@dataclass(frozen=True)
class Decided:
    """A deduplicated set of documents."""

    docs: list[Doc]
    fates: dict[str, Fate]
    clusters: dict[str, str]
    paths: dict[int, str]
    members: dict[int, np.ndarray]

    @property
    def stay(self) -> set[str]:
        """doc_ids of those in `text/`."""
        return {doc.doc_id for doc in self.docs if doc.kept} - self.fates.keys()


def decided(docs: list[Doc], folder: Path, options: Deduplicate = OPTIONS, against: tuple[str, ...] = ()) -> Decided:
    units = {0: docs[: len(docs) // 3], 4: docs[len(docs) // 3 :]}
    indexed = [open_index(place)[0].addressed for place in against]
    paths, members = find_members(units, folder, options, batch_rows=7, indexed=indexed)
    fates, clusters = {}, {}
    for unit, rows in members.items():
        for one in rows:
            doc_id = units[unit][one["row"] // 2].doc_id
            clusters[doc_id] = one["cluster"].tobytes().hex()
            if one["dropped"]:
                told = np.nan_to_num(one[["similarity", "lost"]].tolist(), nan=-1).tolist()
                fates[doc_id] = Fate(one["winner"].tobytes().hex(), *told)
    return Decided(docs, fates, clusters, paths, members)


def indexed(one: Decided, folder: Path, name: str, options: Deduplicate = OPTIONS, against=()) -> str:
    place = str(folder / f"{name}-{uuid4().hex}")
    with IndexWriter(place, name, options) as writer:
        none = np.zeros(0, next(iter(one.members.values())).dtype) if one.members else None
        pieces = [Piece(path, Membership(one.members.get(unit, none))) for unit, path in one.paths.items()]
        write_pieces(writer, pieces, decided_by(options))
        writer.finish([{"run": name}], [open_index(other)[0].sha256 for other in against])
    return place


def families(seed: int) -> list[Doc]:
    """Clusters larger than what one bucket compares with everything, chains, copies, some dropped by rules."""
    rng, docs = random.Random(seed), corpus(seed, groups=8, words=30)
    for family, script in enumerate(("en", "zh")):
        words = write_words(rng, script, 24)
        for number in range(26):
            words = edited(rng, script, words, rng.choice([0, 0.02, 0.05]))
            docs.append(Doc(join(script, words), f"chain{family}.{number}", rng.random() < 0.9, rng.choice([0, 3])))
    rng.shuffle(docs)
    pages = [f"https://a.cn/{page}{n}" for n in range(12) for page in ("x", "页")]
    return [replace(doc, url=rng.choice([None, *pages]), order=rng.randrange(3)) for doc in docs]


def above(docs: list[Doc], by: int) -> list[Doc]:
    return [replace(doc, priority=doc.priority + by) for doc in docs]


def kept_in(place: str) -> tuple[set[str], set[str]]:
    """(doc_ids that stay in an index, all others)."""
    stay, lost = set(), set()
    for path, _ in open_index(place)[0].addressed:
        file = open_fingerprints(path)
        for doc_id, rank in zip(file.doc_id, file.rank, strict=True):
            (lost if rank & (LOST | ELSEWHERE) else stay).add(doc_id.tobytes().hex())
    return stay, lost


@pytest.mark.parametrize("seed", range(4))
def test_b_against_a__and_merged__decide_as_one_run_over_both(tmp_path, seed):
    docs = families(seed)
    a, b = docs[: len(docs) // 2], docs[len(docs) // 2 :]
    options = OPTIONS if seed % 2 else OPTIONS.model_copy(update={"max_lost": 0.2, "urls": Urls()})
    together = decided(above(a, ABOVE) + b, tmp_path, options)
    first, alone = decided(a, tmp_path, options), decided(b, tmp_path, options)
    index = indexed(first, tmp_path, "a", options)
    second = decided(b, tmp_path, options, (index,))
    assert first.stay | second.stay == together.stay
    fates = {id: fate for id, fate in together.fates.items() if any(doc.doc_id == id for doc in b)}
    assert second.fates == fates
    ours = {doc.doc_id for doc in a}
    assert {fate.winner in ours for fate in second.fates.values()} == {True, False}
    assert (-1 in {fate.similarity for fate in second.fates.values()}) == (options.urls is not None)
    assert second.stay != alone.stay, "the index decides nothing here"

    merge([index, indexed(alone, tmp_path, "b", options)], merged := tmp_path / "merged", "merged")
    assert kept_in(str(merged))[0] == together.stay


def rows_of(place: Path) -> list[str]:
    """What an index says of every document: who it is, its rank, who won over it, by how much."""
    tables = [pa.ipc.open_file(path).read_all() for path, _ in open_index(str(place))[0].addressed]
    return sorted(repr(row) for table in tables for row in table.drop_columns("row").to_pylist())


@pytest.mark.parametrize("seed", range(2))
def test_merger__is_the_same_however_grouped_and_however_documents_lay(tmp_path, seed):
    rng = random.Random(seed)
    options = OPTIONS if seed else OPTIONS.model_copy(update={"max_lost": 0.4, "urls": Urls(keep="longest")})
    parts: list[list[Doc]] = [[], [], [], []]  # one of them stays empty
    for doc in families(20 + seed):
        parts[rng.choice([0, 1, 3])].append(doc)
    shuffled = [rng.sample(part, len(part)) for part in parts]

    def merged(*places: str | Path) -> Path:
        merge([str(place) for place in places], made := tmp_path / uuid4().hex, "m")
        return made

    a, b, c, d = (indexed(decided(part, tmp_path, options), tmp_path, f"i{n}", options) for n, part in enumerate(parts))
    again = [indexed(decided(part, tmp_path, options), tmp_path, f"i{n}", options) for n, part in enumerate(shuffled)]
    whole = rows_of(merged(a, b, c, d))
    assert len(whole) == sum(doc.kept for part in parts for doc in part)
    assert rows_of(merged(merged(a, b), merged(c, d))) == whole
    assert rows_of(merged(a, merged(b, merged(c, d)))) == whole
    assert rows_of(merged(*again)) == whole
    together = decided([doc for n, part in enumerate(parts) for doc in above(part, 7 * (3 - n))], tmp_path, options)
    assert kept_in(str(merged(a, b, c, d)))[0] == together.stay


@pytest.mark.parametrize("seed", range(2))
def test_three_generations__against_two_indexes_or_their_merger(tmp_path, seed):
    docs = families(10 + seed)
    a, b, c = docs[0::3], docs[1::3], docs[2::3]
    together = decided(above(a, 2 * ABOVE) + above(b, ABOVE) + c, tmp_path)
    first = decided(a, tmp_path)
    index_a = indexed(first, tmp_path, "a")
    second = decided(b, tmp_path, against=(index_a,))
    index_b = indexed(second, tmp_path, "b", against=(index_a,))
    merge([index_a, index_b], merged := tmp_path / "merged", "both")
    assert kept_in(str(merged))[0] == first.stay | second.stay
    third = decided(c, tmp_path, against=(str(merged),))
    assert first.stay | second.stay | third.stay == together.stay
    beside = decided(c, tmp_path, against=(index_a, index_b))
    assert len(beside.stay ^ third.stay) <= 2  # large buckets: whoever lost in b to a takes no place in them
    winners = {fate.winner for fate in beside.fates.values()}
    assert winners <= first.stay | second.stay | beside.stay


@pytest.mark.parametrize("script", ["en", "zh"])
def test_chain__only_what_stays_in_the_index_drops(tmp_path, script):
    # a1 ~ a2 ~ b, but not a1 ~ b: a2 went for a1, so b stays; a copy of a2 goes for a1, with which it was compared.
    rng = random.Random(4)
    words = write_words(rng, script, 104)
    a1, a2, b = (Doc(join(script, words[i : i + 90] + words[:1] * (2 - i // 5)), f"{i}") for i in (0, 7, 14))
    options = Deduplicate(minhash=MinHash(bands=64, rows=2, threshold=0.8))
    assert alike(a1, a2, 0.8)
    assert alike(a2, b, 0.8)
    assert not alike(a1, b, 0.8)
    copy = Doc(f" {a2.text.upper()}\n", "copy")
    first = decided([a1, a2], tmp_path, options)
    assert first.stay == {a1.doc_id}
    index = indexed(first, tmp_path, "a", options)
    second = decided([b, copy], tmp_path, options, (index,))
    assert second.stay == {b.doc_id}
    assert second.fates[copy.doc_id] == first.fates[a2.doc_id]
    assert second.clusters[copy.doc_id] == a1.doc_id
    (found,) = [row for rows in second.members.values() for row in rows if row["dropped"]]
    assert found["index"] == 1
    lower = Deduplicate(minhash=MinHash(bands=64, rows=2, threshold=0.7))
    assert decided([b, copy], tmp_path, lower, (index,)).stay == set()  # another threshold: compared anew


def test_same_record__is_an_exact_duplicate_of_the_index(tmp_path):
    doc = Doc("the same page was crawled again, word for word and byte for byte", "1")
    index = indexed(decided([doc], tmp_path), tmp_path, "a")
    again = decided([doc, Doc("字" * 3 + "另外一页完全不同的内容", "2")], tmp_path, against=(index,))
    assert again.fates == {doc.doc_id: Fate(doc.doc_id, 1.0, 0.0)}
    (member,) = [row for rows in again.members.values() for row in rows]
    assert (member["kind"], member["index"], member["size"]) == (1, 1, 1)


def test_index__refuses_what_is_none_and_names_damage(tmp_path):
    docs = corpus(1, groups=3)
    place = indexed(decided(docs, tmp_path), tmp_path, "a")
    index, manifest = open_index(place)
    assert list(damaged(index, manifest)) == []
    file = Path(index.addressed[0][0])
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.write_bytes(raw)
    assert list(damaged(index, manifest)) == [(index.files[0][0], "damaged")]
    file.unlink()
    assert list(damaged(index, manifest)) == [(index.files[0][0], "missing")]
    written = Path(place, "index.json")
    whole = written.read_bytes()
    written.write_bytes(whole.replace(b'"documents": ', b'"documents": 1', 1))
    with pytest.raises(DamageError, match="an index is damaged"):
        open_index(place)
    written.write_bytes(whole)
    with pytest.raises(RecipeError, match="is no index"):
        open_index(str(tmp_path))
    with pytest.raises(RecipeError, match="not empty"):
        IndexWriter(place, "a", OPTIONS)
    with pytest.raises(RecipeError, match="no name for an index"):
        IndexWriter(tmp_path / "new", "a b", OPTIONS)
    other = Deduplicate(minhash=MinHash(bands=12, rows=2, threshold=0.7))
    second = indexed(decided(docs, tmp_path, other), tmp_path, "b", other)
    with pytest.raises(RecipeError, match="differ in deduplicate"):
        merge([place, second], tmp_path / "merged", "merged")
    pages = OPTIONS.model_copy(update={"urls": Urls(www=False)})
    third = indexed(decided(docs, tmp_path, pages), tmp_path, "c", pages)
    assert open_index(third)[0].urls == "gristmill urls-1, www. counts"
    assert index.urls is None
    with pytest.raises(RecipeError, match="differ in urls"):
        merge([place, third], tmp_path / "merged", "merged")
    assert not (tmp_path / "merged").exists()
