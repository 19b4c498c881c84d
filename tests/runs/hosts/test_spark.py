"""Spark on several hosts that share nothing but a network and an object store."""

import time

import pytest

from tests.runs.hosts.conftest import GRISTMILL, ON_SPARK

pytestmark = pytest.mark.cluster


def test_a_worker_host_lost__same_bytes_as_local(spark, mill):
    local = spark.gristmill("run", mill, "--out", "s3://mill/local", "--workers", "2")
    assert local.returncode == 0, local.stderr
    log = spark.log("driver", "run")
    run = spark.hosts["driver"].start([*GRISTMILL, "run", mill, "--out", "s3://mill/run", *ON_SPARK], log)
    spark.wait_for_object("mill", "run/_work/score-")
    time.sleep(1)
    spark.hosts["worker-b"].kill()
    assert run.wait(timeout=900) == 0, log.read_text()
    assert spark.digests("mill", "run") == spark.digests("mill", "local")
