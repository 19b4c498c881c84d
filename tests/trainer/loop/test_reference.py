"""Against an independent loop (tests/benchmarks/reference_loop.py): same rows, same first weights, equal tokens."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest

REFERENCE = Path(__file__).parents[2] / "benchmarks" / "reference_loop.py"


@pytest.fixture(scope="module")
def reference():
    spec = importlib.util.spec_from_file_location("reference_loop", REFERENCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CASES = [
    ("adamw", "auto", False, 1e-5),
    ("muon", "float32", True, 1e-5),
    ("muon", "bfloat16", False, 5e-3),  # torch.optim.Muon: the order of a sum decides how a sum is rounded
]


@pytest.mark.parametrize(("kind", "compute", "tied", "close"), CASES)
def test_fit__gives_the_losses_of_an_independent_loop(
    reference, one_run_dir, tiny, tmp_path, kind, compute, tied, close
):
    """30 steps, then the validation loss."""
    config = replace(
        tiny,
        model=replace(tiny.model, qk_norm=not tied, tied=tied),
        data=replace(tiny.data, tokens_per_batch=96),
        optim=replace(tiny.optim, kind=kind, muon_compute=compute),
        loop=replace(tiny.loop, steps=30),
    )
    ours, theirs = reference.compare(config, one_run_dir, tmp_path)
    assert len(ours) == 31
    assert ours == pytest.approx(theirs, abs=close)
    assert ours[29] < ours[0] - 1
