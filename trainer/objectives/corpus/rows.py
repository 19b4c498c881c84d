"""How a row is filled, as several objectives do it.

Letters: P segments.
"""

import numpy as np

from gristmill.trainer.data.corpus import Segments


def fill_rows(rows: dict[str, np.ndarray], segments: Segments) -> None:
    """Writes ids, targets (the next token), positions, documents and sources."""
    segments.fill(rows["ids"], rows["targets"], rows["positions"], rows["documents"], rows["sources"])


def noise_tokens(length_P: np.ndarray) -> np.ndarray:
    """int64 (P,): 15 % of each length, at least 1, never all."""
    return np.clip(np.rint(0.15 * length_P).astype(np.int64), np.minimum(1, length_P - 1), np.maximum(length_P - 1, 0))
