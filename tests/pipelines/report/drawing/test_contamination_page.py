"""The page of `gristmill contamination`: every kind of place, and nothing from a document that a browser would obey."""

from gristmill.pipelines.report.alignment import Span
from gristmill.pipelines.report.contamination.evidence import GONE, Evidence, Phrase
from gristmill.pipelines.report.drawing.render import render_contamination
from tests.pipelines.report.drawing.test_render import Page

SET = {"items": 12_342, "contaminated": 41, "documents": 44, "left": 0, "rate": 0.00333, "too_short": 2, "phrases": []}


def place(document: list[Span], lang: str | None) -> Evidence:
    item = [Span("在水文学中，", False), Span("<script>x</script>", True)]
    shares = {"score": 0.952, "question": 1.0, "answer": None, "choices": 0.75, "passage": None}
    where = {"doc_id": "3f" * 16, "source": "web", "lang": lang, "start": 1200, "end": 1300, "action": "cut"}
    known = {"set": "<c&eval>", "item": 3, "item_id": "三", **where, **shares}
    return Evidence(**known, item_text=item, document_text=document, text_absent="" if document else GONE)


def test_contamination_page__shows_rates_both_texts_and_where_one_is_gone():
    shown = [place([Span("水文学 <b>", True)], "zh"), place([], None)]
    page = render_contamination(shown, 1234, {"action": "cut", "sets": {"<c&eval>": SET}}, [], "磨坊")
    parsed = Page(page)
    said = "".join(parsed.text)
    assert [tag for tag, _ in parsed.tags if tag in ("b", "script")] == ["b", "b"], "the places' own"
    for text in (
        "磨坊 · contamination",
        "<c&eval>",
        "12,342",
        "0.33%",
        "2 of 1,234 places",
        "cut out of the documents",
    ):
        assert text in said
    assert said.count("score 0.95 question 1.00, choices 0.75") == 2
    assert page.count("<mark>") == 3
    assert said.count(GONE.split("`")[0]) == 1
    assert ("blockquote", {"dir": "auto", "lang": "zh"}) in parsed.tags


def test_contamination_page__says_that_nothing_was_found():
    page = render_contamination([], 0, {"action": "report", "sets": {"ceval": SET}}, [], "mill")
    assert "No item was found." in "".join(Page(page).text)
    assert "phrases of the corpus" not in page


def test_contamination_page__names_items_that_are_phrases():
    phrases = [Phrase("ceval", 7, "七", 1234, "下列哪一种 <script>x</script> 说法正确？")]
    page = render_contamination([], 0, {"action": "report", "sets": {"ceval": SET}}, phrases, "mill")
    parsed = Page(page)
    assert "ceval 七1,234下列哪一种 <script>x</script> 说法正确？" in "".join(parsed.text).replace("\n", "").replace(
        "    ", ""
    )
    assert "script" not in {tag for tag, _ in parsed.tags}
