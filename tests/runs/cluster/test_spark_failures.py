"""What goes wrong on a real Spark cluster: one clear message each, and the run goes on afterwards."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gristmill.pipelines.errors import Exit, InputError
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.runners.portable.engines import SPARK, find_spark, free_port, reachable
from gristmill.pipelines.runners.portable.server_log import NO_RESOURCES

pytestmark = pytest.mark.cluster
GRISTMILL = [sys.executable, "-m", "gristmill.pipelines.cli.main"]
UNSHARE = ["unshare", "-m"] if os.getuid() == 0 else ["unshare", "-rm"]


def wait_until(condition, run: subprocess.Popen) -> None:
    deadline = time.monotonic() + 300
    while not condition():
        assert run.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)


def state_of(run: Path) -> dict:
    return json.loads((run / "run.json").read_text(encoding="utf-8")) if (run / "run.json").exists() else {}


def test_file_gone_after_planning__the_workers_own_message_without_waiting_for_retries(
    spark, write_corpus, tmp_path, start_run
):
    corpus = write_corpus(tmp_path / "语料")
    run = start_run(Request(corpus.recipe, tmp_path / "run", runner="spark"), tmp_path / "said")
    wait_until(lambda: state_of(tmp_path / "run").get("units"), run)
    (corpus.folder / "web-1.jsonl").unlink()
    assert run.wait(timeout=200) == InputError.exit_code
    said = (tmp_path / "said" / "error").read_text(encoding="utf-8")
    assert said.startswith("the file is gone since it was planned\n")
    assert f"where: {corpus.folder}/web-1.jsonl" in said
    assert len(said.splitlines()) == 3
    log = (spark.folder / "job-server.log").read_text(encoding="utf-8")
    tries = {int(number) for number in re.findall(r"Lost task \d+\.(\d+) in stage", log)}
    assert tries
    assert max(tries) < 4, "a fifth try was made"
    assert "Canceling job invocation" in log


@pytest.fixture
def lonely_master(tmp_path):
    """The URL of a master without workers."""
    port = free_port()
    deploy = "org.apache.spark.deploy.master.Master"
    line = [f"{find_spark()}/bin/spark-class", deploy, "--host", "127.0.0.1", "--port", str(port), "--webui-port", "0"]
    with (tmp_path / "master.log").open("wb") as log:
        master = subprocess.Popen(
            line, stdout=log, stderr=log, start_new_session=True, env={**os.environ, "SPARK_HOME": str(find_spark())}
        )
    wait_until(lambda: reachable(f"127.0.0.1:{port}"), master)
    yield f"spark://127.0.0.1:{port}"
    os.killpg(master.pid, signal.SIGTERM)
    master.wait()


def test_no_workers__says_what_it_waits_for_and_stops_at_ctrl_c(lonely_master, corpus, tmp_path, processes):
    arguments = ["--runner", "spark", "--", f"--spark_master_url={lonely_master}"]
    line = [*GRISTMILL, "run", str(corpus.recipe), "--out", str(tmp_path / "run"), *arguments]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as run:
        try:
            wait_until(lambda: state_of(tmp_path / "run").get("waiting") == NO_RESOURCES, run)
            time.sleep(3)
        finally:
            run.send_signal(signal.SIGINT)
        said, _ = run.communicate(timeout=60)
    assert run.returncode == Exit.INTERRUPTED
    assert "no worker of the cluster has taken up the job" in " ".join(said.split())
    assert not [line for _, line in processes().values() if SPARK.driver in line and lonely_master in line]


def test_full_disk__one_message_and_the_run_goes_on_when_there_is_space(spark, corpus, calm, tmp_path, digests):
    folder = tmp_path / "disk"
    folder.mkdir()
    cache = tmp_path / "cache" / "gristmill"
    cache.mkdir(parents=True)
    (cache / SPARK.folder).symlink_to(SPARK.jars.resolve())
    environment = {**os.environ, "GRISTMILL_CACHE": str(cache.parent)}
    infra = [sys.executable, "-m", "gristmill.infra.cluster", "spark"]
    line = [*GRISTMILL, "run", str(corpus.recipe), "--out", str(folder / "run"), "--runner", "spark"]
    steps = [(None, [*infra, "up"]), (300_000, line), (None, line), (None, [*infra, "down"])]
    script = [sys.executable, str(Path(__file__).parents[1] / "faults" / "small_disk.py"), str(folder), "200"]
    wanted = json.dumps([{"free": free, "line": step} for free, step in steps])
    ran = subprocess.run(
        [*UNSHARE, *script], input=wanted, capture_output=True, text=True, timeout=600, env=environment
    )
    assert ran.returncode == 0, ran.stderr
    up, full, done, down = json.loads(ran.stdout)
    assert (up["code"], down["code"]) == (0, 0), up["output"]
    assert full["code"] == 6
    assert "disk of the cluster is full" in full["output"] or "the disk is full" in full["output"]
    assert done["code"] == 0, done["output"]
    assert digests(tmp_path / "disk-2" / "run") == digests(calm)
