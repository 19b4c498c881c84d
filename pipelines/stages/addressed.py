"""What deduplication by address asks of a document: its address as a key, and whether it comes before another one."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gristmill.filters.dedup.fingerprint_file import with_urls, without_urls
from gristmill.filters.dedup.moments import moment
from gristmill.filters.dedup.urls import describe_urls, url_keys
from gristmill.pipelines.recipe.deduplication import Urls

DATES = ("WARC-Date", "date", "timestamp")
"""Fields that are asked for a date, one after the other, where the recipe names none."""
LAST = (1 << 63) - 1


def addressed(prints: pa.RecordBatch, batch: pa.RecordBatch, urls: Urls | None) -> pa.RecordBatch:
    """Fingerprints with the addresses of the same documents, where the recipe asks for them."""
    if urls is None:
        return without_urls(prints)
    return with_urls(prints, url_keys(batch.column("url"), urls.www), url_order(batch, urls), describe_urls(urls.www))


def url_order(batch: pa.RecordBatch, urls: Urls) -> np.ndarray:
    """uint64[D]: of two documents of one address and equal priority the one with the lower number stays."""
    if urls.keep == "longest":
        return np.uint64(LAST) - pc.binary_length(batch.column("text")).to_numpy().astype(np.uint64)
    if urls.keep == "first":
        return np.zeros(batch.num_rows, np.uint64)
    order_D = np.full(batch.num_rows, 2 * LAST, np.uint64)
    for document, microseconds in enumerate(_moments(batch, (urls.date,) if urls.date else DATES)):
        if microseconds is not None:
            order_D[document] = LAST - microseconds
    return order_D


def _moments(batch: pa.RecordBatch, names: tuple[str, ...]) -> list[int | None]:
    """The first of some fields that holds a date, in a typed column or in `meta`."""
    typed = {name: batch.column(name).to_pylist() for name in names if name in batch.schema.names}
    found: list[int | None] = []
    keys = [json.dumps(name, ensure_ascii=False) for name in names]
    for document, meta in enumerate(batch.column("meta").to_pylist()):
        beside = json.loads(meta) if meta and any(key in meta for key in keys) else {}
        told = (typed[name][document] if name in typed else beside.get(name) for name in names)
        found.append(next((known for value in told if (known := moment(value)) is not None), None))
    return found
