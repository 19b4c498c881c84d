"""`gates` of a recipe: how one is written, and which figures there are; a wrong one is told before anything runs."""

from pathlib import Path

import pytest

from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.recipe.check import check
from gristmill.pipelines.recipe.gates import Gate, figures, parse_gate
from gristmill.pipelines.recipe.load import load

RECIPE = """\
gristmill: 1
name: gated
sources: {web: {format: jsonl, paths: a.jsonl}, news: {format: jsonl, paths: b.jsonl}}
decide:
  - {when: {language: zh}, presets: [chinese@gristmill]}
  - {when: {language: en}, presets: [gopher@paper]}
tokenizer: null
gates: [GATE]
"""


def checked(folder: Path, gate: str, text: str = RECIPE) -> None:
    (folder / "recipe.yaml").write_text(text.replace("GATE", gate), "utf-8")
    check(load(folder / "recipe.yaml"))


@pytest.mark.parametrize(
    ("text", "gate"),
    [
        ("kept_documents >= 1000", Gate("kept_documents", ">=", 1000)),
        ("kept_documents>=1_000", Gate("kept_documents", ">=", 1000)),
        ("  dead_share  <= 1% ", Gate("dead_share", "<=", 0.01)),
        ("sources.web.kept_share >= .1", Gate("sources.web.kept_share", ">=", 0.1)),
        ("alarms.drift == 0", Gate("alarms.drift", "==", 0)),
        ("kept_bytes > 16MB", Gate("kept_bytes", ">", 16e6)),
        ("rules.gopher@paper/words_min.fired_share != 1", Gate("rules.gopher@paper/words_min.fired_share", "!=", 1)),
        ("tokens < 1e9", Gate("tokens", "<", 1e9)),
    ],
)
def test_gate__is_a_figure_a_comparison_and_a_number(text, gate) -> None:
    assert parse_gate(text) == gate


@pytest.mark.parametrize(
    "text", ["", "kept_documents", ">= 1", "a >= ", "a = 1", "a >= many", "a >= nan%", "a >= inf", "a >= 1 2"]
)
def test_gate__what_is_none_is_told(text) -> None:
    with pytest.raises(ValueError, match=r"is no gate|is no number"):
        parse_gate(text)


@pytest.mark.parametrize(
    "gate",
    [
        "kept_documents >= 1",
        "languages.zh.kept_documents >= 1",
        "languages.fr.documents == 0",
        "languages.und.dropped_share < 0.5",
        "sources.news.unjudged_share <= 1%",
        "steps.deduplicate.dropped_share <= 0.9",
        "rules.chinese@gristmill/characters_min.fired_share < 0.5",
        "alarms == 0",
        "alarms.edge == 0",
    ],
)
def test_figures__of_the_recipe_can_be_bounded(tmp_path, gate) -> None:
    checked(tmp_path, f"'{gate}'")


@pytest.mark.parametrize(
    ("gate", "told"),
    [
        ("kept_document >= 1", r"gates\[0\]: no figure 'kept_document'; did you mean 'kept_documents'\?"),
        ("sources.wep.kept_share >= 1", r"did you mean 'sources.web.kept_share'\?"),
        ("languages.english.documents >= 1", "english"),
        ("rules.gopher@paper/word_min.fired_share < 1", "did you mean 'rules.gopher@paper/words_min.fired_share'"),
        ("tokens >= 1", "the recipe says `tokenizer: null`"),
        ("alarms.drift == 0", "nothing can drift without a run to compare with"),
        ("labels.propella.matched_share > 0.5", "no figure 'labels.propella.matched_share'"),
        ("kept_documents 1000", "'kept_documents 1000' is no gate"),
    ],
)
def test_figures__that_no_run_can_have_are_named_with_their_line(tmp_path, gate, told) -> None:
    with pytest.raises(RecipeError, match=told) as error:
        checked(tmp_path, f"'{gate}'")
    assert "line 8" in str(error.value)


def test_gates__alone_is_a_list_of_one(tmp_path) -> None:
    checked(tmp_path, "x", RECIPE.replace("gates: [GATE]", "gates: kept_documents >= 1"))
    with pytest.raises(RecipeError, match="expected a list of gates, such as"):
        checked(tmp_path, "x", RECIPE.replace("gates: [GATE]", "gates: {kept_documents: 1}"))


def test_figures__are_each_named_once(tmp_path) -> None:
    (tmp_path / "recipe.yaml").write_text(RECIPE.replace("GATE", ""), "utf-8")
    names = list(figures(load(tmp_path / "recipe.yaml").recipe))
    assert len(names) == len(set(names))
