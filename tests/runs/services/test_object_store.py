"""Runs whose input and run directory are on an S3 server: the same files, the same bytes, after any accident."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer

from gristmill.pipelines.cli.inspecting import report, verify
from gristmill.pipelines.cli.inspecting import why as explore
from gristmill.pipelines.cli.running import status
from gristmill.pipelines.cli.training import train
from gristmill.pipelines.errors import DamageError, RecipeError
from gristmill.pipelines.report.model import Report
from gristmill.pipelines.run.execute import execute
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.storage.rundir import claim, locked
from gristmill.pipelines.storage.store import Store
from gristmill.tokenizer.shards.dataset import TokenShards
from tests import in_process

pytestmark = pytest.mark.process


def digests_in(objects: dict[str, bytes]) -> dict[str, str]:
    """As the fixture `digests`, of a run under the prefix run/."""
    skipped = ("_work", "_plan", "report", "run.json", "run.lock", "run.log")
    below = {key.removeprefix("run/"): data for key, data in objects.items() if key.startswith("run/")}
    return {key: hashlib.sha256(data).hexdigest() for key, data in below.items() if key.split("/")[0] not in skipped}


def under(objects: dict[str, bytes], pattern: str) -> dict[str, bytes]:
    return {key: data for key, data in objects.items() if re.match(pattern, key)}


@pytest.mark.slow
def test_killed_run__goes_on_from_its_receipts_to_the_bytes_of_a_local_run(
    s3, small, digests, command, tmp_path, monkeypatch, capsys
):
    few, local_run = small.with_few_stages("few"), tmp_path / "local"
    in_process.execute(Request(few.recipe, local_run))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    bucket = s3.bucket()
    request = Request(few.recipe, f"s3://{bucket}/run", workers=2).to_json()
    worker = subprocess.Popen(
        [sys.executable, "-m", "gristmill.pipelines.run.worker", request, str(tmp_path / "killed")]
    )
    while not s3.keys(bucket, "run/_work/text-"):
        assert worker.poll() is None, "the run ended before it could be killed"
        time.sleep(0.05)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    left = s3.objects(bucket)
    assert "run/manifest.json" not in left
    assert json.loads(left["run/run.lock"])["pid"] == worker.pid
    receipts = under(left, "run/_work/(score|text)-")

    again = command("run", few.recipe, "--out", f"s3://{bucket}/run", "--workers", "2")
    assert again.returncode == 0, again.stderr
    assert f"took over the lock of process {worker.pid}" in again.stderr
    after = s3.objects(bucket)
    assert receipts.items() <= after.items(), "a finished unit was done again"
    assert digests_in(after) == digests(local_run)
    assert not under(after, r"run/run\.lock")
    assert {"run/report/index.html", "run/report/report.json", "run/run.json"} <= after.keys()
    assert list(scratch.iterdir()) == []
    for text in (*after.values(), again.stdout.encode(), again.stderr.encode()):
        assert s3.secret.encode() not in text
        assert s3.key.encode() not in text

    capsys.readouterr()
    known = json.loads(after["run/report/report.json"])["samples"]["groups"][0]["samples"][0]["doc_id"]
    status.status(f"s3://{bucket}/run")
    explore.why(f"s3://{bucket}/run", known)
    report.report(f"s3://{bucket}/run", tmp_path / "page.html")
    said = capsys.readouterr().out
    assert "finished" in said
    assert re.search(r"tokens +(\d+) +\1\b", said), "every unit that was planned"
    assert known in said
    assert (tmp_path / "page.html").read_bytes() == s3.objects(bucket)["run/report/index.html"]
    local = Report.from_json((local_run / "report" / "report.json").read_text("utf-8"))
    remote = Report.from_json(after["run/report/report.json"].decode())
    for part in ("funnel", "samples", "duplicates", "edits", "tokens", "tokenizer", "languages", "entries"):
        assert getattr(remote, part) == getattr(local, part), part


FORKS = """
import os, sys, threading
from gristmill.pipelines.errors import DamageError, RecipeError
from gristmill.pipelines.run.execute import execute
from gristmill.pipelines.report.model import Report
from gristmill.pipelines.run.request import Request
fork = os.fork
def watched():
    if os.getpid() == parent:
        assert not [thread for thread in threading.enumerate() if "fsspec" in thread.name]
        print("fork", flush=True)
    return fork()
parent, os.fork = os.getpid(), watched
execute(Request.from_json(sys.argv[1]))
assert not [name for name in sys.modules if name == "s3fs" and sys.modules[name].S3FileSystem._cache]
"""


def test_input_on_the_store__same_datasets_and_no_thread_where_workers_are_forked(s3, corpus, calm, flaky, tmp_path):
    bucket = s3.bucket()
    for file in (*corpus.folder.glob("web-*.jsonl"), corpus.folder / "table.parquet"):
        s3.client().upload_file(str(file), bucket, f"in/{file.name}")
    text = corpus.recipe.read_text(encoding="utf-8")
    text = text.replace('"web-*', f'"s3://{bucket}/in/web-*').replace("table.p", f"s3://{bucket}/in/table.p")
    (tmp_path / "recipe.yaml").write_text(text, encoding="utf-8")
    for name in ("grades.csv", "asked.jsonl", "en.arpa", "zh.arpa"):
        shutil.copy(corpus.folder / name, tmp_path)
    request = Request(tmp_path / "recipe.yaml", tmp_path / "run", workers=2, until="score").to_json()
    environment = {**os.environ, **s3.environment(flaky(25))}
    done = subprocess.run([sys.executable, "-c", FORKS, request], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("fork") > 4
    here, there = (json.loads((run / "manifest.json").read_text("utf-8")) for run in (tmp_path / "run", calm))
    mine, theirs = ([shard["sha256"] for shard in m["datasets"]["curated"]["shards"]] for m in (here, there))
    assert mine == theirs


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("s3://never-made/run", "there is no bucket s3://never-made"),
        ("s3://KEYID:s3cret/of+the/tests/never/in/any/file@bucket/run", "the address holds credentials"),
    ],
)
def test_refused__one_message_and_nothing_left_behind(s3, corpus, command, tmp_path, monkeypatch, address, said):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    done = command("run", corpus.recipe, "--out", address)
    assert done.returncode == 2
    assert done.stderr.count("error: ") == 1
    assert said in done.stderr
    assert "fix: " in done.stderr
    assert "Traceback" not in done.stderr
    assert s3.secret not in done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []


def test_foreign_objects__are_never_written_among(s3, corpus, command):
    bucket = s3.bucket()
    s3.client().put_object(Bucket=bucket, Key="mine/text/故事.txt", Body=b"mine")
    done = command("run", corpus.recipe, "--out", f"s3://{bucket}/mine")
    assert done.returncode == 2
    assert "is not a run directory" in done.stderr
    with pytest.raises(RecipeError, match="is not a run directory"):
        execute(Request(corpus.recipe, f"s3://{bucket}/mine"))
    assert s3.objects(bucket) == {"mine/text/故事.txt": b"mine"}


def test_no_permission__is_said_before_anything_is_written(s3, corpus, tmp_path, monkeypatch):
    bucket = s3.bucket()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    s3.check_rights_after(0)
    try:
        with pytest.raises(RecipeError, match=f"no permission for s3://{bucket} "):
            execute(Request(corpus.recipe, f"s3://{bucket}/run"))
    finally:
        s3.check_rights_after(float("inf"))
    assert s3.objects(bucket) == {}
    assert [one.name for one in tmp_path.iterdir()] == [f"gristmill-lists-{os.getuid()}"], "tables that all runs share"


def test_lock__another_machine_s_is_respected_until_it_is_broken(s3, corpus):
    bucket = s3.bucket()
    store = Store.at(f"s3://{bucket}/run")
    claim(store)
    state = s3.objects(bucket)
    with locked(store) as told:
        assert told == ""
        mine = json.loads(s3.objects(bucket)["run/run.lock"])
        with pytest.raises(RecipeError, match=f"process {os.getpid()} on"), locked(store):
            pass
    assert s3.objects(bucket) == state
    for change in ({"machine": "another"}, {"pid": os.getpid()}):
        store.write_json("run.lock", {**mine, "host": "far", "born": "1", **change})
        if "pid" in change:  # of this machine, and this process was born later: its number was used again
            with locked(store) as told:
                assert told == f"took over the lock of process {os.getpid()} on far since {mine['since']}"
            continue
        with pytest.raises(RecipeError, match=f"process {os.getpid()} on far since") as caught:
            execute(Request(corpus.recipe, store.root))
        assert "--break-lock" in caught.value.fix
        with locked(store, break_lock=True) as told:
            assert "on far" in told
    assert s3.objects(bucket) == state


@pytest.mark.slow
def test_lost_rights__the_run_says_so_and_goes_on_when_they_are_back(s3, corpus, tmp_path):
    bucket = s3.bucket()
    request = Request(corpus.recipe, f"s3://{bucket}/run", workers=2, until="score")
    command = [sys.executable, "-m", "gristmill.pipelines.run.worker", request.to_json(), str(tmp_path / "folder")]
    with (tmp_path / "log").open("wb") as log:
        worker = subprocess.Popen(command, stdout=log, stderr=log)
        while not s3.keys(bucket, "run/_work/score-"):
            assert worker.poll() is None
            time.sleep(0.05)
        s3.check_rights_after(0)
        try:
            assert worker.wait(timeout=60) == 2
        finally:
            s3.check_rights_after(float("inf"))
    said = (tmp_path / "folder" / "error").read_text()
    assert said.startswith(f"no permission for s3://{bucket} (")
    left = s3.objects(bucket)
    assert "run/manifest.json" not in left
    for text in (*left.values(), said.encode(), (tmp_path / "log").read_bytes()):
        assert s3.secret.encode() not in text
        assert s3.key.encode() not in text
    in_process.execute(replace(request, workers=1))
    after = s3.objects(bucket)
    assert under(left, "run/_work/score-").items() <= after.items()
    assert "run/manifest.json" in after


def test_train__copies_a_run_once_and_brings_its_curves_back(s3, calm, tmp_path, monkeypatch, capsys):
    bucket = s3.bucket()
    for file in calm.rglob("*"):
        if file.is_file() and file.relative_to(calm).parts[0] not in ("_work", "curated", "dropped", "report"):
            s3.client().upload_file(str(file), bucket, f"run/{file.relative_to(calm).as_posix()}")
    trained: list[list[str]] = []

    def trainer(arguments: list[str]) -> int:
        trained.append(arguments)
        metrics = Path(arguments[1]) / "train" / "try" / "metrics.jsonl"
        metrics.parent.mkdir(parents=True, exist_ok=True)
        metrics.write_text('{"step": 1, "loss": 5.5}\n{"step": 2, "loss": 5.25}\n', encoding="utf-8")
        return 0

    monkeypatch.setattr(train, "call_trainer", trainer)
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        train.train(SimpleNamespace(args=["--steps", "2"]), f"s3://{bucket}/run", "try", None)
    said = capsys.readouterr().err
    (folder,) = (tmp_path / "runs").iterdir()
    assert [arguments[1] for arguments in trained] == [f"runs/{folder.name}"] * 2
    assert said.count("copies what training needs") == said.count("uses the copy") == 1
    assert f"checkpoints go to runs/{folder.name}/train/try" in said
    for split in ("train", "validation"):
        TokenShards(folder / "tokens" / "index.json", split).verify()
    assert (folder / "manifest.json").read_bytes() == (calm / "manifest.json").read_bytes()
    (curve,) = json.loads(s3.objects(bucket)["run/report/report.json"])["training"]
    assert (curve["name"], curve["steps"]) == ("try", 2)
    for name in ("manifest.json", "run.json"):
        (folder / name).write_text("{}", encoding="utf-8")
    with pytest.raises(RecipeError, match="no copy of this run"):
        train.train(SimpleNamespace(args=[]), f"s3://{bucket}/run", "try", folder)


def test_verify__reads_a_run_on_the_store(s3, calm, tmp_path, capsys):
    bucket = s3.bucket()
    for file in calm.rglob("*"):
        if file.is_file():
            s3.client().upload_file(str(file), bucket, f"run/{file.relative_to(calm).as_posix()}")
    verify.verify(f"s3://{bucket}/run")
    assert capsys.readouterr().out.startswith("OK: ")
    shard = next(iter(s3.keys(bucket, "run/tokens/train/"))).removeprefix("run/")
    raw = s3.client().get_object(Bucket=bucket, Key=f"run/{shard}")["Body"].read()
    s3.client().put_object(Bucket=bucket, Key=f"run/{shard}", Body=raw[:-1] + b"?")
    with pytest.raises(typer.Exit) as ended:
        verify.verify(f"s3://{bucket}/run")
    assert ended.value.exit_code == 7
    assert re.search(rf"damaged +{shard}", capsys.readouterr().out)
    with pytest.raises(DamageError, match=shard):
        train.train(SimpleNamespace(args=[]), f"s3://{bucket}/run", "try", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
