"""Whatever bounds are changed, what-if says what a run with them does: drawn ones, deduplicated in several ways."""

import shutil
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from gristmill.pipelines.run.request import Request
from gristmill.pipelines.storage.store import Store
from gristmill.pipelines.whatif.ask import ask, write
from gristmill.pipelines.whatif.changes import Changes
from tests.in_process import execute
from tests.runs.changes.test_whatif import answered, figures

MINHASH, URLS = "  minhash: {threshold: 0.7}\n", "  urls: {keep: newest}\n"
WAYS = {
    "as it is": (MINHASH, MINHASH),
    "addresses only": (MINHASH, "  exact: false\n  minhash: null\n"),
    "loose": (URLS + MINHASH, "  minhash: {threshold: 0.5}\n  max_lost: 0.3\n"),
}
BOUNDS = {
    "gopher@paper/words_min": st.integers(150, 230),
    "gopher@paper/stop_words": st.sampled_from([0, 2, 3, 5, "null"]),
    "recipe/grades.grade_min": st.sampled_from([0, 0.5, 1, "null"]),
    "chinese@gristmill/characters_min": st.integers(250, 420),
    "recipe/prose.worst_line_max": st.integers(1, 300),
}


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_drawn_bounds__give_the_figures_of_their_run(way, small, tmp_path):
    old, new = WAYS[way]
    recipe = small.with_recipe("bounds", "tokenizer: {vocabulary: 640, sample_bytes: 1MB}", "tokenizer: null")
    recipe = recipe.with_recipe(f"bounds-{way.replace(' ', '-')}", old, new).recipe
    run = tmp_path / "run"
    execute(Request(recipe, run))
    number = 0

    @settings(
        max_examples=3,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
    )
    @given(changed=st.fixed_dictionaries({}, optional=BOUNDS).filter(bool))
    def as_its_run(changed):
        nonlocal number
        number += 1
        changes = Changes([f"{rule}={bound}" for rule, bound in changed.items()])
        target, again = recipe.with_name(f"{recipe.stem}-{number}.yaml"), tmp_path / str(number)
        answer = ask(Store.at(run), changes)
        write(Store.at(run), changes, None, target)
        shutil.copytree(run, again)  # decides again: test_decide_again.py says that this is a fresh run's outcome
        execute(Request(Path(target), again))
        assert answer.duplicates == "exact"
        assert answered(answer) == figures(again)

    as_its_run()
