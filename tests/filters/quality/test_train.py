"""Training gives the same bytes each time, and never numbers that are not finite."""

import pytest

from gristmill.filters.quality import train as module
from gristmill.filters.quality.model_file import read_about
from gristmill.filters.quality.train import LEAST_BUCKETS, Options, TrainingError, train, write_lines

LINES = [("good", "the mill ground grain"), ("raw", "buy cheap bonus now")] * 60


@pytest.mark.parametrize("suffix", [".bin", ".ftz"])
def test_train__the_same_bytes_in_two_processes(tmp_path, suffix) -> None:
    write_lines(tmp_path / "lines.txt", LINES)
    models = []
    for number in range(2):
        file = tmp_path / f"{number}{suffix}"
        train(tmp_path / "lines.txt", file, Options(8, 2, 4096, 5, 0.1, 1, 3), compressed=suffix == ".ftz")
        models.append(file.read_bytes())
    assert models[0] == models[1]
    train(tmp_path / "lines.txt", tmp_path / "other.bin", Options(8, 2, 4096, 5, 0.1, 1, 4))
    assert (tmp_path / "other.bin").read_bytes() != models[0]


@pytest.mark.parametrize("seed", range(4))
def test_train__small_matrices_are_sound(tmp_path, seed) -> None:
    """fastText itself gives NaN here: one thread leaves nine tenths of its matrix as memory was."""
    write_lines(tmp_path / "lines.txt", LINES)
    made = train(tmp_path / "lines.txt", tmp_path / "m.bin", Options(1, 2, LEAST_BUCKETS, 5, 0.1, 1, seed))
    assert made.seed == seed
    assert read_about(tmp_path / "m.bin").labels == ("good", "raw")


def test_train__another_seed_and_a_lower_rate_where_it_diverges(tmp_path, monkeypatch) -> None:
    write_lines(tmp_path / "lines.txt", LINES)
    once, failures = module._train_once, iter(["Encountered NaN.", "Encountered NaN.", ""])
    monkeypatch.setattr(module, "_train_once", lambda *a: next(failures) or once(*a))
    made = train(tmp_path / "lines.txt", tmp_path / "m.bin", Options(8, 2, 1024, 5, 0.1, 1, 7))
    assert (made.seed, made.rate) == (9, 0.025)


def test_train__an_error_that_says_why_where_none_succeeds(tmp_path) -> None:
    write_lines(tmp_path / "lines.txt", [])
    with pytest.raises(TrainingError, match="failed 5 times, each with another seed and a lower rate; the last time: "):
        train(tmp_path / "lines.txt", tmp_path / "m.bin", Options())
    assert not (tmp_path / "m.bin").exists()
