"""Small pages, English and Chinese: what is main content stays, whole; what a site puts around it goes."""

# ruff: noqa: E501

import numpy as np
import pytest
from resiliparse.parse.html import HTMLTree

from gristmill.pipelines.read.html.extract import read_page
from gristmill.pipelines.read.html.main_content.segment import segment
from gristmill.pipelines.read.html.main_content.select import select
from gristmill.pipelines.recipe import schema

EN = (
    "The old water mill stands by the river, and it grinds wheat for the whole village every autumn. The miller says"
    " that the rain was heavy this year, so the wheel turned faster than ever before."
)
ZH = "水磨坊坐落在河边，每年秋天为全村人磨小麦。磨坊主人说，今年的雨水比往年多，所以水车转得更快，面粉也更细。"
PROSE = {"en": EN, "zh": ZH}
AROUND = {
    "en": ("<nav><ul><li><a href=/>Home</a><li><a href=/n>News</a><li><a href=/s>Sports</a></ul></nav>",
           "<footer><p>© 2024 Mill Ltd. All rights reserved.</p><a href=/p>Privacy policy</a></footer>"),
    "zh": ("<div class=nav><ul><li><a href=/>首页</a><li><a href=/n>新闻</a><li><a href=/s>体育</a></ul></div>",
           "<div class=footer><p>版权所有 © 2024 磨坊科技 京ICP备12345678号</p><a href=/p>隐私政策</a></div>"),
}  # fmt: skip


def extract(html: str, **options) -> str:
    return read_page(html.encode(), "utf-8", schema.Extract(**options)).text.decode()


def page(language: str, inner: str, below: str = "") -> str:
    top, foot = AROUND[language]
    prose = PROSE[language]
    return (
        f"<body>{top}<div class=article><h1>Mill 磨坊</h1><p>{prose}</p>{inner}<p>{prose}</p></div>{below}{foot}</body>"
    )


KEPT = {
    "list": ("<ul><li>wheat<li>面粉<li>盐</ul>", "• wheat\n• 面粉\n• 盐"),
    "numbered list": ("<ol><li>mill<li>是</ol>", "1. mill\n2. 是"),
    "nested list": ("<ul><li>a<ul><li>b<li>c</ul><li>d</ul>", "• a\n  • b\n  • c\n• d"),
    "table": ("<table><tr><th>姓名<th>性别<tr><td>Lee<td>男<tr><td>Wu<td>女</table>", "姓名\t性别\nLee\t男\nWu\t女"),
    "empty cells": ("<table><tr><th>a<th>b<th>c<tr><td>1<td><td>3</table>", "a\tb\tc\n1\t\t3"),
    "code": ("<pre><code>for x in y:\n    print(x)\n</code></pre>", "for x in y:\n    print(x)"),
    "definitions": ("<dl><dt>mill</dt><dd>磨坊</dd><dt>是</dt><dd>yes</dd></dl>", "mill\n磨坊\n是\nyes"),
    "caption": ("<figure><img src=a.jpg><figcaption>The mill in 1890. 磨坊</figcaption></figure>", "The mill in 1890. 磨坊"),
    "quotation": ("<blockquote><p>Grind while the wind blows. 趁风磨面。</p></blockquote>", "Grind while the wind blows. 趁风磨面。"),
    "heading": ("<h2>History 历史</h2>", "History 历史"),
    "short paragraphs": ("<p>是。</p><p>No.</p>", "是。\n\nNo."),
    "formula": ("<p>So <math><mi>E</mi><annotation encoding='application/x-tex'>E=mc^2</annotation></math>.</p>", "So $E=mc^2$."),
}  # fmt: skip


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", KEPT)
def test_parts_of_the_text__stay_whole(name, language):
    markup, text = KEPT[name]
    prose = PROSE[language]
    assert extract(page(language, markup)).endswith(f"{prose}\n\n{text}\n\n{prose}")


DROPPED = {
    "navigation": {"en": "<div class=menu><a href=/a>Products</a> <a href=/b>Pricing</a> <a href=/c>Careers</a></div>",
                   "zh": "<div class=menu><a href=/a>产品中心</a> <a href=/b>价格</a> <a href=/c>招聘</a></div>"},
    "cookie banner": {"en": "<div id=cookie-banner><p>We use cookies to improve your experience.</p><button>Accept all</button></div>",
                      "zh": "<div id=cookie-banner><p>我们使用Cookie来改善您的体验。</p><button>全部接受</button></div>"},
    "related": {"en": "<div class=related><h3>Related articles</h3><ul><li><a href=/1>Windmills of Holland</a><li><a href=/2>Bread and its history</a></ul></div>",
                "zh": "<div class=related><h3>相关阅读</h3><ul><li><a href=/1>荷兰的风车</a><li><a href=/2>面包的历史</a></ul></div>"},
    "share bar": {"en": "<div class=share><a href=#>Facebook</a> <a href=#>Tweet</a> <a href=#>Email</a></div>",
                  "zh": "<div class=share><a href=#>微信</a> <a href=#>微博</a> <a href=#>收藏</a></div>"},
    "counters": {"en": "<div class=meta><span>1,234 views</span> <span>56 likes</span></div>",
                 "zh": "<div class=meta><span>阅读 1234</span> <span>点赞 56</span></div>"},
}  # fmt: skip


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", DROPPED)
def test_what_stands_around_a_text__goes(name, language):
    bare = extract(page(language, ""))
    assert bare.count(PROSE[language]) == 2
    assert extract(page(language, "", DROPPED[name][language])) == bare
    assert extract(DROPPED[name][language] + page(language, "")) == bare


COMMENTS = {
    "en": "<div class=comments><h3>Comments</h3><ul>"
    + "".join(f"<li class=comment><a href=/u>Ann {n}</a><p>What a fine old mill this is, number {n}, thanks.</p></li>" for n in range(3))
    + "</ul></div>",
    "zh": "<div class=comments><h3>评论</h3><ul>"
    + "".join(f"<li class=comment><a href=/u>小王{n}</a><p>这座老磨坊真漂亮，第{n}次来了，谢谢分享。</p></li>" for n in range(3))
    + "</ul></div>",
}  # fmt: skip


@pytest.mark.parametrize("language", ["en", "zh"])
def test_comments__below_an_article_by_option(language):
    html = page(language, "", COMMENTS[language])
    said = "fine old mill" if language == "en" else "老磨坊真漂亮"
    assert extract(html).count(said) == 0
    assert extract(html, comments=True).count(said) == 3
    assert extract(html, comments=True).count(PROSE[language]) == 2


@pytest.mark.parametrize("language", ["en", "zh"])
def test_posts_of_a_forum__are_its_main_content(language):
    posts = "".join(
        f"<div class=post><div class=user><a href=/u{n}>Ann{n}</a></div><div class=message><p>{n}: {PROSE[language]}</p></div>"
        f"<a href=#>Reply</a></div>"
        for n in range(4)
    )
    top, foot = AROUND[language]
    assert extract(f"<body>{top}<h1>Mill 磨坊</h1>{posts}{foot}").count(PROSE[language]) == 4


def test_replies_in_a_list_without_items__are_read_one_by_one() -> None:
    """Of a <ul> that holds no <li> the blocks are no items, of which all stay or none."""
    replies = "".join(f"<div><p>小王{n}</p><p>{ZH} {n}</p><p>赞</p></div>" for n in range(3))
    found = segment(HTMLTree.parse(f"<body><p>{ZH}</p><ul>{replies}</ul>").body.html.encode())
    likely_N = np.array([0.9] + [0.1, 0.9, 0.1] * 3, np.float32)
    assert select(found, likely_N).tolist() == [True] + [False, True, False] * 3


NOTICES = (
    "【免责声明】本文仅代表作者本人观点，与本站无关。",
    "转载请注明出处：磨坊网",
    "版权所有：磨坊网，未经书面授权不得转载。",
)


@pytest.mark.parametrize("notice", NOTICES)
def test_notice_below_a_text__goes(notice: str) -> None:
    assert extract(page("zh", "").replace("</p></div>", f"</p><p>{notice}</p></div>", 1)).endswith(ZH)
    below, above = (
        segment(HTMLTree.parse(html).body.html.encode())
        for html in (f"<p>{ZH}</p><p>{notice}</p>", f"<p>{notice}</p><p>{ZH}</p>")
    )
    assert select(below, np.full(2, 0.9, np.float32)).tolist() == [True, False]
    assert select(above, np.full(2, 0.9, np.float32)).all()  # a text that begins with it


CHROME = {
    "en": [
        ("<a href=/u{n}>ann{n}</a><div>Posts: {n}7</div><div>Joined: May {n}, 2012</div>", "<a href=#>Reply</a> <a href=#>Quote</a> <a href=#>Report</a>"),
        ("<span>Senior Member</span><a href=#p{n}>#{n}</a><time>Posted on 3 May 2020 at 10:2{n}</time>", "<ul><li><button>Like</button></li><li><a href=#>Share</a></li><li><a href=#>Report post</a></li></ul>"),
    ],
    "zh": [
        ("<a href=/u{n}>小王{n}</a><em>楼主</em><p>积分 {n}20</p><p>注册时间 2012-5-{n}</p>", "<a href=#>回复</a> <a href=#>举报</a> <a href=#>只看该作者</a>"),
        ("<span>{n}楼</span><em>发表于 2020-5-3 10:2{n}</em><a href=#>只看该作者</a><div>高级会员</div>", "<div><a href=#>支持</a> <a href=#>反对</a></div><div>使用道具</div><div>来自手机</div>"),
    ],
}  # fmt: skip
ASKED = {
    "en": "Does anyone know how old the mill by the river is, number {n}?",
    "zh": "有人知道河边那座磨坊有多少年了吗？第{n}次问。",
}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", [0, 1])
@pytest.mark.parametrize(
    "markup", ["<div class=post>{}</div>", "<li>{}</li>", "<table class=plhin><tr><td>{}</td></tr></table>"]
)
def test_posts_of_a_forum__without_what_stands_around_each(language, kind, markup):
    above, below = CHROME[language][kind]
    posts = "".join(
        markup.format(
            f"<div class=author>{above}</div><div class=message>{ASKED[language]} {PROSE[language]}</div><div>{below}</div>"
        ).replace("{n}", str(n + 1))
        for n in range(5)
    )
    top, foot = AROUND[language]
    text = extract(f"<body>{top}<h1>Mill 磨坊</h1><div>{posts}</div>{foot}")
    assert text.count(PROSE[language]) == 5
    for gone in ("Reply", "Quote", "Report", "Posts:", "Joined", "Share", "Like", "Senior", "#3", "回复", "举报",
                 "只看该作者", "积分", "注册时间", "3楼", "发表于", "支持", "来自手机", "使用道具", "高级会员"):  # fmt: skip
        assert gone not in text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_words_of_forums__stay_where_they_are_text(language):
    inner = {"en": "<h2>Reply</h2><ul><li>Quote<li>Report</ul>", "zh": "<h2>回复</h2><ul><li>引用<li>举报</ul>"}[
        language
    ]
    text = {"en": "Reply\n\n• Quote\n• Report", "zh": "回复\n\n• 引用\n• 举报"}[language]
    assert text in extract(page(language, inner))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_shell_for_scripts__is_read_as_it_shows_without_them(language):
    posts = "".join(f"<div class=post><p>{PROSE[language]}</p></div>" for _ in range(3))
    shell = "<div id=app><p>Loading</p></div><noscript><h1>Mill 磨坊</h1>{}</noscript>"
    assert extract(f"<body>{shell.format(posts)}").count(PROSE[language]) == 3
    full = f"<h1>Mill 磨坊</h1><p>{PROSE[language]}</p>" * 2
    assert "needs" not in extract(
        f"<body>{full}<noscript><p>This page needs scripts, please turn them on.</p></noscript>"
    )


def test_hidden_by_visibility__is_content():
    html = f"<div id=js_article><h1>磨坊</h1><div id=js_content style='visibility: hidden;'><p>{ZH}</p><p>{ZH}</p></div></div>"
    assert extract(html).count(ZH) == 2


@pytest.mark.parametrize("html", ["", "<nav><a href=/>Home</a></nav>", "<div class=nav><a href=/>首页</a></div>", "<script>x</script>",
                                  "<frameset><frame src=x></frameset>", "<p>&nbsp;</p>"])  # fmt: skip
def test_pages_without_text__are_empty(html):
    assert extract(f"<html><body>{html}</body></html>") == ""


@pytest.mark.parametrize("html", ["<p>Short.</p>", "<p>短。</p>", "Text without any element.", "<div>是</div>"])
def test_pages_of_nothing_but_text__stay(html):
    assert extract(f"<html><body>{html}</body></html>") != ""


def test_markdown__a_bar_within_a_cell_is_no_end_of_it():
    inner = "<table><tr><th>键<th>a|b</tr><tr><td>1<td><code>x || y</code></tr></table><p>a | b</p>"
    text = extract(page("en", inner), output="markdown", main_content=False)
    assert "| 键 | a\\|b |\n| --- | --- |\n| 1 | x \\|\\| y |" in text
    assert "a | b" in text


def test_markdown():
    inner = "<h2>Two</h2><ul><li>a<ul><li>b</ul></ul><table><tr><th>k<th>v<tr><td>1<td>2</table><pre>x\n y</pre><blockquote>q. 引</blockquote>"
    text = extract(page("en", inner), output="markdown", main_content=False)
    for part in (
        "# Mill 磨坊",
        "## Two",
        "- a\n  - b",
        "| k | v |\n| --- | --- |\n| 1 | 2 |",
        "```\nx\n y\n```",
        "> q. 引",
    ):
        assert f"\n\n{part}\n\n" in text


def test_line_numbers_of_code__go_from_main_content():
    inner = "<table><tr><td class=gutter><pre>1\n2</pre></td><td class=code><pre>a = 1\nb = 2</pre></td></tr></table>"
    assert "1\n2" not in extract(page("en", inner))
    assert "a = 1\nb = 2" in extract(page("en", inner))


def test_icons_and_marks_of_paragraphs__are_no_text():
    inner = "<h2>Two<a class=headerlink href='#two'>¶</a></h2><p>mill <i class=icon>\ue001</i>and <b>\ue001</b> or <code>¶</code></p>"
    text = extract(page("en", inner))
    assert "\n\nTwo\n\nmill and \ue001 or ¶\n\n" in text
    assert extract(inner, main_content=False) == "Two¶\n\nmill \ue001and \ue001 or ¶"


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    "markup",
    [
        '<div>{"smallUrl":"https:\\/\\/mill.org\\/a.jpg","width":460,"licensing":"磨坊"}</div>',
        "<p><a href=/b>Read more: how the mill was built</a></p>",
        "<p><strong>See also:</strong> <a href=/b>How the mill beside the river was built</a></p>",
        "<p><a href=/b>延伸阅读：水磨坊是怎样建成的</a></p>",
        "<p>相关阅读：<a href=/b>河边的水磨坊是怎样建成的</a></p>",
    ],
)
def test_data_and_pointers_to_other_texts__go_from_amid_a_text(language, markup):
    prose = PROSE[language]
    assert extract(page(language, markup)).endswith(f"{prose}\n\n{prose}")
    code = '<pre>{"name": "mill"}</pre><ul><li><a href=/b>See also: the bakers</a><li><a href=/c>磨坊</a></ul>'
    assert '{"name": "mill"}\n\n• See also: the bakers\n• 磨坊' in extract(page(language, code))


def test_main_content_short_beside_much_that_is_hardly_likely__is_not_lost_in_it():
    """What lies below a short text has a probability of a third, all of it together: it is left."""
    text = "".join(f"<p>{EN} {n}</p>" for n in range(3))
    cards = "".join(f"<div class=card><p>Card {n} of many</p></div>" for n in range(200))
    found = segment(HTMLTree.parse(f"<body>{text}{cards}").body.html.encode())
    likely_N = np.where(np.arange(len(found.block_NK)) < 3, 0.9, 0.3).astype(np.float32)
    assert select(found, likely_N).tolist() == [True] * 3 + [False] * 200
    assert select(found, np.full(203, 0.4, np.float32)).all()


def test_navigation_element__is_never_main_content():
    assert extract(f"<nav><p>{EN}</p></nav><div><p>{ZH}</p></div>") == ZH
