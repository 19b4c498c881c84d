"""Scores of made-up engines on made-up pages: each figure from what is known to be right."""

import pytest

from gristmill.pipelines.errors import BadRecordError
from gristmill.pipelines.read.html.evaluation.evaluate import evaluate, summarize
from gristmill.pipelines.read.html.evaluation.gold import LabelledPage

GOLD = "The mill grinds grain by the river.\n- one\nx = 1\ny = 2"
HTML = "<p>The mill grinds grain by the river.<ul><li>one</ul><pre>x = 1\ny = 2</pre><footer>Contact us"


def page(tmp_path, html=HTML, **label):
    file = tmp_path / "page.html"
    file.write_text(html, encoding="utf-8")
    return LabelledPage("page.html", file, **label)


def refuse(html: bytes) -> str:
    raise BadRecordError("TooDeep: it is")


ENGINES = {
    "right": lambda html: GOLD,
    "all": lambda html: GOLD + " Contact us",
    "glued": lambda html: GOLD.replace("\n", " "),
    "nothing": lambda html: " ",
    "refuses": refuse,
}


def test_evaluate(tmp_path):
    labelled = page(tmp_path, language="en", text=GOLD, wanted=["by the river"], unwanted=["Contact us", "Login"])
    scored = evaluate(labelled, ENGINES)
    one = {name: summarize([score]) for name, score in scored.scores.items()}
    assert (one["right"].f1, one["right"].wanted, one["right"].unwanted, one["right"].snippet_f1) == (1, 1, 0, 1)
    assert one["right"].structures == {"code": 1, "lists": 1, "tables": None}
    assert one["all"].recall == 1 > one["all"].precision
    assert one["all"].unwanted == 0.5
    assert one["all"].snippet_f1 == pytest.approx(2 / 3)
    assert one["glued"].f1 == 1
    assert one["glued"].structures["code"] == 0
    assert (one["nothing"].f1, one["nothing"].empty, one["nothing"].errors) == (0, 1, 0)
    assert (one["refuses"].f1, one["refuses"].empty, one["refuses"].errors) == (0, 1, 1)
    assert scored.scores["refuses"].error == "TooDeep: it is"


def test_evaluate__unlabelled_pages_tell_how_far_engines_are_apart(tmp_path):
    scored = evaluate(page(tmp_path, "<p>磨坊在河边"), ENGINES)
    assert scored.apart["right", "glued"] == 0
    assert 0 < scored.apart["right", "all"] < 0.5
    assert scored.apart["right", "nothing"] == 1
    assert scored.apart["nothing", "refuses"] == 0
    summary = summarize([scored.scores["right"]])
    assert (summary.f1, summary.wanted, summary.snippet_f1) == (None, None, None)


def test_summarize__pages_weigh_alike_whatever_their_length(tmp_path):
    long, short = page(tmp_path, language="en", text="a b c " * 99), page(tmp_path, language="en", text="d e f")
    engine = {"long": lambda html: "a b c " * 99}
    scores = [evaluate(one, engine).scores["long"] for one in (long, short)]
    assert summarize(scores).f1 == 0.5


def test_evaluate__chinese_by_words(tmp_path):
    scored = evaluate(
        page(tmp_path, language="zh", text="磨坊在河边磨面粉和小麦"), {"part": lambda html: "磨坊在河边磨面粉"}
    )
    assert 0 < scored.scores["part"].runs.recall < 1 == scored.scores["part"].runs.precision
