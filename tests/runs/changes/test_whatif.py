"""What-if says what a run then does: the same documents, bytes and rules, by source and language."""

import json
import shutil
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from gristmill.pipelines.errors import DamageError, RecipeError
from gristmill.pipelines.run import keys
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.storage.store import Store
from gristmill.pipelines.storage.verification import check_files
from gristmill.pipelines.whatif.ask import ask, write
from gristmill.pipelines.whatif.changes import Changes
from tests.in_process import execute

CHANGES = {
    "bounds": Changes(["gopher@paper/words_min=185", "chinese@gristmill/characters_min=300"]),
    "a preset less": Changes((), (), (), ["chinese@gristmill"], entry=1),
    "no preset": Changes((), (), (), ["gopher@paper", "chinese@gristmill"]),
}


@pytest.fixture(scope="module")
def done(small, tmp_path_factory) -> tuple[Path, Path]:
    """(a run without tokens, its recipe)."""
    corpus = small.with_recipe("asked", "tokenizer: {vocabulary: 640, sample_bytes: 1MB}", "tokenizer: null  # 不要")
    out = tmp_path_factory.mktemp("asked") / "run"
    execute(Request(corpus.recipe, out))
    return out, corpus.recipe


def figures(run: Path) -> dict:
    """What a run keeps: all, by source, by language; and how often its rules fired."""
    accounts = json.loads((run / "manifest.json").read_text(encoding="utf-8"))["accounts"]
    found: dict = {"all": Counter(), "bytes": Counter(), "source": Counter(), "lang": Counter(), "fired": Counter()}
    for one in accounts:
        # Of what deduplication keeps, documents with too much personal data go when it is scrubbed.
        sign = {("deduplicate", "kept"): 1, ("scrub", "dropped"): -1}.get((one["step"], one["outcome"]))
        if sign:
            found["all"][""] += sign * one["documents"]
            found["bytes"][""] += sign * one["bytes"]
            found["source"][one["source"]] += sign * one["documents"]
            found["lang"][one["lang"]] += sign * one["documents"]
        if one["step"] == "decide" and one["outcome"] == "fired":
            found["fired"][one["reason"]] += one["documents"]
    return found


def answered(answer) -> dict:
    return {
        "all": Counter({"": answer.total.after.documents}),
        "bytes": Counter({"": answer.total.after.bytes}),
        "source": Counter({one.name: one.after.documents for one in answer.sources if one.after.documents}),
        "lang": Counter({one.name: one.after.documents for one in answer.languages if one.after.documents}),
        "fired": Counter({one.name: one.after for one in answer.rules if one.after}),
    }


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_written_recipe__gives_the_figures_that_were_said(done, tmp_path, change):
    run, recipe = done
    target = recipe.parent / f"{change.replace(' ', '-')}-2.yaml"
    answer = ask(Store.at(run), CHANGES[change])
    assert write(Store.at(run), CHANGES[change], None, target) == ""
    assert "# 不要" in target.read_text(encoding="utf-8")
    assert answer.duplicates == "exact"
    execute(Request(target, tmp_path / "run"))
    assert answered(answer) == figures(tmp_path / "run")
    before, after, gained, lost = answer.total.before, answer.total.after, answer.total.gained, answer.total.lost
    assert before.documents + gained.documents - lost.documents == after.documents
    assert before.bytes + gained.bytes - lost.bytes == after.bytes
    assert gained.documents or lost.documents
    assert answered(ask(Store.at(run), Changes(), target)) == figures(tmp_path / "run")


@pytest.mark.slow
def test_other_recipe__gives_the_figures_of_its_run(done, tmp_path):
    """Another condition: what no entry admits any more has no rule but one."""
    run, recipe = done
    other = recipe.parent / "other.yaml"
    text = recipe.read_text(encoding="utf-8").replace("when: {language: en}", "when: {language: en, source: table}")
    other.write_text(text + "otherwise: drop\n", encoding="utf-8")
    execute(Request(other, tmp_path / "run"))
    answer = ask(Store.at(run), Changes(), other)
    assert answered(answer) == figures(tmp_path / "run")
    assert {one.name: one.after for one in answer.rules}["unjudged"] > 0


def test_bound_as_it_is__nothing_moves(done):
    answer = ask(Store.at(done[0]), Changes(["gopher@paper/duplicate_lines=0.31"]))
    assert answered(answer) == figures(done[0])
    assert not answer.total.gained.documents
    assert not answer.total.lost.documents


def test_samples__are_scrubbed_and_nearest_first(done):
    answer = ask(Store.at(done[0]), Changes(["gopher@paper/words_min=185", "chinese@gristmill/characters_min=300"]))
    assert {sample.lang for sample in answer.samples} == {"en", "zh"}
    assert all(not sample.gained and sample.text and "@" not in sample.text for sample in answer.samples)
    for rule in ("gopher@paper/words_min", "chinese@gristmill/characters_min"):
        values = [sample.value for sample in answer.samples if sample.rule == rule]
        assert values == sorted(values, reverse=True)


def test_signal_that_nobody_stored__is_named(done):
    with pytest.raises(RecipeError, match=r"c4@tfds edits the text[^$]*gristmill run"):
        ask(Store.at(done[0]), Changes((), (), ["c4@tfds"]))
    with pytest.raises(RecipeError, match=r"has not stored [^$]*measures it"):
        ask(Store.at(done[0]), Changes((), (), ["gopher@datatrove"]))


def test_other_sources__are_refused(done):
    run, recipe = done
    other = recipe.parent / "other-sources.yaml"
    text = recipe.read_text(encoding="utf-8")
    other.write_text(text.replace("columns: {stars: int64}", "columns: {stars: string}"), encoding="utf-8")
    with pytest.raises(RecipeError, match="'sources' is another one"):
        ask(Store.at(run), Changes(), other)


def test_other_evaluation_sets__are_refused(done):
    run, recipe = done
    other = recipe.parent / "other-sets.yaml"
    text = recipe.read_text(encoding="utf-8")
    (recipe.parent / "more.jsonl").write_text(
        '{"question": "河水推动木轮把麦子磨成面粉之后人们带走什么?"}\n', encoding="utf-8"
    )
    for old, new in (("paths: asked.jsonl", "paths: more.jsonl"), ("action: report", "action: drop")):
        other.write_text(text.replace(old, new), encoding="utf-8")
        with pytest.raises(RecipeError, match="'decontaminate' is another one"):
            ask(Store.at(run), Changes(), other)
    other.write_text(text, encoding="utf-8")
    ask(Store.at(run), Changes(), other)


def test_write__only_beside_the_recipe_and_over_nothing(done, tmp_path):
    run, recipe = done
    changes = CHANGES["bounds"]
    with pytest.raises(RecipeError, match="start from its folder"):
        write(Store.at(run), changes, None, tmp_path / "recipe2.yaml")
    with pytest.raises(RecipeError, match="is there already"):
        write(Store.at(run), changes, None, recipe)
    text = recipe.read_text(encoding="utf-8")
    try:
        recipe.write_text(text.replace("0.31", "0.32"), encoding="utf-8")
        with pytest.raises(RecipeError, match="has changed since the run"):
            write(Store.at(run), changes, None, recipe.parent / "recipe2.yaml")
    finally:
        recipe.write_text(text, encoding="utf-8")


def test_cleaned_run__duplicates_are_estimated(done, tmp_path):
    shutil.copytree(done[0], tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "_work")
    shutil.rmtree(tmp_path / "run" / "dropped")
    answer = ask(Store.at(tmp_path / "run"), CHANGES["no preset"])
    exact = ask(Store.at(done[0]), CHANGES["no preset"])
    assert answer.duplicates == "estimated"
    assert any("clean" in note for note in answer.notes)
    assert abs(answer.total.after.documents - exact.total.after.documents) <= 4
    assert all(sample.text == "" for sample in answer.samples if sample.gained)


def test_damaged_ledger__is_named(done, tmp_path, here):
    shutil.copytree(done[0], tmp_path / "run")
    part = sorted((tmp_path / "run" / "ledger").iterdir())[0]
    part.unlink()
    with pytest.raises(DamageError, match=part.name):
        check_files(Store.at(tmp_path / "run"), "ledger")
    said = here("whatif", tmp_path / "run", "--set", "gopher@paper/words_min=30")
    assert said.returncode != 0
    assert part.name in said.stderr


@pytest.mark.process
def test_command(done, command, here):
    run = done[0]
    said = command("whatif", run, "--set", "gopher@paper/words_min=185", "--json")
    found = json.loads(said.stdout)
    assert found["total"]["lost"]["documents"] > 0
    rows = sum(pq.read_metadata(part).num_rows for part in (run / "ledger").iterdir())
    assert found["total"]["before"]["documents"] < rows
    assert "going out" in here("whatif", run, "--drop-preset", "gopher@paper").stdout
    nothing = here("whatif", run)
    assert nothing.returncode != 0
    assert "--set" in nothing.stderr
    unfinished = here("whatif", run.parent, "--set", "a=1")
    assert unfinished.returncode != 0


def test_code_that_has_changed_since_the_run__is_said(done, monkeypatch):
    run, _ = done
    change = Changes(["gopher@paper/words_min=185"])
    assert not [note for note in ask(Store.at(run), change).notes if "code" in note]
    monkeypatch.setattr(keys, "code_version", lambda code: "another")
    assert "the code has changed since the run scored" in ask(Store.at(run), change).notes[0]
