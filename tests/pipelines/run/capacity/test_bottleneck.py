"""What held a run up, on runs whose fault is known; and nothing where all was in balance."""

from dataclasses import replace

from gristmill.pipelines.records.elements import Split, Unit
from gristmill.pipelines.records.receipts import Receipt
from gristmill.pipelines.run.capacity.bottleneck import Facts, Task, bottlenecks, tasks_of

MB = 1_000_000
FACTS = Facts(workers=4, elapsed=100.0, unit_bytes=16 * MB, input_bytes=640 * MB, sample_bytes=50 * MB)


def in_turn(stage, sizes, workers=4, rate=1e-6, begin=0.0, cpu=1.0, **known):
    """Units of these bytes, each taken by the next worker that is free."""
    free, tasks = [begin] * workers, []
    for number, size in enumerate(sizes):
        at = free.index(min(free))
        free[at] += size * rate
        tasks.append(Task(stage, size, size * rate, size * rate * cpu, free[at], (f"file-{number}.gz",), **known))
    return tasks


def causes(tasks, facts=FACTS):
    return [(one.cause, one.stage) for one in bottlenecks(tasks, facts)]


def test_bottlenecks__none_where_all_is_in_balance():
    score, text = in_turn("score", [16 * MB] * 40), in_turn("text", [16 * MB] * 40, rate=2e-7)
    tokenizer = [Task("tokenizer", 0, 8.0, 8.0, 200.0)]
    assert causes([*score, *text, *tokenizer], Facts(4, 250.0, 16 * MB, 640 * MB)) == []
    assert causes([]) == []
    assert causes(in_turn("score", [16 * MB] * 40, workers=1), Facts(1, 640.0, 16 * MB, 640 * MB)) == []


def test_bottlenecks__slow_cores_blame_nobody():
    busy = [
        Task("score", 16 * MB, 40.0, 16.0, 40.0 * (1 + number // 4), (), waited=0.5) for number in range(40)
    ]  # most of the time they queued for a core
    assert causes(busy, Facts(4, 400.0, 16 * MB, 640 * MB)) == []


def test_bottlenecks__one_large_file_among_small_ones():
    tasks = in_turn("score", [4 * MB] * 10 + [400 * MB])
    (found,) = bottlenecks(tasks, Facts(4, 410.0, 16 * MB, 440 * MB))
    assert (found.cause, found.stage) == ("large_file", "score")
    assert "a file of 400 MB" in found.what
    assert found.file == "file-10.gz"
    assert 290 < found.seconds < 310
    assert (
        causes(in_turn("score", [400 * MB] + [4 * MB] * 10), Facts(4, 410.0, 16 * MB, 440 * MB))[0][0] == "large_file"
    )


def test_bottlenecks__units_larger_than_the_input_divided_by_workers():
    (found,) = bottlenecks(in_turn("score", [200 * MB, 100 * MB]), Facts(4, 200.0, 256 * MB, 300 * MB))
    assert found.cause == "few_units"
    assert "2 units for 4 workers" in found.what
    assert "unit_bytes: 18.7MB" in found.change


def test_bottlenecks__a_unit_that_takes_much_longer_than_its_bytes_would():
    tasks = in_turn("text", [16 * MB] * 40, rate=1e-7)
    last = max(task.finished for task in tasks)
    tasks.append(Task("text", 16 * MB, 120.0, 120.0, last + 110, ("odd.jsonl",)))
    (found,) = bottlenecks(tasks, Facts(4, 130.0, 16 * MB, 640 * MB))
    assert (found.cause, found.stage) == ("slow_unit", "text")
    assert "75 times" in found.what
    assert found.file == "odd.jsonl"


def test_bottlenecks__the_tokenizer_while_others_wait():
    tasks = [*in_turn("score", [16 * MB] * 40), Task("tokenizer", 0, 90.0, 90.0, 260.0)]
    (found,) = bottlenecks(tasks, Facts(4, 260.0, 16 * MB, 640 * MB, sample_bytes=50 * MB))
    assert (found.cause, found.seconds) == ("tokenizer", 67.5)
    assert "now 50 MB" in found.change
    assert causes(tasks, Facts(1, 260.0, 16 * MB, 640 * MB)) == []


def test_bottlenecks__waiting_for_a_store_is_not_waiting_for_a_core():
    slow = [Task("score", 16 * MB, 10.0, 2.0, 10.0 * (1 + number // 4), waited=7.5) for number in range(40)]
    (found,) = bottlenecks(slow, Facts(4, 100.0, 16 * MB, 640 * MB, remote=True))
    assert (found.cause, found.stage) == ("waiting", "score")
    assert "75% of the workers' time was waiting for the object store" in found.what
    assert found.seconds == 75


def test_bottlenecks__a_signal_or_extraction_that_takes_most():
    dear = in_turn("score", [16 * MB] * 40, signals={"quality": 8.0, "words": 0.1}, spent={"extract": 1.0})
    (found,) = bottlenecks(dear, Facts(4, 160.0, 16 * MB, 640 * MB))
    assert (found.cause, found.what) == ("signal", "the signal quality takes 50% of all CPU time")
    assert found.seconds == 80
    pages = in_turn("score", [16 * MB] * 40, signals={"words": 0.1}, spent={"extract": 12.0, "read": 1.0})
    assert causes(pages, Facts(4, 160.0, 16 * MB, 640 * MB)) == [("extract", "score")]
    crowded = in_turn(
        "score", [16 * MB] * 40, rate=4e-6, cpu=0.25, signals={"quality": 8.0}
    )  # three others on each core
    assert causes(crowded, Facts(4, 640.0, 16 * MB, 640 * MB)) == [("signal", "score")]
    first = in_turn("score", [16 * MB] * 4, signals={"quality": 15.0}, spent={}, first=True)  # loading a model
    rest = in_turn("score", [16 * MB] * 36, begin=16.0, signals={"quality": 0.5}, spent={})
    assert causes([*first, *rest], Facts(4, 160.0, 16 * MB, 640 * MB)) == []


def test_bottlenecks__what_is_short_is_none():
    assert causes(in_turn("score", [2 * MB, 1 * MB]), Facts(4, 2.0, 256 * MB, 3 * MB)) == []


def test_bottlenecks__the_worst_first():
    tasks = [*in_turn("score", [400 * MB, MB]), Task("tokenizer", 0, 200.0, 200.0, 700.0)]
    assert causes(tasks, Facts(2, 700.0, 16 * MB, 401 * MB)) == [("large_file", "score")]
    assert causes(tasks, Facts(4, 700.0, 16 * MB, 401 * MB)) == [("large_file", "score"), ("tokenizer", "tokenizer")]


def test_tasks_of__only_what_this_run_did_and_no_reading_of_units_decided_again():
    unit = Unit("web", (Split("s3://bucket/folder/a.warc.gz?sig=secret", 0, 1, 1, "e"),), 77)
    details = {"spent": {"extract": 90.0, "all": 95.0, "signals": {"words": 1.0}}, "waited": 9.0, "first": True}
    done = Receipt("score", unit.key, (), (), 10.0, 5.0, finished=1000.0, details=details)
    (task,) = tasks_of([unit], {"score": [done]}, 980.0)
    assert (task.files, task.bytes, task.spent, task.signals) == (("a.warc.gz",), 77, {"extract": 90.0}, {"words": 1.0})
    assert (task.waited, task.first) == (9.0, True)
    assert tasks_of([unit], {"score": [done]}, 995.0) == []
    (again,) = tasks_of([unit], {"score": [replace(done, details={**details, "decided_again": True})]}, 980.0)
    assert (again.spent, again.signals, again.waited, again.first) == ({}, None, 0.0, False)
