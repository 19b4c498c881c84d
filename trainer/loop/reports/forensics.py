"""Losses by segment of a step: which documents made a spike, and how long documents fare beside short ones.

Letters: R rows of a step, D most segments of a row, P segments of the step, 2 (sum of losses, scored tokens).
"""

import json
import math
import os
from pathlib import Path

import numpy as np

from gristmill.trainer.data.corpus import Corpus
from gristmill.trainer.data.sampler import Rows

LENGTHS = (64, 256, 1024, 4096, 16384)
"""Tokens of a document: edges of the buckets of `loss_by_length`."""


def of_segments(corpus: Corpus, rows: Rows, sums_2RD: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(int64 (P,) segment numbers, float (2, P) their sums), in the order of the rows."""
    count_R = corpus.plan.first[rows.index_R + 1] - corpus.plan.first[rows.index_R]
    return corpus.segment_numbers(rows.index_R), sums_2RD[:, np.arange(sums_2RD.shape[2]) < count_R[:, None]]


def loss_by_length(corpus: Corpus, rows: Rows, sums_2RD: np.ndarray) -> dict[str, float]:
    """Nats per scored token by the length of the document, e.g. {"64-255": 3.1}; only buckets that occur."""
    segment_P, sums_2P = of_segments(corpus, rows, sums_2RD)
    bucket_P = np.digitize(corpus.document_lengths(segment_P), LENGTHS)
    nats, counts = (np.bincount(bucket_P, sums_P, minlength=len(LENGTHS) + 1) for sums_P in sums_2P)
    return {_bucket(k): float(nats[k] / counts[k]) for k in range(len(LENGTHS) + 1) if counts[k]}


def _bucket(k: int) -> str:
    if k == len(LENGTHS):
        return f"{LENGTHS[-1]}-"
    return f"{LENGTHS[k - 1] if k else 1}-{LENGTHS[k] - 1}"


def write_documents(folder: Path, step: int, corpus: Corpus, rows: Rows, sums_2RD: np.ndarray) -> Path:
    """folder/step-N.jsonl: one object per segment of the step, the worst first; identifiers, never text.

    {"doc_id", "source", "loss" (nats per scored token; null: not finite), "targets", "row", "start", "length"}
    """
    segment_P, (nats_P, targets_P) = of_segments(corpus, rows, sums_2RD)
    loss_P = np.divide(nats_P, targets_P, out=np.zeros(len(nats_P)), where=targets_P > 0)
    ids, sources_P, plan = corpus.document_ids(segment_P), corpus.sources_of(segment_P), corpus.plan
    lines = [
        {
            "doc_id": ids[p],
            "source": corpus.sources[sources_P[p]],
            "loss": float(loss_P[p]) if math.isfinite(loss_P[p]) else None,
            "targets": int(targets_P[p]),
            "row": int(plan.row[segment]),
            "start": int(plan.start[segment]),
            "length": int(plan.length[segment]),
        }
        for p, segment in enumerate(segment_P)
    ]
    lines.sort(key=lambda line: -math.inf if line["loss"] is None else -line["loss"])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"step-{step}.jsonl"
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    os.replace(partial, path)
    return path
