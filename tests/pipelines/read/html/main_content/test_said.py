"""What a page says of its own text decides between texts that look alike, in both languages."""

import re
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from resiliparse.parse.html import HTMLTree

from gristmill.pipelines.read.html.main_content.said import RUN, Said, _share, heed, said_of
from gristmill.pipelines.read.html.main_content.segment import segment

TEXTS = {
    "en": (
        "The mill stands by a river and grinds wheat for its village, day and night.",
        "The minister announced a plan to build schools for the whole town.",
    ),
    "zh": ("水磨坊坐落在河边，每年秋天为全村人磨小麦，磨坊主说。", "政府宣布修建学校，专家认为这个方法可行。"),
}


SAME_TOPIC = {
    "en": "Nobody knows how long the mill stands there, for the river is older than the oldest miller.",
    "zh": "没有人知道水磨坊什么时候坐落在河边，人们只知道河水一直在流。",
}


def page(head: str, first: str, second: str, names: tuple[str, str] = ("far", "near")) -> str:
    far = f"<section><div><div><ul><li class={names[0]}><p>{second}</p></li></ul></div></div></section>"
    near = f"<li class={names[1]}><p>{first}</p><p>{second}</p></li>"
    return f"<head>{head}</head><body>{far}<main>{near}</main></body>"


def heard(html: str, likely: float = 0.7) -> list[float]:
    tree = HTMLTree.parse(html)
    segments = segment(tree.body.html.encode())
    probability_N = np.full(len(segments.block_NK), likely, np.float32)
    heed(segments, said_of(tree, html.encode()), probability_N)
    return [round(float(one), 2) for one in probability_N]


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("name", ['name="description"', 'property="og:description"'])
def test_heed__what_is_far_from_the_described_block_is_less_likely(language: str, name: str) -> None:
    first, second = TEXTS[language]
    described = f'<meta {name} content="{first[: len(first) // 2]} ...">'
    alike = SAME_TOPIC[language]
    assert heard(page(described, first, alike)) == [0.4, 0.7, 0.7]
    assert heard(page(described, first, alike, ("answer", "post"))) == [0.4, 0.7, 0.7]
    assert heard(page(described, first, second)) == [0.1, 0.7, 0.7]  # about something else, too
    assert heard(page(described, first, second), 0.45) == [0.15, 0.45, 0.45]  # what is hardly text has no topic
    assert heard(page(f"<title>{second}</title>{described}", first, second)) == [0.4, 0.7, 0.7]
    assert heard(page(described, first, second, ("post", "post"))) == [0.7, 0.7, 0.7]  # a thread
    assert heard(page("", first, second)) == [0.7, 0.7, 0.7]
    assert heard(page(f'<meta {name} content="{second[::-1]}">', first, second)) == [0.7, 0.7, 0.7]


@pytest.mark.parametrize("language", TEXTS)
def test_heed__blocks_of_the_articles_body_are_sure(language: str) -> None:
    first, second = TEXTS[language]
    escaped = first.encode("ascii", "backslashreplace").decode()
    data = '<script type="application/ld+json">{"articleBody" : "%s\\n \\"x\\""}</script>'
    assert heard(page(data % escaped, first, second)) == [0.7, 0.9, 0.7]
    assert heard(page(data % (escaped * 3 + "other words " * 30), first, second)) == [0.7, 0.7, 0.7]  # not shown here


def test_said_of__what_is_no_json_is_nothing() -> None:
    for script in (r'"articleBody": "\x41"', '"articleBody": "open', '"articleBody": [1]', '"articleBody"'):
        html = f"<head><script>{script}</head><body><p>x</p></body>"
        assert said_of(HTMLTree.parse(html), html.encode()) == Said()
    html = (
        '<meta name="description" content="short"><meta property="og:description" content="&lt;longer &amp;amp; 磨坊">'
    )
    assert said_of(HTMLTree.parse(html), html.encode()).description.decode() == "<longer & 磨坊"


@settings(deadline=None)  # the first one compiles
@given(st.text("ab 磨坊，.é\n", max_size=80), st.text("ab 磨坊，.é\n", max_size=40))
def test_share__counts_the_runs_that_a_set_holds(text: str, said: str) -> None:
    def runs(words: str) -> list[bytes]:
        letters = re.sub(r"[\W_]", "", words).encode()
        return [letters[i : i + RUN] for i in range(len(letters) - RUN + 1)]

    block_NK = segment(b"<p>x").block_NK[:1].copy()
    block_NK[0, :2] = 0, len(text.encode())
    shared_N2 = np.zeros((1, 2), np.int32)
    count = _share(np.frombuffer(text.encode(), np.uint8), block_NK, np.frombuffer(said.encode(), np.uint8), shared_N2)
    known = set(runs(said))
    assert count == len(runs(said))
    assert shared_N2[0, 1] == (len(runs(text)) if count else 0)
    # two runs of a text may fall into one slot of the table, of which one is kept
    assert shared_N2[0, 0] <= sum(run in known for run in runs(text))
    assert shared_N2[0, 0] > 0 or not known or runs(text)[:1] != runs(said)[-1:]


def test_said_of__takes_linear_time_for_many_descriptions() -> None:
    tree = HTMLTree.parse(f"<head>{'<meta name=description content=x>' * 20_000}</head><body><p>x</p></body>")
    began = time.process_time()
    assert said_of(tree, b"").description == b"x"
    assert time.process_time() - began < 2  # going through them takes minutes
