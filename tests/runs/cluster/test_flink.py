"""The whole recipe on Flink's embedded cluster, in a job server of the run's own and in one that is up."""

import json

import pytest

from pipelines.execute import execute
from pipelines.request import Request
from pipelines.runners.engines import FLINK

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def flink(cluster_up):
    return cluster_up("flink")


def note_of(run) -> str:
    return json.loads((run / "run.json").read_text(encoding="utf-8"))["note"]


def test_running_job_server__same_bytes_as_local(flink, corpus, calm, tmp_path, digests):
    execute(Request(corpus.recipe, tmp_path / "run", runner="flink"))
    assert digests(tmp_path / "run") == digests(calm)
    assert note_of(tmp_path / "run").startswith(f"flink: job endpoint {flink.state['job_endpoint']}")


def test_embedded__same_bytes_and_no_job_server_left(flink, corpus, calm, tmp_path, digests, processes):
    execute(Request(corpus.recipe, tmp_path / "run", runner="flink", beam_args=("--flink_master=[local]",)))
    assert digests(tmp_path / "run") == digests(calm)
    assert "prepared class path" in note_of(tmp_path / "run")
    servers = [pid for pid, (_, line) in processes().items() if FLINK.driver in line]
    assert set(servers) <= set(flink.group("job server"))
