"""Rows that a part holds as its only value, packed: what a shuffle says about a unit."""

import numpy as np
import pyarrow as pa

from gristmill.pipelines.errors import DamageError
from gristmill.pipelines.records.receipts import Receipt
from gristmill.pipelines.records.rows import rows_of
from gristmill.pipelines.records.sealed import MAKE_AGAIN
from gristmill.pipelines.storage.parts import read_parts
from gristmill.pipelines.storage.receipt_book import ReceiptBook
from gristmill.pipelines.storage.store import Store


def stored_rows(book: ReceiptBook, unit: str, dataset: str, dtype: np.dtype) -> np.ndarray:
    """What is stored about one unit. Raises DamageError when it is not there, or not whole."""
    receipt = book.find(unit)
    if receipt is None:
        what = f"a decision of the stage '{book.stage}' is gone"
        raise DamageError(what, where=book.store.url(book.path(unit)), fix=MAKE_AGAIN)
    return unpacked(book.store, receipt, dataset, dtype)


def packed(rows: np.ndarray) -> pa.RecordBatch:
    """Rows of one structured dtype as the only value of a part."""
    return pa.record_batch([pa.array([rows.tobytes()], pa.large_binary())], ["rows"])


def unpacked(store: Store, receipt: Receipt, dataset: str, dtype: np.dtype) -> np.ndarray:
    """The rows in all parts of a receipt. Raises DamageError for a part that is not whole."""
    return rows_of((batch.column(0)[0].as_py() for batch in read_parts(store, receipt, dataset)), dtype)
