"""A check that a model has learnt the label and not a template: header or footer that most pages of one label share.

Sites tell that only where some show both labels. A passage that stands in a fifth of one label's documents and in
hardly any of the others' is nobody's prose, so it is cut from the held-out documents, and the model is asked again.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from gristmill.filters.kept_table import hash_strings
from gristmill.pipelines.classifiers.choose import LEAST, Labelled

RUN = 10
"""Words (characters where a script has no spaces) in a row that are a passage."""
OFTEN = 0.2
"""Share of a label's documents from which on a passage is shared."""
RARER = 4
"""So many times as rare it is among the others."""
LOOKED_AT = 1_000
"""Documents of a language, with the label and without it, in which passages are counted."""
FALL = 0.1
"""Of the area under the ROC curve, once the passages are cut, that is warned of."""
_BASE = np.uint64(0x9E3779B97F4A7C15)
"""Odd, so that every place of a run counts (2^64 divided by the golden ratio)."""

Roc = Callable[[Sequence[str]], float]
"""Held-out lines, in their order -> area under the ROC curve."""


def shared_passages(
    learnt: Sequence[Labelled], held: Sequence[Labelled], label: str, area_under_roc: Roc
) -> dict[str, Any] | None:
    """How many held-out documents hold such passages, and the area under the ROC curve with and without these; None
    where there are none."""
    shared = {
        language: _shared([one for one in learnt if one.document.language == language], label)
        for language in sorted({one.document.language for one in learnt})
    }
    inside = [_inside(one.document.line, shared.get(one.document.language, _NONE)) for one in held]
    is_label_D = np.array([one.label == label for one in held])
    has_D = np.array([of.any() for of in inside])
    if not has_D.any() or is_label_D.all() or not is_label_D.any():
        return None
    lines = [one.document.line for one in held]
    cut = [
        " ".join(word for word, drop in zip(line.split(), of.tolist(), strict=True) if not drop)
        for line, of in zip(lines, inside, strict=True)
    ]
    return {
        "documents_with_label": float(has_D[is_label_D].mean()),
        "documents_without_it": float(has_D[~is_label_D].mean()),
        "words": round(sum(int(of.sum()) for of in inside) / int(has_D.sum()), 1),
        "area_under_roc": area_under_roc(lines),
        "without_them": area_under_roc(cut),
    }


def passage_warnings(found: dict[str, Any] | None, label: str) -> list[str]:
    """A sentence with figures where the model tells the label by what is not prose."""
    if found is None or found["area_under_roc"] - found["without_them"] <= FALL:
        return []
    with_it, without = found["documents_with_label"], found["documents_without_it"]
    return [
        f"{with_it:.0%} of the documents of `{label}` and {without:.0%} of the others hold passages that one of the "
        f"two shares, such as a header or footer ({found['words']:.0f} words a document); without them the area under "
        f"the ROC curve is {found['without_them']:.2f}, with them {found['area_under_roc']:.2f}: the model knows a "
        "template rather than the label; cut it from the texts, or give documents of more origins"
    ]


_NONE = np.empty(0, np.uint64)


def _shared(learnt: Sequence[Labelled], label: str) -> np.ndarray:
    """Hashes of the runs that many documents on one side have and few on the other, sorted."""
    sides = [[one for one in learnt if (one.label == label) is of][:LOOKED_AT] for of in (True, False)]
    if min(len(side) for side in sides) < LEAST:
        return _NONE
    counted = [np.unique(np.concatenate([*map(_distinct, side), _NONE]), return_counts=True) for side in sides]
    shares = [(run_R, count_R / len(side)) for (run_R, count_R), side in zip(counted, sides, strict=True)]
    return np.unique(np.concatenate([_more(*shares), _more(*reversed(shares))]))


def _more(here: tuple[np.ndarray, np.ndarray], there: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """The runs that are shared on this side alone."""
    run_R, share_R = here[0][here[1] >= OFTEN], here[1][here[1] >= OFTEN]
    other_R = np.zeros(len(run_R))
    _, at, in_there = np.intersect1d(run_R, there[0], assume_unique=True, return_indices=True)
    other_R[at] = there[1][in_there]
    return run_R[other_R * RARER <= share_R]


def _distinct(one: Labelled) -> np.ndarray:
    return np.unique(_runs(one.document.line.split()))


def _runs(words: list[str]) -> np.ndarray:
    """uint64, one for each place where a run begins."""
    many = len(words) - RUN + 1
    if many <= 0:
        return _NONE
    hash_W = hash_strings(pa.array(words, pa.large_string()))
    run_R = np.zeros(many, np.uint64)
    for place in range(RUN):
        run_R = run_R * _BASE + hash_W[place : place + many]
    return run_R


def _inside(line: str, shared: np.ndarray) -> np.ndarray:
    """bool of every word of a line: whether it stands in a shared run."""
    words = line.split()
    inside_W = np.zeros(len(words), bool)
    for start in np.flatnonzero(np.isin(_runs(words), shared)).tolist():
        inside_W[start : start + RUN] = True
    return inside_W
