"""What resiliparse would take for icons, menus and bylines, and is main text: kept; and no text changes by that."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

from gristmill.pipelines.read.html.engines.shield import MARKS
from gristmill.pipelines.read.html.extract import read_page
from gristmill.pipelines.recipe import schema

PROSE = "<p>The old water mill stands by the river and grinds wheat for the village. 水磨坊坐落在河边。</p>"
ONE = [*"I7é是、男—…€“の한ฟ①￥\ufffd§Я😀𠀀", "où", "né", "1я", "5\xa0", "&é", "é€", "ß1", "xy"]
INLINE = "a abbr b bdi cite code em font i ins kbd mark q s small span strong sub sup u".split()  # noqa: SIM905


def text_of(html: str, main_content: bool = True) -> str:
    return read_page(
        html.encode(), "utf-8", schema.Extract(engine="resiliparse", main_content=main_content)
    ).text.decode()


@pytest.mark.parametrize("main_content", [True, False])
@pytest.mark.parametrize("character", ONE)
def test_lone_character__stays_wherever_it_stands(character, main_content):
    places = {
        "link and bold": f"<p>ab<a href='/x'>{character}</a>cd<b>{character}</b>ef</p>",
        "cell": f"<table><tr><th>{character}</th><td>ab</td></tr><tr><td>cd</td><td> {character}\n</td></tr></table>",
        "heading": f"<h2>{character}</h2><h3><span>{character}</span></h3>",
        "item": f"<ul><li>{character}</li><li>ab</li></ul><ol><li>{character}</li></ol>",
        "definition": f"<dl><dt>{character}</dt><dd>{character}</dd></dl>",
        "code": f"<pre><code>{character}</code></pre><p><kbd>{character}</kbd></p>",
        "between": f"<p><a>ab</a>{character}<a>cd</a>{character}</p>",
        "by reference": f"<p>ab<b>{''.join(f'&#{ord(c)};' for c in character)}</b>cd<i> &#9;"
        f"{''.join(f'&#x{ord(c):X};' for c in character)}&#10;</i></p>",
    }
    for name, markup in places.items():
        for html in (
            f"<main>{PROSE}{markup}</main>",
            f"<div><div><article>{PROSE}{markup}{PROSE}</article></div></div>",
        ):
            assert text_of(html, main_content).count(character) == 2, name


def test_lone_character__named_references_and_the_ends_of_a_page():
    assert text_of("—<p>ab</p><p>一") == "—\n\nab\n\n一"
    assert text_of("<p>ab<b>&mdash;</b>cd<b>&hellip;</b><b>\0是\0</b></p>") == "ab—cd…是"


def test_lone_character__icons_and_permalinks_are_no_text():
    html = "<p>mill <i class='icon'>\ue001</i><a href='#x'>¶</a> and <b>\ue001</b> or <code>¶</code></p>"
    assert text_of(html) == "mill and \ue001 or ¶"


def test_lone_character__raw_text_keeps_its_references():
    assert text_of("<div><xmp><td>&mdash;</td></xmp><b>是</b></div>") == "<td>&mdash;</td>是"


def test_lone_character__controls_and_private_characters_of_the_page_stay():
    some = "".join(map(chr, MARKS[:5])) + "\ue000\uf8ff\U00100000"
    page = f"<p>{some}!! <b>是</b> &#6;!! 男<b>男</b></p>"
    assert text_of(page) == f"{some}!! 是 \x06!! 男男"
    full = "".join(map(chr, MARKS))
    assert full in text_of(f"<p>{full} <b>是</b></p>")  # a binary file: nothing is hidden, nothing breaks


def test_lone_character__a_title_of_one():
    assert read_page("<title>鼎</title><p>ab".encode(), "utf-8", schema.Extract(engine="resiliparse")).title == "鼎"


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.text("ab是、男 —\u3000é😀<&", max_size=12))
def test_paragraphs__every_character_survives(seed, extra):
    rng = random.Random(seed)
    blocks = [range(0x21, 0x7F), range(0xA1, 0xB6), range(0x400, 0x460), range(0x2010, 0x2028), range(0x3001, 0x3020)]
    blocks += [range(0x4E00, 0x9FFF, 7), range(0xAC00, 0xD7A3, 31), range(0x800, 0xD7FF, 61), range(0xF900, 0xFFFD, 13)]
    characters = [chr(code) for block in [*blocks, range(0x1F600, 0x1F650)] for code in block]

    def node(depth: int) -> str:
        if depth == 0 or rng.random() < 0.4:
            text = "".join(rng.choice(characters) for _ in range(rng.choice((1, 1, 1, 2, 5))))
            return text.replace("&", "&amp;").replace("<", "&lt;")
        tag = rng.choice(INLINE)
        return f"<{tag}>{''.join(node(depth - 1) for _ in range(rng.randint(1, 3)))}</{tag}>"

    safe = extra.replace("&", "&amp;").replace("<", "&lt;")
    html = "<main>" + "".join(f"<p>{node(3)}{node(2)}{safe}</p>" for _ in range(4)) + "</main>"
    expected = "".join(HTMLTree.parse(html).body.text.split())
    assert "".join(text_of(html).split()) == expected


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32))
def test_text__changes_by_nothing_but_what_is_kept(seed):
    """Where nothing is at risk, the engine's own output stands."""
    rng = random.Random(seed)
    words = ["mill", "磨坊", "river &amp; wheat", "ab ", "\n  ", "两个", "&nbsp;"]
    tags = ["p", "div", "span", "a", "b", "h2", "table><tr><td", "ol><li", "pre", "section", "nav"]

    def node(depth: int) -> str:
        inner = rng.choice(words) + ("".join(node(depth - 1) for _ in range(rng.randint(0, 3))) if depth else "")
        tag = rng.choice(tags)
        return f"<{tag}>{inner}</{tag.split('>')[0]}>{rng.choice(words)}"

    html = f"<body>{node(3)}{node(3)}</body>"
    plain = extract_plain_text(HTMLTree.parse(html), main_content=True, alt_texts=False, comments=False)
    assert text_of(html) == plain


@pytest.mark.parametrize("depth", range(5))
@pytest.mark.parametrize("around", ["<main>{}</main>", "<article>{}</article>", "<div role=main>{}</div>", "{}"])
def test_lists__of_a_text_stay_at_any_depth(around, depth):
    for tag, lines in (("ul", ["• 500 g of flour", "• 盐一勺"]), ("ol", ["1. 500 g of flour", "2. 盐一勺"])):
        items = f"<{tag}><li>500 g of flour</li><li>盐一勺<ul><li>fine</li></ul></li></{tag}> end"
        html = "<div>" * depth + around.format(f"<h1>Bread</h1>{PROSE}{items}") + "</div>" * depth
        found = [line.strip() for line in text_of(html).splitlines() if line.strip()]
        assert found[2:] == [*lines, "• fine", "end"]
    assert "500 g\nflour" in text_of(f"<h1>Bread</h1>{PROSE}<dl><dt>500 g</dt><dd>flour</dd></dl>")


def test_lists__are_the_whole_page():
    assert text_of("<body><h1>Bread</h1><ul><li>flour</li><li>salt</li></ul></body>") == "Bread\n\n  • flour\n  • salt"


def test_lists__of_links_and_beside_the_text_are_menus():
    menu = "<ul><li><a href=/1>Home</a></li><li><a href=/2>About us</a></li></ul>"
    aside = "<div><ul><li>Share this</li></ul></div>"
    article = f"<div><div>{PROSE * 4}</div></div>"
    assert text_of(menu + aside + article).count("\n\n") == 3
    assert "Home" not in text_of(f"<main>{menu}{PROSE}</main>")


def test_lists__thousands_near_the_body_take_no_time():
    html = f"<body>{('<div><p>a</p><ul><li>b</li></ul></div>' + '<ul><li>c</li></ul>') * 5000}</body>"
    assert len(re.findall("• [bc]", text_of(html))) >= 3000


def test_dates__in_sentences_stay_and_bylines_go():
    html = f"<main><p><time>3 May</time></p>{PROSE}<p>It fell on <time>18 June <b>1815</b></time>, at noon.</p></main>"
    assert text_of(html).endswith("It fell on 18 June 1815, at noon.")
    assert "3 May" not in text_of(html)


def test_figures__with_code_tables_and_quotations_stay():
    html = f"<main>{PROSE}<figure><pre>x = 1</pre></figure><figure><table><tr><td>性别<td>男</table></figure>"
    html += "<figure><img alt=picture><figcaption>A picture</figcaption></figure></main>"
    assert text_of(html).endswith("\nx = 1\n性别\t\t男")
    assert text_of(html, main_content=False).endswith("\nx = 1\n性别\t\t男")
