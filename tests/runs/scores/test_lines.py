"""`lines@gristmill` in a run: the same bytes twice, a change and a change back."""

from gristmill.pipelines.run.request import Request
from tests.in_process import execute

WITHOUT = "presets: [chinese@gristmill]"
WITH = "presets: [lines@gristmill, chinese@gristmill]"
SOME = "presets: [lines@gristmill:follow+navigation, chinese@gristmill]"


def test_lines__same_bytes_in_two_runs_and_after_a_change_back(small, small_run, tmp_path, digests):
    """Some and all of them: each in two folders, one of them after the other."""
    found = {}
    for name, place in ((WITH, "run"), (SOME, "run"), (WITH, "run"), (SOME, "other")):
        execute(Request(small.with_recipe("lines", WITHOUT, name).recipe, tmp_path / place))
        found.setdefault(name, []).append(digests(tmp_path / place))
    assert found[WITH][0] == found[WITH][1]
    assert found[SOME][0] == found[SOME][1]
    assert found[WITH][0] != found[SOME][0]
    assert digests(small_run) not in (found[WITH][0], found[SOME][0])
