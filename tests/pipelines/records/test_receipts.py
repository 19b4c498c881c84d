"""A unit is done when its receipt exists and every part that it names still does."""

import pytest

from pipelines.records.accounts import Account
from pipelines.records.receipts import Part, Receipt, total
from pipelines.storage.receipt_book import ReceiptBook
from pipelines.storage.store import Store


@pytest.fixture
def book(tmp_path):
    store = Store(str(tmp_path / "run"))
    store.prepare()
    return ReceiptBook(store, "score", "0123456789abcdef" * 4)


def receipt(path="text/part.arrow") -> Receipt:
    account = Account("read", "in", "", "网页", "zh", 3, 300)
    return Receipt("score", "unit", (Part("text", path, 3, 10, "ff", "0a"),), (account,), details={"unit": {"数": 1}})


def test_bytes__round_trip():
    made = receipt()
    assert Receipt.from_bytes(made.to_bytes()) == made


def test_find__needs_the_receipt_and_its_parts(book):
    assert book.find("unit") is None
    book.commit(receipt())
    assert book.find("unit") is None, "the part is missing"
    (book.store.local / "text").mkdir()
    (book.store.local / "text" / "part.arrow").write_bytes(b"")
    assert book.find("unit") == receipt() or book.find("unit").parts == receipt().parts


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
