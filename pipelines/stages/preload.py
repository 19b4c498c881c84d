"""Compile kernels and load models once, before workers are forked: they share both, and none compiles on its own."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from gristmill.filters.contamination.match import Matcher
from gristmill.filters.dedup.fingerprints import fingerprint
from gristmill.filters.dedup.passages import cut_passages, find_passages, find_spans
from gristmill.filters.dedup.substrings import cut_substrings
from gristmill.filters.edits import Edits
from gristmill.filters.kernels.jit import cache_folder
from gristmill.filters.language.identify import script_of
from gristmill.filters.placed import placed
from gristmill.filters.quality.model_file import NoModelError
from gristmill.pipelines.duplicates.components import LINK, contract
from gristmill.pipelines.duplicates.pairs import RECORD, bucket_pairs
from gristmill.pipelines.errors import GristmillError, InputError
from gristmill.pipelines.read.batches import record_schema
from gristmill.pipelines.read.formats import READERS
from gristmill.pipelines.read.html.extract import read_page
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.recipe.columns import curated_schema
from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.records import columns
from gristmill.pipelines.stages.kept_texts import DOCUMENT, KeptTexts
from gristmill.pipelines.stages.score import UnitScorer
from gristmill.pipelines.stages.substrings.find import decide, unit_anchors, unit_windows
from gristmill.pipelines.stages.unit_cleaner import UnitCleaner
from gristmill.tokenizer.encode import Encoder
from gristmill.tokenizer.foreign.codecs import open_codec
from gristmill.tokenizer.train import TokenizerOptions, train

HTML = b"<p>A mill grinds grain.</p>"
PAGES = (
    "A mill grinds grain. Write to miller@example.com, or call 555-0100.\n\n- flour\n",
    "磨坊在河边。电话13800138000。\n",
)


def nothing_compiled() -> bool:
    """Whether this machine, or this version of the kernels, has no compiled loop yet: `preload` takes a minute then."""
    return not any(cache_folder().rglob("*.nbi"))


def preload(recipe: Recipe) -> None:
    """Score and clean a batch of two pages as the recipe says, and forget the result.

    Where nothing is compiled yet, a second process compiles the rest meanwhile: half the time on two cores. A plugin
    that raises on these pages costs the documents that it raises on, and not the run.
    """
    try:
        _preload(recipe)
    except GristmillError:
        raise
    except Exception:
        if not recipe.plugins:
            raise


def _preload(recipe: Recipe) -> None:
    source, declared = next(iter(recipe.sources)), pa.array(["en", None if _identifies(recipe) else "zh"])
    values = {"text": pa.array(PAGES, pa.large_string()), "declared_language": declared, "doc_id": "0" * 32}
    schema = record_schema(recipe.sources[source].columns)
    batch = columns.assemble(schema, len(PAGES), {**values, "row": 0, "raw_bytes": 0, "meta": "{}"})
    with beside(lambda: _rest(recipe, batch)) if nothing_compiled() else contextlib.nullcontext():
        scorer = UnitScorer(recipe)
        try:
            scored = scorer.score(batch, source)
        except NoModelError as error:
            fix = "mend its folder, or name another model"
            raise InputError(f"a model cannot be used: {error}", where="the recipe's `classifiers`", fix=fix) from None
    scorer.fingerprint(batch, source, scored)
    _clean(recipe, batch, scored.judgement.edits)
    _cut(recipe, batch)
    _compare(recipe, batch)
    _read(recipe)


def _identifies(recipe: Recipe) -> bool:
    """Whether a document may declare no language; elsewhere no worker needs the model."""
    return not all(isinstance(source.language, str) for source in recipe.sources.values())


def _read(recipe: Recipe) -> None:
    """What pages are read with, where a source may hold some."""
    if any(READERS[source.format].holds_pages for source in recipe.sources.values()):
        read_page(HTML, None, recipe.extract)


def _rest(recipe: Recipe, batch: pa.RecordBatch) -> None:
    """What a run compiles besides the signals of its rules."""
    _read(recipe)
    if recipe.deduplicate:
        fingerprint(batch.column("text"), recipe.deduplicate.minhash)
    _clean(recipe, batch, Edits.none(batch.num_rows))
    _cut(recipe, batch)
    _compare(recipe, batch)
    if recipe.taken_tokenizer and recipe.taken_tokenizer.is_foreign:
        open_codec(Path(placed(recipe.taken_tokenizer.files[0]))).encode(pa.array(PAGES, pa.large_string()), -1, -1)
    elif recipe.tokenizer:
        with tempfile.TemporaryDirectory() as folder:
            train(PAGES, TokenizerOptions(recipe.tokenizer.model, 512, lower=True), folder)
            Encoder(folder).encode(PAGES)


def _clean(recipe: Recipe, batch: pa.RecordBatch, edits: Edits) -> None:
    script_of(batch.column("text"))
    values = {"edits": edits.column(), "lang": "en", "text": batch.column("text")}
    UnitCleaner(recipe).clean(columns.assemble(curated_schema(recipe), batch.num_rows, values))


def _cut(recipe: Recipe, batch: pa.RecordBatch) -> None:
    text, options = batch.column("text"), recipe.deduplicate
    for wanted in options.passages if options else ():
        found = find_passages(text, wanted.unit, wanted.run)
        cut_passages(text, found.doc, found.begin, found.end, wanted.unit)
    if options and options.substrings:
        texts, bound = [KeptTexts(batch, text, np.zeros(batch.num_rows, DOCUMENT))], schema.Substrings(min_tokens=8)
        keys = np.concatenate([rows["key"] for rows in unit_anchors(texts, 0, bound)])
        decide(np.concatenate(list(unit_windows(texts, keys, bound))))
        doc, begin, end = find_spans(text, "line")
        cut_substrings(text, doc, begin, end, options.substrings.cut_at)


def _compare(recipe: Recipe, batch: pa.RecordBatch) -> None:
    """What finds evaluation items and duplicates among documents."""
    if recipe.read_evaluations:
        Matcher(recipe.read_evaluations.index).match(batch.column("text"))
    if recipe.deduplicate:
        bucket_pairs(np.zeros(2, RECORD))
        contract(np.zeros(1, LINK))


@contextlib.contextmanager
def beside(work: Callable[[], object]) -> Iterator[None]:
    """Do some work in a forked process meanwhile. What it leaves is on disk; whether it succeeded does not matter."""
    child = os.fork() if hasattr(os, "fork") else -1
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    try:
        yield
    finally:
        if child > 0:
            os.waitpid(child, 0)
