"""The order of rows: exact counts, and every stretch as the shares say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.tokenizer.mixing.interleave import interleaved


def off(counts: np.ndarray, window: int) -> tuple[float, float]:
    """(most rows that a cell is off after any number of rows, in any window), by counting."""
    cells, rows = len(counts), int(counts.sum())
    given_RC = np.vstack([np.zeros(cells, int), np.cumsum(interleaved(counts)[:, None] == np.arange(cells), 0)])
    share = counts / rows
    window = min(window, rows)
    inside = given_RC[window:] - given_RC[:-window]
    return np.abs(given_RC - np.arange(rows + 1)[:, None] * share).max(), np.abs(inside - window * share).max()


@given(st.lists(st.integers(0, 60), min_size=1, max_size=9).filter(sum))
@settings(deadline=None, max_examples=200)
def test_interleaved__every_cell_has_its_count_and_is_never_a_row_off(counts):
    counts = np.array(counts)
    order = interleaved(counts)
    assert np.bincount(order, minlength=len(counts)).tolist() == counts.tolist()
    assert off(counts, 10)[0] < 1


@pytest.mark.parametrize("share", [0.5, 0.7, 0.123, 0.9987, 1 / 3])
def test_interleaved__two_sources_have_their_weights_within_a_thousandth_in_any_thousand_rows(share):
    first = round(20_011 * share)
    assert off(np.array([first, 20_011 - first]), 1000)[1] <= 1 + 1e-9


def test_interleaved__many_cells_large_and_small():
    counts = np.random.default_rng(0).zipf(1.5, 300).clip(max=3000)
    before, inside = off(counts, 1000)
    assert before < 1
    assert inside < 2
