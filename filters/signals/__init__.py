"""Signals: numbers computed from a document. A new one is a function in the file of its kind, a new kind is a file."""

from gristmill.filters.signals import c4, chinese, fineweb, gopher_quality, gopher_repetition, sizes  # noqa: F401 - declares them
from gristmill.filters.signals.declare import (
    CHINESE_LANGUAGES,
    SIGNALS,
    UNSPACED_LANGUAGES,
    Floats,
    Signal,
    ratio,
    score,
    signal,
    try_signal,
)

__all__ = [
    "CHINESE_LANGUAGES",
    "SIGNALS",
    "UNSPACED_LANGUAGES",
    "Floats",
    "Signal",
    "ratio",
    "score",
    "signal",
    "try_signal",
]
