"""Texts given to the models that read their languages."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

ANY = ""
"""In the place of a language: documents in every one."""

M = TypeVar("M")


def readers(
    models: Sequence[tuple[str, M]], languages: frozenset[str] | None, text: pa.Array, language: pa.Array | None
) -> Iterator[tuple[str, M, np.ndarray, pa.Array]]:
    """(its language, model, int64 rows, their texts) of every model that reads some of the texts.

    models: by language, or one under ANY, which reads `languages` (None: all). language: ISO 639-1 of each text; None:
    there is one model, and all texts are its.
    """
    for of, model in models:
        wanted = languages if of == ANY else {of}
        rows = np.arange(len(text))
        if language is not None and wanted is not None:
            known = pc.is_in(language, pa.array(sorted(wanted), language.type))
            rows = np.flatnonzero(known.to_numpy(zero_copy_only=False))
        if len(rows):
            yield of, model, rows, text if len(rows) == len(text) else text.take(pa.array(rows))
