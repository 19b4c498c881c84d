"""The source `bundled`: documents that were written for the project, shipped as JSON lines with what is expected of
them."""

from dataclasses import replace
from pathlib import Path

from gristmill.pipelines.read.formats.json import reader as jsonl
from gristmill.pipelines.recipe import schema, sources

FOLDER = Path(__file__).resolve().parents[2] / "data" / "bundled"


def bundled_source(source: schema.Source) -> schema.Source:
    """The source that reads the shipped files: their fields are id, text, lang, and `expected_...`, which travels in
    `meta`."""
    return source.model_copy(
        update={
            "format": "jsonl",
            "paths": [str(FOLDER / "*.jsonl")],
            "id": source.id or "id",
            "language": source.language or sources.LanguageColumn(column="lang"),
        }
    )


READER = replace(jsonl.READER, resolve=bundled_source)
