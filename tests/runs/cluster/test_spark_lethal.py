"""Documents that kill the Python worker that judges them, on a real Spark cluster: they cost themselves."""

import json
import os
import subprocess
import sys
import time

import pyarrow.parquet as pq
import pytest

from gristmill.pipelines.run.execute import execute
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.runners.portable.engines import free_port, reachable
from gristmill.pipelines.stages.score import UnitScorer

pytestmark = pytest.mark.cluster
DEADLY = """
import ctypes
from gristmill.pipelines.stages.score import UnitScorer

harmless = UnitScorer.examine

def examine(self, batch, source):
    if "decide-kills" in "\\n".join(batch.column("text").to_pylist()):
        ctypes.string_at(0)
    return harmless(self, batch, source)

UnitScorer.examine = examine
"""


@pytest.fixture
def deadly_pool(tmp_path):
    """The address of a worker pool in whose processes some documents end the process."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(DEADLY, encoding="utf-8")
    port, path = free_port(), os.pathsep.join([str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")])
    line = [sys.executable, "-m", "gristmill.infra.worker_pool", f"--port={port}"]
    pool = subprocess.Popen(line, env={**os.environ, "PYTHONPATH": path}, start_new_session=True)
    while not reachable(f"127.0.0.1:{port}"):
        assert pool.poll() is None
        time.sleep(0.1)
    yield f"127.0.0.1:{port}"
    pool.terminate()
    pool.wait()


def test_lethal_documents__cost_themselves_and_bytes_are_those_of_a_local_run(
    spark, write_corpus, tmp_path, digests, deadly_pool, monkeypatch
):
    corpus = write_corpus(tmp_path / "corpus")
    lines = (corpus.folder / "web-1.jsonl").read_text(encoding="utf-8").splitlines()
    for number, (lang, words) in enumerate((("en", "decide-kills the miller"), ("zh", "磨坊decide-kills杀手"))):
        document = {"id": f"lethal-{lang}", "lang": lang, "text": words}
        lines.insert(5 + 20 * number, json.dumps(document, ensure_ascii=False))
    (corpus.folder / "web-1.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")

    pool = ("--environment_type=EXTERNAL", f"--environment_config={deadly_pool}")
    arguments = (f"--spark_master_url={spark.state['master']}", *pool)
    execute(Request(corpus.recipe, tmp_path / "spark", runner="spark", beam_args=arguments))
    dead = [row for file in (tmp_path / "spark" / "dead").glob("*.parquet") for row in pq.read_table(file).to_pylist()]
    assert len(dead) == 2
    assert {row["step"] for row in dead} == {"decide"}
    assert all("SIGSEGV" in row["error"] for row in dead)

    namespace: dict = {}
    monkeypatch.setattr(UnitScorer, "examine", UnitScorer.examine)  # to be put back
    exec(DEADLY, namespace)
    execute(Request(corpus.recipe, tmp_path / "local"))
    assert digests(tmp_path / "spark") == digests(tmp_path / "local")
