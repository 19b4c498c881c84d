"""Real clusters on loopback. Nothing here skips: without Java, Maven or pyspark these tests fail and say so."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from gristmill.filters.kernels.jit import cache_folder
from gristmill.pipelines.run.execute import execute
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.runners.portable.engines import ENGINES
from tests.runs.cluster.further import done_by_each_stage, write_further
from tests.runs.conftest import Corpus

PATIENCE = 900
"""Seconds until a unit must be done: 180 were not enough for Spark where other work leaves it a tenth of two cores."""


@dataclass(frozen=True)
class Up:
    """A cluster that is up."""

    name: str
    folder: Path

    @property
    def state(self) -> dict:
        return json.loads((self.folder / "state.json").read_text(encoding="utf-8"))

    def group(self, *daemons: str) -> dict[int, str]:
        """Process -> command line, of the process groups of some daemons; of all without a name."""
        pids = {noted["pid"] for noted in self.state["daemons"] if not daemons or noted["name"] in daemons}
        return {pid: line for pid, (group, line) in processes().items() if group in pids}


def processes() -> dict[int, tuple[int, str]]:
    """Process -> (process group, command line) of everything alive."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if fields[0] != "Z":
            found[int(folder.name)] = (int(fields[2]), line)
    return found


@pytest.fixture(scope="session", name="processes")
def _processes():
    return processes


@pytest.fixture(scope="session")
def cluster_up(tmp_path_factory):
    """Function: engine's name -> a cluster, in a cache of its own so that a user's cluster is left alone."""
    patch, up = pytest.MonkeyPatch(), []
    prepared = {name: engine.jars for name, engine in ENGINES.items()}
    patch.setenv("NUMBA_CACHE_DIR", os.environ.get("NUMBA_CACHE_DIR") or str(cache_folder()))

    def call(name: str) -> Up:
        subprocess.run([sys.executable, "-m", "gristmill.infra.cluster", name, "prepare"], check=True)
        root = tmp_path_factory.mktemp(f"cache-{name}")
        patch.setenv("GRISTMILL_CACHE", str(root))
        ENGINES[name].jars.parent.mkdir(parents=True)
        ENGINES[name].jars.symlink_to(prepared[name])
        subprocess.run([sys.executable, "-m", "gristmill.infra.cluster", name, "up"], check=True)
        up.append(Up(name, ENGINES[name].state))
        return up[-1]

    yield call
    groups = [(cluster, cluster.group()) for cluster in up]
    for cluster, group in groups:
        subprocess.run([sys.executable, "-m", "gristmill.infra.cluster", cluster.name, "down"], check=True)
        left = group.keys() & processes().keys()
        assert not left, f"left behind: {[group[pid] for pid in left]}"
        assert not cluster.folder.exists()
    patch.undo()


@pytest.fixture(scope="session")
def spark(cluster_up):
    return cluster_up("spark")


@pytest.fixture(scope="session")
def flink(cluster_up):
    return cluster_up("flink")


@pytest.fixture(scope="session")
def further(small_networks, tmp_path_factory) -> Corpus:
    """The corpus of all further stages, and in `run` what a local run makes of it; each of them does something."""
    network = small_networks.export("regression", labels=1, problem_type="regression")
    corpus = write_further(tmp_path_factory.mktemp("further") / "corpus", network)
    execute(Request(corpus.recipe, corpus.folder / "run"))
    assert {name for name, count in done_by_each_stage(corpus.folder / "run").items() if not count} == set()
    return corpus


@pytest.fixture
def start_run():
    """Function: request, folder for its error and its log -> the process of a run, which dies with the test."""
    started = []

    def call(request: Request, folder: Path) -> subprocess.Popen:
        folder.mkdir()
        line = [sys.executable, "-m", "gristmill.pipelines.run.worker", request.to_json(), str(folder)]
        with (folder / "log").open("wb") as log:
            started.append(subprocess.Popen(line, stdout=log, stderr=log, start_new_session=True))
        return started[-1]

    yield call
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def wait_for_receipt():
    """Function: run directory, stage, run process -> waits until a unit of that stage is finished."""

    def call(run: Path, stage: str, process: subprocess.Popen) -> None:
        deadline = time.monotonic() + PATIENCE
        while not any(run.glob(f"_work/{stage}-*/*.json")):
            assert process.poll() is None, "the run ended before it could be disturbed"
            assert time.monotonic() < deadline
            time.sleep(0.01)

    return call
