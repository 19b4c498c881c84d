"""Two crawls: the index of the first one's run, and a run of the second one against it; in both languages."""

import json
import random
import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from gristmill.pipelines.errors import DamageError, InputError, RecipeError, causes
from gristmill.pipelines.indexes.build import build
from gristmill.pipelines.indexes.merge import merge
from gristmill.pipelines.indexes.written import damaged, open_index
from gristmill.pipelines.recipe.load import load
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.storage.store import Store
from tests.in_process import execute
from tests.runs.conftest import chinese, english, near_copy

RECIPE = """\
gristmill: 1
name: {name}
sources:
  web: {{format: jsonl, paths: "{paths}", id: id, language: {{column: lang}}{priority}}}
{more}plan: {{unit_bytes: 20kB}}
decide:
  - {{when: {{language: en}}, rules: [{{signal: words, at_least: 5}}]}}
  - {{when: {{language: zh}}, presets: [any@gristmill]}}
deduplicate: {{minhash: {{threshold: 0.7}}{against}}}
scrub: null
tokenizer: null
"""
ALONE = {"priority": "", "more": "", "against": ""}


@dataclass(frozen=True)
class Crawls:
    """A folder with two crawls, the run over the first one and its index."""

    folder: Path
    run: Path
    index: Path

    def recipe(self, name: str, **changed: str) -> Path:
        file = self.folder / f"{name}.yaml"
        file.write_text(RECIPE.format(**{"name": name, "paths": "new.jsonl", **ALONE, **changed}), encoding="utf-8")
        return file


@pytest.fixture(scope="module")
def crawls(tmp_path_factory) -> Crawls:
    folder, rng = tmp_path_factory.mktemp("crawls"), random.Random(3)
    old, new = [], []
    for number in range(24):
        for lang, write in (("en", english), ("zh", chinese)):
            text = write(rng, 8)
            near = near_copy(rng, text)
            (old if number % 3 else new).append({"id": f"{lang}-{number}", "text": text, "lang": lang})
            if number % 4 == 1:  # in both, or twice in the first: the second crawl repeats the one that went
                old.append({"id": f"{lang}-{number}-near", "text": near, "lang": lang})
                new.append({"id": f"{lang}-{number}-again", "text": near_copy(rng, near), "lang": lang})
            if number % 5 == 1:
                new.append({"id": f"{lang}-{number}-copy", "text": text, "lang": lang})
    for name, docs in (("old", old), ("new", new)):
        lines = [json.dumps(doc, ensure_ascii=False) + "\n" for doc in docs]
        (folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    crawls = Crawls(folder, folder / "run-old", folder / "index")
    execute(Request(crawls.recipe("crawl-1", paths="old.jsonl"), crawls.run))
    build(Store.at(crawls.run), crawls.index)
    return crawls


def rows(run: Path) -> dict[str, dict]:
    found = duckdb.sql(f"SELECT * FROM '{run}/ledger/*.parquet'")
    return {row["id"]: row for row in (dict(zip(found.columns, one, strict=True)) for one in found.fetchall())}


def kept(run: Path) -> set[str]:
    return {id for id, row in rows(run).items() if row["verdict"] == "kept"}


def test_second_crawl__keeps_what_one_run_over_both_would_keep(crawls, tmp_path, digests):
    later = crawls.recipe("crawl-2", against=", against: index")
    execute(Request(later, tmp_path / "later"))
    more = '  late: {format: jsonl, paths: "new.jsonl", id: id, language: {column: lang}}\n'
    both = crawls.recipe("both", paths="old.jsonl", priority=", priority: 9", more=more)
    execute(Request(both, tmp_path / "both"))
    first = rows(crawls.run)
    assert kept(crawls.run) | kept(tmp_path / "later") == kept(tmp_path / "both")
    lost = {id: row for id, row in rows(tmp_path / "later").items() if row["duplicate_in"]}
    assert len(lost) > 10
    ids = {row["doc_id"]: id for id, row in first.items() if row["verdict"] == "kept"}
    for id, row in lost.items():
        assert row["duplicate_in"] == "crawl-1"
        assert ids[row["duplicate_of"]].split("-")[:2] == id.split("-")[:2]
        assert (row["verdict"], row["step"]) == ("dropped", "deduplicate")
        assert row["similarity"] >= 0.7
        assert 0 <= row["lost"] < 0.3
        assert row["cluster"] == first[ids[row["duplicate_of"]]]["cluster"]
    manifest = json.loads((tmp_path / "later" / "manifest.json").read_text())
    assert manifest["against"] == [{"name": "crawl-1", "sha256": open_index(str(crawls.index))[0].sha256}]

    told = json.loads((tmp_path / "later" / "report" / "report.json").read_text())["duplicates"]
    assert told["indexed"] == len(lost)
    assert 0 < told["lost_median"] <= told["lost_p95"] < 0.3

    from gristmill.pipelines.report.clusters import find_clusters
    from gristmill.pipelines.report.excerpts import scrubbed_excerpts
    from gristmill.pipelines.report.explain.explanation import Explainer

    store = Store.at(tmp_path / "later")
    with Explainer(store, scrubbed_excerpts(store)) as explainer:
        (id, row) = next(iter(lost.items()))
        told = explainer.explain(explainer.find(id).rows[0], 100)
        shown = find_clusters(explainer.ledger, scrubbed_excerpts(store), 100, 9).shown
    assert sum(cluster.indexed for cluster in shown) == len(lost)
    assert {removal.index for cluster in shown for removal in cluster.removals} == {None, "crawl-1"}
    assert (told.twin.index, told.twin.doc_id) == ("crawl-1", row["duplicate_of"])
    assert "crawl-1" in told.remedy.note

    # There and back again, and what it costs to look once more.
    run, alone = tmp_path / "run", crawls.recipe("crawl-2-alone")
    alone.write_text(alone.read_text().replace("crawl-2-alone", "crawl-2"))
    before = None
    for recipe in (later, alone, later):
        execute(Request(recipe, run))
        scored = {file: file.stat().st_mtime_ns for file in run.glob("_work/score-*/*.json")}
        assert before in (None, scored), "an index changes nothing of what is read"
        before = scored
    assert digests(run) == digests(tmp_path / "later")


def test_whatif__decides_again_against_the_index(crawls, tmp_path):
    from gristmill.pipelines.whatif.ask import ask
    from gristmill.pipelines.whatif.changes import Changes

    recipe = crawls.recipe("asked", against=", against: index")
    execute(Request(recipe, tmp_path / "run"))
    strict = crawls.recipe("strict", against=", against: index")
    strict.write_text(strict.read_text().replace("at_least: 5", "at_least: 100"))
    answer = ask(Store.at(tmp_path / "run"), Changes(), strict)
    assert answer.duplicates == "exact"
    execute(Request(strict, tmp_path / "other"))
    assert answer.total.after.documents == len(kept(tmp_path / "other")) < len(kept(tmp_path / "run"))


def test_index__same_bytes_again_and_names_what_is_wrong(crawls, tmp_path):
    build(Store.at(crawls.run), tmp_path / "again")
    ours, again = open_index(str(crawls.index)), open_index(str(tmp_path / "again"))
    assert ours[0].sha256 == again[0].sha256
    assert list(damaged(*again)) == []
    assert not (tmp_path / "again" / "_work").exists()
    for file in crawls.index.rglob("*"):
        if file.is_file():
            assert b"miller" not in file.read_bytes()  # no text

    def wrong(**changed: str) -> str:
        with pytest.raises(RecipeError) as caught:
            load(crawls.recipe("wrong", **changed))
        return str(caught.value)

    assert "is no index" in wrong(against=", against: nowhere")
    assert "did you mean" in wrong(against=", against: indx")
    assert "two indexes are called 'crawl-1'" in wrong(against=", against: [index, index]")
    other = crawls.recipe("wrong", against=", against: index")
    other.write_text(other.read_text().replace("{threshold: 0.7}", "{threshold: 0.7, bands: 8}"))
    with pytest.raises(RecipeError, match=r"made with 16 bands of 7, .* this recipe has 8 bands of 7"):
        load(other)
    manifest = tmp_path / "again" / "index.json"
    for raw in (b"{}", b"", manifest.read_bytes().replace(b'"documents": ', b'"documents": 1', 1)):
        manifest.write_bytes(raw)
        assert "is damaged" in wrong(against=f", against: {tmp_path / 'again'}")


@pytest.mark.parametrize(("harm", "per"), [("flipped", 16_384), ("flipped", 7), ("cut", 7), ("gone", 7)])
def test_damaged_fingerprints_of_an_index__end_a_run_and_a_merger(crawls, tmp_path, harm, per):
    # per: documents to a partition; of 16,384 all keys are shuffled at once, of 7 halves of them before.
    bad = shutil.copytree(crawls.index, tmp_path / "bad")
    (file,) = (bad / "fingerprints").iterdir()
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 0x40
    file.write_bytes(raw if harm == "flipped" else raw[: len(raw) // 2])
    if harm == "gone":
        file.unlink()
    recipe = crawls.recipe("harmed", against=f", against: {bad}")
    recipe.write_text(recipe.read_text().replace("unit_bytes: 20kB", f"unit_bytes: 20kB, partition_documents: {per}"))
    with pytest.raises(RuntimeError) as failed:  # Beam's, around ours
        execute(Request(recipe, tmp_path / "run"))
    told = [cause for cause in causes(failed.value) if isinstance(cause, DamageError)][-1]
    assert told.what == f"a file of fingerprints is {'missing' if harm == 'gone' else 'damaged'}"
    assert told.where == str(file)
    assert not (tmp_path / "run" / "text").exists()
    with pytest.raises(DamageError, match=told.what):
        merge([str(bad)], tmp_path / "merged", "both")
    assert not (tmp_path / "merged" / "index.json").exists()


def test_build__needs_a_finished_run_with_fingerprints(crawls, tmp_path):
    plain = crawls.recipe("plain")
    plain.write_text(plain.read_text().replace("deduplicate: {minhash: {threshold: 0.7}}", "deduplicate: null"))
    execute(Request(plain, tmp_path / "plain"))
    with pytest.raises(RecipeError, match="not deduplicated"):
        build(Store.at(tmp_path / "plain"), tmp_path / "index")
    recipe = crawls.recipe("half")
    execute(Request(recipe, tmp_path / "half"))
    for file in (tmp_path / "half" / "_work" / "fingerprints").iterdir():
        file.unlink()
    with pytest.raises(InputError, match="fingerprints are gone"):
        build(Store.at(tmp_path / "half"), tmp_path / "index")
    assert not list((tmp_path / "index").rglob("*.arrow"))


def test_build__takes_no_damaged_fingerprints(crawls, tmp_path):
    run = shutil.copytree(crawls.run, tmp_path / "run")
    file = next((run / "_work" / "fingerprints").iterdir())
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.write_bytes(raw)
    with pytest.raises(InputError, match=r"fingerprints are gone .*, or damage: DamageError"):
        build(Store.at(run), tmp_path / "index")
