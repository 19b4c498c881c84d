"""What stands of a run: its receipts, stage after stage, found by their names without a graph, a model or a kernel."""

from collections.abc import Callable, Iterator

from gristmill.pipelines.errors import DamageError
from gristmill.pipelines.records.elements import Unit
from gristmill.pipelines.records.receipts import Receipt
from gristmill.pipelines.run.job import Job
from gristmill.pipelines.run.request import DECIDING
from gristmill.pipelines.stages.decided import Decided
from gristmill.pipelines.stages.tokenizer import name_of
from gristmill.pipelines.stages.tokens import encoded_name, plan_name
from gristmill.pipelines.storage.receipt_book import ReceiptBook, read_receipt

Find = Callable[[ReceiptBook, str], Receipt | None]
"""How a receipt is looked for: `ReceiptBook.find` where its parts have to be whole as well."""


def standing_receipts(job: Job, units: list[Unit], find: Find) -> Iterator[tuple[str, list[Receipt] | None]]:
    """Every stage that notes its receipts, and these in the order of the units; None, at the end, where one is missing.

    Those of DECIDING, which note none, give their own. "rows" is the pack plan, of the book of "tokens".
    """

    def of(stage: str, names: list[str]) -> list[Receipt] | None:
        found = []
        for name in names:
            receipt = find(job.books[stage], name)
            if receipt is None:
                return None
            found.append(receipt)
        return found

    keys = [unit.key for unit in units]
    given: dict[str, list[Receipt]] = {}
    names: dict[str, Callable[[], list[str]]] = {
        "score": lambda: keys,
        "overlaps": lambda: keys,
        **dict.fromkeys(DECIDING, lambda: keys),
        "text": lambda: _text_names(job, keys),
        "tokenizer": lambda: [name_of(given["text"])],
        "tokens": lambda: [encoded_name(text, given["tokenizer"][0].details["sha256"]) for text in given["text"]],
        "rows": lambda: [plan_name(given["tokenizer"][0], given["tokens"])],
    }
    stages = job.stages + (["rows"] if "tokens" in job.stages else [])
    for stage in stages:
        found = of("tokens" if stage == "rows" else stage, names[stage]())
        yield stage, found
        if found is None:
            return
        given[stage] = found


def _text_names(job: Job, keys: list[str]) -> list[str]:
    return [Decided.of(job.recipe, job.books, key).receipt_name(key) for key in keys]


def read_standing(book: ReceiptBook, name: str) -> Receipt | None:
    """A receipt as it lies there; whether its parts are whole is another question."""
    try:
        return read_receipt(book.store, book.path(name))[0]
    except (FileNotFoundError, DamageError):
        return None


def all_standing(job: Job, units: list[Unit]) -> dict[str, list[Receipt]] | None:
    """The receipts of a run of which nothing is left to do; None where a part of one is not as it was written."""
    if any(stage in job.stages and stage not in job.decided for stage in DECIDING):
        return None
    done: dict[str, list[Receipt]] = {}
    for stage, found in standing_receipts(job, units, ReceiptBook.find):
        if found is None:
            return None
        done[stage] = found
    return {stage: found for stage, found in done.items() if stage not in DECIDING}
