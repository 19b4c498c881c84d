"""The table of labels: what was put in is found, in whatever order it came; what differs is refused."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from gristmill.filters.labels import table as labels
from gristmill.filters.placed import place


def made(folder: Path, rows: list[tuple[str, float]], cut: int = 1000, name: str = "t") -> labels.LabelFile:
    batches = [rows[at : at + cut] for at in range(0, len(rows), cut)]
    columns = [
        (pa.array([key for key, _ in some], pa.large_string()), [np.array([value for _, value in some])])
        for some in batches
    ]
    labels.write(folder / name, "id", ["score"], columns)
    found = labels.read_about(folder / name, "mine")
    place(found, folder / name)
    return found


def test_every_label_is_found_and_nothing_else(tmp_path) -> None:
    rows = [(f"文档{n}" if n % 2 else f"doc {n}", n / 7) for n in range(20_000)]
    found = made(tmp_path, rows)
    assert found.entries == len(rows)
    asked = pa.array([key for key, _ in rows] + ["doc 1", None, ""])
    value_DC = found.values(asked)
    assert value_DC[: len(rows), 0].all()
    assert np.array_equal(value_DC[: len(rows), 1], [value for _, value in rows])
    assert value_DC[len(rows) :, 0].tolist() == [0, 0, 0]
    assert np.isnan(value_DC[len(rows) :, 1]).all()


def test_order_and_cut_do_not_change_the_bytes(tmp_path) -> None:
    rows = [(str(n), float(n % 5)) for n in range(3000)]
    one, other = made(tmp_path, rows, name="a"), made(tmp_path, rows[::-1] + rows[:7], cut=77, name="b")
    assert one == other
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_numbers_that_differ_for_one_key_are_refused_and_counted(tmp_path) -> None:
    with pytest.raises(labels.ConflictError) as error:
        made(tmp_path, [("a", 1.0), ("b", 2.0), ("a", 1.5), ("b", np.nan), ("c", np.nan), ("c", np.nan)])
    assert error.value.documents == 2
    assert not (tmp_path / "t").exists()


def test_a_table_that_is_none_is_told(tmp_path) -> None:
    (tmp_path / "x").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="no label-table that a run keeps"):
        labels.read_about(tmp_path / "x", "mine")
    with pytest.raises(ValueError, match="no label"):
        made(tmp_path, [])
