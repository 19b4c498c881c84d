"""Meters: numbers go to metrics.jsonl and, where there is one, to a board."""

import json

from gristmill.trainer.loop.reports.metrics import Metrics


class Recorder:
    def __init__(self):
        self.scalars, self.closed = [], False

    def add_scalar(self, tag, scalar_value, global_step):
        self.scalars.append((tag, scalar_value, global_step))

    def close(self):
        self.closed = True


def test_metrics__the_board_gets_every_number_by_its_path(tmp_path):
    board = Recorder()
    metrics = Metrics(tmp_path / "metrics.jsonl", 0, board)
    metrics.write([{"step": 3, "loss": 1.5, "skipped": False, "loss_by_source": {"网页": 2.0}, "grad_norm": None}])
    metrics.close()
    assert board.scalars == [("loss", 1.5, 3), ("skipped", 0.0, 3), ("loss_by_source/网页", 2.0, 3)]
    assert board.closed


def test_metrics__forgets_lines_past_a_step(tmp_path):
    path = tmp_path / "metrics.jsonl"
    metrics = Metrics(path, 0)
    metrics.write([{"step": step, "loss": 1.0} for step in range(1, 6)])
    metrics.truncate_after(2)
    metrics.write([{"step": 3, "loss": 2.0}])
    assert [json.loads(line)["loss"] for line in path.read_text().splitlines()] == [1.0, 1.0, 2.0]
    Metrics(path, 1)
    assert len(path.read_text().splitlines()) == 1


def test_metrics__without_a_line_there_is_no_file(tmp_path):
    path = tmp_path / "metrics.jsonl"
    Metrics(path, 0).close()
    assert not path.exists()
    metrics = Metrics(path, 0)
    metrics.write([{"step": 1}])
    metrics.close()
    Metrics(path, 1).close()
    assert path.read_text() == '{"step": 1}\n'
