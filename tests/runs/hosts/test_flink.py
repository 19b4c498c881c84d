"""A Flink session cluster on several hosts that share nothing but a network and an object store."""

import time
from pathlib import Path

import pytest

from gristmill.pipelines.runners.portable.engines import FLINK
from tests.runs.hosts.conftest import CACHE, GRISTMILL, WORKERS, Fleet, prepared
from tests.runs.hosts.machines import REPOSITORY

pytestmark = pytest.mark.cluster
JOB_MANAGER = "job-manager:8081"
ON_FLINK = ("--runner", "flink", "--workers", "2", "--", f"--flink_master={JOB_MANAGER}")
SETTINGS = (REPOSITORY / "infra" / "kubernetes" / "flink" / "flink-conf.yaml").read_bytes()
RUNTIME = "org.apache.flink.runtime"
NAMES = ("java.lang", "java.lang.invoke", "java.lang.reflect", "java.net", "java.nio", "java.util", "java.time")
OPENS = " ".join(f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in NAMES)


@pytest.fixture
def flink(fleet: Fleet) -> Fleet:
    """A job manager on the driver's host; on each worker's host a task manager and a worker pool."""
    jars = prepared("flink")
    java = {"JDK_JAVA_OPTIONS": OPENS}
    for name in ("driver", *WORKERS):
        fleet.hosts[name].copy(jars, f"{CACHE}/{FLINK.folder}")
        fleet.hosts[name].write("/flink/flink-conf.yaml", SETTINGS)
    line = ["java", "-Xmx600m", "-cp", f"{CACHE}/{FLINK.folder}/*"]
    rest = ["--configDir", "/flink"]
    manager = f"{RUNTIME}.entrypoint.StandaloneSessionClusterEntrypoint"
    bound = ["-D", "rest.bind-address=0.0.0.0", "-D", "jobmanager.bind-host=0.0.0.0"]
    fleet.start("driver", "job-manager", [*line, manager, *rest, *bound], JOB_MANAGER, **java)
    for name in WORKERS:
        own = ["-D", f"taskmanager.host={fleet.hosts[name].address}"]
        fleet.start(name, "tasks", [*line, f"{RUNTIME}.taskexecutor.TaskManagerRunner", *rest, *own], **java)
        fleet.start_pool(name)
    return fleet


def test_a_worker_host_lost__same_bytes_as_local(flink, mill):
    local = flink.gristmill("run", mill, "--out", "s3://mill/local", "--workers", "2")
    assert local.returncode == 0, local.stderr
    log: Path = flink.log("driver", "run")
    run = flink.hosts["driver"].start([*GRISTMILL, "run", mill, "--out", "s3://mill/run", *ON_FLINK], log)
    flink.wait_for_object("mill", "run/_work/score-")
    time.sleep(1)
    flink.hosts["worker-b"].kill()
    assert run.wait(timeout=900) == 0, log.read_text()
    assert flink.digests("mill", "run") == flink.digests("mill", "local")
