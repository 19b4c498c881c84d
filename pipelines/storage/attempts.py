"""Marks of attempts at a unit: a process that is killed can leave nothing else behind."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from gristmill.pipelines.errors import causes
from gristmill.pipelines.processes.isolation import Guard
from gristmill.pipelines.storage.layout import ATTEMPTS
from gristmill.pipelines.storage.receipt_book import ReceiptBook

CAREFUL_AFTER = 2
"""Killed attempts at a unit: one may be bad luck (an executor lost, a run stopped), and being careful takes time."""


@contextmanager
def attempt(book: ReceiptBook, unit: str) -> Iterator[Guard]:
    """Mark that work on a unit has begun; the mark stays where the work ends for lack of memory, or by a signal."""
    store, folder = book.store, f"{ATTEMPTS}/{book.stage}-{book.key[:16]}/{unit}"
    killed = store.names(folder)
    guard = Guard(careful=len(killed) >= CAREFUL_AFTER)
    mark = f"{folder}/{uuid.uuid4().hex}.json"
    store.write_json(mark, {"pid": os.getpid()})
    try:
        yield guard
    except BaseException as error:
        if not any(isinstance(cause, MemoryError) for cause in causes(error)):
            store.delete(mark)
        raise
    store.delete(folder if killed else mark)
