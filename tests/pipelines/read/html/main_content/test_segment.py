"""All the text of a page against the parser's own tree; white space, line breaks and formulas; any markup in linear time."""

# ruff: noqa: E501

import random
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from resiliparse.parse.html import HTMLTree, NodeType

from gristmill.pipelines.read.html.extract import read_page
from gristmill.pipelines.read.html.main_content.parts import ALIKE, HINTS
from gristmill.pipelines.read.html.main_content.segment import segment
from gristmill.pipelines.recipe import schema

UNSEEN = set("script style template noscript iframe object select textarea svg head title canvas audio video".split())  # noqa: SIM905


def whole_text(html: str, **options) -> str:
    page = read_page(html.encode(), "utf-8", schema.Extract(main_content=False, **options))
    return page.text.decode()


def text_of_tree(html: str) -> str:
    """The text of <body> by walking the tree."""
    body = HTMLTree.parse(html).body
    found: list[str] = []
    node, skipped = body, None
    while node is not None:
        if skipped is None and node.type == NodeType.TEXT:
            found.append(node.text)
        if skipped is None and node.type == NodeType.ELEMENT and node.tag in UNSEEN:
            skipped = node
        if node.first_child is not None and skipped is None:
            node = node.first_child
            continue
        while node is not None and node.next_sibling is None:
            if node == skipped:
                skipped = None
            node = node.parent if node.parent is not None and node != body else None
            if node == body:
                return "".join(found)
        if node is not None:
            if node == skipped:
                skipped = None
            node = node.next_sibling
    return "".join(found)


def squeezed(text: str) -> str:
    return re.sub(r"[\s•\xa0\u200b]+", "", text)


NAMES = (
    "div p span b a ul li table tr td h2 pre section blockquote em code dl dt dd nav button custom-tag center".split()  # noqa: SIM905
)
ATTRIBUTES = ("", " class=a", ' id="x>y"', " hidden", " =a", ' ="b" class=c')
TEXTS = ["mill", "磨坊", "是", "男", "a &lt; b", "&amp;amp;", "&nbsp;", " ", "\n", "、", "—", "<br>", "x\ty", "<!-- c -->",
         "<script>if (a < b) t('<p>')</script>", "<img alt='no'>", "é", "&copy;", "\u200b", "\u3000水"]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32))
def test_whole_text__is_the_trees_text__well_formed_or_not(seed):
    rng = random.Random(seed)
    pieces = []
    for _ in range(rng.randint(1, 40)):
        kind = rng.random()
        if kind < 0.35:
            pieces.append(f"<{rng.choice(NAMES)}{rng.choice(ATTRIBUTES)}>")
        elif kind < 0.6:
            pieces.append(f"</{rng.choice(NAMES)}>")
        else:
            pieces.append(rng.choice(TEXTS))
    html = "<body>" + "".join(pieces)
    found = whole_text(html)
    if "<ol" not in html:
        assert squeezed(found) == squeezed(text_of_tree(html)), html


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>The <b>mill</b>\n  stands.", "The mill stands."),
        ("<p>他说<a>是</a>的，第<b>一</b>章。", "他说是的，第一章。"),
        ("<p><a>甲方</a><a>乙方</a>\n<a>丙方</a>", "甲方乙方丙方"),
        ("<p>水磨坊坐落\n    在河边，\n每年", "水磨坊坐落在河边，每年"),
        ("<p>mill\n磨坊 river", "mill 磨坊 river"),
        ("<p>one<br>two<br><br>three<br>&nbsp;<br>four", "one\ntwo\n\nthree\n\nfour"),
        ("<p>5&nbsp;kg <i>of</i> flour</p>&nbsp;<p>&nbsp;</p>", "5\xa0kg of flour"),
        ("<p>a<div>b</div>c", "a\n\nb\nc"),
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("<b>bo</b>ld<wbr>er", "bolder"),
        ("<ruby>水<rp>(</rp><rt>みず</rt><rp>)</rp></ruby>車", "水(みず)車"),
        ("<p>x<sup>2</sup>", "x2"),
        ("a<style><!-- p</style><p>b<iframe><!-- x</iframe>c<style>a > b</style>", "a\n\nbc"),
        ("<p>&lt;p&gt; &amp;lt; &quot;", '<p> &lt; "'),
    ],
)
def test_white_space__as_a_browser_shows_it(html, text):
    assert whole_text(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<pre>a\n  b\n\n    c &lt; d\n</pre>", "a\n  b\n\n    c < d"),
        ("<pre>\n\n    x\n</pre>", "    x"),
        ("<pre><code>def f():\n\treturn 1</code></pre>", "def f():\n\treturn 1"),
        ("<pre><span class=k>for</span> <span>x</span>:<br>  y</pre>", "for x:\n  y"),
        ("<pre><div>a</div><div>  b</div></pre>", "a\n  b"),
        ("<div><xmp><td>&mdash;</td></xmp><b>是</b></div>", "<td>&mdash;</td>\n\n是"),
    ],
)
def test_code__stands_as_it_is_written(html, text):
    assert whole_text(html) == text


TEX = r"\frac{a}{b} < x^{2}"
ESCAPED = TEX.replace("<", "&lt;")


@pytest.mark.parametrize(
    "markup",
    [
        f"<script type='math/tex'>{TEX}</script>",
        f"<script type='math/tex; mode=display'>{TEX}</script>",
        f"<span class=MathJax_Preview>ab</span><span class=MathJax id=m><span>a b x 2</span></span><script type='math/tex'>{TEX}</script>",
        f"<math><semantics><mrow><mi>a</mi><mi>x</mi></mrow><annotation encoding='application/x-tex'>{ESCAPED}</annotation></semantics></math>",
        f"<math alttext='{ESCAPED}'><mi>a</mi></math>",
        f"<math><semantics><mi>a</mi><annotation encoding='LaTeX'>{ESCAPED}</annotation></semantics></math>",
        f"<math alttext='other'><semantics><mi>a</mi><annotation-xml encoding='MathML-Content'><ci>q</ci></annotation-xml>"
        f"<annotation encoding='application/x-tex'>{ESCAPED}</annotation></semantics></math>",
        f"<img class='latex' alt='{ESCAPED}' src=x.png>",
        f"<img alt='{ESCAPED}' src='https://www.zhihu.com/equation?tex=a'>",
        f"<img alt='{ESCAPED}' src='https://latex.codecogs.com/gif.latex?a'>",
        f"<span class=katex><span class=katex-mathml><math><semantics><mrow><mi>a</mi></mrow><annotation encoding='application/x-tex'>"
        f"{ESCAPED}</annotation></semantics></math></span><span class=katex-html aria-hidden=true>a b x2</span></span>",
        f"<span class='mwe-math-mathml-inline' style='display: none;'><math alttext='{ESCAPED}'><semantics><mi>a</mi><annotation"
        f" encoding='application/x-tex'>{ESCAPED}</annotation></semantics></math></span><img class='mwe-math-fallback-image-inline' alt='{ESCAPED}'>",
    ],
)  # fmt: skip
def test_formulas__their_source_once_and_whole(markup):
    assert whole_text(f"<p>Let {markup} be. 设{markup}为") == f"Let ${TEX}$ be. 设${TEX}$为"


def test_formulas__without_a_source_as_text_and_delimited_ones_as_they_are():
    assert whole_text("<p>so <math><mi>x</mi><mo>=</mo><mn>2</mn></math>.") == "so x=2."
    assert whole_text(r"<img class=math alt='\(x\)'> <img class=math alt='$y$'> <img alt='no'>") == r"\(x\) $y$"
    assert whole_text("<span class=katex-html>x2</span>") == "x2"


LARGE = {
    "nested math": "<math>" * 400 + "x",
    "rendered formulas": "<span class=MathJax>" * 400 + "x" + "</span>" * 400,
    "many paragraphs": "<p>x" * 200_000,
    "many attributes": "<div " + " ".join(f"a{i}=1" for i in range(5_000)) + ">x</div>",
    "many classes": f"<div class='{'a-b ' * 100_000}'>x</div>",
    "one tag": "<div title='" + "x" * 1_000_000 + "'>y</div>",
    "table": "<table>" + "<tr><td>1<td>2" * 60_000,
    "list": "<ul>" + "<li>1" * 150_000,
    "breaks": "x<br>" * 200_000,
    "title": f"<title>{'ab ' * 300_000}</title>" + "<h2>ab ab ab ab</h2>" * 20_000,
    "references": "<p>" + "&amp;&lt;" * 200_000,
    "nested gutters": "<div class=gutter>" * 400 + "1 " * 400_000 + "x",
    "gutters of text": "<b class=gutter>1 1 1 1 x</b>" * 40_000,
    "numbers in lines": "<pre>" + "<i>7</i> x\n" * 60_000,
    "numbers that count": "<pre>" + "".join(f"<i>{n}</i> x\n" for n in range(60_000)),
    "columns of numbers": "<pre>" + "<div>1\n2\n3</div><div>x</div>" * 30_000,
    "buttons in code": "<pre>" + "<button>x" * 60_000,
    "controls": "<div><a>Reply</a> #7</div>" * 60_000,
    "no scripts": "<noscript><p>x</noscript>" * 50_000,
    "tags that are none": "<p>" + "< " * 500_000,
}  # fmt: skip


@pytest.mark.parametrize("name", LARGE)
@pytest.mark.parametrize("main_content", [True, False])
def test_any_markup__in_linear_time(name, main_content):
    options = schema.Extract(main_content=main_content)
    read_page(b"<p>compiled", None, options)
    began = time.process_time()
    read_page(LARGE[name].encode(), None, options)
    assert time.process_time() - began < 3


def test_blocks__tell_links_from_text():
    found = segment(HTMLTree.parse("<p>ab <a href=x>cd 是</a> e</p><p>f").body.html.encode())
    assert found.block_NK[:, 5].tolist() == [7, 0]


@pytest.mark.parametrize("attributes", ["=", "=x", '="x"', "a=b =c", "==", "=a=b", "'=", '"', "= class=nav", "=类"])
def test_names_of_attributes_that_begin_with_their_own_marks(attributes):
    """The standard lets a name begin with "=" (13.2.5.32); reading such a page never ended."""
    assert whole_text(f"<p {attributes}>mill</p><div {attributes}>磨坊</div>") == "mill\n\n磨坊"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<div style='white-space: pre'>if x:\n    y =   1\n\n磨坊\nend</div>", "if x:\n    y =   1\n\n磨坊\nend"),
        ("<p style='color: red; WHITE-SPACE:Pre-Wrap!important'>第一行\n第二行</p>", "第一行\n第二行"),
        ("<div style='white-space:pre-line'>one\n   two  three", "one\ntwo three"),
        ("<div style='white-space:break-spaces'>one<p>two\nthree</p><p style='white-space: normal'>four\nfive</p></div>",
         "one\n\ntwo\nthree\n\nfour five"),
        ("<p>a <span style='white-space:pre-wrap'>one\ntwo <b>three\nfour</b> <span>in\nner</span></span> flat\nhere",
         "a one\ntwo three\nfour in\nner flat here"),
        ("<code style='white-space: pre'>a\n  b</code> c\nd", "a\n  b c d"),
        ("<ul><li style='white-space: pre-wrap'>a\nb<li>c\nd</ul>", "• a\nb\n• c d"),
        ("<div style='white-space: nowrap'>a\nb</div><div style='my-white-space: pre'>c\nd</div>", "a b\nc d"),
        ("<div style='white-space: pre; white-space: normal'>a\nb</div><div style='white-space:'>c\nd</div>", "a b\nc d"),
        ("<pre style='white-space: pre-wrap'>a\n  b</pre>", "a\n  b"),
    ],
)  # fmt: skip
def test_white_space_that_a_style_keeps(html, text):
    assert whole_text(html) == text


def test_a_shadow_root_is_shown_and_a_template_is_not():
    html = "<my-a><template shadowrootmode=open><p>磨坊</p><slot></slot></template><p>mill</p></my-a><template><p>no</p></template>"
    assert whole_text(f"<body>{html}</body>") == "磨坊\n\nmill"


def test_attributes_that_a_page_repeats_say_what_they_say_alone():
    """Values are read once a page, and told apart by more than their length and a few letters."""
    rng = random.Random(0)
    values = [
        "".join(rng.choice("nav post-x类 ") for _ in range(rng.randrange(6))) + " sidebar"[: 4 * n % 9]
        for n in range(600)
    ]
    values += ["ad-nav-ad", "ad-nxv-ad", "post", "tsop", ""] * 2
    tags = [f"<div {rng.choice(['class', 'id', 'role', 'class'])}='{value}'>x</div>" for value in values]
    together = segment(HTMLTree.parse("".join(tags)).body.html.encode()).element_EC[1:, [HINTS, ALIKE]]
    for tag, found in zip(tags, together.tolist(), strict=True):
        alone = segment(HTMLTree.parse(tag).body.html.encode()).element_EC[1, [HINTS, ALIKE]]
        assert found == alone.tolist(), tag
