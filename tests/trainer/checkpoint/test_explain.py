"""What a checkpoint says about its making."""

import json
import shutil

import pytest

from gristmill.trainer.checkpoint.explain import as_text, explain
from gristmill.trainer.errors import InputError, MismatchError
from gristmill.trainer.loop.fit import fit

ACCOUNTS = [
    {"step": "read", "outcome": "in", "reason": "", "source": "web", "lang": "", "documents": 10, "bytes": 100},
    {"step": "read", "outcome": "kept", "reason": "", "source": "web", "lang": "", "documents": 9, "bytes": 90},
    {"step": "read", "outcome": "dead", "reason": "x", "source": "web", "lang": "", "documents": 1, "bytes": 10},
    {"step": "decide", "outcome": "in", "reason": "", "source": "web", "lang": "en", "documents": 9, "bytes": 90},
    {"step": "decide", "outcome": "dropped", "reason": "a", "source": "web", "lang": "en", "documents": 2, "bytes": 9},
    {"step": "decide", "outcome": "dropped", "reason": "b", "source": "web", "lang": "en", "documents": 1, "bytes": 9},
    {"step": "decide", "outcome": "dropped", "reason": "b", "source": "web", "lang": "zh", "documents": 3, "bytes": 9},
    {"step": "decide", "outcome": "fired", "reason": "a", "source": "web", "lang": "en", "documents": 5, "bytes": 9},
    {"step": "decide", "outcome": "kept", "reason": "", "source": "web", "lang": "zh", "documents": 3, "bytes": 9},
]


@pytest.fixture
def trained(one_run_dir, tiny, assemble, tmp_path):
    run_dir = shutil.copytree(one_run_dir, tmp_path / "mill")
    manifest = {
        "gristmill": "0.1.0", "recipe": "mühle", "recipe_sha256": "ab" * 32, "accounts": ACCOUNTS,
        "reconciled_steps": ["read", "decide"],
        "inputs": [{"source": "web", "key": "0", "bytes": 60}, {"source": "web", "key": "1", "bytes": 40}],
    }  # fmt: skip
    (run_dir / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    training, state = assemble(run_dir, tiny, folder=run_dir / "train" / "one", steps=2)
    fit(training, state)
    return run_dir


def test_explain__names_data_filters_and_code(trained):
    facts = explain(trained / "train" / "one")
    assert facts["checkpoint"]["step"] == 2
    assert facts["recipe"] == "mühle"
    assert facts["inputs"] == {"web": {"units": 2, "bytes": 100}}
    assert facts["steps"] == {
        "read": {"in": 10, "kept": 9, "dropped": 0, "dead": 1, "reasons": {}},
        "decide": {"in": 9, "kept": 3, "dropped": 6, "dead": 0, "reasons": {"b": 4, "a": 2}},
    }
    text = as_text(facts)
    for words in (
        "step 2 of 2",
        "mühle abababababab",
        "web: 2 units, 100 bytes",
        "  b\n",
        "450 ids",
        "validation loss",
    ):
        assert words in text, words
    assert json.loads(json.dumps(facts)) == facts


def test_explain__refuses_a_manifest_that_is_not_the_checkpoints(trained, tmp_path):
    checkpoint = trained / "train" / "one" / "step-000002"
    moved = shutil.copytree(checkpoint, tmp_path / "a" / "b" / "c" / "moved")
    with pytest.raises(InputError, match="--run RUN"):
        explain(moved)
    assert explain(moved, trained)["recipe"] == "mühle"
    (trained / "manifest.json").write_text("{}")
    with pytest.raises(MismatchError, match="made again since"):
        explain(checkpoint)
