"""One unit -> batches of records: the only door into the readers."""

from collections.abc import Iterator

from pipelines.elements import Records, Unit
from pipelines.recipe import schema


def read_unit(
    unit: Unit, source: schema.Source, read: schema.Read, extract: schema.Extract, sample: float = 1.0, seed: int = 0
) -> Iterator[Records]:
    """Every record of the unit once, in order: in a batch, or as a dead letter, or counted aside.

    `sample`: share of records to keep, chosen by hash of doc_id and `seed`. Raises InputError when a file is gone or
    has changed since it was planned; whatever is wrong inside a file is a dead letter.
    """
    raise NotImplementedError
