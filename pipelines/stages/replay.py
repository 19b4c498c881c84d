"""A bad record costs itself, not its batch: a step that raises on a batch is replayed on ever smaller pieces of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import pyarrow as pa

from gristmill.filters.registry import DeclaredError
from gristmill.pipelines.processes.isolation import LethalRecordError
from gristmill.pipelines.records.dead_letters import dead_letter
from gristmill.pipelines.records.elements import DeadLetter, Unit

T = TypeVar("T")


@dataclass(frozen=True)
class Failure:
    """A row that a step cannot process. `error` is "Type: message" without document text."""

    row: int
    error: str


def survive(
    step: Callable[[pa.RecordBatch], T], batch: pa.RecordBatch, first: int = 0
) -> Iterator[tuple[pa.RecordBatch, T] | Failure]:
    """Apply a step; where it raises, halve the batch until the rows that raise are alone. Order is kept.

    Yields (piece of the batch, result) for what works and a Failure (row counted in the whole batch) for what does not.
    """
    try:
        result = step(batch)
    except MemoryError:  # nobody knows yet whose fault it is: `isolation.attempt` finds out
        raise
    except Exception as error:
        if batch.num_rows == 1:
            yield Failure(first, describe(error))
            return
        middle = batch.num_rows // 2
        yield from survive(step, batch.slice(0, middle), first)
        yield from survive(step, batch.slice(middle), first + middle)
        return
    yield batch, result


def describe(error: Exception) -> str:
    """The type of an error and where it was raised: messages of libraries may quote the document, so they stay out."""
    if isinstance(error, LethalRecordError | DeclaredError):
        return str(error)
    trace, where = error.__traceback__, ""
    while trace is not None:
        code = trace.tb_frame.f_code
        where = f"{code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__} at {where}"


def dead_document(unit: Unit, row: pa.RecordBatch, step: str, error: str) -> DeadLetter:
    """The dead letter of a document (a batch of one) that was read but that a later step cannot process.

    Where a unit has several files, a file is one document, and its id is the path.
    """
    files = {split.path for split in unit.splits}
    number, text = row.column("row")[0].as_py(), (row.column("text")[0].as_py() or "").encode()
    file = files.pop() if len(files) == 1 else row.column("id")[0].as_py() or row.column("doc_id")[0].as_py()
    return dead_letter(number, file, number, error, text, step)
