"""A receipt stands while it is whole and its parts have its bytes; a part is read only where its file has changed."""

import os
import shutil

import pyarrow as pa
import pytest

from gristmill.pipelines.errors import DamageError
from gristmill.pipelines.records.receipts import Receipt
from gristmill.pipelines.storage.layout import NOTES
from gristmill.pipelines.storage.parts import PartWriter
from gristmill.pipelines.storage.receipt_book import ReceiptBook, read_note, write_note
from gristmill.pipelines.storage.store import Store


@pytest.fixture
def book(tmp_path):
    store = Store(str(tmp_path / "run"))
    store.prepare()
    return ReceiptBook(store, "text", "f" * 64)


@pytest.fixture
def receipt(book):
    with PartWriter(book.store, "text", "unit" * 8) as writer:
        writer.write(pa.record_batch({"text": ["one", "二"] * 1000}))
    receipt = Receipt("text", "unit" * 8, tuple(writer.parts))
    book.commit(receipt)
    return receipt


@pytest.fixture
def read(monkeypatch):
    """The paths that were hashed."""
    paths, sha256 = [], Store.sha256
    monkeypatch.setattr(Store, "sha256", lambda store, path: paths.append(path) or sha256(store, path))
    return paths


def test_find__trusts_files_that_have_not_changed(book, receipt, read):
    assert book.find(receipt.unit) == receipt
    assert read == []


def test_find__reads_a_file_that_was_touched_once(book, receipt, read):
    path = receipt.parts[0].path
    shutil.copyfile(book.store.local / path, book.store.local / "copy")
    os.replace(book.store.local / "copy", book.store.local / path)
    assert book.find(receipt.unit) == receipt
    assert book.find(receipt.unit) == receipt
    assert read == [path]


def test_find__a_flipped_byte_is_noticed_though_its_time_was_set_back(book, receipt):
    file = book.store.local / receipt.parts[0].path
    before, raw = file.stat(), file.read_bytes()
    with file.open("r+b") as opened:
        opened.seek(len(raw) // 2)
        opened.write(bytes([raw[len(raw) // 2] ^ 1]))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_mtime_ns == before.st_mtime_ns
    assert book.find(receipt.unit) is None


@pytest.mark.parametrize("harm", ["cut", "gone", "a folder"])
def test_find__a_part_that_is_not_there_whole(book, receipt, read, harm):
    file = book.store.local / receipt.parts[0].path
    raw = file.read_bytes()
    file.unlink()
    if harm == "cut":
        file.write_bytes(raw[: len(raw) * 2 // 3])
    elif harm == "a folder":
        file.mkdir()
    assert book.find(receipt.unit) is None
    assert read == []


@pytest.mark.parametrize("text", [b"", b"{", b'{"parts": []}', b"\xff\x00"])
def test_find__a_receipt_that_is_none(book, receipt, text):
    (book.store.local / book.path(receipt.unit)).write_bytes(text)
    assert book.find(receipt.unit) is None


def test_note__which_receipts_make_up_a_stage(book, receipt):
    assert read_note(book.store, "text") == []
    write_note(book.store, "text", [receipt])
    assert read_note(book.store, "text") == [("text", receipt.unit)]


def test_note__another_sealed_file_in_its_place_is_damage(book):
    """Whole, and not what it should be: files of a run that were put in each other's place."""
    book.store.write_sealed(f"{NOTES}/text.json", {"status": "finished"})
    with pytest.raises(DamageError, match="no note of receipts"):
        read_note(book.store, "text")
