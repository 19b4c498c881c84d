"""Rows of a batch: those that are chosen, and no copy where these are all."""

import numpy as np
import pyarrow as pa

from gristmill.pipelines.records.columns import chosen

BATCH = pa.record_batch({"text": pa.array(["the mill", "磨坊", None], pa.large_string()), "row": [0, 1, 2]})


def test_chosen__is_a_filter():
    for rows in np.ndindex(2, 2, 2):
        assert (
            chosen(BATCH, np.array(rows, bool)).to_pydict() == BATCH.filter(pa.array(np.array(rows, bool))).to_pydict()
        )
    assert chosen(BATCH[:0], np.zeros(0, bool)).num_rows == 0


def test_chosen__of_all_rows_copies_no_text():
    assert chosen(BATCH, np.ones(3, bool)) is BATCH
