"""The command as its user meets it: help, errors with exit codes, results on stdout, notes on stderr."""

import json
import re
import subprocess
import sys
from importlib.metadata import version

import pytest

from gristmill.filters.kernels.jit import cache_folder
from tests.small_models import labelled_texts

pytestmark = pytest.mark.process


def test_help__names_every_command_and_imports_no_beam(command):
    done = command("--help")
    assert done.returncode == 0
    names = (
        "init validate run status report clean train generate explain scaling demo rules why cluster dataflow "
        "classifier lm chat watch index clusters eval trace mix"
    )
    for name in names.split():
        assert re.search(rf"\b{name}\b", done.stdout), name


def test_help__starts_fast_without_beam_or_torch():
    code = "import sys, gristmill.pipelines.cli.main; print([m for m in ('apache_beam', 'torch') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_version(command):
    done = command("--version")
    assert (done.returncode, done.stdout) == (0, f"gristmill {version('gristmill')}\n")


def test_validate__warns_of_what_can_hardly_be_meant(command, corpus):
    doubtful = corpus.with_recipe("doubtful", "duplicate_lines: 0.31}", "words_min: 200000}")
    done = command("validate", doubtful.recipe, "--measure", "0")
    assert done.returncode == 0
    assert "warning: " in done.stderr
    assert "exclude each other" in done.stderr


def test_tilde__is_the_home_folder(command, corpus, tmp_path, monkeypatch):
    monkeypatch.setenv("GRISTMILL_CACHE", str(cache_folder().parents[1]))  # another home has no kernels: a minute
    monkeypatch.setenv("HOME", str(corpus.folder))
    done = command("validate", "~/recipe.yaml", "--measure", "0")
    assert done.returncode == 0, done.stderr
    monkeypatch.setenv("HOME", str(tmp_path))
    done = command("run", corpus.recipe, "--out=~/run", "--until", "score")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "run.json").exists()
    assert command("status", "~/run").returncode == 0


def test_init_validate_run_status_why_clean(command, here, corpus, tmp_path):
    assert command("init", tmp_path / "recipe.yaml").returncode == 0
    again = here("init", tmp_path / "recipe.yaml")
    assert (again.returncode, "--force" in again.stderr) == (2, True)

    valid = command("validate", corpus.recipe, "--workers", 3)
    assert valid.returncode == 0, valid.stderr
    assert re.search(r"web +jsonl +3 +\d+", valid.stdout)
    for said in ("core time", "on 3 workers", "disk", "score", "tokenizer", "tokens/train"):
        assert said in valid.stdout
    quick = here("validate", corpus.recipe, "--measure", "0")
    assert (quick.returncode, "core time" in quick.stdout) == (0, False)
    wrong = here("validate", corpus.recipe, "--measure", "much")
    assert (wrong.returncode, "--measure" in wrong.stderr) == (2, True)

    run = tmp_path / "run"
    done = command("run", corpus.recipe, "--out", run)
    assert done.returncode == 0, done.stderr
    assert str(run / "report" / "index.html") in done.stdout

    status = command("status", run)
    assert "finished" in status.stdout
    assert re.search(r"score +(\d+) +\1", status.stdout)

    answer = command("why", run, "en-3-short")
    assert answer.returncode == 0
    assert "gopher@paper" in answer.stdout
    assert "dropped" in answer.stdout
    assert here("why", run, "zzz").returncode == 2

    looked = command("forget", run, "--id", "zh-3-short", "--dry-run")
    assert (looked.returncode, "documents would go" in looked.stdout) == (0, True), looked.stderr
    lacking = here("forget", run, "--id", "zzz", "--out", tmp_path / "new")
    assert (lacking.returncode, "--id" in lacking.stderr, "zzz" in lacking.stderr) == (2, True, False)
    assert not (tmp_path / "new").exists()
    made = command("forget", run, "--id", "zh-3-short", "--out", tmp_path / "new")
    assert (made.returncode, "new version" in made.stdout) == (0, True), made.stderr
    assert here("verify", tmp_path / "new").returncode == 0

    assert command("clean", run).returncode == 0
    assert not (run / "curated").exists()
    assert (run / "text").exists()
    report = here("report", run)
    assert report.returncode == 0, report.stderr


def test_validate__a_bad_recipe_ends_with_2_and_points(command, tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_text("gristmill: 1\nname: x\nsources:\n  web: {format: jsnl, paths: a}\n", encoding="utf-8")
    done = command("validate", file)
    assert done.returncode == 2
    assert "line 4" in done.stderr
    assert "did you mean 'jsonl'?" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("run", "none.yaml"), 2, "no recipe 'none.yaml'"),
        (("run", "RECIPE", "--runner", "sprak"), 2, "unknown runner 'sprak'"),
        (("run", "RECIPE", "--until", "tekst"), 2, "did you mean 'text'?"),
        (("run", "RECIPE", "--workrs", "2"), 2, "did you mean '--workers'?"),
        (("run", "RECIPE", "--workers", "many"), 2, "--workers: expected a whole number; got 'many'"),
        (("run", "RECIPE", "--workers", "-1"), 2, "--workers: expected a whole number, at least 0; got '-1'"),
        (("run", "RECIPE", "another.yaml"), 2, "unexpected argument 'another.yaml'"),
        (("rn", "RECIPE"), 2, "did you mean 'run'?"),
        (("why",), 2, "RUN is missing"),
        (("clean", "a", "b"), 2, "unexpected argument 'b'"),
        (("dataflow", "sumbit"), 2, "did you mean 'submit'?"),
        (("cluster", "sprak", "up"), 2, "did you mean 'spark'?"),
        (("cluster", "flink", "stauts"), 2, "did you mean 'status'?"),
        (("--vresion",), 2, "did you mean '--version'?"),
        (("run", "RECIPE", "--sample", "0"), 2, "not a share"),
        (("run", "RECIPE", "--runner", "portable"), 2, "--job_endpoint"),
        (("status", "nowhere"), 2, "not a run directory"),
        (("forget", "nowhere", "--domain", "a.org", "--dry-run"), 2, "not a run directory"),
        (("forget", "nowhere", "--domain", "a.org"), 2, "--out"),
        (("forget", "nowhere", "--dry-run"), 2, "nothing is to be forgotten"),
        (("forget", "nowhere", "--value", "13812345678", "--dry-run"), 3, "--value names no file"),
        (("train", "nowhere"), 2, "not a run directory"),
        (("rules", "gofer@paper"), 2, "did you mean 'gopher@paper'?"),
    ],
)
def test_mistakes__name_the_thing_and_what_to_do(here, corpus, tmp_path, arguments, code, message):
    line = [str(corpus.recipe) if word == "RECIPE" else word for word in arguments]
    if line[0] == "run" and "none.yaml" not in line:
        line += ["--out", str(tmp_path / "run")]
    done = here(*line)
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert "fix:" in done.stderr
    assert "Traceback" not in done.stderr


def test_missing_input__ends_with_3(command, tmp_path):
    file = tmp_path / "recipe.yaml"
    file.write_text("gristmill: 1\nname: x\nsources:\n  web: {format: jsonl, paths: none.jsonl}\n", encoding="utf-8")
    done = command("run", file, "--out", tmp_path / "run")
    assert done.returncode == 3, done.stderr
    assert "none.jsonl" in done.stderr


def test_log__a_pipe_gets_lines_not_a_live_table(command, corpus, tmp_path):
    done = command("run", corpus.recipe, "--out", tmp_path / "run", "--until", "score")
    assert done.returncode == 0, done.stderr
    assert "\x1b[" not in done.stderr + done.stdout


def test_rules__prints_sentences(command, here):
    done = command("rules", "gopher@paper")
    assert done.returncode == 0
    assert "Rae et al. 2021" in done.stdout
    assert "characters" in here("rules", "--signals").stdout


def test_sample__too_small_to_tell_what_the_whole_takes(here, tmp_path):
    text = "The mill grinds grain by the river, and the miller sleeps while the wheel turns on through the night. "
    pages = [json.dumps({"text": text + str(number)}) for number in range(40)]
    (tmp_path / "a.jsonl").write_text("\n".join(pages))
    (tmp_path / "recipe.yaml").write_text("gristmill: 1\nname: x\nsources: {a: {format: jsonl, paths: a.jsonl}}\n")
    done = here("run", tmp_path / "recipe.yaml", "--sample", "50%", "--until", "text", "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert "`gristmill validate` measures that" in done.stderr
    assert "core time" not in done.stdout
    listed = here("why", tmp_path / "run", "a.jsonl")
    assert "records match (file)" in listed.stdout
    assert not [line for line in listed.stdout.split("\n")[1:-1] if not line.strip()]  # no line for ids that are not


def test_rules__of_a_plugin(here, tmp_path):
    (tmp_path / "mine.py").write_text(
        "from gristmill import Preset, Rule, preset\n"
        'preset(Preset("calm@me", "mine", (Rule("long", "characters", ">=", 9, "read 200 pages"),)))\n'
    )
    (tmp_path / "recipe.yaml").write_text(
        "gristmill: 1\nname: x\nplugins: [mine.py]\nsources: {a: {format: bundled}}\n"
    )
    unknown = here("rules", "calm@me")
    assert (unknown.returncode, "--recipe" in unknown.stderr) == (2, True)
    assert "read 200 pages" in here("rules", "calm@me", "--recipe", tmp_path / "recipe.yaml").stdout


def test_run_json__holds_no_text(command, corpus, calm):
    state = json.loads((calm / "run.json").read_text(encoding="utf-8"))
    assert state["status"] == "finished"
    assert {stage["stage"] for stage in state["stages"]} >= {"score", "duplicates", "text", "tokenizer", "tokens"}


def test_classifier_train__writes_where_the_recipe_looks_and_says_what_it_measured(command, here, tmp_path):
    for label in ("good", "raw"):
        pages = [{"text": text, "lang": lang} for lang in ("en", "zh") for text in labelled_texts(label, lang)]
        (tmp_path / f"{label}.jsonl").write_text("\n".join(map(json.dumps, pages)), encoding="utf-8")
    files = "{files: {format: jsonl, paths: LABEL.jsonl, language: {column: lang}}}"
    good, raw = (files.replace("LABEL", label) for label in ("good", "raw"))
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        "gristmill: 1\nname: own\nsources: {web: {format: jsonl, paths: raw.jsonl, language: {column: lang}}}\n"
        f"classifiers: {{edu: {{train: {{good: {good}, raw: {raw}}}}}}}\n"
        "decide: [{when: {language: [en, zh]}, rules: [{signal: edu, at_least: 0.5}]}]\n"
    )
    before = here("validate", recipe)
    assert (before.returncode, "train it: gristmill classifier train RECIPE edu" in before.stderr) == (2, True)
    misspelt = here("classifier", "train", recipe, "edv")
    assert (misspelt.returncode, "did you mean 'edu'" in misspelt.stderr) == (2, True)
    done = command("classifier", "train", recipe, "edu")
    assert done.returncode == 0, done.stderr
    assert re.search(r"good +zh +\d+", done.stdout)
    assert {file.name for file in (tmp_path / "classifiers" / "edu").iterdir()} == {"model.bin", "card.json", "card.md"}
    after = here("validate", recipe, "--measure", "0")
    assert after.returncode == 0, after.stderr
