"""Cleaning documents: the edits of the rules made, personal data scrubbed in texts and in the fields beside them."""

from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from gristmill.filters.edits import Edits, apply, edited
from gristmill.filters.pii.engine import Scrubber
from gristmill.filters.pii.operators.audit import findings, none_found
from gristmill.filters.pii.operators.bounds import exceeded
from gristmill.filters.pii.values import Values
from gristmill.pipelines.recipe.columns import dropped_schema, scrubbed_fields, text_schema
from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.records.accounts import PERSONAL
from gristmill.pipelines.records.conversations import COLUMNS, MESSAGES, follow


@dataclass
class UnitCleaner:
    """Cleans one unit after another; holds what is made once per worker."""

    recipe: Recipe

    @cached_property
    def scrubber(self) -> Scrubber | None:
        """The recognizers, or None when the recipe does not scrub."""
        return self._scrubber(None)

    @cached_property
    def _scrubbers(self) -> dict[str, Scrubber]:
        """Of the sources that have a policy of their own."""
        named = self.recipe.scrub.sources if self.recipe.scrub else {}
        return {name: scrubber for name in named if (scrubber := self._scrubber(name))}

    def _scrubber(self, source: str | None) -> Scrubber | None:
        recipe = self.recipe
        return recipe.scrub.scrubber(source, recipe.key, recipe.scrub_models) if recipe.scrub else None

    def scrubber_of(self, batch: pa.RecordBatch) -> Scrubber | None:
        """That of the source of a batch, all of which is of one."""
        return (
            self._scrubbers.get(batch.column("source")[0].as_py(), self.scrubber) if batch.num_rows else self.scrubber
        )

    @cached_property
    def text_schema(self) -> pa.Schema:
        """Of `text/`."""
        return text_schema(self.recipe)

    @cached_property
    def dropped_schema(self) -> pa.Schema:
        """Of `dropped/`."""
        return dropped_schema(self.recipe)

    @cached_property
    def fields(self) -> frozenset[str]:
        """Columns beside the text that are scrubbed."""
        return scrubbed_fields(self.recipe)

    def clean(self, batch: pa.RecordBatch) -> tuple[pa.Array, Edits, pa.RecordBatch, pa.Array]:
        """(clean text, every edit in terms of the extracted text, what stands beside it, findings) of curated
        documents."""
        (edits, text), beside = edited(batch), self.scrub_fields(batch)
        found = none_found(batch.num_rows)
        scrubber = self.scrubber_of(batch)
        if scrubber is not None:
            masks, score = scrubber.scored_edits(text, batch.column("lang").to_pylist())
            found = findings(text, masks, score, edits, scrubber.action, self.recipe.key)
            masks = scrubber.lines(text, masks).merged()
            text, edits = apply(text, masks), edits.then(masks)
        if self.turns(batch):
            scrub = Values(scrubber).json if scrubber is not None and MESSAGES in self.fields else None
            beside = follow(beside, edits, scrub)
        return text, edits, beside, found

    def too_much(self, batch: pa.RecordBatch, found: pa.Array) -> pa.Array:
        """list<string>: the rules of `scrub.drop_above` that fire for documents of one source with these findings."""
        scrub = self.recipe.scrub
        bounds = scrub.bounds(batch.column("source")[0].as_py()) if scrub and batch.num_rows else {}
        return exceeded(found, bounds, PERSONAL)

    def turns(self, batch: pa.RecordBatch) -> bool:
        """Whether documents of one source are turns, which say in JSON what the text says."""
        source = self.recipe.sources.get(batch.column("source")[0].as_py()) if batch.num_rows else None
        return source is not None and source.kind != "text"

    def scrub_fields(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The same rows, without personal data in the fields that the recipe wants scrubbed."""
        scrubber = self.scrubber_of(batch)
        if scrubber is None:
            return batch
        values = Values(scrubber)
        for place, field in enumerate(batch.schema):
            if field.name in self.fields and not (field.name in COLUMNS and self.turns(batch)):
                column = batch.column(place)
                clean = values.json(column) if field.name == "meta" else values.column(column, field.name)
                batch = batch.set_column(place, field, clean)
        return batch

    def without_fields(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The same rows with nothing in these fields: what cannot be scrubbed is not published."""
        for place, field in enumerate(batch.schema):
            if field.name in self.fields:
                batch = batch.set_column(place, field, pa.nulls(batch.num_rows, field.type))
        return batch
