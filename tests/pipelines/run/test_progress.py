"""Progress is what the receipts say, each read once; the view draws it on a terminal and in a log alike."""

import io

import pytest
from rich.console import Console

from pipelines.cli.live import ProgressView
from pipelines.records.accounts import Account
from pipelines.records.receipts import Receipt
from pipelines.run.progress import Progress
from pipelines.storage.receipt_book import ReceiptBook
from pipelines.storage.store import Store


@pytest.fixture
def store(tmp_path):
    made = Store(str(tmp_path / "run"))
    made.prepare()
    made.write_sealed("run.json", {"units": 3, "books": {"score": "_work/score-0", "tokenizer": "_work/tokenizer-0"}})
    return made


def commit(store, unit, documents=10):
    account = Account("read", "in", "", "web", "", documents, documents * 100)
    ReceiptBook(store, "score", "0").commit(Receipt("score", unit, (), (account,)))


def test_poll__counts_new_receipts_once(store):
    progress = Progress(store)
    assert [(s.stage, s.done, s.total) for s in progress.poll()] == [("score", 0, 3), ("tokenizer", 0, 1)]
    commit(store, "a")
    progress.poll()
    commit(store, "b", 5)
    (score, _) = progress.poll()
    assert (score.done, score.documents, score.bytes, score.finished) == (2, 15, 1500, False)
    commit(store, "c")
    assert progress.poll()[0].finished


def test_poll__before_the_plan_there_is_nothing(tmp_path):
    assert Progress(Store(str(tmp_path))).poll() == []


@pytest.mark.parametrize("terminal", [True, False])
def test_view__shows_units_and_documents(store, terminal):
    console = Console(file=io.StringIO(), force_terminal=terminal, width=120)
    commit(store, "a", 1234)
    with ProgressView(console) as view:
        view.show(Progress(store).poll())
    text = console.file.getvalue()
    assert "score" in text
    assert "1,234 documents" in text
    assert ("\x1b[" in text) == terminal
