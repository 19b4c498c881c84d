"""Compile kernels and load models once, before workers are forked: they share both, and none compiles on its own."""

import pyarrow as pa

from pipelines.read.batches import record_schema
from pipelines.recipe.schema import Recipe
from pipelines.stages import columns
from pipelines.stages.score import UnitScorer
from pipelines.stages.text import UnitCleaner

PAGES = (
    "A mill grinds grain. Write to miller@example.com, or call 555-0100.\n\n- flour\n",
    "磨坊在河边。电话13800138000。\n",
)


def preload(recipe: Recipe) -> None:
    """Score and clean a batch of two pages as the recipe says, and forget the result."""
    rows = len(PAGES)
    source, declared = next(iter(recipe.sources)), pa.array(["en", None])
    values = {"text": pa.array(PAGES, pa.large_string()), "declared_language": declared, "doc_id": "0" * 32}
    batch = columns.assemble(record_schema({}), rows, {**values, "row": 0, "raw_bytes": 0, "meta": "{}"})
    scorer = UnitScorer(recipe)
    scored = scorer.score(batch, source)
    scorer.fingerprint(batch, source, scored)
    edits = {"edits": scored.judgement.edits.column(), "lang": scored.language, "text": values["text"]}
    UnitCleaner(recipe).clean(columns.assemble(columns.curated_schema(recipe), rows, edits))
