"""Fingerprint files: written batch by batch, read where they lie."""

import itertools
from dataclasses import dataclass
from pathlib import Path

import fsspec
import numpy as np
import pyarrow as pa
import pytest

from gristmill.filters.dedup.fingerprint_file import fingerprint_batch, fingerprint_schema, open_fingerprints
from gristmill.filters.dedup.fingerprints import Fingerprints, describe, doc_ids, fingerprint, pack_ids, rank


@dataclass(frozen=True)
class Options:
    bands: int = 4
    rows: int = 3
    shingle: int = 2
    seed: int = 1


TEXTS = ["one two three", "", "一二三四五", "…", "one", "four five six seven"] * 7
ROWS = np.arange(len(TEXTS), dtype=np.uint32) * 3  # dead letters leave gaps
IDS = doc_ids("s", [str(n) for n in range(len(TEXTS))], [b""] * len(TEXTS))
LENGTHS = np.array([len(text.encode()) for text in TEXTS])


def batch_of(minhash) -> tuple[pa.RecordBatch, Fingerprints]:
    prints = fingerprint(pa.array(TEXTS, pa.large_string()), minhash)
    return fingerprint_batch(ROWS, IDS, rank(True, 3, None, LENGTHS, IDS), prints), prints


def write(path: Path, batches: list[pa.RecordBatch], schema: pa.Schema) -> str:
    with pa.ipc.new_file(path, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return str(path)


@pytest.mark.parametrize("minhash", [Options(), None], ids=["minhash", "exact only"])
@pytest.mark.parametrize("cuts", [[0, 42], [0, 1, 1, 17, 42]], ids=["one batch", "several, one of them empty"])
def test_file__gives_back_what_was_written(tmp_path, minhash, cuts):
    batch, prints = batch_of(minhash)
    batch.validate(full=True)
    parts = [batch.slice(a, b - a) for a, b in itertools.pairwise(cuts)]
    file = open_fingerprints(write(tmp_path / "f.arrow", parts, batch.schema))
    assert file.minhash == ("4 bands of 3, shingles of 2, seed 1" if minhash else "exact only")
    np.testing.assert_array_equal(file.row, ROWS)
    np.testing.assert_array_equal(file.doc_id, pack_ids(IDS))
    np.testing.assert_array_equal(file.rank, batch.column("rank").to_numpy())
    np.testing.assert_array_equal(file.exact, prints.exact)
    np.testing.assert_array_equal(np.concatenate([bands for _, bands in file.bands()]), prints.bands)
    for d in range(len(TEXTS)):
        stored = file.hashes[file.start[d] : file.end[d]]
        np.testing.assert_array_equal(stored, prints.shingles[prints.start[d] : prints.start[d + 1]])
    assert file.positions(ROWS[[5, 0, 41]]).tolist() == [5, 0, 41]
    for missing in (1, 124):
        with pytest.raises(ValueError, match="lacks a row"):
            file.positions(np.array([missing], np.uint32))


def test_file__is_read_without_a_copy(tmp_path):
    batch, _ = batch_of(Options())
    file = open_fingerprints(write(tmp_path / "f.arrow", [batch], batch.schema))
    span = file.hashes.ctypes.data, file.hashes.ctypes.data + file.hashes.nbytes
    for array in (file.row, file.doc_id, file.rank, file.exact, *(bands for _, bands in file.bands())):
        assert span[0] <= array.ctypes.data < span[1]


def test_file__from_another_file_system(tmp_path):
    batch, prints = batch_of(Options())
    local = write(tmp_path / "f.arrow", [batch], batch.schema)
    with fsspec.open("memory://prints/f.arrow", "wb") as out:
        out.write(Path(local).read_bytes())
    for path in ("memory://prints/f.arrow", f"file://{local}"):
        file = open_fingerprints(path)
        np.testing.assert_array_equal(file.exact, prints.exact)
        np.testing.assert_array_equal(file.hashes[file.start[0] : file.end[0]], prints.shingles[: prints.start[1]])
    assert open_fingerprints("memory://prints/f.arrow").heap_bytes > open_fingerprints(local).heap_bytes


def test_file__without_documents(tmp_path):
    file = open_fingerprints(write(tmp_path / "f.arrow", [], fingerprint_schema(4, describe(Options()))))
    assert file.row.size == file.start.size == file.end.size == 0
    assert file.doc_id.shape == (0, 16)


def test_file__of_another_kind_is_refused(tmp_path):
    other = pa.record_batch({"row": pa.array([1], pa.uint32())})
    with pytest.raises(ValueError, match="not a fingerprint file"):
        open_fingerprints(write(tmp_path / "other.arrow", [other], other.schema))
    (tmp_path / "empty.arrow").touch()
    with pytest.raises(ValueError, match="empty"):
        open_fingerprints(str(tmp_path / "empty.arrow"))
    batch, _ = batch_of(Options())
    with pytest.raises(ValueError, match="do not rise"):
        open_fingerprints(write(tmp_path / "twice.arrow", [batch, batch], batch.schema))
