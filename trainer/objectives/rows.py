"""How a row is filled, as several objectives do it.

Letters: P segments.
"""

import numpy as np

from gristmill.tokenizer.special_ids import PAD
from gristmill.trainer.data.corpus import Segment


def fill_inputs(row: dict[str, np.ndarray], segments: list[Segment]) -> None:
    """Writes ids, positions (from 0 in every segment), documents and sources of a row. The rest of the row becomes
    padding: id PAD, document -1."""
    end = 0
    for number, segment in enumerate(segments):
        start, end = end, end + len(segment.tokens)
        row["ids"][start:end] = segment.tokens
        row["positions"][start:end] = np.arange(end - start)
        row["documents"][start:end], row["sources"][start:end] = number, segment.source
    row["ids"][end:], row["positions"][end:], row["documents"][end:], row["sources"][end:] = PAD, 0, -1, 0


def next_tokens(targets: np.ndarray, segments: list[Segment]) -> None:
    """Every token's target is the next one of its document."""
    end = 0
    for segment in segments:
        start, end = end, end + len(segment.tokens)
        targets[start : end - 1] = segment.tokens[1:]
        targets[end - 1] = segment.following
    targets[end:] = -1


def noise_tokens(length_P: np.ndarray) -> np.ndarray:
    """int64 (P,): 15 % of each length, at least 1, never all."""
    return np.clip(np.rint(0.15 * length_P).astype(np.int64), np.minimum(1, length_P - 1), np.maximum(length_P - 1, 0))
