"""Same recipe, same input, same bytes: across runs, shardings, runners and resumed runs."""

import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines.execute import execute
from pipelines.request import Request

DATASETS = ("text", "ledger", "clusters", "dropped", "tokens/train", "tokens/validation")


def manifest(run: Path) -> dict:
    return json.loads((run / "manifest.json").read_text(encoding="utf-8"))


def test_two_runs(corpus, calm, tmp_path, digests):
    execute(Request(corpus.recipe, tmp_path / "run"))
    assert digests(tmp_path / "run") == digests(calm)


def test_two_shardings_have_equal_content(calm, tmp_path, write_corpus, tokenizer_bytes):
    other = write_corpus(tmp_path / "corpus", files=5)
    execute(Request(other.recipe, tmp_path / "run"))
    ours, theirs = manifest(calm)["datasets"], manifest(tmp_path / "run")["datasets"]
    assert {name: ours[name]["content"] for name in DATASETS} == {name: theirs[name]["content"] for name in DATASETS}
    assert tokenizer_bytes(calm) == tokenizer_bytes(tmp_path / "run")


def test_unit_size_does_not_change_content(corpus, calm, tmp_path):
    other = corpus.with_recipe("large-units", "unit_bytes: 12kB", "unit_bytes: 1MB")
    execute(Request(other.recipe, tmp_path / "run"))
    ours, theirs = manifest(calm)["datasets"], manifest(tmp_path / "run")["datasets"]
    assert {name: ours[name]["content"] for name in DATASETS} == {name: theirs[name]["content"] for name in DATASETS}


def test_text_as_parquet_does_not_change_content(corpus, calm, tmp_path, tokenizer_bytes):
    other = corpus.with_recipe("parquet", "scrub: {operator: tag}", "scrub: {operator: tag}\ntext: {format: parquet}")
    execute(Request(other.recipe, tmp_path / "run"))
    ours, theirs = manifest(calm)["datasets"], manifest(tmp_path / "run")["datasets"]
    assert {name: ours[name]["content"] for name in DATASETS} == {name: theirs[name]["content"] for name in DATASETS}
    assert all(shard["path"].endswith(".parquet") for shard in theirs["text"]["shards"])
    assert tokenizer_bytes(calm) == tokenizer_bytes(tmp_path / "run")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.mark.process
def test_portable_local_job_service(corpus, calm, tmp_path, digests):
    port = free_port()
    service = subprocess.Popen(
        [sys.executable, "-m", "apache_beam.runners.portability.local_job_service_main", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(port)
        arguments = (f"--job_endpoint=127.0.0.1:{port}",)
        execute(Request(corpus.recipe, tmp_path / "run", runner="portable", beam_args=arguments))
    finally:
        service.kill()
        service.wait()
    assert digests(tmp_path / "run") == digests(calm)


def wait_for(port: int) -> None:
    for _ in range(150):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("the job service did not start")
