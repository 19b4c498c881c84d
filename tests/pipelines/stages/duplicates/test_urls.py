"""Documents of one address against the truth: grouped by hand, then everything left compared with everything."""

import random
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gristmill.filters.dedup.fingerprint_file import open_fingerprints
from gristmill.filters.dedup.urls import normalised_url
from gristmill.pipelines.duplicates.pairs import BY_URL, EXACT, NEAR, REPEATED
from gristmill.pipelines.duplicates.urls import ADDRESSED, addresses, url_edges
from gristmill.pipelines.recipe.deduplication import Urls
from gristmill.pipelines.recipe.schema import Deduplicate
from gristmill.pipelines.stages.addressed import url_order
from tests.pipelines.stages.duplicates.planted import SURE, Doc, corpus, cut, find, find_members, truth

OPTIONS = Deduplicate(minhash=SURE, urls=Urls(keep="first"))
SPELLINGS = ("https://www.a.cn/{}", "http://a.cn/{}/", "HTTP://A.cn:80/{}?utm_source=x", "https://a.cn/{}#top")
PATHS = ("page", "页面", "%E9%A1%B5%E9%9D%A2", "另一页", "x?id=1")


def addressed(seed: int, groups: int = 16) -> list[Doc]:
    """Clusters of alike texts, English and Chinese, on pages that also hold other texts; some are on no page."""
    rng = random.Random(seed)
    pages = [f"{page}{number}" for page in ("page", "页面") for number in range(groups)]
    docs = []
    for doc in corpus(seed, groups, words=30):
        url = rng.choice(SPELLINGS).format(rng.choice(pages)) if rng.random() < 0.7 else rng.choice([None, "", "n/a"])
        docs.append(replace(doc, url=url, order=rng.randrange(4)))
    return docs


def expected(docs: list[Doc]) -> dict[str, tuple[str | None, str]]:
    """doc_id -> (winner, cluster): one of each page, then the truth about texts."""
    pages = defaultdict(list)
    for doc in docs:
        pages[normalised_url(doc.url or "") or doc.doc_id].append(doc)
    for page in pages.values():
        page.sort(key=lambda d: (not d.kept, -d.priority, d.order, -len(d.text.encode()), d.doc_id))
    found = truth([page[0] for page in pages.values()], 0.7)
    for first, *others in pages.values():
        if others:
            winner, cluster = found.setdefault(first.doc_id, (None, first.doc_id))
            found |= {doc.doc_id: (winner or first.doc_id, cluster) for doc in others}
    return found


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_find__is_one_document_a_page_then_the_greedy_choice_over_all_pairs(tmp_path, seed):
    docs = addressed(seed)
    found = find(cut(docs, 20, 0, 15), tmp_path, OPTIONS, per=7)
    assert {f.doc_id: (f.winner, f.cluster) for f in found} == expected(docs)
    by_url = [f for f in found if f.kind == BY_URL]
    assert len(by_url) > 5
    assert {(f.dropped, f.similarity) for f in by_url} == {(True, -1.0)}
    assert {f.kind for f in found if f.dropped} >= {BY_URL, EXACT}
    gone = {f.doc_id for f in found if f.dropped}
    assert not gone & {f.winner for f in found}, "somebody goes for one that does not stay"


@settings(deadline=None, max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_find__depends_on_documents_not_on_units_partitions_or_order(tmp_path, data):
    rng = random.Random(data.draw(st.integers(0, 2**32)))
    docs = addressed(rng.randrange(1000), groups=5)
    docs += [replace(rng.choice(docs), url=SPELLINGS[0].format("hot"), order=rng.randrange(2)) for _ in range(15)]
    first = find({0: docs}, tmp_path, OPTIONS, per=1000)
    rng.shuffle(docs)
    units = cut(docs, *(rng.randrange(20) for _ in range(3)))
    moved = dict(zip(rng.sample(range(1, 5000), len(units)), units.values(), strict=True))
    assert find(moved, tmp_path, OPTIONS, per=rng.randrange(3, 15), batch_rows=rng.randrange(1, 30)) == first


@pytest.mark.parametrize("options", [Deduplicate(exact=False, minhash=None, urls=Urls()), Deduplicate(urls=Urls())])
def test_find__pages_alone_with_the_newest_first(tmp_path, options):
    old, new = (
        Doc("the page as it was", "1", url="https://a.cn/x", order=9),
        Doc("as it is", "2", url="//a.cn/x/", order=3),
    )
    ruled = Doc("dropped by rules", "3", kept=False, url="https://a.cn/x", order=1)
    better = Doc("of a better source", "4", priority=3, url="https://a.cn/y", order=9)
    other = Doc("newer, of a worse source", "5", url="http://www.a.cn/y", order=1)
    alone = [Doc("alone", "6", url="https://a.cn/z"), Doc("nowhere", "7"), Doc("nowhere else", "8", url="n/a")]
    found = {f.doc_id: f for f in find({0: [old, ruled, other], 3: [new, better, *alone]}, tmp_path, options)}
    assert {f.doc_id: f.winner for f in found.values()} == {
        old.doc_id: new.doc_id,
        ruled.doc_id: new.doc_id,
        new.doc_id: None,
        other.doc_id: better.doc_id,
        better.doc_id: None,
    }
    assert {f.kind for f in found.values() if f.dropped} == {BY_URL}


def test_find__of_one_address_counts_once_and_names_no_cluster(tmp_path):
    # The longest of the page goes for the newest, which repeats the text of another page.
    words = " ".join(f"w{n}" for n in range(40))
    longest = Doc(f"{words} and more", "1", url="https://a.cn/x", order=5)
    newest, twin = Doc(f"{words}!", "2", url="https://a.cn/x", order=1), Doc(f"{words}!!", "3", url="https://a.cn/y")
    _, members = find_members({0: [longest, newest, twin]}, tmp_path, OPTIONS)
    rows = {int(one["row"]) // 2: one for one in members[0]}
    assert {int(one["size"]) for one in rows.values()} == {2}
    assert {one["cluster"].tobytes().hex() for one in rows.values()} == {twin.doc_id}
    assert {n: (int(one["kind"]), one["winner"].tobytes().hex()) for n, one in rows.items() if one["dropped"]} == {
        0: (BY_URL, twin.doc_id),
        1: (NEAR, twin.doc_id),
    }


def test_find__the_same_record_twice_stays_a_repeated_record(tmp_path):
    doc = Doc("the same record", "1", url="https://a.cn/x")
    found = find({0: [doc], 1: [doc]}, tmp_path, OPTIONS)
    assert [(f.winner, f.kind, f.similarity) for f in found] == [(None, NEAR, 0), (doc.doc_id, REPEATED, 1)]


def test_find__refuses_fingerprints_without_addresses(tmp_path):
    docs = {0: [Doc("a text", "1", url="https://a.cn/x")]}
    paths, _ = find_members(docs, tmp_path, Deduplicate())
    with pytest.raises(ValueError, match="made without"):
        addresses(0, open_fingerprints(paths[0]), OPTIONS)


def test_url_edges__of_a_page_of_200_000_documents_are_linear():
    records = np.zeros(200_000, ADDRESSED)
    records["url"], records["document"]["place"] = (7, 9), np.arange(len(records))
    records["order"] = np.random.default_rng(1).permutation(len(records))
    edges, pieces = url_edges(records)
    assert len(edges) == len(pieces) == len(records) - 1
    assert set(edges["better"]["place"].tolist()) == {int(np.argmin(records["order"]))}


def test_url_order__by_date_or_length():
    texts = ["four", "四四", "x"]
    meta = ['{"WARC-Date":"2024-01-02T00:00:00Z"}', '{"x":1,"date":"2024年1月3日"}', '{"date":"yesterday"}']
    batch = pa.record_batch({"text": pa.array(texts, pa.large_string()), "meta": meta, "seen": [3, None, 2]})
    assert np.argsort(url_order(batch, Urls())).tolist() == [1, 0, 2]
    assert np.argsort(url_order(batch, Urls(keep="longest"))).tolist() == [1, 0, 2]
    assert np.argsort(url_order(batch, Urls(date="seen"))).tolist() == [0, 2, 1]
    assert url_order(batch, Urls(keep="first")).tolist() == [0, 0, 0]
    assert url_order(batch, Urls(date="WARC-Date"))[1:].tolist() == [2**64 - 2] * 2


def test_date__says_which_is_the_newest_and_nothing_else():
    with pytest.raises(ValueError, match="leave one out"):
        Urls(keep="longest", date="seen")
