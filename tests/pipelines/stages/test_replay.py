"""A bad row costs itself alone, whatever its neighbours."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from gristmill.pipelines.records.elements import Split, Unit
from gristmill.pipelines.stages.replay import Failure, dead_document, survive


def batch_of(values):
    return pa.record_batch({"value": pa.array(values, pa.int64())})


def fragile(batch):
    values = batch.column("value").to_pylist()
    if any(value < 0 for value in values):
        raise ValueError(f"secret text {values}")
    return [value * 2 for value in values]


@given(st.lists(st.integers(-3, 30), min_size=1, max_size=40))
def test_survive__every_row_once_in_order_and_only_bad_rows_fail(values):
    found = {}
    at = 0
    for outcome in survive(fragile, batch_of(values)):
        if isinstance(outcome, Failure):
            found[outcome.row] = None
            at = outcome.row + 1
        else:
            piece, result = outcome
            for value in result:
                found[at] = value
                at += 1
            assert piece.num_rows == len(result)
    assert found == {row: None if value < 0 else value * 2 for row, value in enumerate(values)}
    assert list(found) == sorted(found)


def test_failure__does_not_quote_the_document():
    (failure,) = survive(fragile, batch_of([-1]))
    assert failure.error.startswith("ValueError at test_replay.py:")
    assert "secret" not in failure.error


def test_dead_document__names_file_row_and_first_bytes():
    text = "二" * 5000
    row = pa.record_batch({"row": pa.array([7], pa.uint32()), "text": [text], "id": [None], "doc_id": ["d" * 32]})
    one_file = Unit("web", (Split("/data/a.jsonl", 0, 9, 9, "e"),), 9)
    letter = dead_document(one_file, row, "decide", "ValueError at x.py:1")
    assert (letter.file, letter.row, letter.offset, letter.length) == ("/data/a.jsonl", 7, 7, 15000)
    assert letter.first_bytes == text.encode()[:4096]
    many = Unit("web", (*one_file.splits, Split("/data/b.txt", 0, 9, 9, "e")), 18)
    assert dead_document(many, row, "decide", "x").file == "d" * 32
