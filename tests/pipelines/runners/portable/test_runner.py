"""How a submitted job is waited for."""

import pytest

from gristmill.pipelines.errors import RunnerError
from gristmill.pipelines.runners.portable.engines import SPARK, Launch
from gristmill.pipelines.runners.portable.runner import _Result
from gristmill.pipelines.runners.portable.server_log import ServerLog

# Of Spark 3.5.8, as Beam's job server passes it on.
GIVEN_UP = """Pipeline Beam-x failed in state FAILED: org.apache.spark.SparkException: Job aborted due to stage failure:
Aborting TaskSet 1.1 because task 5 (partition 5)
cannot run anywhere due to node and executor excludeOnFailure.
Most recent failure:
Lost task 5.1 in stage 1.1 (TID 48) (127.0.0.1 executor 2): java.util.concurrent.ExecutionException: CANCELLED"""


class Job:
    """A job that ends as it is told to."""

    def __init__(self, end: str):
        self.end = end

    def wait_until_finish(self, duration=None):
        if self.end != "DONE":
            raise RuntimeError(self.end)
        return self.end


@pytest.fixture
def result():
    """Function: how the jobs end that are submitted one after the other -> (the result, those not submitted)."""

    def call(*ends: str):
        left = [Job(end) for end in ends]
        return _Result(left.pop(0), lambda: left.pop(0), None, "127.0.0.1:1", ServerLog(None), None), left

    return call


def test_wait__a_job_without_executors_begins_again(result):
    waiting, left = result(GIVEN_UP, GIVEN_UP, "DONE")
    assert waiting.wait_until_finish() == "DONE"
    assert left == []


def test_wait__a_job_is_not_begun_for_ever(result):
    waiting, left = result(GIVEN_UP, GIVEN_UP, GIVEN_UP, "DONE")
    with pytest.raises(RunnerError, match="the job failed"):
        waiting.wait_until_finish()
    assert len(left) == 1


def test_wait__another_failure_is_one(result):
    waiting, left = result("java.lang.IllegalStateException", "DONE")
    with pytest.raises(RunnerError, match="IllegalStateException"):
        waiting.wait_until_finish()
    assert len(left) == 1


@pytest.mark.parametrize(("jar", "failed", "tries"), [(None, 1, 5), ("server.jar", 2, 13)])
def test_spark__an_executor_that_a_jar_costs_its_first_task_is_not_shut_out(tmp_path, monkeypatch, jar, failed, tries):
    monkeypatch.setattr("gristmill.pipelines.runners.portable.engines.class_path", lambda engine: "")
    line = Launch(SPARK, "spark://127.0.0.1:7077", 8, jar).command(1, tmp_path)
    assert f"-Dspark.excludeOnFailure.stage.maxFailedTasksPerExecutor={failed}" in line
    assert f"-Dspark.excludeOnFailure.application.maxFailedTasksPerExecutor={failed}" in line
    assert f"-Dspark.task.maxFailures={tries}" in line
    assert f"-Dspark.excludeOnFailure.task.maxTaskAttemptsPerNode={tries - 1}" in line
