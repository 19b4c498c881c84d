"""What workers share: what they call has been compiled, for the types that they call it with."""

import numpy as np
import pyarrow as pa

from gristmill.filters.edits import EDIT, apply
from gristmill.filters.kernels.dedup import passages as kernels
from gristmill.filters.kernels.dedup import substrings
from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.stages.kept_texts import DOCUMENT, KeptTexts
from gristmill.pipelines.stages.passages.cuts import Cuts
from gristmill.pipelines.stages.passages.find import CUT, NOBODY
from gristmill.pipelines.stages.passages.keys import keyed_passages
from gristmill.pipelines.stages.preload import preload
from gristmill.pipelines.stages.substrings.cuts import Repeats
from gristmill.pipelines.stages.substrings.find import decide, joined, unit_anchors, unit_windows

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
    edits = Cuts(np.sort(rows, order=["key", "check"])).edits(options, batch, text)
    assert apply(text, edits).to_pylist() == ["", ""]
    assert [list(kernel.compiled.signatures) for kernel in called] == loaded


def test_preload__pages_have_the_columns_of_the_source_that_they_stand_for():
    source = {"format": "jsonl", "paths": ["web.jsonl"], "columns": {"made_of": "string"}, "derived_from": "made_of"}
    preload(Recipe.model_validate({**RECIPE, "sources": {"web": source}}))


def test_preload__looking_for_substrings_compiles_nothing_more():
    recipe = Recipe.model_validate({**RECIPE, "deduplicate": {"substrings": {"min_tokens": 8}}})
    called = (substrings.read_tokens, substrings.winnow, substrings.hash_windows, substrings.find_repeats)
    preload(recipe)
    loaded = [list(kernel.compiled.signatures) for kernel in called]
    assert all(loaded)
    options = recipe.deduplicate.substrings
    for copies in (1, 2):
        text = pa.array(["磨坊在河边。水车转动。The mill stands by the river."] * copies, pa.large_string())
        document = np.zeros(copies, DOCUMENT)
        document["place"] = np.arange(copies)
        kept = [KeptTexts(None, text, document)]
        (anchors,) = unit_anchors(kept, 0, options)
        (windows,) = unit_windows(kept, anchors["key"], options)
        _, ranges = decide(windows)
        repeats = Repeats(joined(ranges))
        assert len(repeats.rows) == copies - 1
        batch = pa.record_batch([pa.array(range(copies), pa.uint32())], ["row"])
        repeats.edits(recipe.deduplicate, batch, text)
        decide(windows[:1])
    assert [list(kernel.compiled.signatures) for kernel in called] == loaded
