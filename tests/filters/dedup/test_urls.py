"""Which addresses count as one page, by hand and by what must hold for any."""

import itertools
import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gristmill.filters.dedup.urls import normalised_url, url_keys

SPELT = {
    "https://www.Example.com/a": "http://example.com/a",
    "HTTP://EXAMPLE.COM:80/a/": "http://example.com/a",
    "https://example.com:443/a?#top": "http://example.com/a",
    "//example.com./a": "http://example.com/a",
    "https://example.com": "http://example.com",
    "https://example.com/?": "http://example.com",
    "https://user:secret@example.com/a": "http://example.com/a",
    "https://example.com:8080/a": "http://example.com:8080/a",
    "https://example.com/./a/../b/%2e%2E/c/.": "http://example.com/c",
    "https://example.com\\a\\b": "http://example.com/a/b",
    "https://example.com/~joe/%7Ejoe/%2f": "http://example.com/~joe/~joe/%2F",
    "https://example.com/A//b/index.html": "http://example.com/A//b/index.html",
    "https://example.com/a?b=2&&a=1&c": "http://example.com/a?a=1&b=2&c",
    "https://example.com/a?x=2&x=1&a=": "http://example.com/a?a=&x=2&x=1",
    "https://example.com/a?utm_source=x&UTM_Medium=y&fbclid=1&gclid=2&id=7": "http://example.com/a?id=7",
    "https://item.taobao.com/item.htm?spm=a1z10.1&id=52": "http://item.taobao.com/item.htm?id=52",
    "https://example.com/a?utm=1&clids=2&share=3": "http://example.com/a?clids=2&share=3&utm=1",
    "https://example.com/a?q=100%&r=%zz": "http://example.com/a?q=100%&r=%zz",
    "https://example.com/a b": "http://example.com/a%20b",
    "http://[2001:DB8::1]:80/x": "http://[2001:db8::1]/x",
    "ftp://ftp.example.com:21/pub": "ftp://ftp.example.com/pub",
    # Chinese: names of domains in Unicode, in punycode, with an ideographic full stop; paths as UTF-8 and as GBK
    "http://例子.测试/页面?问=答": "http://xn--fsqu00a.xn--0zwm56d/%E9%A1%B5%E9%9D%A2?%E9%97%AE=%E7%AD%94",
    "https://www.例子。测试/%e9%a1%b5%E9%9D%A2/?%e9%97%ae=答": (
        "http://xn--fsqu00a.xn--0zwm56d/%E9%A1%B5%E9%9D%A2?%E9%97%AE=%E7%AD%94"
    ),
    "http://XN--FSQU00A.xn--0zwm56d/页面": "http://xn--fsqu00a.xn--0zwm56d/%E9%A1%B5%E9%9D%A2",
    "http://www.例子.测试/": "http://xn--fsqu00a.xn--0zwm56d",
    "http://example.cn/%d2%b3": "http://example.cn/%D2%B3",
}
NO_PAGE = ["", "n/a", "N/A", "null", "example.com/a", "README.md", "urn:uuid:6a7e", "mailto:a@b.cn", "file:///a",
           "http://", "http:///a", "http://.", "http://a b/", "http://a%2Fb/", "http://a:port/",
           "about:blank", "第3页"]  # fmt: skip


@pytest.mark.parametrize("url", SPELT)
def test_normalised_url__one_spelling(url):
    assert normalised_url(url) == SPELT[url]


@pytest.mark.parametrize("url", NO_PAGE)
def test_normalised_url__of_what_names_no_page_is_none(url):
    assert normalised_url(url) == ""


def test_www__counts_on_request():
    assert normalised_url("https://www.example.com/", www=False) == "http://www.example.com"
    assert normalised_url("https://www.com/") == "http://www.com"
    assert (
        url_keys(pa.array(["http://www.a.cn"]), www=False)[0].tolist()
        != url_keys(pa.array(["http://a.cn"]))[0].tolist()
    )


LETTERS = st.text(st.sampled_from("abyzABYZ09-._~页面中éß"), min_size=1, max_size=6)


@given(st.text(st.sampled_from("htps:/wW.eX中。é%2f7E?&=#@[]\\ 018+;\t"), max_size=40))
@example(" [")
def test_normalised_url__is_its_own_spelling(text):
    for url in (text, f"http://{text}", f"https://h.cn/{text}", f"https://h.cn/?{text}"):
        for www in (True, False):
            once = normalised_url(url, www)
            assert normalised_url(once, www) == once
            assert once.isascii() or not once.removeprefix("http://").partition("/")[0].isascii()


@given(st.lists(LETTERS, max_size=3), st.lists(st.tuples(LETTERS, LETTERS), max_size=4), st.data())
def test_normalised_url__does_not_see_how_a_page_is_written(folders, pairs, data):
    pairs = list(dict(pairs).items())
    plain = "https://example.cn/" + "/".join(folders) + ("?" if pairs else "") + "&".join(f"{a}={b}" for a, b in pairs)
    flip = lambda: data.draw(st.booleans())  # noqa: E731

    def coded(text: str) -> str:
        style = data.draw(st.sampled_from(["{}", "%{:02x}", "%{:02X}"]))
        return text if style == "{}" else "".join(map(style.format, text.encode()))

    tracked = [("utm_campaign", "x"), ("fbclid", "y")] if flip() else []
    mixed = data.draw(st.permutations([*pairs, *tracked]))
    host = data.draw(st.sampled_from(["example.cn", "www.example.cn", "EXAMPLE.CN.", "example.cn:443"]))
    other = f"http://{host}/" + "/".join(map(coded, folders)) + ("/" if folders and flip() else "")
    other += ("?" if mixed else "") + "&".join(f"{coded(a)}={coded(b)}" for a, b in mixed) + ("#f" if flip() else "")
    assert normalised_url(other) == normalised_url(plain)


def test_normalised_url__different_pages_stay_apart():
    pages = [f"https://{host}/{path}{query}" for host, path, query in itertools.product(
        ("a.cn", "b.a.cn", "a.cn:81"), ("", "x", "X", "x/y", "x//y", "页", "頁"),
        ("", "?p=1", "?p=2", "?P=1", "?p=1&p=2", "?p=2&p=1"),
    )]  # fmt: skip
    assert len({normalised_url(page) for page in pages}) == len(pages)
    decomposed = unicodedata.normalize("NFD", "https://a.cn/é")  # another name to a server
    assert normalised_url(decomposed) != normalised_url("https://a.cn/é")


def test_url_keys__are_zero_where_there_is_no_page():
    key = url_keys(pa.array(["https://a.cn/x", None, "", "n/a", "http://www.a.cn/x/"]))
    assert key.dtype == np.uint64
    assert key[[1, 2, 3]].sum() == 0
    assert key[0].tolist() == key[4].tolist()
    assert key[0].all()
    assert url_keys(pa.array([], pa.string())).shape == (0, 2)
