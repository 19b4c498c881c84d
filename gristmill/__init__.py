"""Gristmill in a notebook, and what a plugin is written with.

    import gristmill
    gristmill.score(["The mill grinds grain."], ["plain_words", "mean_word_length"])
    gristmill.open_run("runs/my-corpus").query("SELECT verdict, count(*) FROM 'ledger/*.parquet' GROUP BY ALL")

A plugin declares with the same names: `@gristmill.signal(...)`, `gristmill.preset(...)`. See docs/plugins.md and
docs/notebook.md. Importing this loads nothing; each name loads what it needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gristmill.filters.counters import Counters
    from gristmill.filters.dedup.fingerprints import shingle_hash, shingles
    from gristmill.filters.pii.entities import recognizer
    from gristmill.filters.presets import preset
    from gristmill.filters.rules import Preset, Rule
    from gristmill.filters.signals import ratio, signal
    from gristmill.pipelines.read.formats import reader
    from gristmill.runs import Run, open_run
    from gristmill.texts import encode, fingerprint, identify, judge, score, scrub

_HOME = {
    "gristmill.filters.counters": ("Counters",),
    "gristmill.filters.dedup.fingerprints": ("shingle_hash", "shingles"),
    "gristmill.filters.pii.entities": ("recognizer",),
    "gristmill.filters.presets": ("preset",),
    "gristmill.filters.rules": ("Preset", "Rule"),
    "gristmill.filters.signals": ("ratio", "signal"),
    "gristmill.runs": ("Run", "open_run"),
    "gristmill.pipelines.read.formats": ("reader",),
    "gristmill.texts": ("encode", "fingerprint", "identify", "judge", "score", "scrub"),
}
_MODULE = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "Counters",
    "Preset",
    "Rule",
    "Run",
    "encode",
    "fingerprint",
    "identify",
    "judge",
    "open_run",
    "preset",
    "ratio",
    "reader",
    "recognizer",
    "score",
    "scrub",
    "shingle_hash",
    "shingles",
    "signal",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE:
        raise AttributeError(f"gristmill has no '{name}'; it has {', '.join(__all__)}")
    return getattr(import_module(_MODULE[name]), name)


def __dir__() -> list[str]:
    return __all__
