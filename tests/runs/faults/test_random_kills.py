"""One worker and one driver killed at a random moment; tests/benchmarks/random_kills.py does it twenty times each."""

import importlib.util
import random
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def kills():
    path = Path(__file__).parents[2] / "benchmarks" / "random_kills.py"
    spec = importlib.util.spec_from_file_location("random_kills", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["random_kills"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("kill", ["worker", "driver"])
def test_killed_at_a_random_moment__same_bytes_and_nothing_left(kills, kill, corpus, calm, digests, tmp_path):
    command = kills.conftest().Command
    units = len(list(calm.glob("_work/*-*/*.json")))
    place = {}

    def start(folder: Path):
        place["last"] = folder / "run"
        return command(folder, corpus.recipe, "--workers", "2")

    done = kills.disturb(start, tmp_path, kill, units, random.Random(len(kill)))
    assert done.wrong == ""
    assert digests(place["last"]) == digests(calm)
