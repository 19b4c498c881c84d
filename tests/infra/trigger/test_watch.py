"""What a watcher starts, what it refuses, and what it says of it."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from gristmill.infra.launch.local import Local
from gristmill.infra.launch.protocol import Job, State
from gristmill.infra.trigger.checks import Override
from gristmill.infra.trigger.target import load_target
from gristmill.infra.trigger.trigger import Trigger
from gristmill.infra.trigger.watch import Watch, is_under
from gristmill.infra.work.order import Order
from gristmill.pipelines.errors import DamageError, GristmillError, RecipeError, RunnerError
from gristmill.pipelines.report.build import write_report
from gristmill.pipelines.storage.store import Store


@pytest.fixture
def submitted(monkeypatch) -> list[Job]:
    """Jobs that would have been started."""
    jobs: list[Job] = []
    monkeypatch.setattr(Local, "submit", lambda self, job, spec: jobs.append(job) or "1 ")
    monkeypatch.setattr(Local, "state", lambda self, job, handle: State("runs"))
    return jobs


def look(runs: Path, target: Path, **options) -> tuple[Watch, list[str]]:
    said: list[str] = []
    watch = Watch(str(runs), Trigger(*load_target(target), **options), said.append)
    watch.look()
    return watch, said


def launched(run: Path, file: str) -> dict:
    (found,) = run.glob(f"train/*/launch/{file}")
    return json.loads(found.read_text())


def test_a_good_run__is_started_with_a_name_of_its_manifest(runs, target, submitted):
    look(runs, target())
    look(runs, target())
    (job,) = submitted
    order = Order.read(Store.at(runs / "good"), job.folder)
    assert job.folder == f"train/main-{order.manifest[:12]}/launch/try-1"
    assert order.steps[0].name == f"main-{order.manifest[:12]}"
    assert len(job.id) <= 63
    assert launched(runs / "good", "state.json")["state"] == "runs"


def test_two_targets__are_two_trainings(runs, target, submitted):
    look(runs, target())
    look(runs, target("launch: local\nname: large\n"))
    assert len({job.id for job in submitted}) == 2


@pytest.mark.parametrize(
    ("require", "gate", "said"),
    [
        ("tokens: 1000000000", "tokens", "tokens is "),
        ("contamination: 1%", "contamination", "unknown: the run has no figure contaminated_share"),
        ("gates: [languages.zh.kept_documents >= 10000]", "languages.zh.kept_documents >= 10000", "kept_documents is"),
        ("gates: [kept_share >= 99%]", "kept_share >= 99%", "kept_share is 0."),
    ],
)
def test_a_failed_gate__is_named_with_how_to_override_it(runs, target, submitted, require, gate, said):
    file = target(f"launch: local\nrequire: {{{require}}}\n")
    watch, told = look(runs, file)
    assert (submitted, watch.code) == ([], 5)
    assert said in told[0]
    assert f"--override '{gate}' --reason" in told[0]
    assert not launched(runs / "good", "refused.json")["checks"][-1]["holds"]
    look(runs / "good", file, overrides=[Override(gate, "a trial / 试验")])
    assert len(submitted) == 1
    check = next(of for of in launched(runs / "good", "decision.json")["checks"] if of["gate"] == gate)
    assert (check["holds"], check["reason"]) == (False, "a trial / 试验")


def test_an_override__of_what_is_no_gate_is_refused(runs, target, submitted):
    _, said = look(runs / "good", target(), overrides=[Override("wole", "why")])
    assert "'wole' is no gate" in said[0]
    assert "did you mean 'whole'?" in said[0]
    assert submitted == []


def test_personal_data_and_green(runs, target, submitted):
    _, said = look(runs, target("launch: local\nrequire: {personal_data: scrubbed, report: green}\n"))
    assert len(submitted) == 1, said


@pytest.mark.parametrize("file", ["manifest.json", "tokens/index.json", "run.json"])
def test_a_file_that_is_not_as_it_was_written__is_refused_and_named(runs, target, submitted, file):
    path = runs / "good" / file
    path.write_bytes(path.read_bytes().replace(b"0", b"1", 1))
    watch, said = look(runs, target())
    assert (submitted, watch.code) == ([], DamageError.exit_code)
    assert file in said[0]


def test_a_manifest_of_another_run__is_refused(runs, mill, target, submitted):
    """Its seal is whole; its files are others."""
    store = Store.at(runs / "good")
    manifest = store.read_sealed("manifest.json")
    manifest["datasets"]["tokens/train"]["shards"][0]["sha256"] = "0" * 64
    store.write_sealed("manifest.json", manifest)
    write_report(store)
    (runs / "good" / "_plan" / "inventory.json").unlink()
    watch, said = look(runs, target())
    assert (submitted, watch.code) == ([], DamageError.exit_code)
    assert "tokens/train" in said[0]


def test_a_run_without_its_report__is_waited_for(runs, mill, target, submitted):
    (runs / "good" / "report" / "report.json").unlink()
    watch, said = look(runs, target())
    assert submitted == []
    assert "its report is not written yet" in said[0]
    shutil.copy(mill / "run" / "report" / "report.json", runs / "good" / "report")
    watch.look()
    assert len(submitted) == 1


def test_a_sample__is_no_whole_run(runs, target, submitted):
    store = Store.at(runs / "good")
    manifest = store.read_sealed("manifest.json")
    store.write_sealed("manifest.json", {**manifest, "sample": 0.01})
    write_report(store)
    watch, said = look(runs, target())
    assert (submitted, watch.code) == ([], 5)
    assert "whole: sample 0.01" in said[0]


def test_skip_present__holds_for_other_watchers(runs, mill, target, submitted):
    watch = Watch(str(runs), Trigger(*load_target(target())), lambda text: None)
    watch.skip_present()
    look(runs, target())
    assert submitted == []
    shutil.copytree(mill / "run", runs / "new")
    look(runs, target())
    assert len(submitted) == 1


def test_what_is_no_run__is_no_matter(runs, target, submitted, tmp_path):
    (runs / "notes").mkdir()
    (runs / "readme.txt").write_text("x")
    look(runs, target())
    assert len(submitted) == 1
    with pytest.raises(RecipeError, match="there is no folder"):
        look(tmp_path / "nowhere", target())


def test_a_launcher_that_does_not_answer__is_asked_again(runs, target, submitted, monkeypatch):
    def fail(self, job, spec):
        raise RunnerError("it does not answer", where="there", fix="wait")

    real = Local.submit
    monkeypatch.setattr(Local, "submit", fail)
    watch, said = look(runs, target())
    assert watch.code == RunnerError.exit_code
    assert "it does not answer" in said[0]
    monkeypatch.setattr(Local, "submit", real)
    for known in watch.known.values():
        known.not_before = 0.0
    watch.look()
    assert len(submitted) == 1


def test_drift__from_the_run_that_was_trained_on_before(runs, mill, target, submitted):
    file = target("launch: local\nrequire: {drift: {most: 0.1}}\n")
    _, said = look(runs, file)
    assert len(submitted) == 1, said
    assert "nothing to compare with" in json.dumps(launched(runs / "good", "decision.json"))
    shutil.copytree(mill / "run", runs / "same")
    look(runs, file)
    assert len(submitted) == 2
    assert "nothing has drifted" in json.dumps(launched(runs / "same", "decision.json"))
    for folder in (runs / "good").glob("train/*/launch"):
        report = json.loads((folder / "report.json").read_text())
        report["figures"] |= {"languages.zh.documents": 4000, "documents": 4400, "kept_documents": 4000}
        (folder / "report.json").write_text(json.dumps(report))
    for folder in (runs / "same").glob("train/*"):
        shutil.rmtree(folder)
    shutil.copytree(mill / "run", runs / "third")
    store = Store.at(runs / "third")
    recipe = (runs / "third" / "recipe.yaml").read_text().replace("documents: 300", "documents: 10")
    (runs / "third" / "recipe.yaml").write_text(recipe)
    manifest = store.read_sealed("manifest.json")
    for listed in manifest["files"]:
        if listed["path"] == "recipe.yaml":
            listed |= {"bytes": len(recipe.encode()), "sha256": hashlib.sha256(recipe.encode()).hexdigest()}
    store.write_sealed("manifest.json", manifest)
    write_report(store)
    watch, said = look(runs / "third", file)
    assert (len(submitted), watch.code) == (2, 5), said
    assert "drift: compared with good" in said[0]
    assert "share kept" in said[0]


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("s3://bucket/runs/a/manifest.json", "a"),
        ("s3://bucket/runs/manifest.json", None),
        ("s3://bucket/runs/a/b/manifest.json", None),
        ("s3://bucket/other/a/manifest.json", None),
        ("s3://bucket/runs/../manifest.json", None),
        ("s3://bucket/runs/a/tokens/index.json", None),
    ],
)
def test_is_under(address, name):
    assert is_under(Store.at("memory://x") if name == "x" else Store("s3://bucket/runs"), address) == name


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("launch: locl\n", "line 1  launch: unknown value 'locl'; did you mean 'local'?"),
        ("launch: local\nretry: 2\n", "line 2  retry: unknown key; did you mean 'retries'?"),
        ("launch: local\nrequire: {token: 2}\n", "line 2  require.token: unknown key; did you mean 'tokens'?"),
        ("launch: local\nrequire:\n  gates: [nothing]\n", "line 3  require.gates[0]: 'nothing' is no gate"),
        ("launch: local\nname: Ours\n", "line 2  name: "),
        ("launch: local\nchain: [{stage: sft}]\n", "sft needs a checkpoint to begin from"),
        ("launch: local\nchain: [{stag: sft}]\n", "line 2  chain[0].stag: unknown key; did you mean 'stage'?"),
        ("launch: local\nlocal: {environment: {a-b: x}}\n", "process: environment"),
        ("- launch\n", "is not a mapping"),
        ("", "is not a mapping"),
        ("launch: [\n", "not valid YAML"),
    ],
)
def test_a_bad_target__is_refused_with_its_line(target, text, said):
    with pytest.raises(GristmillError) as caught:
        Trigger(*load_target(target(text)))
    assert said in str(caught.value)


def test_no_target(tmp_path):
    with pytest.raises(RecipeError, match="the target cannot be read: no such file"):
        load_target(tmp_path / "none.yaml")
