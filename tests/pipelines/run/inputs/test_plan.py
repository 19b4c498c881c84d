"""Units: the same for the same input, every piece once, clear words where there is nothing to plan."""

import gzip
import os
import time

import fsspec
import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gristmill.pipelines.errors import InputError
from gristmill.pipelines.read.unit import read_unit
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.run.inputs.plan import plan_source


def plan(folder, form, *paths, unit_bytes=1000, name="web"):
    return plan_source(name, schema.Source(format=form, paths=list(paths)), folder, unit_bytes)


def ranges(units):
    return [[(os.path.basename(split.path), split.start, split.end) for split in unit.splits] for unit in units]


def test_jsonl__large_files_are_cut(tmp_path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"x" * 2500)
    units = plan(tmp_path, "jsonl", ".")
    assert ranges(units) == [[("a.jsonl", 0, 833)], [("a.jsonl", 833, 1666)], [("a.jsonl", 1666, 2500)]]
    assert [unit.bytes for unit in units] == [833, 833, 834]


def test_small_files__are_put_together_and_one_more_changes_few_units(tmp_path) -> None:
    for copy in ("one", "two"):
        (tmp_path / copy).mkdir()
        for i in range(3000):
            (tmp_path / copy / f"{i:04}.txt").write_bytes(b"x" * (100 + i % 7))
    one, two = (plan(tmp_path, "text", copy, unit_bytes=20_000) for copy in ("one", "two"))
    assert ranges(one) == ranges(two)
    assert all(unit.bytes <= 20_000 for unit in one)
    assert 15 <= len(one) <= 80
    (tmp_path / "one" / "1500a.txt").write_bytes(b"new")
    (tmp_path / "one" / "0007.txt").unlink()
    after = {unit.key for unit in plan(tmp_path, "text", "one", unit_bytes=20_000)}
    assert len({unit.key for unit in one} - after) <= 6


def test_compressed_files__are_whole(tmp_path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(os.urandom(5000)))
    size = (tmp_path / "a.jsonl.gz").stat().st_size
    assert ranges(plan(tmp_path, "jsonl", "*.gz")) == [[("a.jsonl.gz", 0, size)]]


def test_parquet__by_row_groups_of_uncompressed_size(tmp_path) -> None:
    pq.write_table(
        pa.table({"text": ["x" * 350] * 10}), tmp_path / "a.parquet", row_group_size=1, write_statistics=False
    )
    assert ranges(plan(tmp_path, "parquet", "a.parquet")) == [[("a.parquet", i, i + 2)] for i in range(0, 10, 2)]


def test_arrow__files_by_batch_and_streams_whole(tmp_path) -> None:
    table = pa.table({"text": ["x" * 400] * 10})
    for name, opener in (("a.arrow", ipc.new_file), ("b.arrow", ipc.new_stream)):
        with opener(tmp_path / name, table.schema) as writer:
            writer.write_table(table, max_chunksize=1)
    units = ranges(plan(tmp_path, "arrow", "."))
    assert [piece for unit in units for piece in unit][-1] == ("b.arrow", 0, -1)
    cut = [(start, end) for unit in units for name, start, end in unit if name == "a.arrow"]
    assert [i for start, end in cut for i in range(start, end)] == list(range(10))
    assert len(cut) > 3


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 5000), min_size=1, max_size=8), st.integers(1, 4000))
def test_units__cover_every_byte_once_within_the_bound(tmp_path, sizes, unit_bytes) -> None:
    for old in tmp_path.iterdir():
        old.unlink()
    for i, size in enumerate(sizes):
        (tmp_path / f"{i}.jsonl").write_bytes(b"y" * size)
    units = plan(tmp_path, "jsonl", ".", unit_bytes=unit_bytes)
    covered = dict.fromkeys(range(len(sizes)), 0)
    for unit in units:
        assert unit.bytes <= unit_bytes
        for split in unit.splits:
            number = int(os.path.basename(split.path).split(".")[0])
            assert split.start == covered[number]
            covered[number] = split.end
    assert covered == dict(enumerate(sizes))


def test_keys__same_for_the_same_input_and_new_for_a_changed_file(tmp_path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"x" * 3000)
    first, second = (plan(tmp_path, "jsonl", "a.jsonl") for _ in range(2))
    keys = [unit.key for unit in first]
    assert keys == [unit.key for unit in second]
    assert len(set(keys)) == 3
    assert all(len(key) == 32 for key in keys)
    assert not set(keys) & {unit.key for unit in plan(tmp_path, "jsonl", "a.jsonl", name="other")}
    os.utime(tmp_path / "a.jsonl", ns=(1, 1))
    assert not set(keys) & {unit.key for unit in plan(tmp_path, "jsonl", "a.jsonl")}


def test_paths__files_patterns_and_folders_each_file_once(tmp_path) -> None:
    for name in ("a.jsonl", "b.txt", "sub/c.jsonl", "sub/deep/d.jsonl.gz", "sub/.hidden.jsonl", "sub/e.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"{}")

    def names(*paths):
        return [
            os.path.relpath(split.path, tmp_path) for unit in plan(tmp_path, "jsonl", *paths) for split in unit.splits
        ]

    assert names(".") == ["a.jsonl", "sub/c.jsonl", "sub/deep/d.jsonl.gz"]
    assert names("b.txt") == ["b.txt"]
    assert names("sub/*") == ["sub/c.jsonl", "sub/deep/d.jsonl.gz", "sub/e.csv"]
    assert names("**/*.jsonl") == ["a.jsonl", "sub/c.jsonl"]
    assert names("sub", "sub/c.jsonl", str(tmp_path / "a.jsonl"), f"file://{tmp_path}/b.txt") == [
        "sub/c.jsonl", "sub/deep/d.jsonl.gz", "a.jsonl", "b.txt"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "path", ["missing.jsonl", "missing/", "*.nothing", "empty", "memory://nothing/here", "memory://no/*.jsonl"]
)
def test_nothing_there__is_an_error_that_says_what_to_do(tmp_path, path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "x.csv").write_bytes(b"x")
    with pytest.raises(InputError) as caught:
        plan(tmp_path, "jsonl", path)
    assert path in caught.value.what
    assert caught.value.where == "source 'web', paths"
    assert ".jsonl" in caught.value.fix or "there are: empty" in caught.value.fix


def test_dangling_link__is_an_error_that_names_it(tmp_path) -> None:
    (tmp_path / "a.jsonl").symlink_to(tmp_path / "gone")
    with pytest.raises(InputError, match=r"a\.jsonl"):
        plan(tmp_path, "jsonl", ".")


def test_remote__any_file_system_of_fsspec(tmp_path) -> None:
    fs = fsspec.filesystem("memory")
    lines = b"".join(b'{"text": "line %d"}\n' % i for i in range(100))
    fs.pipe("/bucket/a.jsonl", lines)
    fs.pipe("/bucket/deep/b.jsonl.gz", gzip.compress(lines))
    pq.write_table(pa.table({"text": ["one", "二"]}), tmp_path / "c.parquet")
    fs.pipe("/bucket/c.parquet", (tmp_path / "c.parquet").read_bytes())
    try:
        for form, path, expected in (
            ("jsonl", "memory://bucket", 200),
            ("jsonl", "memory://bucket/*.jsonl", 100),
            ("parquet", "memory://bucket", 2),
        ):
            source = schema.Source(format=form, paths=[path])
            units = plan_source("web", source, tmp_path, 700)
            assert all(split.etag and split.path.startswith("memory://") for unit in units for split in unit.splits)
            records = [r for unit in units for r in read_unit(unit, source, schema.Read(), schema.Extract())]
            assert sum(r.batch.num_rows for r in records) == expected
            assert not [dead for r in records for dead in r.dead]
    finally:
        fs.rm("/bucket", recursive=True)


def test_changed_file__is_refused_by_the_reader(tmp_path) -> None:
    source = schema.Source(format="jsonl", paths=["a.jsonl"])
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "x"}\n')
    (unit,) = plan_source("web", source, tmp_path, 1000)
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "xy"}\n')
    with pytest.raises(InputError, match="changed since it was planned"):
        list(read_unit(unit, source, schema.Read(), schema.Extract()))
    (tmp_path / "a.jsonl").unlink()
    with pytest.raises(InputError, match="gone since it was planned"):
        list(read_unit(unit, source, schema.Read(), schema.Extract()))


@pytest.mark.parametrize("form", ["jsonl", "text", "html", "warc", "parquet", "arrow"])
def test_unreadable_file__every_piece_is_a_dead_letter_and_the_run_goes_on(tmp_path, monkeypatch, form) -> None:
    """Root can open what its mode forbids, so the refusal is put in where files are opened."""
    (tmp_path / "a").write_bytes(b"x" * 5000)
    source = schema.Source(format=form, paths=["a"])
    units = plan_source("web", source, tmp_path, 1000)

    def refuse(path):
        raise PermissionError(13, "Permission denied", path)

    for module in ("formats.jsonl", "formats.whole_files", "warc.reader"):
        monkeypatch.setattr(f"gristmill.pipelines.read.{module}.open_file", refuse)
    for module in ("formats.parquet", "formats.arrow"):
        monkeypatch.setattr(f"gristmill.pipelines.read.{module}.open_arrow", refuse)
    dead = [d for unit in units for r in read_unit(unit, source, schema.Read(), schema.Extract()) for d in r.dead]
    assert {d.error for d in dead} == {"PermissionError: Permission denied"}
    assert [d.length for d in dead] == [5000] + [0] * (len(units) - 1), "the bytes of the file are counted once"


def test_planning__of_many_files_is_quick(tmp_path) -> None:
    for i in range(2000):
        (tmp_path / f"{i}.txt").write_bytes(b"text")
    began = time.process_time()
    units = plan(tmp_path, "text", ".", unit_bytes=1_000_000)
    assert len(units) == 1
    assert time.process_time() - began < 2
