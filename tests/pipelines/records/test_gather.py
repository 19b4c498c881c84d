"""Neighbours together: within the bounds, in order, by their sizes alone."""

from gristmill.pipelines.records.gather import gather


def groups(sizes, rows=10, size=100):
    return list(gather(sizes, lambda item: item, rows, size))


def test_gather__as_many_as_fit() -> None:
    assert groups([(4, 10), (4, 10), (4, 10), (1, 1)]) == [[(4, 10), (4, 10)], [(4, 10), (1, 1)]]
    assert groups([(1, 60), (1, 40), (1, 1)]) == [[(1, 60), (1, 40)], [(1, 1)]]


def test_gather__one_that_is_larger_stands_alone() -> None:
    assert groups([(1, 1), (11, 1), (1, 101), (0, 0)]) == [[(1, 1)], [(11, 1)], [(1, 101)], [(0, 0)]]


def test_gather__nothing_of_nothing() -> None:
    assert groups([]) == []
