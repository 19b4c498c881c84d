"""A run with gates: its exit code, its alarms, the run that it is compared with, and `gristmill gates` later."""

import json
import random
from pathlib import Path

import pytest

from gristmill.pipelines.cli.inspecting.gates import gates
from gristmill.pipelines.errors import Exit, GateError, InputError, RecipeError
from gristmill.pipelines.report.alarms.gates import figures_in, gates_of
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.storage.store import Store
from gristmill.pipelines.storage.verification import verify
from tests.in_process import execute

RECIPE = """\
gristmill: 1
name: gated
sources:
  web: {format: jsonl, paths: en.jsonl, id: id, language: en}
  news: {format: jsonl, paths: zh.jsonl, id: id, language: zh}
decide:
  - {when: {language: en}, rules: [{signal: characters, at_least: 200}, {signal: words, at_least: 0}]}
  - {when: {language: zh}, rules: [{signal: characters, at_most: 100}]}
tokenizer: null
alarms: {documents: 50}
gates: [kept_documents >= 10, dead_share <= 1%, languages.en.kept_share >= 0.1]
"""
ENGLISH = ["the", "river", "that", "we", "follow", "to", "the", "sea", "and", "its", "old", "stone", "bridges"]
CHINESE = "山水之间有一座古老的磨坊每天清晨河水推动木轮把麦子磨成面粉村里的人们带着粮食来到这里"


def write(folder: Path, lines: int = 10) -> Path:
    rng = random.Random(3)
    english = [" ".join(rng.choice(ENGLISH) for _ in range(12 * (lines if n % 3 else 2))) for n in range(120)]
    chinese = ["".join(rng.choice(CHINESE) for _ in range(200)) + "。" for _ in range(120)]
    for name, texts in (("en", english), ("zh", chinese)):
        rows = [json.dumps({"id": f"{name}{number}", "text": text}) for number, text in enumerate(texts)]
        (folder / f"{name}.jsonl").write_text("\n".join(rows))
    (folder / "recipe.yaml").write_text(RECIPE)
    return folder / "recipe.yaml"


@pytest.fixture(scope="module")
def first(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("first")
    execute(Request(write(folder), folder / "run"))
    return folder


def changed(first: Path, folder: Path, old: str, new: str) -> Path:
    for name in ("en.jsonl", "zh.jsonl"):
        (folder / name).write_bytes((first / name).read_bytes())
    (folder / "recipe.yaml").write_text(RECIPE.replace(old, new).replace("REFERENCE", str(first / "run")))
    return folder / "recipe.yaml"


def report_of(run: Path) -> dict:
    return json.loads((run / "report" / "report.json").read_text("utf-8"))


def test_alarms_say_what_did_everything_or_nothing_and_stands_at_an_edge(first) -> None:
    report = report_of(first / "run")
    said = {(alarm["kind"], alarm["name"], alarm["where"]) for alarm in report["alarms"]["listed"]}
    assert {
        ("everything", "recipe/characters_max", ""),
        ("everything", "decide", "source news"),
        ("nothing", "recipe/words_min", ""),
        ("edge", "recipe/words_min", ""),
        ("nothing", "deduplicate", ""),
        ("nothing", "scrub", ""),
    } <= said
    assert report["attention"][0]["text"] == "decide removed all of the 120 documents of source news."
    assert "recipe/characters_max fired for all of the 120 documents." in [item["text"] for item in report["attention"]]
    assert report["figures"]["alarms.everything"] == 2
    assert "alarms.drift" not in report["figures"]
    assert [gate["holds"] for gate in report["gates"]] == [True, True, True]


def test_figures_count_what_the_report_does(first) -> None:
    report = report_of(first / "run")
    figures = report["figures"]
    assert figures["kept_documents"] == report["header"]["kept"]["documents"] == 80
    assert figures["languages.zh.kept_documents"] == figures["sources.news.kept_documents"] == 0
    assert figures["languages.zh.documents"] == figures["rules.recipe/characters_max.fired_documents"] == 120
    assert figures["steps.decide.dropped_documents"] == 160


def test_a_gate_that_fails_is_an_exit_code_each_time_and_leaves_the_run_whole(first, tmp_path) -> None:
    recipe = changed(first, tmp_path, "dead_share <= 1%", "alarms.everything == 0, languages.zh.kept_share >= 10%")
    for _ in range(2):
        with pytest.raises(GateError, match=r"2 of 4 gates fail") as error:
            execute(Request(recipe, tmp_path / "run"))
        assert "alarms.everything == 0: alarms.everything is 2" in str(error.value)
        assert "languages.zh.kept_share >= 10%: languages.zh.kept_share is 0" in str(error.value)
        assert error.value.exit_code == Exit.GATE
    assert verify(Store.at(tmp_path / "run")).faults == []
    page = (tmp_path / "run" / "report" / "index.html").read_text("utf-8")
    assert "A gate does not hold: alarms.everything == 0: alarms.everything is 2." in page
    assert report_of(tmp_path / "run")["header"]["kept"]["documents"] == 80
    # Gates are no part of any step: other ones redo nothing, and change nothing but the verdict.
    before = json.loads((tmp_path / "run" / "manifest.json").read_text())["steps"]
    recipe.write_text(RECIPE)
    assert execute(Request(recipe, tmp_path / "run"))["steps"] == before


def test_gates_can_be_asked_again_of_a_finished_run(first) -> None:
    store = Store.at(first / "run")
    assert [of.holds for of in gates_of(store)] == [True, True, True]
    assert [of.holds for of in gates_of(store, ["kept_documents < 80", "alarms > 0"])] == [False, True]
    with pytest.raises(RecipeError, match="'alarms' is no gate"):
        gates_of(store, ["alarms"])
    assert figures_in(store)["dead_documents"] == 0


@pytest.mark.parametrize(
    ("gate", "fix"),
    [
        ("kept_documnts >= 1", "did you mean 'kept_documents'?"),
        ("languages.english.kept_documents <= 5", "did you mean 'en'?"),
        ("RULE_fired", "did you mean 'rules."),
    ],
)
def test_a_misspelt_figure_of_a_finished_run_is_named_though_nothing_counts_0(first, gate, fix) -> None:
    if gate == "RULE_fired":
        rule = next(name for name in figures_in(Store.at(first / "run")) if name.endswith("fired_documents"))
        gate = f"{rule.replace('.fired', 'x.fired')} <= 5"
    with pytest.raises(RecipeError, match="the run has no figure") as error:
        gates(str(first / "run"), [gate])
    assert fix in str(error.value)
    gates(str(first / "run"), ["languages.fr.kept_documents <= 5"])


def test_what_has_drifted_from_the_reference_is_an_alarm(first, tmp_path) -> None:
    recipe = changed(first, tmp_path, "alarms: {", "alarms: {reference: REFERENCE, ")
    execute(Request(recipe, tmp_path / "run"))
    same = report_of(tmp_path / "run")
    assert (same["figures"]["alarms.drift"], same["alarms"]["compared_with"]) == (0, "run")

    write(tmp_path, lines=3)  # shorter English texts; the Chinese ones as before
    changed_recipe = RECIPE.replace("alarms: {", f"alarms: {{reference: {first / 'run'}, ")
    recipe.write_text(
        changed_recipe.replace("at_least: 200", "at_least: 50").replace("<= 1%", "<= 1%, alarms.drift == 0")
    )
    with pytest.raises(GateError, match=r"alarms.drift == 0: alarms.drift is \d"):
        execute(Request(recipe, tmp_path / "run"))
    drifted = [alarm for alarm in report_of(tmp_path / "run")["alarms"]["listed"] if alarm["kind"] == "drift"]
    assert ("the signal characters", "language en") in {(alarm["name"], alarm["where"]) for alarm in drifted}
    assert not any(alarm["where"] == "language zh" for alarm in drifted)


def test_a_reference_that_cannot_be_one_is_told_before_anything_runs(first, tmp_path) -> None:
    recipe = changed(first, tmp_path, "alarms: {", "alarms: {reference: nowhere, ")
    with pytest.raises(InputError, match="the reference run has no report"):
        execute(Request(recipe, tmp_path / "run"))
    recipe.write_text(RECIPE.replace("alarms: {", "alarms: {reference: run, "))
    with pytest.raises(RecipeError, match="a run cannot be compared with itself"):
        execute(Request(recipe, tmp_path / "run"))
    assert not (tmp_path / "run" / "manifest.json").exists()


def test_a_gate_on_tokens_fails_in_a_run_that_ends_before_them(first, tmp_path) -> None:
    recipe = changed(first, tmp_path, "tokenizer: null", "tokenizer: {vocabulary: 512}")
    recipe.write_text(recipe.read_text().replace("gates: [", "gates: [tokens >= 1, "))
    with pytest.raises(GateError, match="this run has no tokens: it ended before"):
        execute(Request(recipe, tmp_path / "run", until="score"))
