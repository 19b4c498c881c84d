"""Which passages go: against plain Python, however the documents are cut into units."""

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.pipelines.recipe.schema import Passages
from gristmill.pipelines.stages.passages.find import COUNTED, CUT, NOBODY, decide, joined

WANTED = [
    Passages(),
    Passages(keep="none", above=2),
    Passages(within=True),
]

documents = st.lists(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, len(WANTED) - 1), st.integers(0, 1)), max_size=8),
    min_size=1,
    max_size=12,
)
"""Documents of (word, number in `passages`, check): equal triples are equal passages."""


def rows_of(document: list[tuple[int, int, int]], place: int, rank: int) -> np.ndarray:
    rows = np.zeros(len(document), COUNTED)
    for at, (word, wanted, check) in enumerate(document):
        rows[at] = (word * 10 + wanted, check, wanted, 1, 1, rank // 2, rank % 2, place)
    return rows


def expected(found: list[list[tuple[int, int, int]]], unit_of: list[int]) -> set[tuple[int, int, int, int]]:
    """(unit, key, check, keeper's row or NOBODY), by looking at every document for every passage. Ranks are places."""
    where: dict[tuple, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for d, document in enumerate(found):
        for passage in document:
            where[passage][d] += 1
    cuts = set()
    for (word, wanted, check), has in where.items():
        rule = WANTED[wanted]
        if (sum(has.values()) if rule.within else len(has)) <= rule.above:
            continue
        keeper = min(has) if rule.keep == "first" else None
        for unit in {unit_of[d] for d in has}:
            here = [d for d in has if unit_of[d] == unit]
            goes = [d for d in here if d != keeper or (rule.within and has[d] > 1)]
            if goes:
                row = keeper if keeper is not None and unit_of[keeper] == unit else NOBODY
                cuts.add((unit, word * 10 + wanted, check, row))
    return cuts


@settings(deadline=None)
@given(documents, st.integers(1, 4), st.randoms(use_true_random=False))
def test_decide__as_plain_python(found, units, random):
    unit_of = [random.randrange(units) for _ in found]
    per_unit = []
    for unit in range(units):
        pieces = [
            joined(rows_of(document, unit << 32 | d, d)) for d, document in enumerate(found) if unit_of[d] == unit
        ]
        random.shuffle(pieces)
        per_unit.append(joined(np.concatenate([np.zeros(0, COUNTED), *pieces])))
    random.shuffle(per_unit)
    unit, cuts = decide(np.concatenate(per_unit), WANTED)
    assert len(np.unique(np.c_[unit, cuts["key"], cuts["check"]], axis=0)) == len(cuts)
    made = {(int(u), *map(int, cut)) for u, cut in zip(unit, cuts, strict=True)}
    assert made == expected(found, unit_of)


def test_decide__nothing_is_nothing():
    unit, cuts = decide(np.zeros(0, COUNTED), WANTED)
    assert len(unit) == len(cuts) == 0
    assert cuts.dtype == CUT


@pytest.mark.parametrize("times", [2**31, 2**32 - 1])
def test_joined__counts_stop_and_do_not_wrap(times):
    rows = rows_of([(1, 0, 0), (1, 0, 0)], 0, 0)
    rows["place"] = [0, 1]
    rows["documents"] = rows["times"] = times
    assert joined(rows)["documents"].tolist() == [2**32 - 1]
