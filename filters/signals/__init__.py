"""Signals: numbers computed from a document. A new one is a function in the file of its kind, a new kind is a file."""

from gristmill.filters.signals import (  # noqa: F401 - declares them
    c4,
    chinese,
    datajuicer,
    fineweb,
    fineweb2,
    gopher_datatrove,
    gopher_dolma,
    gopher_quality,
    gopher_repetition,
    language,
    licence,
    mapneo,
    redpajama2,
    sizes,
)
from gristmill.filters.signals.declare import (
    CHINESE_LANGUAGES,
    SIGNALS,
    SPENT,
    UNSPACED_LANGUAGES,
    Floats,
    Signal,
    ratio,
    score,
    signal,
    try_signal,
)

SIGNALS.complete()

__all__ = [
    "CHINESE_LANGUAGES",
    "SIGNALS",
    "SPENT",
    "UNSPACED_LANGUAGES",
    "Floats",
    "Signal",
    "ratio",
    "score",
    "signal",
    "try_signal",
]
