"""What is asked for: spellings, lists, and what cannot be meant."""

import pytest

from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.forget.asked import Asked, Entry, entries_of, matched_entry

LIST = """\ufeff# opted out
domain: Example.COM.
*.例子.中国
https://a.org/页面/?q=1#top
doc-id: 0123456789ABCDEF0123456789abcdef
id: a#b: c
value: 张伟明
"""


def test_list__every_kind_in_its_spelling():
    asked = Asked.of(entries_of(LIST, "optout.txt"))
    assert [(entry.kind, entry.text, entry.where) for entry in asked.entries] == [
        ("domain", "example.com", "optout.txt:2"),
        ("domain", "xn--fsqu00a.xn--fiqs8s", "optout.txt:3"),
        ("url", "a.org/页面?q=1", "optout.txt:4"),
        ("doc_id", "0123456789abcdef0123456789abcdef", "optout.txt:5"),
        ("id", "a#b: c", "optout.txt:6"),
        ("value", "张伟明", "optout.txt:7"),
    ]


@pytest.mark.parametrize(
    ("address", "kinds"),
    [
        ("https://www.example.com/x", ["domain"]),
        ("http://b.a.EXAMPLE.com.:8080/", ["domain"]),
        ("https://例子.中国/一", ["domain"]),
        ("http://www.a.org/%E9%A1%B5%E9%9D%A2?q=1", ["url"]),
        ("https://a.org/页面?q=2", []),
        ("https://notexample.com/?u=example.com", []),
        ("https://example.com.evil.net/", []),
        ("nothing", []),
    ],
)
def test_address__by_host_and_page(address, kinds):
    asked = Asked.of(entries_of(LIST, "optout.txt"))
    assert [kind for kind, _ in asked.of_address(address)] == kinds


@pytest.mark.parametrize(
    ("kind", "text"),
    [("domain", "com"), ("domain", "a b.com"), ("url", "no where"), ("doc_id", "12"), ("id", " "), ("value", "abc")],
)
def test_entry__that_can_mean_nothing_is_named_by_its_place(kind, text):
    with pytest.raises(RecipeError) as caught:
        Asked.of([Entry(kind, text, "--here")])
    assert "--here" in str(caught.value)


def test_list__a_line_that_says_nothing_is_named_unquoted():
    with pytest.raises(RecipeError, match=r"optout\.txt:2") as caught:
        list(entries_of("a.org\nZhang Wei\n", "optout.txt"))
    assert "Zhang" not in str(caught.value)


@pytest.mark.parametrize("text", ["domian:a.org", "value:13812345678", "a.org"])
def test_match__needs_a_kind_and_takes_no_value(text):
    assert matched_entry("domain: a.org") == Entry("domain", "a.org", "--match")
    with pytest.raises(RecipeError) as caught:
        matched_entry(text)
    assert "13812345678" not in str(caught.value)


def test_nothing__is_an_error():
    with pytest.raises(RecipeError, match="nothing is to be forgotten"):
        Asked.of([])
