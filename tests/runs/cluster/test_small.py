"""A small recipe, all stages, English and Chinese, on a real Spark cluster: what CI runs at every change."""

import json

import pytest

from gristmill.pipelines.run.execute import execute
from gristmill.pipelines.run.request import Request
from tests.runs.models.conversations import MADE, write_conversations

pytestmark = pytest.mark.cluster


def test_small_recipe__same_bytes_on_spark_as_local(spark, corpus, tmp_path, digests):
    small = corpus.with_recipe("small", "unit_bytes: 12kB", "unit_bytes: 50kB")
    execute(Request(small.recipe, tmp_path / "local"))
    document = execute(Request(small.recipe, tmp_path / "spark", runner="spark"))
    assert digests(tmp_path / "spark") == digests(tmp_path / "local")
    assert document["datasets"]["tokens/train"]
    state = json.loads((tmp_path / "spark" / "run.json").read_text(encoding="utf-8"))
    assert spark.state["job_endpoint"] in state["note"]
    assert state["units"] == 5


@pytest.mark.parametrize("kind", MADE)
def test_conversations__same_bytes_on_spark_as_local(spark, tmp_path, digests, kind):
    talks = write_conversations(tmp_path / "corpus", kind)
    for runner in ("local", "spark"):
        execute(Request(talks.recipe, tmp_path / runner, runner=runner))
    assert digests(tmp_path / "spark") == digests(tmp_path / "local")
