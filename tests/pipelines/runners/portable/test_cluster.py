"""Which cluster is used, with which options, and what is said when it cannot be: without Java."""

import json
import socket
import sys
from pathlib import Path

import pytest
from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions

from gristmill.pipelines.errors import InputError, RecipeError, RunnerError
from gristmill.pipelines.runners.options import choose
from gristmill.pipelines.runners.portable import cluster, engines
from gristmill.pipelines.runners.portable.cluster import find_cluster, split_arguments
from gristmill.pipelines.runners.portable.engines import (
    FLINK,
    JARS_LIST,
    SPARK,
    Launch,
    class_path,
    find_java,
    find_spark,
    is_loopback,
)
from gristmill.pipelines.runners.portable.failures import explain


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("GRISTMILL_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    (tmp_path / "bin").mkdir()
    return tmp_path


@pytest.fixture
def listener():
    """A port that answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def fake(folder: Path, name: str, script: str) -> None:
    (folder / "bin" / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    (folder / "bin" / name).chmod(0o755)


def fake_java(folder: Path, version: str = "17.0.15") -> None:
    fake(folder, "java", f"echo 'openjdk version \"{version}\"' >&2")


@pytest.fixture
def prepared(cache, monkeypatch):
    """Java, a class path of one jar for each engine, and a Spark."""
    fake_java(cache)
    for engine in (SPARK, FLINK):
        engine.jars.mkdir(parents=True)
        (engine.jars / "beam.jar").write_bytes(b"jar")
        (engine.jars / JARS_LIST).write_text("0  beam.jar\n", encoding="utf-8")
    monkeypatch.setattr(engines, "find_spark", lambda: Path("/spark"))


def running(engine, endpoint: str) -> None:
    engine.state.mkdir(parents=True)
    state = {"job_endpoint": endpoint, "worker_pool": "127.0.0.1:7", "cores": 2}
    (engine.state / "state.json").write_text(json.dumps(state), encoding="utf-8")


def test_arguments__both_spellings_and_the_rest_untouched():
    given = ["--job_endpoint", "h:1", "--parallelism=3", "--spark_master_url=spark://m:7077", "-x"]
    assert split_arguments(given) == (
        {"job_endpoint": "h:1", "spark_master_url": "spark://m:7077"},
        ["--parallelism=3", "-x"],
    )
    with pytest.raises(RecipeError, match="has no value"):
        split_arguments(["--job_endpoint"])


def test_order__endpoint_before_what_is_up_before_jar_before_class_path(prepared, listener, tmp_path):
    jar = tmp_path / "server.jar"
    jar.write_bytes(b"jar")
    master, by_jar = f"--spark_master_url=spark://{listener}", f"--spark_job_server_jar={jar}"
    endpoint = f"--job_endpoint={listener}"
    assert find_cluster("spark", 0, [endpoint, by_jar, master]).note == f"spark: job endpoint {listener}"
    assert "job-server jar" in find_cluster("spark", 0, [by_jar, master]).note
    assert "prepared class path" in find_cluster("spark", 0, [master]).note
    running(SPARK, listener)
    assert "cluster spark up" in find_cluster("spark", 0, []).note
    assert "prepared class path" in find_cluster("spark", 0, [master]).note


def test_no_cluster_named__spark_says_how_flink_embeds_one(prepared):
    with pytest.raises(RecipeError, match="no cluster is named") as caught:
        find_cluster("spark", 0, [])
    assert "gristmill cluster spark up" in caught.value.fix
    assert find_cluster("flink", 0, []).note.endswith("against [local]")


def test_options__right_by_default_and_the_users_win(prepared, listener, monkeypatch):
    named = find_cluster("spark", 0, [f"--job_endpoint={listener}"])
    assert "--storage_level=MEMORY_AND_DISK" in named.arguments
    options = PipelineOptions(named.arguments).view_as(PortableOptions)
    assert (options.environment_type, options.environment_cache_millis) == ("LOOPBACK", "600000")
    assert options.sdk_worker_parallelism == "1"

    changed = ["--environment_type=DOCKER", "--sdk_worker_parallelism=4", f"--job_endpoint={listener}"]
    options = PipelineOptions(find_cluster("spark", 0, changed).arguments).view_as(PortableOptions)
    assert (options.environment_type, options.sdk_worker_parallelism) == ("DOCKER", "4")

    monkeypatch.setattr(cluster, "reachable", lambda address: True)
    far = find_cluster("spark", 0, ["--spark_master_url=spark://mill.example:7077"])
    options = PipelineOptions(far.arguments).view_as(PortableOptions)
    assert (options.environment_type, options.environment_config) == ("EXTERNAL", "localhost:50000")


def test_pool_of_a_running_cluster__is_used(prepared, listener):
    running(FLINK, listener)
    options = choose("flink", 0).options.view_as(PortableOptions)
    assert (options.environment_type, options.environment_config) == ("EXTERNAL", "127.0.0.1:7")


def test_command__partitions_from_cores_and_the_users_properties_last(prepared, tmp_path):
    line = Launch(SPARK, "spark://127.0.0.1:7077", 5, properties=("-Xmx9g",)).command(8099, tmp_path)
    assert "-Dspark.default.parallelism=40" in line
    assert line.index("-Xmx9g") > line.index("-Xmx2g")
    assert "--spark-master-url=spark://127.0.0.1:7077" in line
    assert "-Dspark.driver.host=127.0.0.1" in line
    far = Launch(SPARK, "spark://mill.example:7077", 5).command(8099, tmp_path)
    assert "-Dspark.driver.host=127.0.0.1" not in far
    assert "-Dspark.executor.cores=1" in far, "one SDK process for each executor"


def test_class_path__beam_first_without_what_spark_brings(prepared):
    names = ["beam.jar", "guava-33.jar", "jackson-core-2.jar", "slf4j-api-1.jar", "jackson-module-scala-2.jar"]
    for name in names:
        (SPARK.jars / name).write_bytes(b"")
    (SPARK.jars / JARS_LIST).write_text("".join(f"0  {name}\n" for name in names), encoding="utf-8")
    kept = [Path(entry).name for entry in class_path(SPARK).split(":")]
    assert kept == ["beam.jar", "guava-33.jar", "jackson-module-scala-2.jar", "*"]


def test_class_path__not_prepared_or_a_jar_gone(prepared):
    (FLINK.jars / "beam.jar").unlink()
    with pytest.raises(RunnerError, match="1 prepared jars are gone"):
        class_path(FLINK)
    (FLINK.jars / JARS_LIST).unlink()
    with pytest.raises(RunnerError, match="is not prepared") as caught:
        class_path(FLINK)
    assert caught.value.fix == "gristmill cluster flink prepare"


def test_java__missing_or_too_old(cache):
    with pytest.raises(RunnerError, match="no Java found"):
        find_java()
    fake_java(cache, "1.8.0_412")
    with pytest.raises(RunnerError, match="Java 1 does not run"):
        find_java()
    fake_java(cache, "17.0.15")
    assert find_java() == str(cache / "bin" / "java")


def test_spark__missing_or_of_another_version(monkeypatch, tmp_path):
    monkeypatch.setattr(engines.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(RunnerError, match="no Spark found"):
        find_spark()
    (tmp_path / "pyspark").mkdir()
    (tmp_path / "pyspark" / "__init__.py").touch()
    monkeypatch.undo()
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "pyspark", raising=False)
    monkeypatch.setattr(engines.metadata, "version", lambda name: "4.0.1")
    with pytest.raises(RunnerError, match=r"Spark 3\.5\.8 is needed, found 4\.0\.1"):
        find_spark()


@pytest.mark.parametrize("name", ["spark", "flink"])
def test_endpoint_that_nobody_answers(name):
    with pytest.raises(RunnerError, match="no job server answers"):
        find_cluster(name, 0, ["--job_endpoint=127.0.0.1:1"])


def test_master__wrong_form_or_no_answer(prepared):
    with pytest.raises(RecipeError, match="'yarn' is no Spark master"):
        find_cluster("spark", 0, ["--spark_master_url=yarn"])
    with pytest.raises(RunnerError, match="the master does not answer"):
        find_cluster("spark", 0, ["--spark_master_url=spark://127.0.0.1:1"])


def test_jar_that_is_not_there(prepared):
    with pytest.raises(RecipeError, match="no such job-server jar"):
        find_cluster("spark", 0, ["--spark_master_url=local[2]", "--spark_job_server_jar=/nowhere.jar"])


def test_loopback():
    assert [is_loopback(a) for a in ("spark://127.0.0.1:7077", "localhost:1", "mill.example:7077")] == [
        True,
        True,
        False,
    ]


def test_explain__our_own_errors_come_back_as_they_were():
    original = InputError("not Parquet", where="网页/a.parquet", fix="convert it")
    raised = f"gristmill.pipelines.errors.InputError: {original}\n [while running 'score']"
    remote = f"Error received from SDK harness: Traceback\n  ...\n{raised}"
    error = explain(remote, None, "h:1")
    assert isinstance(error, InputError)
    assert (error.what, error.where, error.fix) == ("not Parquet", "网页/a.parquet", "convert it")


@pytest.mark.parametrize(
    ("message", "what"),
    [
        ("ModuleNotFoundError: No module named 'pipelines'", "lacks the gristmill package"),
        ("java.io.InvalidClassException: local class incompatible: stream classdesc", "another version"),
        ("All masters are unresponsive! Giving up.", "the master does not answer"),
        ("org.apache.spark.SparkException: Only one SparkContext should be running", "busy with another job"),
        ("OSError: [Errno 28] No space left on device", "a disk of the cluster is full"),
        ("StatusCode.UNAVAILABLE: Socket closed", "the job server went away"),
        ("java.lang.RuntimeException: other\n at Foo.java", "the job failed: java.lang.RuntimeException: other"),
    ],
)
def test_explain__one_clear_message_each(message, what):
    error = explain(message, None, "mill.example:8099")
    assert isinstance(error, RunnerError)
    assert what in error.what
    assert "mill.example:8099" in error.where
