"""Parts: content-hashed names, equal bytes for equal rows, digests that do not depend on how rows are cut."""

import contextlib
import hashlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xxhash

from gristmill.pipelines.errors import DamageError
from gristmill.pipelines.records.receipts import Receipt
from gristmill.pipelines.storage import parts as sink
from gristmill.pipelines.storage.parts import PartWriter, add_content, read_parts, row_digest
from gristmill.pipelines.storage.store import Store

ROWS = pa.record_batch(
    {
        "doc_id": ["a", "b", "c", "d"],
        "text": pa.array(["one", "二", "", None], pa.large_string()),
        "tokens": pa.array([[1, 2], [], [3], [4, 5, 6]], pa.large_list(pa.uint16())),
    }
)
CONTENT = ("doc_id", "text", "tokens")


@pytest.fixture
def store(tmp_path):
    made = Store(str(tmp_path / "run"))
    made.prepare()
    return made


def write(store, batches, **options):
    with PartWriter(store, "text", "unit" * 8, content=CONTENT, **options) as writer:
        for batch in batches:
            writer.write(batch)
    return writer.parts


@pytest.mark.parametrize("format", ["arrow", "parquet"])
def test_part__holds_the_rows_and_is_named_by_its_bytes(store, format):
    (part,) = write(store, [ROWS], format=format)
    raw = (store.local / part.path).read_bytes()
    assert part.sha256 == hashlib.sha256(raw).hexdigest()
    assert part.sha256[:16] in part.path
    assert (part.rows, part.bytes) == (4, len(raw))
    path = store.local / part.path
    table = pq.read_table(path) if format == "parquet" else pa.ipc.open_file(path.read_bytes()).read_all()
    assert table.to_pylist() == ROWS.to_pylist()


def test_second_attempt__writes_the_same_bytes(store):
    assert write(store, [ROWS]) == write(store, [ROWS.slice(0)])


def test_no_rows__no_part(store):
    assert write(store, [ROWS.slice(0, 0)]) == []
    assert store.names("text") == []


def test_error__leaves_nothing(store):
    with contextlib.suppress(RuntimeError), PartWriter(store, "text", "unit") as writer:
        writer.write(ROWS)
        raise RuntimeError("killed")
    assert store.names("text") == []
    assert list((store.local / "_work" / "tmp").iterdir()) == []


def test_roll__a_large_unit_becomes_several_parts(store, monkeypatch):
    monkeypatch.setattr(sink, "ROLL_BYTES", 1)
    parts = write(store, [ROWS.slice(0, 2), ROWS.slice(2)])
    assert [part.rows for part in parts] == [2, 2]
    receipt = Receipt("text", "unit", tuple(parts))
    assert pa.Table.from_batches(read_parts(store, receipt, "text")).to_pylist() == ROWS.to_pylist()
    ids = pa.Table.from_batches(read_parts(store, receipt, "text", ["doc_id"]))
    assert ids.to_pydict() == {"doc_id": ["a", "b", "c", "d"]}


def test_content__does_not_depend_on_order_or_cuts_but_on_every_value(store):
    whole = row_digest(ROWS, CONTENT)
    pieces = [ROWS.slice(3), ROWS.slice(0, 1), ROWS.slice(1, 2)]
    assert add_content(f"{row_digest(piece, CONTENT):032x}" for piece in pieces) == f"{whole:032x}"
    changed = ROWS.set_column(1, "text", pa.array(["one", "二", "", "x"], pa.large_string()))
    assert row_digest(changed, CONTENT) != whole
    tokens = pa.array([[1, 2], [], [3], [4, 5, 7]], pa.large_list(pa.uint16()))
    assert row_digest(ROWS.set_column(2, "tokens", tokens), CONTENT) != whole


def test_row_digest__is_that_of_the_values_of_each_row_joined_by_nul():
    batch = pa.record_batch(
        {
            "doc_id": ["a", None, "", "d"],
            "text": pa.array(["one", "二", "", None], pa.large_string()),
            "tokens": pa.array([[1, 2], None, [], [3]], pa.large_list(pa.uint16())),
            "rules": [["x", "y"], None, [], ["z"]],
            "row": [1, None, 3, 4],
        }
    )
    two_bytes = [b"\1\0\2\0", b"", b"", b"\3\0"]
    rules = [b"['x', 'y']", b"", b"[]", b"['z']"]
    written = [(b"a", b"one"), (b"", "二".encode()), (b"", b""), (b"d", b"")]
    rows = [
        b"\0".join((*row, *others))
        for row, *others in zip(written, two_bytes, rules, (b"1", b"", b"3", b"4"), strict=True)
    ]
    for first in range(len(rows)):
        expected = sum(map(xxhash.xxh3_128_intdigest, rows[first:])) % 2**128
        assert row_digest(batch.slice(first), batch.schema.names) == expected
    empty = batch.set_column(3, "rules", pa.array([[]] * 4, batch.schema.field("rules").type))
    assert row_digest(empty, ["rules"]) == 4 * xxhash.xxh3_128_intdigest(b"[]") % 2**128
    assert row_digest(batch.slice(4), batch.schema.names) == 0


@pytest.mark.parametrize("format", ["arrow", "parquet"])
def test_part_that_cannot_be_read__is_named(store, format):
    (part,) = write(store, [ROWS], format=format)
    path = store.local / part.path
    path.write_bytes(path.read_bytes()[:-20] + b"\x00" * 20)
    with pytest.raises(DamageError, match="cannot be read") as caught:
        list(read_parts(store, Receipt("text", "unit", (part,)), "text"))
    assert caught.value.where == str(path)
