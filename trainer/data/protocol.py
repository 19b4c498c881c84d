"""What the loop reads batches from: a loader of a corpus, or rounds of rollouts."""

from collections.abc import Iterator
from typing import Protocol

from gristmill.trainer.data.batch import Batch
from gristmill.trainer.data.corpus import Corpus
from gristmill.trainer.data.sampler import DataState, Rows


class Batches(Protocol):
    """Batches of steps, in their order, for one rank."""

    waited: float
    """Seconds for which the loop had to wait."""
    figures: dict[str, float]
    """Of the step that was read last, for metrics.jsonl: known on the host, the same on all ranks."""

    def batches(self, rows: Rows) -> Iterator[Batch]:
        """Of a step. A batch is valid until the next one is asked for."""

    def close(self) -> None:
        """Ends what runs in the background."""


class Order(Protocol):
    """Which rows every step reads."""

    corpus: Corpus | None
    """What the rows are of; None where they are no rows of a pack plan."""

    def take(self, state: DataState) -> Rows:
        """Of the step that begins there."""
