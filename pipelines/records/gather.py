"""Small batches together: what costs the same for every batch, however small, is then paid less often."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def gather(items: Iterable[T], measure: Callable[[T], tuple[int, int]], rows: int, size: int) -> Iterator[list[T]]:
    """Neighbours, as many as fit into so many rows and bytes; one that is larger stands alone.

    `measure` says (rows, bytes) of one. Which stand together follows from these alone.
    """
    held: list[T] = []
    held_rows = held_size = 0
    for item in items:
        more_rows, more_size = measure(item)
        if held and (held_rows + more_rows > rows or held_size + more_size > size):
            yield held
            held, held_rows, held_size = [], 0, 0
        held.append(item)
        held_rows, held_size = held_rows + more_rows, held_size + more_size
    if held:
        yield held
