"""The part of `make proof-evaluation` that takes seconds: what stood often in the training is what is memorised."""

import json

from tests.benchmarks.proof.evaluation import repeated
from tests.benchmarks.proof.evaluation.asked import SMALL, Asked
from tests.benchmarks.proof.evaluation.in_context import most_frequent
from tests.benchmarks.proof.evaluation.proof import tables


def test_memorisation_rises_with_repetition(tmp_path, monkeypatch):
    monkeypatch.setattr(repeated, "TIMES", (0, 1, 16))
    monkeypatch.setattr(repeated, "TEXTS", 4)
    monkeypatch.setattr(repeated, "STEPS", 100)
    monkeypatch.setattr(repeated, "SETTINGS", SMALL)
    repeated.memorisation(Asked(tmp_path / "seed-0", 0))
    found = json.loads((tmp_path / "seed-0" / "found.json").read_text())
    shares = [found["verbatim"][f"{times} times"] for times in (0, 1, 16)]
    assert shares == sorted(shares)
    assert found["memorised"]["0 times"] == 0
    assert found["memorised"]["16 times"] >= 0.75
    assert "| memorised | 0 times | 1 times | 16 times |" in tables(tmp_path)


def test_what_examples_can_tell_at_best_rises():
    known = [most_frequent(shots, 2000) for shots in (0, 1, 4, 16)]
    assert known[0] == 1 / 8
    assert abs(known[1] - (0.5 + 0.5 / 8)) < 0.03
    assert known == sorted(known)
