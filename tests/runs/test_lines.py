"""`lines@gristmill` in a run: the same bytes twice, a change and a change back."""

import pytest

from gristmill.pipelines.run.execute import execute
from gristmill.pipelines.run.request import Request

WITHOUT = "presets: [chinese@gristmill]"
WITH = "presets: [lines@gristmill, chinese@gristmill]"
SOME = "presets: [lines@gristmill:follow+navigation, chinese@gristmill]"


@pytest.mark.parametrize("presets", [WITH, SOME])
def test_lines__same_bytes_in_two_runs_and_after_a_change_back(corpus, tmp_path, digests, presets):
    recipe = corpus.with_recipe("lines", WITHOUT, presets).recipe
    execute(Request(recipe, tmp_path / "run"))
    first = digests(tmp_path / "run")
    execute(Request(corpus.recipe, tmp_path / "run"))
    assert digests(tmp_path / "run") != first
    execute(Request(recipe, tmp_path / "run"))
    assert digests(tmp_path / "run") == first
    execute(Request(recipe, tmp_path / "other"))
    assert digests(tmp_path / "other") == first
