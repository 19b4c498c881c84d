"""OpenLineage events of the real command: a run that goes well, one that fails, one that is stopped, a training."""

import json

import pytest

from gristmill.pipelines.cli.running import lineage
from tests.pipelines.run.published.test_lineage import check

pytestmark = pytest.mark.process


def events_of(file):
    events = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    for event in events:
        check(event)
    assert len({event["run"]["runId"] for event in events}) == 1
    assert len({event["job"]["name"] for event in events}) == 1
    return {event["eventType"]: event for event in events}


def test_run__start_running_complete(command, small, tmp_path):
    file, out = tmp_path / "events.jsonl", tmp_path / "run"
    done = command("run", small.recipe, "--out", out, "--until", "score", "--openlineage", file)
    assert done.returncode == 0, done.stderr
    events = events_of(file)
    assert list(events) == ["START", "RUNNING", "COMPLETE"]
    web, _ = events["COMPLETE"]["inputs"]
    assert web["name"] == str(small.folder / "web-*.jsonl")
    size = sum(one.stat().st_size for one in small.folder.glob("web-*.jsonl"))
    assert web["inputFacets"]["inputStatistics"]["size"] == size
    assert web["inputFacets"]["inputStatistics"]["fileCount"] == 2
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    rows = {one["name"]: one["outputFacets"]["outputStatistics"]["rowCount"] for one in events["COMPLETE"]["outputs"]}
    assert rows == {f"{out}/{name}": one["rows"] for name, one in manifest["datasets"].items()}
    assert not any("writer" in json.dumps(event) for event in events.values())


def test_run__that_fails_says_so_and_nobody_listening_fails_no_run(command, small, tmp_path):
    file = tmp_path / "events.jsonl"
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(small.recipe.read_text("utf-8").replace("fineweb@datatrove", "fineweb@nobody"), "utf-8")
    done = command("run", wrong, "--out", tmp_path / "run", "--openlineage", file)
    assert done.returncode == 2
    events = events_of(file)
    assert list(events) == ["START", "FAIL"]
    assert events["FAIL"]["run"]["facets"]["errorMessage"]["message"]
    done = command(
        "run", small.recipe, "--out", tmp_path / "well", "--until", "score", "--openlineage", "http://127.0.0.1:9"
    )
    assert (done.returncode, done.stderr.count("OpenLineage events are not taken")) == (0, 1)
    done = command("run", small.recipe, "--out", tmp_path / "never", "--openlineage", "kafka://host")
    assert (done.returncode, "--openlineage" in done.stderr, (tmp_path / "never").exists()) == (2, True, False)


@pytest.mark.parametrize(("code", "kind"), [(0, "COMPLETE"), (130, "ABORT"), (1, "FAIL")])
def test_training__tells_how_it_ended(tmp_path, code, kind):
    file, run = tmp_path / "events.jsonl", tmp_path / "mill"
    assert lineage.tell_training(str(file), str(run), run, "sft", lambda: code) == code
    events = events_of(file)
    assert list(events) == ["START", kind]
    assert events["START"]["job"]["name"] == "mill.train.sft"
    assert events[kind]["inputs"][0]["name"] == f"{run}/tokens/train"
    assert [one["name"] for one in events[kind]["outputs"]] == ([f"{run}/train/sft"] if code == 0 else [])


def test_training__that_raises_has_failed(tmp_path):
    def broken() -> int:
        raise RuntimeError("磨坊 broke")

    with pytest.raises(RuntimeError):
        lineage.tell_training(str(tmp_path / "events.jsonl"), "run", tmp_path, "main", broken)
    assert list(events_of(tmp_path / "events.jsonl")) == ["START", "FAIL"]
