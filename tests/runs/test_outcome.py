"""How a run ends: with a report of what is whole, and a code of its own where there is nothing. How it begins again."""

import json

import pytest

from gristmill.pipelines.errors import EmptyError, Exit, RecipeError
from gristmill.pipelines.recipe.load import dump, load
from gristmill.pipelines.run import execute as local
from gristmill.pipelines.run.changes import changes
from gristmill.pipelines.run.inputs.units import plan_units
from gristmill.pipelines.run.job import STAGES, make_job
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.storage.store import Store
from tests.in_process import execute

pytestmark = pytest.mark.process
PRESETS = """\
  - when: {language: en}
    presets: [gopher@paper, fineweb@datatrove, ccnet@prose]
    change: {gopher@paper/duplicate_lines: 0.31}
    rules: [{signal: grades.grade, at_least: 0.5}]
  - when: {language: zh}
    presets: [chinese@gristmill]
    rules: [{signal: prose.worst_line, at_most: 200}]
"""


def report(run) -> dict:
    return json.loads((run / "report" / "report.json").read_text(encoding="utf-8"))


def manifest(run) -> dict:
    return json.loads((run / "manifest.json").read_text(encoding="utf-8"))


def state(run) -> dict:
    return json.loads((run / "run.json").read_text(encoding="utf-8"))


def attention(run) -> str:
    return "\n".join(item["text"] for item in report(run)["attention"])


def test_vocabulary__that_the_sample_cannot_support_is_lowered_and_said(corpus, tmp_path):
    large = corpus.with_recipe("large", "vocabulary: 640", "vocabulary: 100000")
    execute(Request(large.recipe, tmp_path / "run"))
    card = json.loads((tmp_path / "run" / "tokenizer" / "info.json").read_text(encoding="utf-8"))
    assert card["asked"] == 100_000
    assert 640 < card["vocabulary"] < 100_000
    assert manifest(tmp_path / "run")["tokenizer"] == card
    assert f"The vocabulary is {card['vocabulary']:,}, not 100,000" in attention(tmp_path / "run")
    figures = {figure["name"]: figure["value"] for figure in report(tmp_path / "run")["tokenizer"]["figures"]}
    assert figures["vocabulary asked for"] == "100,000"


def test_vocabulary__that_is_supported_is_as_asked_for(calm):
    assert manifest(calm)["tokenizer"]["asked"] is None
    assert "The vocabulary is" not in attention(calm)


@pytest.fixture(scope="module")
def many_characters(corpus, tmp_path_factory):
    """The corpus beside a page of 2,000 different characters, for which a vocabulary of 512 is too small."""
    folder = tmp_path_factory.mktemp("characters")
    page = "".join(map(chr, range(0x4E00, 0x4E00 + 2000))) + "。"
    records = [{"id": f"page-{n}", "text": page + str(n), "lang": "ja"} for n in range(3)]
    (folder / "pages.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
    recipe = (
        "gristmill: 1\nname: pages\nsources:\n"
        "  pages: {format: jsonl, paths: pages.jsonl, id: id, language: {column: lang}}\n"
        "deduplicate: null\ntokenizer: {vocabulary: 512}\n"
    )
    (folder / "recipe.yaml").write_text(recipe, encoding="utf-8")
    return folder / "recipe.yaml"


def test_failure__of_a_late_stage_leaves_a_manifest_and_a_report_of_the_stages_before(many_characters, tmp_path):
    run = tmp_path / "run"
    with pytest.raises(RecipeError, match="too small for the"):
        local.execute(Request(many_characters, run))
    assert (state(run)["status"], state(run)["reported"]) == ("failed", True)
    assert manifest(run)["until"] == "text"
    assert manifest(run)["datasets"]["text"]["rows"] == 3
    assert "failed behind the stage text" in attention(run)
    assert "too small for the" in attention(run)
    assert report(run)["header"]["kept"]["documents"] == 3

    many_characters.write_text(many_characters.read_text().replace("512", "4096"), encoding="utf-8")
    execute(Request(many_characters, run))
    assert (state(run)["status"], manifest(run)["until"]) == ("finished", "tokens")
    assert "failed" not in attention(run)


def test_failure__is_on_the_terminal_with_the_figures_and_the_page(command, many_characters, tmp_path):
    many_characters.write_text(many_characters.read_text().replace("4096", "512"), encoding="utf-8")
    done = command("run", many_characters, "--out", tmp_path / "run")
    assert done.returncode == Exit.RECIPE
    assert "too small for the" in done.stderr
    assert "Totals reconcile" in done.stdout
    assert str(tmp_path / "run" / "report" / "index.html") in done.stdout


def test_until__there_is_a_report_whatever_stage_is_the_last(small, tmp_path):
    for stage in STAGES:
        execute(Request(small.recipe, tmp_path / "run", until=stage))
        shown = report(tmp_path / "run")
        assert manifest(tmp_path / "run")["until"] == stage
        assert shown["header"]["state"] == "finished"
        assert (shown["header"]["limits"] == []) == (stage == "tokens")
        assert shown["header"]["records"]["documents"] > 100


def test_nothing_kept__has_a_code_of_its_own_and_the_reasons_by_source(corpus, tmp_path):
    strict = corpus.with_recipe("strict", PRESETS, "  - rules: [{signal: characters, at_least: 1000000}]\n")
    with pytest.raises(EmptyError, match="nothing is kept") as caught:
        execute(Request(strict.recipe, tmp_path / "run"))
    assert caught.value.exit_code == Exit.EMPTY
    for source in ("web", "table"):
        assert f"source {source}: " in caught.value.what
    assert "recipe/characters_min (" in caught.value.what
    assert report(tmp_path / "run")["header"]["kept"]["documents"] == 0
    assert manifest(tmp_path / "run")["until"] == "text"


def test_nothing_kept__without_a_tokenizer(corpus, tmp_path):
    strict = corpus.with_recipe("strict", PRESETS, "  - rules: [{signal: characters, at_least: 1000000}]\n")
    strict = strict.with_recipe("bare", "tokenizer: {vocabulary: 640, sample_bytes: 1MB}", "tokenizer: null")
    with pytest.raises(EmptyError, match="nothing is kept"):
        execute(Request(strict.recipe, tmp_path / "run"))
    assert (tmp_path / "run" / "report" / "index.html").exists()


def test_source__that_yields_nothing_is_named_with_its_errors_and_the_others_are_done(command, corpus, tmp_path):
    (corpus.folder / "broken.jsonl").write_text('{"text": "cut of\n' * 5, encoding="utf-8")
    table = "table: {format: parquet, paths: table.parquet, id: id, language: {column: lang}, priority: 1}"
    wrong = corpus.with_recipe("wrong", table, "table: {format: jsonl, paths: broken.jsonl, language: en}")
    done = command("run", wrong.recipe, "--out", tmp_path / "run")
    assert done.returncode == Exit.EMPTY, done.stderr
    assert "a source yields no document" in done.stderr
    assert "source table: " in done.stderr
    assert "5 records; read: " in done.stderr
    assert "source web" not in done.stderr
    assert "Totals reconcile" in done.stdout
    assert manifest(tmp_path / "run")["until"] == "tokens"
    assert manifest(tmp_path / "run")["datasets"]["text"]["rows"] > 50


def test_source__that_was_not_sampled_is_no_error(corpus, tmp_path):
    execute(Request(corpus.recipe, tmp_path / "run", sample=0.03, until="score"))
    counted = {a["source"] for a in manifest(tmp_path / "run")["accounts"] if a["reason"] == "not_sampled"}
    assert counted == {"web", "table"}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("vocabulary: 640", "vocabulary: 700",
         ["  tokenizer.vocabulary: 640 -> 700", "to do again: tokenizer; and tokens where their input changes"]),
        ("duplicate_lines: 0.31", "duplicate_lines: 0.32",
         ["  decide[0].change.gopher@paper/duplicate_lines: 0.31 -> 0.32",
          "to do again: score, overlaps, duplicates, contamination, passages, substrings, "
           "text; and tokenizer, tokens where their input changes"]),
        ("scrub: {operator: tag, drop_above: {EMAIL_ADDRESS: 1}}", "scrub: null",
         ["  scrub.operator: tag -> absent",
          "  scrub.drop_above.EMAIL_ADDRESS: 1 -> absent",
          "to do again: text; and tokenizer, tokens where their input changes"]),
        ("name: mill", "name: miller", ["  name: mill -> miller", "no stage has to be done again"]),
    ],
)  # fmt: skip
def test_changed_recipe__says_what_differs_and_what_will_be_done_again(corpus, tmp_path, old, new, expected):
    before, after = load(corpus.recipe), load(corpus.with_recipe("changed", old, new).recipe)
    store, units = Store.at(tmp_path), plan_units(before, 12_000)
    store.write_bytes("recipe.yaml", dump(before.recipe).encode())
    books = make_job(before.recipe, units, store, 1.0, "tokens").books
    earlier = {"books": {stage: book.folder for stage, book in books.items()}, "sample": 1.0, "started": "yesterday"}
    assert changes(store, make_job(before.recipe, units, store, 1.0, "tokens"), earlier) == []
    first, *said = changes(store, make_job(after.recipe, units, store, 1.0, "tokens"), earlier)
    assert first == "this replaces the run of yesterday; what differs:"
    assert said == expected
    assert changes(store, make_job(after.recipe, units, store, 1.0, "tokens"), {}) == [], "no run before"


def test_changed_recipe__and_doubts_are_on_the_terminal(command, corpus, tmp_path):
    execute(Request(corpus.recipe, tmp_path / "run", until="score"))
    doubtful = corpus.with_recipe("doubtful", "duplicate_lines: 0.31}", "words_min: 200000}")
    done = command("run", doubtful.recipe, "--out", tmp_path / "run", "--until", "score", "--sample", "50%")
    assert "warning: " in done.stderr
    assert "exclude each other" in done.stderr
    assert "decide[0].change.gopher@paper/words_min: absent -> 200000" in done.stderr.replace(".0", "")
    assert "--sample: 1.0 -> 0.5" in done.stderr
    assert "to do again: score" in done.stderr
    assert "exclude each other" in attention(tmp_path / "run")
