"""Keys of labels: two spellings of one document are one key, two documents are two."""

import pyarrow as pa
import pytest

from gristmill.filters.labels.keys import spelt
from gristmill.filters.lists.addresses import page

SAME = {
    "good.com/a/b?q=1": [
        "http://good.com/a/b?q=1",
        "https://www.good.com/a/b/?q=1",
        "HTTPS://GOOD.com:443/a//b?q=1#top",
        "good.com/a/b?q=1",
        " http://user@good.com./a/b?q=1 ",
        "http://good.com/%61/b?q=1",
    ],
    "xn--7es.xn--fiqs8s/磨坊": [
        "http://坏.中国/磨坊",
        "xn--7es.xn--fiqs8s/%E7%A3%A8%E5%9D%8A/",
        "https://www.坏。中国/磨坊",
    ],
    "www.com": ["http://www.com/", "http://www.com"],
    "1.2.3.4/x": ["http://1.2.3.4/x"],
}


@pytest.mark.parametrize("plain", SAME)
def test_addresses_of_one_page_are_one_key(plain) -> None:
    assert spelt("url", pa.array(SAME[plain])).to_pylist() == [plain] * len(SAME[plain])


def test_the_compiled_way_says_what_the_slow_one_does() -> None:
    addresses = [one for several in SAME.values() for one in several]
    addresses += [
        "http://www.www.a.com/x",
        "http://a-b.c.d/e.f?g?h",
        "http://a.com/x?y/",
        "https://a.com?x",
        "ftp://a.com",
    ]
    assert spelt("url", pa.array(addresses)).to_pylist() == [page(one) for one in addresses]


def test_pages_whose_paths_are_in_gbk_are_two() -> None:
    pages = ["http://a.cn/%C4%E3%BA%C3", "https://www.a.cn/%c4%e3%ba%c3/", "http://a.cn/%B9%E3%B8%E6"]
    assert spelt("url", pa.array(pages)).to_pylist() == ["a.cn/%C4%E3%BA%C3", "a.cn/%C4%E3%BA%C3", "a.cn/%B9%E3%B8%E6"]


def test_pages_that_differ_in_their_query_are_two() -> None:
    assert len(set(spelt("url", pa.array(["a.com/t?id=1", "a.com/t?id=2", "a.com/t"])).to_pylist())) == 3


def test_what_cannot_be_a_key_is_none() -> None:
    assert spelt("url", pa.array(["", "   ", None, "/only/a/path", "no host/x"])).to_pylist() == [None] * 5
    assert spelt("doc_id", pa.array(["x", "0" * 31, None, "A" * 32])).to_pylist() == [None, None, None, "a" * 32]
    assert spelt("id", pa.array(["", None, " a", "A"])).to_pylist() == [None, None, " a", "A"]
