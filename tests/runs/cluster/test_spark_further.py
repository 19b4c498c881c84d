"""The stages and options that the small recipe leaves out, on a real Spark cluster."""

import pytest

from gristmill.pipelines.run.execute import execute
from gristmill.pipelines.run.request import Request

pytestmark = pytest.mark.cluster


def test_further_stages__same_bytes_on_spark_as_local(spark, further, tmp_path, digests):
    execute(Request(further.recipe, tmp_path / "spark", runner="spark"))
    assert digests(tmp_path / "spark") == digests(further.folder / "run")
