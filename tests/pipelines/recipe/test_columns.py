"""Typed columns: which of them says that a document was made from another."""

import pyarrow as pa
import pytest

from gristmill.pipelines.recipe.columns import ARROW_TYPES, derivations
from gristmill.pipelines.recipe.sources import Source

MADE_FROM = {
    "string": (["a1", "", None, "  \t", "磨坊", "0"], [1, 0, 0, 0, 1, 1]),
    "int64": ([7, 0, None], [1, 1, 0]),
    "float64": ([0.5, None], [1, 0]),
    "bool": ([True, False, None], [1, 0, 0]),
}


@pytest.mark.parametrize("kind", MADE_FROM)
def test_derivations__where_the_column_names_an_original(kind):
    values, expected = MADE_FROM[kind]
    batch = pa.record_batch([pa.array(values, ARROW_TYPES[kind])], ["made_of"])
    common = {"format": "jsonl", "paths": ["a.jsonl"], "columns": {"made_of": kind}, "derived_from": "made_of"}
    assert derivations(batch, Source.model_validate(common)).tolist() == expected
    synthetic = Source.model_validate({**common, "derived": "synthetic"})
    assert derivations(batch, synthetic).tolist() == [3] * len(values)
