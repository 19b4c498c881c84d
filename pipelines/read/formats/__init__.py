"""One file a format: rows, lines and whole files as batches of records. A new one is its file, and a line here."""

from collections.abc import Callable

from gristmill.filters.registry import Registry
from gristmill.pipelines.read.formats import bundled, epub, machine, pdf, whole_files
from gristmill.pipelines.read.formats.code import reader as code
from gristmill.pipelines.read.formats.json import reader as jsonl
from gristmill.pipelines.read.formats.tables import arrow, delimited, parquet
from gristmill.pipelines.read.formats.user_defined import RecordsOf, reader_of
from gristmill.pipelines.read.formats.wikipedia import reader as wikipedia
from gristmill.pipelines.read.reader import Reader
from gristmill.pipelines.read.warc import reader as warc
from gristmill.pipelines.recipe.sources import FORMATS

READERS: Registry[Reader] = Registry("reader")
"""By the names that a recipe's `format` takes."""

_OURS = {
    "jsonl": jsonl.READER,
    "json": jsonl.JSON,
    "csv": delimited.READER,
    "parquet": parquet.READER,
    "arrow": arrow.READER,
    "text": whole_files.TEXT,
    "html": whole_files.HTML,
    "warc": warc.WARC,
    "wet": warc.WET,
    "wikipedia": wikipedia.READER,
    "code": code.READER,
    "epub": epub.READER,
    "pdf": pdf.READER,
    "machine": machine.READER,
    "bundled": bundled.READER,
}
for _name, _reader in _OURS.items():
    READERS.declare(_name, _reader)
READERS.complete()


def reader(name: str, *, suffixes: tuple[str, ...]) -> Callable[[RecordsOf], RecordsOf]:
    """Declare the decorated function the reader of a format: it takes an open file and gives its records as dicts.

    suffixes: of the files that a folder is searched for. Raises ValueError for a name that is taken, and for suffixes
    that are not like (".note",).
    """
    if isinstance(suffixes, str) or not all(isinstance(one, str) and one.startswith(".") for one in suffixes):
        raise ValueError(f"suffixes of the format '{name}' are {suffixes!r}; write them like ('.note',)")

    def declare(records_of: RecordsOf) -> RecordsOf:
        FORMATS.declare(name, name)
        READERS.declare(name, reader_of(records_of, suffixes))
        return records_of

    return declare
