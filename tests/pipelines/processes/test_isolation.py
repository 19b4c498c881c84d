"""What ends a process costs itself: real segmentation faults and real SIGKILLs, in real children."""

import ctypes
import os
import signal
from pathlib import Path

import pyarrow as pa
import pytest

from gristmill.pipelines.processes.isolation import Guard, LethalRecordError
from gristmill.pipelines.records.receipts import Receipt
from gristmill.pipelines.stages.replay import Failure, survive
from gristmill.pipelines.storage.attempts import ATTEMPTS, attempt
from gristmill.pipelines.storage.receipt_book import ReceiptBook
from gristmill.pipelines.storage.store import Store

CAREFUL = Guard(careful=True)


def segfault() -> None:
    ctypes.string_at(0)


def lethal(batch: pa.RecordBatch) -> list[int]:
    values = batch.column("value").to_pylist()
    if 13 in values:
        segfault()
    if 44 in values:
        os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does where memory runs out
    if 7 in values:
        raise ValueError("seven")
    return [value * 2 for value in values]


def test_step__lethal_rows_fail_alone_and_say_how():
    batch = pa.record_batch({"value": pa.array(range(60), pa.int64())})
    failed, done = {}, []
    for outcome in survive(CAREFUL.step("judge", lethal), batch):
        if isinstance(outcome, Failure):
            failed[outcome.row] = outcome.error
        else:
            done += outcome[1]
    assert failed[13] == "LethalRecord: it ends its process (SIGSEGV)"
    assert failed[44] == "LethalRecord: it ends its process (SIGKILL)"
    assert failed[7].startswith("ValueError at test_isolation.py:")
    assert done == [value * 2 for value in range(60) if value not in (7, 13, 44)]


def test_lack_of_memory__is_no_bad_row_until_it_kills_alone(tmp_path):
    def greedy(batch: pa.RecordBatch) -> list[int]:
        values = batch.column("value").to_pylist()
        return [len(bytearray(1 << 60)) if 13 in values else value for value in values]

    batch = pa.record_batch({"value": pa.array(range(20), pa.int64())})
    with pytest.raises(MemoryError):
        list(survive(greedy, batch))
    outcomes = list(survive(CAREFUL.step("judge", greedy), batch))
    (failed,) = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
    assert failed == Failure(13, "LethalRecord: it ends its process (MemoryError)")
    book = ReceiptBook(Store(str(tmp_path)), "score", "k" * 64)
    for careful in (False, False, True):
        with pytest.raises(MemoryError), attempt(book, "unit") as guard:
            greedy(batch)
        assert guard.careful == careful


def test_step__not_careful_calls_and_counts_what_it_took():
    guard = Guard()
    assert guard.step("judge", lambda value: sum(range(value)))(10**6) == sum(range(10**6))
    with pytest.raises(ZeroDivisionError):
        guard.step("read", lambda: sum(range(10**6)) / 0)()
    assert guard.spent["judge"] > 0
    assert guard.spent["read"] > 0
    assert not Guard().spent  # of this unit alone


def test_step__one_death_by_another_hand_is_forgiven(tmp_path):
    def unlucky(value: int) -> int:
        try:
            (tmp_path / "died").touch(exist_ok=False)
        except FileExistsError:
            return value
        os.kill(os.getpid(), signal.SIGKILL)
        return 0

    assert CAREFUL.step("judge", unlucky)(5) == 5


def children() -> set[str]:
    """Of this process; other tests may have left some that live."""
    return {pid for file in Path("/proc/self/task").glob("*/children") for pid in file.read_text().split()}


def test_step__leaves_no_child_and_no_core(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = children()
    with pytest.raises(LethalRecordError):
        CAREFUL.step("judge", segfault)()
    assert children() <= before
    assert list(tmp_path.iterdir()) == []


def read(last: int):
    for number in range(20):
        if number == last:
            segfault()
        yield number


def test_each__gives_what_comes_before_and_one_thing_for_the_rest():
    assert list(CAREFUL.each(lambda: read(12), str)) == [
        *range(12),
        "LethalRecord: it ends its process (SIGSEGV)",
    ]
    assert list(CAREFUL.each(lambda: read(0), lambda error: -1)) == [-1]
    assert list(CAREFUL.each(lambda: read(99), str)) == list(range(20))
    assert list(Guard().each(lambda: read(99), str)) == list(range(20))


def test_each__an_exception_is_raised_as_ever():
    def broken():
        yield 1
        raise OSError("disk")

    given = CAREFUL.each(broken, str)
    assert next(given) == 1
    with pytest.raises(OSError, match="disk"):
        next(given)


def test_attempt__careful_after_two_killed_ones_and_the_marks_go_with_success(tmp_path):
    book = ReceiptBook(Store(str(tmp_path)), "score", "k" * 64)

    def killed() -> None:
        child = os.fork()
        if child == 0:
            with attempt(book, "unit"):
                os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(child, 0)

    def careful() -> bool:
        with pytest.raises(KeyError), attempt(book, "unit") as guard:
            raise KeyError  # an ordinary end: its own mark goes, the others stay
        return guard.careful

    assert not careful()
    killed()
    assert not careful()
    killed()
    assert careful()
    with attempt(book, "another") as guard:
        assert not guard.careful
    with attempt(book, "unit") as guard:
        assert guard.careful
        book.commit(Receipt("score", "unit", ()))
    assert not careful()
    assert list((tmp_path / ATTEMPTS).rglob("*.json")) == []
