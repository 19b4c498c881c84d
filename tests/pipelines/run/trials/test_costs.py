"""What numbers of a recipe cost: each named once, on the documents that its entry admits."""

import json

import pytest

from gristmill.pipelines.errors import InputError
from gristmill.pipelines.recipe.load import load
from gristmill.pipelines.run.trials.costs import measure

RECIPE = """\
gristmill: 1
name: mill
sources: {web: {format: jsonl, paths: web.jsonl, language: {column: lang}}}
lists: {bad: {phrases: bad.txt}}
decide:
  - when: {language: en}
    presets: [gopher@paper, c4@tfds]
    rules: [{signal: bad, at_most: 3}]
  - when: {language: zh}
    presets: [chinese@gristmill]
"""


@pytest.fixture
def recipe(tmp_path):
    texts = [("en", "The mill grinds grain, and that is what we have.\n" * 9), ("zh", "磨坊在河边，水推动木轮。\n" * 9)]
    docs = [{"text": f"{text}{number}", "lang": lang} for number in range(30) for lang, text in texts]
    lines = [json.dumps(doc, ensure_ascii=False) for doc in docs]
    (tmp_path / "web.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "bad.txt").write_text("grain\n木轮\n", encoding="utf-8")
    (tmp_path / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    return tmp_path / "recipe.yaml"


def test_costs__every_kind_on_its_documents(recipe):
    found = measure(load(recipe), 10**6)
    costs = {(one.kind, one.name): one for one in found.costs}
    assert [one.name for one in found.costs[:3]] == ["identify", "decide", "fingerprint"]
    assert found.documents == costs["step", "decide"].documents == 60
    for key in (
        ("preset", "gopher@paper"),
        ("preset", "c4@tfds"),
        ("edit", "c4@tfds"),
        ("signal", "plain_words"),
        ("preset", "chinese@gristmill"),
        ("signal", "han_fraction"),
    ):
        assert costs[key].documents == 30
        assert costs[key].share is not None
    assert costs["list", "bad"].documents == 60
    assert ("signal", "bad") not in costs  # with its list
    assert all(row["microseconds_each"] >= 0 for row in found.to_json()["costs"])
    assert found.bytes > measure(load(recipe), 2_000).bytes > 2_000


def test_no_documents__an_error(recipe):
    (recipe.parent / "web.jsonl").write_text('{"lang": "en", "text": ""}\n', encoding="utf-8")
    with pytest.raises(InputError, match="no document to measure with"):
        measure(load(recipe), 10**6)
