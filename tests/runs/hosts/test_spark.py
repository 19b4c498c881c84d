"""Spark on several hosts that share nothing but a network and an object store."""

import sys
import time

import pytest

from gristmill.pipelines.runners.portable.engines import find_spark
from tests.runs.hosts.conftest import CACHE, WORKERS, Fleet, prepared

pytestmark = pytest.mark.cluster
MASTER = "spark://driver:7077"
SPARK = ("--runner", "spark", "--workers", "2", "--", f"--spark_master_url={MASTER}")


@pytest.fixture
def spark(fleet: Fleet) -> Fleet:
    """A master on the driver's host; on each worker's host a Spark worker and a worker pool, as docs/hosts.md says."""
    jars = prepared("spark")
    fleet.hosts["driver"].copy(jars, f"{CACHE}/{jars.name}")
    launcher, deploy = f"{find_spark()}/bin/spark-class", "org.apache.spark.deploy"
    home = {"SPARK_HOME": str(find_spark())}
    fleet.start("driver", "master", [launcher, f"{deploy}.master.Master", "--host", "driver"], "driver:7077", **home)
    for name in WORKERS:
        sizes = ["--cores", "1", "--memory", "2g", "--work-dir", "/tmp/spark"]
        fleet.start(name, "spark", [launcher, f"{deploy}.worker.Worker", "--host", name, *sizes, MASTER], **home)
        fleet.start_pool(name)
    return fleet


def test_a_worker_host_lost__same_bytes_as_local(spark, mill):
    local = spark.gristmill("run", mill, "--out", "s3://mill/local", "--workers", "2")
    assert local.returncode == 0, local.stderr
    driver, log = spark.hosts["driver"], spark.log("driver", "run")
    line = [sys.executable, "-m", "gristmill.pipelines.cli.main", "run", mill, "--out", "s3://mill/run", *SPARK]
    run = driver.start(line, log)
    spark.wait_for_object("mill", "run/_work/score-")
    time.sleep(1)
    spark.hosts["worker-b"].kill()
    assert run.wait(timeout=500) == 0, log.read_text()
    assert spark.digests("mill", "run") == spark.digests("mill", "local")
