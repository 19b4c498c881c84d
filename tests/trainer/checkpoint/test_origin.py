"""What a checkpoint says of evaluation sets: that of its run, or of the one that its weights began with."""

import json

from gristmill.trainer.checkpoint.origin import origin_of, worst


def rates(left: float, found: float) -> dict:
    return {"left_rate": left, "rate": found}


def test_origin__takes_the_rates_from_the_manifest(tmp_path):
    (tmp_path / "plan").write_bytes(b"plan")
    assert origin_of(tmp_path, tmp_path / "plan", "0" * 64).contamination is None
    sets = {"gsm8k": rates(0.0, 0.1)}
    (tmp_path / "manifest.json").write_text(json.dumps({"recipe_sha256": "1", "contamination": {"sets": sets}}))
    found = origin_of(tmp_path, tmp_path / "plan", "0" * 64)
    assert (found.recipe, found.contamination) == ("1", sets)
    (tmp_path / "manifest.json").write_text(json.dumps({"recipe_sha256": "1", "contamination": None}))
    assert origin_of(tmp_path, tmp_path / "plan", "0" * 64).contamination is None


def test_worst__keeps_of_each_set_the_run_in_which_more_was_left():
    one, other = {"a": rates(0.0, 0.5), "b": rates(0.1, 0.1)}, {"a": rates(0.2, 0.2), "c": rates(0, 0)}
    assert worst(one, other) == {"a": rates(0.2, 0.2), "b": rates(0.1, 0.1), "c": rates(0, 0)}
    assert worst(None, other) == worst(other, None) == other
    assert worst(None, None) is None
