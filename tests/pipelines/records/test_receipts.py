"""A unit is done when its receipt exists and every part that it names still does."""

import hashlib
import json
from dataclasses import asdict

import pytest

from gristmill.pipelines.records.accounts import Account
from gristmill.pipelines.records.receipts import Part, Receipt, total
from gristmill.pipelines.storage.receipt_book import ReceiptBook
from gristmill.pipelines.storage.store import Store

TEXT = "part 的字节".encode()


@pytest.fixture
def book(tmp_path):
    store = Store(str(tmp_path / "run"))
    store.prepare()
    return ReceiptBook(store, "score", "0123456789abcdef" * 4)


def receipt(path="text/part.arrow") -> Receipt:
    account = Account("read", "in", "", "网页", "zh", 3, 300)
    part = Part("text", path, 3, len(TEXT), hashlib.sha256(TEXT).hexdigest(), "0a")
    return Receipt("score", "unit", (part,), (account,), details={"unit": {"数": 1}})


def test_bytes__round_trip():
    made = receipt()
    assert Receipt.from_bytes(made.to_bytes()) == made
    assert made.to_bytes() == json.dumps(asdict(made)).encode()


def test_find__needs_the_receipt_and_its_parts(book):
    assert book.find("unit") is None
    part = book.store.local / "text" / "part.arrow"
    part.parent.mkdir()
    part.write_bytes(TEXT)
    book.commit(receipt())
    assert book.find("unit").parts == receipt().parts
    part.write_bytes(TEXT[:-1] + b"?")
    assert book.find("unit") is None, "the part has other bytes"
    part.unlink()
    assert book.find("unit") is None, "the part is missing"


def test_book__another_key_does_not_see_it(book):
    book.commit(Receipt("score", "unit", ()))
    assert book.find("unit") is not None
    assert ReceiptBook(book.store, "score", "f" * 64).find("unit") is None


def test_total__adds_accounts():
    (account,) = total([receipt(), receipt()])
    assert (account.documents, account.bytes) == (6, 600)


def test_part__asks_for_exactly_one():
    assert receipt().part("text").rows == 3
    with pytest.raises(ValueError, match="unpack"):
        receipt().part("dead")
