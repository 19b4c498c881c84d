"""Stage A as Beam sees it: a unit is scored once. What an earlier recipe stored of it is decided again, not read."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any, TypeVar

import apache_beam as beam

from gristmill.filters.signals import SPENT
from gristmill.pipelines.processes.clock import FIRST, SPENT_ON, WAITED, begin, is_first, now, since, waited
from gristmill.pipelines.read.unit import read_unit
from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.records.elements import Unit
from gristmill.pipelines.records.receipts import Receipt
from gristmill.pipelines.stages.decide_again import Earlier, decide_again
from gristmill.pipelines.stages.score import UnitScorer, UnitWriter
from gristmill.pipelines.storage.attempts import attempt
from gristmill.pipelines.storage.models import bring
from gristmill.pipelines.storage.receipt_book import ReceiptBook

T = TypeVar("T")

DEAREST = 8
"""Signals that a receipt names: those that may be to blame."""


class ScoreUnits(beam.DoFn):
    """(number, [unit]) -> (number, receipt). A unit whose receipt stands is not opened again."""

    def __init__(self, recipe: Recipe, book: ReceiptBook, sample: float, earlier: Sequence[Earlier] = ()):
        self.recipe, self.book, self.sample, self.earlier = recipe, book, sample, earlier
        self._scorer: UnitScorer | None = None

    def scorer(self) -> UnitScorer:
        """Made once per worker, at its first unit: of what `setup` raises a cluster tells nothing, after three minutes.
        No property: Beam reads every attribute of a DoFn on the driver, and what is made there would travel.
        """
        if self._scorer is None:
            bring(self.book.store, self.recipe)
            self._scorer = UnitScorer(self.recipe, self.sample)
        return self._scorer

    def process(self, element: tuple[int, Iterable[Unit]]) -> Iterator[tuple[int, Receipt]]:
        """One unit."""
        number, (unit,) = element
        done = self.book.find(unit.key) or decide_again(self.scorer(), self.book, unit, self.earlier)
        yield number, done or score_unit(self.scorer(), self.book, unit)


def score_unit(scorer: UnitScorer, book: ReceiptBook, unit: Unit) -> Receipt:
    """Read and score one unit, and commit it."""
    began, first = begin(), is_first(book.stage)
    recipe, before = scorer.recipe, dict(SPENT)
    with attempt(book, unit.key) as guard:
        with ExitStack() as stack:
            writer = UnitWriter(scorer, book, unit, guard, stack)
            source = recipe.sources[unit.source]
            records = read_unit(unit, source, recipe.read, recipe.extract, scorer.sample, recipe.seed, guard)
            for some in _timed(records, guard.spent):
                writer.take(some)
        seconds, cpu_seconds = since(began)
        details = {
            "input_bytes": unit.bytes,
            "unit": unit.to_json(),
            SPENT_ON: _spent(guard.spent, before, cpu_seconds),
            FIRST: first,
            WAITED: round(waited(began), 4),
        }
        receipt = Receipt(
            book.stage, unit.key, writer.parts(), tuple(writer.accounts), seconds, cpu_seconds, details=details
        )
        book.commit(receipt)
    return receipt


def _timed(records: Iterator[T], spent: dict[str, float]) -> Iterator[T]:
    """The same things; `spent` counts the CPU seconds of reading them, beside what it counts on the way."""
    while True:
        began, extracted = now(), spent["extract"]
        some = next(records, None)
        spent["read"] += since(began)[1] - (spent["extract"] - extracted)
        if some is None:
            return
        yield some


def _spent(steps: dict[str, float], before: dict[str, float], cpu_seconds: float) -> dict[str, Any]:
    """Where the CPU seconds of a unit went, for its receipt; `before`: what signals had taken until then."""
    signals = {name: round(seconds - before.get(name, 0.0), 4) for name, seconds in SPENT.items()}
    dearest = dict(sorted(signals.items(), key=lambda one: -one[1])[:DEAREST])
    named = {name: round(seconds, 4) for name, seconds in steps.items()}
    return {**named, "all": round(cpu_seconds, 4), "signals": dearest}
