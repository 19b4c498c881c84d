"""Stage A as Beam sees it: a unit is scored once. What an earlier recipe stored of it is decided again, not read."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack

import apache_beam as beam

from gristmill.pipelines.read.unit import read_unit
from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.records.elements import Unit
from gristmill.pipelines.records.receipts import Receipt
from gristmill.pipelines.stages.decide_again import Earlier, decide_again
from gristmill.pipelines.stages.score import UnitScorer, UnitWriter
from gristmill.pipelines.storage.attempts import attempt
from gristmill.pipelines.storage.models import bring
from gristmill.pipelines.storage.receipt_book import ReceiptBook


class ScoreUnits(beam.DoFn):
    """(number, [unit]) -> (number, receipt). A unit whose receipt stands is not opened again."""

    def __init__(self, recipe: Recipe, book: ReceiptBook, sample: float, earlier: Sequence[Earlier] = ()):
        self.recipe, self.book, self.sample, self.earlier = recipe, book, sample, earlier

    def setup(self) -> None:
        """Once per worker."""
        bring(self.book.store, self.recipe)
        self.scorer = UnitScorer(self.recipe, self.sample)

    def process(self, element: tuple[int, Iterable[Unit]]) -> Iterator[tuple[int, Receipt]]:
        """One unit."""
        number, (unit,) = element
        done = self.book.find(unit.key) or decide_again(self.scorer, self.book, unit, self.earlier)
        yield number, done or score_unit(self.scorer, self.book, unit)


def score_unit(scorer: UnitScorer, book: ReceiptBook, unit: Unit) -> Receipt:
    """Read and score one unit, and commit it."""
    began, cpu = time.perf_counter(), time.process_time()
    recipe = scorer.recipe
    with attempt(book, unit.key) as guard:
        with ExitStack() as stack:
            writer = UnitWriter(scorer, book, unit, guard, stack)
            source = recipe.sources[unit.source]
            for records in read_unit(unit, source, recipe.read, recipe.extract, scorer.sample, recipe.seed, guard):
                writer.take(records)
        receipt = Receipt(
            book.stage,
            unit.key,
            writer.parts(),
            tuple(writer.accounts),
            time.perf_counter() - began,
            time.process_time() - cpu,
            details={"input_bytes": unit.bytes, "unit": unit.to_json()},
        )
        book.commit(receipt)
    return receipt
