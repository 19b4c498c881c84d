"""One file a format: rows, lines and whole files as batches of records. A new one is its file, and a line here."""

from pipelines.read.formats import arrow, bundled, jsonl, machine, parquet, whole_files
from pipelines.read.reader import Reader
from pipelines.read.warc import reader as warc

READERS: dict[str, Reader] = {
    "jsonl": jsonl.READER,
    "parquet": parquet.READER,
    "arrow": arrow.READER,
    "text": whole_files.TEXT,
    "html": whole_files.HTML,
    "warc": warc.WARC,
    "wet": warc.WET,
    "machine": machine.READER,
    "bundled": bundled.READER,
}
"""By the names that a recipe's `format` takes (`schema.Format`)."""
