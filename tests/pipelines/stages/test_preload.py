"""What workers share: what they call has been compiled, for the types that they call it with."""

import numpy as np
import pyarrow as pa

from gristmill.filters.edits import EDIT
from gristmill.filters.kernels.dedup import passages as kernels
from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.stages.passages.cuts import Cuts
from gristmill.pipelines.stages.passages.find import CUT, NOBODY
from gristmill.pipelines.stages.passages.keys import keyed_passages
from gristmill.pipelines.stages.preload import preload

RECIPE = {
    "gristmill": 1,
    "name": "mill",
    "sources": {"web": {"format": "jsonl", "paths": ["web.jsonl"]}},
    "deduplicate": {"passages": [{"min_letters": 1}, {"unit": "sentence", "run": 2, "min_letters": 1}]},
    "scrub": None,
    "tokenizer": None,
}


def test_preload__cutting_passages_compiles_nothing_more():
    recipe = Recipe.model_validate(RECIPE)
    called = (kernels.split, kernels.hash_passages, kernels.tidy_cuts)
    preload(recipe)
    loaded = [list(kernel.compiled.signatures) for kernel in called]
    assert all(loaded)
    options = recipe.deduplicate
    assert options is not None
    text = pa.array(["A mill. A river.\nCafe\u0301s.", "磨坊在河边。水车转动。"], pa.large_string())
    batch = pa.record_batch([text, pa.array([[], []], pa.list_(EDIT)), pa.array([0, 1])], ["text", "edits", "row"])
    rows = np.array(
        [
            (key, check, NOBODY)
            for _, found in keyed_passages(options, batch, text)
            for key, check in zip(found.hash, found.check, strict=True)
        ],
        CUT,
    )
    _, share = Cuts(np.sort(rows, order=["key", "check"])).edit(options, batch)
    assert share.tolist() == [1.0, 1.0]
    assert [list(kernel.compiled.signatures) for kernel in called] == loaded
