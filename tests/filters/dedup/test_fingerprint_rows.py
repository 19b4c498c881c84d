"""Documents read where they lie: the same as those of the file, read as a whole."""

import itertools
import random
import sys
from pathlib import Path

import fsspec
import numpy as np
import pyarrow as pa
import pytest

from gristmill.filters.dedup.fingerprint_file import RANK_STEP, Settled, open_fingerprints, settled_batch
from gristmill.filters.dedup.fingerprint_rows import MAP_BYTES, open_rows
from gristmill.filters.dedup.fingerprints import describe
from tests.filters.dedup.test_fingerprint_file import ROWS, Options, batch_of, fingerprint_schema, write
from tests.filters.dedup.test_mapped import flags


def settled(count: int) -> Settled:
    draw = np.random.default_rng(3)
    winner, cluster = draw.integers(0, 256, (2, count, 16), np.uint8)
    similarity, lost = draw.random((2, count), np.float32)
    return Settled(winner, draw.integers(0, 9, count).astype(np.uint64), similarity, lost, cluster, "x")


@pytest.mark.parametrize("of_index", [False, True])
@pytest.mark.parametrize("cuts", [[0, 42], [0, 1, 1, 17, 42]], ids=["one batch", "several, one of them empty"])
@pytest.mark.parametrize("dense", [True, False], ids=["every row", "rows are missing"])
def test_take__is_what_the_whole_file_has(tmp_path, of_index, cuts, dense):
    rng = random.Random(1)
    batch, _ = batch_of(Options())
    rows = np.arange(len(ROWS), dtype=np.uint32) if dense else np.sort(rng.sample(range(300), 42)).astype(np.uint32)
    batch = batch.set_column(0, batch.schema.field("row"), pa.array(rows))
    if of_index:
        batch = settled_batch(batch, rows, np.arange(42, dtype=np.uint64) * RANK_STEP, settled(42))
    path = write(tmp_path / "f", [batch.slice(a, b - a) for a, b in itertools.pairwise(cuts)], batch.schema)
    whole, file = open_fingerprints(path), open_rows(path)
    if of_index:
        whole, file = whole.behind(5).behind(2), file.behind(5).behind(2)
    assert (file.documents, file.first_row) == (whole.documents, whole.first_row) == (42, rows[0])
    for count in (0, 1, 7, 42):
        at = np.sort(rng.sample(range(42), count)).astype(np.int64)
        found, same = file.take(rows[at]), whole.take(rows[at])
        for name in ("row", "doc_id", "rank", "exact"):
            np.testing.assert_array_equal(getattr(found, name), getattr(same, name))
            np.testing.assert_array_equal(getattr(found, name), getattr(whole, name)[at])
        for d in range(count):
            stored = found.hashes[found.start[d] : found.end[d]]
            np.testing.assert_array_equal(stored, whole.hashes[whole.start[at[d]] : whole.end[at[d]]])
        for name in ("winner", "winner_rank", "similarity", "lost", "cluster") if of_index else ():
            np.testing.assert_array_equal(getattr(found.settled, name), getattr(whole.settled, name)[at])
        file.release()
    missing = next(row for row in range(400) if row not in rows)
    for file_of_it in (file, whole):
        with pytest.raises(ValueError, match="lacks a row"):
            file_of_it.take(np.array([missing], np.uint32))


def test_rows__cost_nothing_to_keep_open_and_give_back_what_they_read(tmp_path):
    batch, _ = batch_of(Options())
    small = open_rows(write(tmp_path / "a", [batch.slice(0, 1)], batch.schema))
    file = open_rows(write(tmp_path / "b", [batch.slice(at, 1) for at in range(42)], batch.schema))
    assert small.heap_bytes == file.heap_bytes == MAP_BYTES
    file.take(ROWS)
    assert 0 < file.touched_bytes <= (tmp_path / "b").stat().st_size
    file.release()
    assert file.touched_bytes == 0


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc what the kernel was told")
def test_rows__are_read_without_what_lies_around_them(tmp_path):
    batch, _ = batch_of(Options())
    path = write(tmp_path / "f", [batch], batch.schema)
    assert "rr" not in flags(open_rows(path).take(ROWS[:1]).hashes.ctypes.data)
    file = open_rows(path, scattered=True)
    for _ in range(2):
        assert "rr" in flags(file.take(ROWS[:1]).hashes.ctypes.data)
        file.release()  # then it is mapped anew
    assert "rr" not in flags(open_fingerprints(path).hashes.ctypes.data)


def test_rows__of_another_file_system_stay(tmp_path):
    batch, prints = batch_of(Options())
    local = write(tmp_path / "f", [batch], batch.schema)
    with fsspec.open("memory://prints/rows", "wb") as out:
        out.write(Path(local).read_bytes())
    file = open_rows("memory://prints/rows")
    assert file.heap_bytes == Path(local).stat().st_size
    with fsspec.open("memory://prints/rows", "wb") as out:
        out.write(b"gone")
    file.release()
    np.testing.assert_array_equal(file.take(ROWS[2:5]).exact, prints.exact[2:5])


def test_rows__of_no_document(tmp_path):
    file = open_rows(write(tmp_path / "f", [], fingerprint_schema(4, describe(Options()))))
    assert (file.documents, file.first_row) == (0, 0)
    with pytest.raises(ValueError, match="lacks a row"):
        file.take(np.array([0], np.uint32))
