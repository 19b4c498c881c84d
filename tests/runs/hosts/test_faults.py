"""What goes wrong only where hosts share no disk: one message each, which says what is missing where."""

import pytest

from gristmill.pipelines.errors import Exit
from tests.runs.hosts.conftest import ON_SPARK

pytestmark = pytest.mark.cluster
OTHER_ARROW = "Metadata-Version: 2.1\nName: pyarrow\nVersion: 1.0\n"


def test_run_directory_on_the_drivers_disk__is_refused_and_nothing_is_written_elsewhere(spark, mill):
    done = spark.gristmill("run", mill, "--out", "/root/runs/磨坊", *ON_SPARK)
    assert done.returncode == Exit.RUNNER, done.stderr
    assert "a worker host does not see the run directory" in done.stderr
    assert "/root/runs/磨坊 on worker-" in done.stderr
    for worker in ("worker-a", "worker-b"):
        assert spark.hosts[worker].run(["ls", "/root/runs"]).returncode != 0


def test_input_on_the_drivers_disk__is_named(spark, mill):
    recipe = "/root/corpus/own.yaml"
    text = spark.hosts["driver"].run(["cat", mill]).stdout.replace("s3://mill/in/web-", "/root/corpus/web-")
    spark.hosts["driver"].write(recipe, text.encode())
    done = spark.gristmill("run", recipe, "--out", "s3://mill/own", *ON_SPARK)
    assert done.returncode == Exit.INPUT, done.stderr
    assert "a worker host does not see this file, which is there for this machine" in done.stderr
    assert "/root/corpus/web-" in done.stderr


def test_a_pool_without_credentials__says_so(spark, mill):
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    spark.start_pool("worker-b", **dict.fromkeys(keys, ""), AWS_EC2_METADATA_DISABLED="true")
    try:
        done = spark.gristmill("run", mill, "--out", "s3://mill/poor", *ON_SPARK)
    finally:
        spark.start_pool("worker-b")
    assert done.returncode == Exit.RECIPE, done.stderr
    assert "no permission for s3://mill (NoCredentialsError)" in done.stderr
    assert f"on worker host {spark.hosts['worker-b'].address}" in done.stderr


def test_a_worker_with_another_library__is_named_with_its_host(spark, mill):
    worker = spark.hosts["worker-b"]
    worker.write("/opt/other/pyarrow-1.0.dist-info/METADATA", OTHER_ARROW.encode())
    spark.start_pool("worker-b", PYTHONPATH=f"/opt/other:{worker.environment['PYTHONPATH']}")
    try:
        done = spark.gristmill("run", mill, "--out", "s3://mill/other", *ON_SPARK)
    finally:
        spark.start_pool("worker-b")
    assert done.returncode == Exit.RUNNER, done.stderr
    assert "a worker has pyarrow 1.0, not " in done.stderr
    assert "worker-b, stage score" in done.stderr
