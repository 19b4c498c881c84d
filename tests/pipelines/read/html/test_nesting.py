"""Depth against the tree that resiliparse builds; linear time on what makes extraction quadratic."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from resiliparse.parse.html import HTMLTree

from gristmill.pipelines.read.html import nesting
from gristmill.pipelines.read.html.nesting import MAX_WORK, measure


def depth_of_tree(html: str) -> int:
    """Depth of the deepest element below <body>, by walking the tree."""
    node, depth, deepest = HTMLTree.parse(html).document.first_child, 1, 0
    while node is not None:
        if node.type == 1:
            deepest = max(deepest, depth)
        if node.first_child is not None:
            node, depth = node.first_child, depth + 1
            continue
        while node is not None and node.next_sibling is None:
            node, depth = node.parent, depth - 1
        node = node.next_sibling if node is not None and depth > 0 else None
    return deepest - 2


def depth(html: str, max_depth: int = 100_000) -> int:
    return measure(html.encode(), max_depth)[0]


@pytest.mark.parametrize(
    "html",
    [
        "<div><p>one<p>two<div>three</div></div>",
        "<ul><li>a<li>b<ul><li>c<li>d</ul><li>e</ul>",
        "<dl><dt>a<dd>b<dt>c<dd>d<dl><dt>e</dl></dl>",
        "<table><tbody><tr><td>1<td>2<tr><th>3<td><table><tbody><tr><td>4</table></table>",
        "<p><b>bold<i>both</b>italic</i></p><p>after</p>",
        "<p><b>one<p><b>two<p><b>three<p><b>four<p><b>five<p><b>six",
        "<a href=1>x<a href=2>y<a href=3>z",
        "<h1>a<h2>b<h3>c",
        "<select><option>a<option>b<option>c</select>",
        "<img alt=\"<div><div>\"><br/><hr/><input value='<p>'><div title=a>b>x</div>",
        "<script>if (a<b) document.write('<div><div><div>')</script><div>x</div>",
        "<style>a > b {}</style><!-- <div><div> --><!-> <textarea><div></textarea>",
        "<svg><g><path d='M0'/><path d='M1'/><circle/></g></svg><div><span>x</span></div>",
        "<div><unknown><unknown-two>x</unknown-two></unknown></div>",
        "<form><form><form><div>x</div></form>",
        "<button>a<button>b<button>c",
        "<section><article><h2>标题</h2><p>正文<p>正文</article></section>",
        "</div></p></table><div></span></b>x</div>",
        "<li><blockquote><li><figcaption><li><br></li></figcaption></li></blockquote></li>",
        "plain text, a < b > c, 1<2",
        "<div/><div/><div/>",
        "",
    ],
)
def test_depth__equals_the_tree(html) -> None:
    expected = max(depth_of_tree(html), 0) if "<" in html else 0
    assert abs(depth(html) - expected) <= 1, (depth(html), expected)


BLOCKS = st.recursive(
    st.sampled_from(["x", "文", "<br>", "<img src=a>", "<script>a<b</script>", "<!-- <div> -->"]),
    lambda inner: st.tuples(
        st.sampled_from(["div", "section", "article", "blockquote", "span", "em", "ul", "li", "td"]),
        st.lists(inner, max_size=4),
    ).map(
        lambda pair: (
            f'<{pair[0]} title="<p>">{"".join(pair[1])}</{pair[0]}>'
            if pair[0] != "td"
            else "<table><tbody><tr><td>" + "".join(pair[1]) + "</td></tr></tbody></table>"
        )
    ),
    max_leaves=30,
)


@pytest.mark.parametrize("name", nesting.BLOCKS.split())
def test_list_items_in_every_block__are_never_less_deep_than_in_the_tree(name) -> None:
    html = f"<li><{name}>" * 10 + "<br>"
    assert depth(html) >= depth_of_tree(html) - 1


@settings(max_examples=150, deadline=None)
@given(BLOCKS)
def test_depth__of_well_formed_pages_equals_the_tree(html) -> None:
    if "<" in html:
        assert abs(depth(html) - max(depth_of_tree(html), 0)) <= 1, html


@pytest.mark.parametrize("element", ["div", "section", "blockquote", "ul", "div class='a>b'", "span", "center"])
def test_depth__of_100_000_nested_elements_in_milliseconds(element) -> None:
    page = f"<{element}>".encode() * 100_000
    measure(b"<p>compiled", 8)
    began = time.process_time()
    assert measure(page, 512)[0] == 513
    assert time.process_time() - began < 0.05


def test_depth__hostile_ends_do_not_hide_it() -> None:
    for unit in (
        "<div></x>",
        "<div></p>",
        "<div><p></div-no>",
        "<div><table><tr><td></div>",
        "<div><object></div></object>",
    ):
        assert measure(unit.encode() * 2000, 512)[0] > 512, unit


HOSTILE = {
    "unclosed fonts, many blocks": "<p>" + "".join(f"<font size={i}>" for i in range(500)) + "</p>" + "<p>x" * 9000,
    "attributes": "<div " + " ".join(f"a{i}=1" for i in range(100_000)) + ">x</div>",
    "options": "<select>" + "<option>x</option>" * 120_000,
    "many elements far down": "<div>" * 256 + "<span>x</span>" * 250_000,
    "indented lists": "<ul><li>" * 250 + "<li>x" * 200_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_work__of_hostile_pages_is_over_the_bound(name) -> None:
    assert measure(HOSTILE[name].encode(), 512)[1] > MAX_WORK


def test_work__counts_the_attributes_of_open_elements_that_are_compared() -> None:
    opened = "".join(f"<b class='{'z' * 1000}{i:03}'>" for i in range(400))
    again = f"<b class='{'z' * 1000}'>x</b>" * 200
    short = measure((opened + "<i class=z>x</i>" * 200).encode(), 512)
    long = measure((opened + again).encode(), 512)
    assert long.depth == short.depth == 401
    assert long.work - short.work > 200 * 400 * 1000 // 200


def test_work__of_large_honest_pages_is_not() -> None:
    table = "<table>" + "<tr><td><a href='x'>cell 单元</a></td><td class='n'>1</td></tr>" * 100_000 + "</table>"
    prose = "<div><div>" + "<p>A paragraph with <b>bold</b> words.</p><ul><li>one<li>two</ul>" * 60_000 + "</div></div>"
    select = "<select>" + "<option value=1>Country" * 300 + "</select>"
    for html in (table, prose, select * 20):
        assert measure(html.encode(), 512)[1] < MAX_WORK / 5
