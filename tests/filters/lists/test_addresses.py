"""How an address is spelt before a list is asked for it."""

import pytest

from gristmill.filters.lists.addresses import domains, host_and_path, prefixes, words

SPELT = {
    "https://WWW.Example.COM:8080/A/b?c=d#e": ("example.com", "/A/b"),
    "http://user:pass@example.com./": ("example.com", "/"),
    "example.com": ("example.com", ""),
    "//cdn.example.com/x": ("cdn.example.com", "/x"),
    "http://例子.测试/页": ("xn--fsqu00a.xn--0zwm56d", "/页"),
    "http://xn--fsqu00a.xn--0zwm56d/": ("xn--fsqu00a.xn--0zwm56d", "/"),
    "http://例子。中国": ("xn--fsqu00a.xn--fiqs8s", ""),
    "http://www.www.example.com": ("example.com", ""),
    "http://www.com/": ("www.com", "/"),
    "http://[2001:db8::1]:80/x": ("[2001:db8::1]", "/x"),
    "http://192.168.0.1/x": ("192.168.0.1", "/x"),
    "http://example.com\\evil": ("example.com", "/evil"),
    "http://example.com?x=http://other.org/": ("example.com", ""),
}


@pytest.mark.parametrize("address", SPELT)
def test_host_and_path__one_spelling(address):
    assert host_and_path(address) == SPELT[address]


def test_domains__with_all_above_an_ip_address_by_itself():
    assert domains("a.b.cn") == ["a.b.cn", "b.cn", "cn"]
    assert domains("10.0.0.1") == ["10.0.0.1"]


def test_prefixes__end_at_slashes():
    assert prefixes("a.com", "/x/y.html") == ["a.com/x/y.html", "a.com/x"]
    assert prefixes("a.com", "/") == []


def test_deep_addresses__are_looked_at_only_so_far():
    assert domains("a." * 1000 + "b.cn")[-2:] == ["b.cn", "cn"]
    assert len(domains("a." * 1000 + "b.cn")) == len(prefixes("a.com", "/x" * 1000)) == 32


def test_words__of_a_host_as_it_is_read_and_of_a_path():
    assert words("sussex.ac.uk", "/free-PORN_1") == ["sussex", "ac", "uk", "free", "porn", "1"]
    assert "成人" in words("xn--fsqu00a.com", "/%E6%88%90%E4%BA%BA%E8%A7%86%E9%A2%91")
    assert "例子" in words("xn--fsqu00a.xn--0zwm56d", "")
