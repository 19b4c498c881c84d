"""The passages that a recipe looks at, and the key under which those that repeat each other meet."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from gristmill.filters.dedup.passages import Passages, find_passages
from gristmill.filters.lists.addresses import host_and_path
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.records.rows import mixed


def keyed_passages(
    options: schema.Deduplicate, batch: pa.RecordBatch, text: pa.Array
) -> Iterator[tuple[int, Passages]]:
    """(number in `passages`, passages whose `hash` is the key: what they say and where that counts) of some documents.

    text: theirs as it reads after the edits of the rules. Documents without an address have no host, and no passages
    there.
    """
    for number, wanted in enumerate(options.passages):
        found = find_passages(text, wanted.unit, wanted.run)
        scope_D, known_D = _scopes(wanted.scope, batch)
        found = found.take((found.letters >= wanted.min_letters) & known_D[found.doc])
        scope_N = mixed(scope_D[found.doc] + np.uint64(number + 1))
        key_N = found.hash ^ scope_N
        yield number, Passages(found.doc, found.begin, found.end, mixed(key_N), found.check, found.letters)


def _scopes(scope: str, batch: pa.RecordBatch) -> tuple[np.ndarray, np.ndarray]:
    """(uint64[D] where the passages of each document count, bool[D] whether it has any such place)."""
    if scope == "corpus":
        return np.zeros(batch.num_rows, np.uint64), np.ones(batch.num_rows, bool)
    if scope == "source":
        names = batch.column("source").dictionary_encode()
    else:
        hosts = [(host_and_path(url)[0] or None) if url else None for url in batch.column("url").to_pylist()]
        names = pa.array(hosts, pa.string()).dictionary_encode()
    hashes = [xxhash.xxh3_64_intdigest(name.encode()) for name in names.dictionary.to_pylist()]
    at_D = pc.fill_null(names.indices, 0).to_numpy()
    table = np.array(hashes or [0], np.uint64)
    return table[at_D], names.is_valid().to_numpy(zero_copy_only=False) & (len(hashes) > 0)
