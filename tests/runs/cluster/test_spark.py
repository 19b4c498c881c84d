"""The whole recipe on a real Spark standalone cluster: a master and two workers on loopback."""

import glob
import json
import zipfile

import pytest

from gristmill.pipelines.errors import RecipeError, RunnerError
from gristmill.pipelines.run.execute import execute
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.runners.portable.engines import SPARK, class_path, free_port

pytestmark = pytest.mark.cluster


def servers(processes) -> set[int]:
    """Job servers on this machine, of whatever cluster."""
    return {pid for pid, (_, line) in processes().items() if SPARK.driver in line}


def note_of(run) -> str:
    return json.loads((run / "run.json").read_text(encoding="utf-8"))["note"]


def test_running_cluster__same_bytes_as_local(spark, corpus, calm, tmp_path, digests):
    execute(Request(corpus.recipe, tmp_path / "run", runner="spark"))
    assert digests(tmp_path / "run") == digests(calm)
    assert note_of(tmp_path / "run").startswith(f"spark: job endpoint {spark.state['job_endpoint']}")


def test_prepared_class_path_against_a_master__same_bytes_and_no_job_server_left(
    spark, corpus, calm, tmp_path, digests, processes
):
    before = servers(processes)
    arguments = (f"--spark_master_url={spark.state['master']}",)
    execute(Request(corpus.recipe, tmp_path / "run", runner="spark", beam_args=arguments))
    assert digests(tmp_path / "run") == digests(calm)
    assert "prepared class path" in note_of(tmp_path / "run")
    assert servers(processes) <= before


def test_job_server_jar__same_bytes(spark, corpus, calm, tmp_path, digests):
    """A jar that names the prepared jars in its manifest: what `java -jar` does with the shaded one."""
    jars = [jar for entry in class_path(SPARK).split(":") for jar in sorted(glob.glob(entry))]
    wrapped = ["Class-Path:" + "".join(f" file:{jar}" for jar in jars)]
    while len(wrapped[-1]) > 70:  # the manifest's lines are at most 72 bytes
        wrapped[-1:] = [wrapped[-1][:70], " " + wrapped[-1][70:]]
    with zipfile.ZipFile(tmp_path / "server.jar", "w") as jar:
        lines = ["Manifest-Version: 1.0", f"Main-Class: {SPARK.driver}", *wrapped]
        jar.writestr("META-INF/MANIFEST.MF", "\r\n".join(lines) + "\r\n\r\n")
    arguments = (f"--spark_job_server_jar={tmp_path}/server.jar", f"--spark_master_url={spark.state['master']}")
    execute(Request(corpus.recipe, tmp_path / "run", runner="spark", beam_args=arguments))
    assert digests(tmp_path / "run") == digests(calm)
    assert "job-server jar" in note_of(tmp_path / "run")


def test_dead_master__one_clear_message(spark, corpus, tmp_path):
    arguments = (f"--spark_master_url=spark://127.0.0.1:{free_port()}",)
    with pytest.raises(RunnerError, match="the master does not answer"):
        execute(Request(corpus.recipe, tmp_path / "run", runner="spark", beam_args=arguments))


def test_what_is_no_master__one_clear_message(spark, corpus, tmp_path):
    with pytest.raises(RecipeError, match="is no Spark master"):
        execute(Request(corpus.recipe, tmp_path / "run", runner="spark", beam_args=("--spark_master_url=yarn",)))
