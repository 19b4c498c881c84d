"""Progress is what the receipts say, each read once; the view draws it on a terminal and in a log alike."""

import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from gristmill.pipelines.cli.running.status import status
from gristmill.pipelines.cli.terminal.live import LOG_SECONDS, ProgressView
from gristmill.pipelines.cli.terminal.output import time_left
from gristmill.pipelines.records.accounts import Account
from gristmill.pipelines.records.elements import Split, Unit
from gristmill.pipelines.records.receipts import Receipt
from gristmill.pipelines.run.progress import Progress
from gristmill.pipelines.storage.plan_file import write_plan
from gristmill.pipelines.storage.receipt_book import ReceiptBook, write_note
from gristmill.pipelines.storage.store import Store

UNITS = [Unit("web", (Split(f"/{name}", 0, 1, 1, "e"),), 1) for name in ("a", "b", "c", "gone")]
MANY = [Unit("web", (Split(f"/{number}", 0, 1, 1, "e"),), 1 + number) for number in range(9)]
A, B, C, GONE = (unit.key for unit in UNITS)
STARTED = 1_000_000.0


@pytest.fixture
def store(tmp_path):
    made = Store(str(tmp_path / "run"))
    made.prepare()
    write_plan(made, UNITS[:3])
    begin(made)
    return made


def begin(store, started=STARTED, units=3):
    books = {stage: f"_work/{stage}-0" for stage in ("score", "duplicates", "text", "tokenizer", "tokens")}
    when = datetime.fromtimestamp(started, UTC).isoformat(timespec="seconds")
    store.write_sealed("run.json", {"units": units, "started": when, "books": books})


def commit(store, unit, documents=10, stage="score", step="read", finished=STARTED + 5, seconds=0.0):
    account = Account(step, "in", "", "web", "", documents, documents * 100)
    receipt = Receipt(stage, unit, (), (account,), seconds=seconds, finished=finished)
    ReceiptBook(store, stage, "0").commit(receipt)
    return receipt


def shown(progress) -> dict:
    return {stage.stage: (stage.done, stage.documents) for stage in progress.poll()}


def test_poll__counts_new_receipts_once(store):
    progress = Progress(store)
    assert [(s.stage, s.done, s.total) for s in progress.poll()][::3] == [("score", 0, 3), ("tokenizer", 0, 1)]
    commit(store, A)
    progress.poll()
    commit(store, B, 5)
    score = progress.poll()[0]
    assert (score.done, score.documents, score.bytes, score.finished) == (2, 15, 1500, False)
    commit(store, C)
    assert progress.poll()[0].finished


def test_poll__counts_planned_units_and_outcomes_of_this_run_only(store):
    commit(store, A)
    commit(store, GONE, 1000)
    commit(store, GONE, 1000, "duplicates", "")
    commit(store, f"{GONE}-x", 1000, "text", "scrub")
    old = commit(store, f"{A}-old", 7, "text", "scrub", STARTED - 50)
    again = commit(store, f"{B}-same", 8, "text", "scrub", STARTED - 50)
    for stage, name in (("tokens", f"{A}-old-old"), ("tokens", "plan-old"), ("tokenizer", "old")):
        commit(store, name, 9, stage, "encode", STARTED - 50)
    progress = Progress(store)
    assert shown(progress) == {
        "score": (1, 10), "duplicates": (0, 0), "text": (0, 0), "tokenizer": (0, 0), "tokens": (0, 0)
    }  # fmt: skip
    new = commit(store, f"{A}-new", 6, "text", "scrub")
    assert shown(progress)["text"] == (1, 6)
    write_note(store, "text", [new, again])  # the stage is done: one unit was as before
    assert shown(progress)["text"] == (2, 14)
    tokens = commit(store, f"{A}-new-new", 6, "tokens", "encode")
    plan, trained = commit(store, "plan-new", 0, "tokens", ""), commit(store, "new", 0, "tokenizer", "")
    assert shown(progress)["tokens"] == (2, 6)
    for stage, receipt in (("tokenizer", trained), ("tokens", tokens), ("rows", plan)):
        write_note(store, stage, [receipt])
    assert (shown(progress)["tokenizer"], shown(progress)["tokens"]) == ((1, 0), (2, 6))
    write_plan(store, [UNITS[3]])  # another run, of another input
    begin(store, STARTED + 100)
    write_note(store, "text", [old])
    assert (shown(progress)["score"], shown(progress)["text"]) == ((1, 1000), (1, 7))


def test_poll__before_the_plan_there_is_nothing(tmp_path):
    assert Progress(Store(str(tmp_path))).poll() == []


@pytest.mark.parametrize("terminal", [True, False])
def test_view__shows_units_and_documents(store, terminal):
    console = Console(file=io.StringIO(), force_terminal=terminal, width=120)
    commit(store, A, 1234)
    with ProgressView(console) as view:
        view.logged -= LOG_SECONDS
        view.show(Progress(store).poll())
    text = console.file.getvalue()
    assert "score" in text
    assert "1,234 documents" in text
    assert ("\x1b[" in text) == terminal


@pytest.mark.parametrize(
    ("stage", "step", "suffix"), [("score", "read", ""), ("text", "scrub", "-x"), ("tokens", "encode", "-x-y")]
)
def test_poll__says_what_is_left_by_the_bytes_of_units(store, stage, step, suffix):
    write_plan(store, MANY)
    begin(store, units=9)
    progress = Progress(store)
    for number, unit in enumerate(MANY[:4]):  # of 1, 2, 3, 4 bytes, a second each
        assert all(one.left is None for one in progress.poll())
        ends = STARTED + (number + 1) * (number + 2) / 2
        commit(store, unit.key + suffix, stage=stage, step=step, seconds=number + 1.0, finished=ends)
        if number == 2:
            break
    left = {one.stage: one.left for one in progress.poll()}
    assert left.pop(stage) == pytest.approx(4 + 5 + 6 + 7 + 8 + 9)
    assert set(left.values()) == {None}


def test_view_and_time_left__in_words(store):
    write_plan(store, MANY)
    begin(store, units=9)
    for number, unit in enumerate(MANY[:4]):
        commit(store, unit.key, seconds=100.0, finished=STARTED + 100 * (number + 1))
    console = Console(file=io.StringIO(), width=150)
    with ProgressView(console) as view:
        view.logged -= LOG_SECONDS
        view.show(Progress(store).poll())
    assert "about 23 min 20 s left" in console.file.getvalue()  # 400 s for 10 bytes, and 35 to go
    assert time_left(0.4) == "about 1 s left"
    assert time_left(4000) == "about 1 h 06 min left"


@pytest.mark.parametrize(("state", "shown"), [("running", True), ("interrupted", False)])
def test_status__says_what_is_left_of_a_run_at_work(store, capsys, state, shown):
    write_plan(store, MANY)
    begin(store, units=9)
    record = store.read_sealed("run.json")
    store.write_sealed("run.json", {**record, "recipe": "磨坊", "status": state, "runner": "flink"})
    for number, unit in enumerate(MANY[:4]):
        commit(store, unit.key, seconds=100.0, finished=STARTED + 100 * (number + 1))
    status(store.root)
    assert ("23 min 20 s left" in " ".join(capsys.readouterr().out.split())) == shown
