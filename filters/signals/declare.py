"""How a signal is declared and computed: one function is one signal, and its docstring is its documentation page.

A signal is a float64 number per document: a share of nothing is 0 (see `ratio`); NaN only where it says nothing of a
document's language. Adding one is adding a function here; what kernels count is in filters/counters.py.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from inspect import cleandoc
from typing import Literal, get_args

import numpy as np
import pyarrow as pa

from gristmill.filters.counters import Counters
from gristmill.filters.registry import DeclaredError, Registry

Floats = np.ndarray
Scripts = Literal["any", "spaced", "Hani"]
"""What a signal makes sense for: every script; scripts with spaces between words; Chinese."""

CHINESE_LANGUAGES = frozenset(["zh", "yue", "wuu", "lzh"])
UNSPACED_LANGUAGES = CHINESE_LANGUAGES | frozenset(["ja", "th", "lo", "my", "km", "bo", "dz"])
"""Languages written without spaces between words: whitespace words, and rules on them, mean nothing there."""

SPENT: defaultdict[str, float] = defaultdict(float)
"""CPU seconds of this process by signal, for logs of runs; what several share counts for the first that asks for it."""


@dataclass(frozen=True, slots=True)
class Signal:
    """A number computed from a document; unit "share" is a number from 0 to 1 that prints without a unit.

    Either compute makes it from the counts of a text, or editor names the step that finds it on its way: then only the
    judge can give it, to presets from that editing step on; what IDENTIFICATION finds, to all.
    """

    name: str
    unit: str
    scripts: Scripts
    doc: str
    compute: Callable[[Counters], Floats] | None
    editor: str | None = None
    languages: frozenset[str] | None = None
    """ISO 639-1 codes that it makes sense for, where `scripts` does not say it."""
    last: bool = False
    """Computed behind the others: it costs less where these have counted already what it reads."""
    beside: str | None = None
    """What it is computed from, where that is not the text: a name of `Counters.beside`."""

    @property
    def summary(self) -> str:
        """First paragraph of the documentation, on one line."""
        return self.doc.split("\n\n")[0].replace("\n", " ")

    def valid_for(self, language: str | None) -> bool:
        """Whether the number means anything for documents of this language (ISO 639-1; None: unknown)."""
        if self.languages is not None:
            return language in self.languages
        if self.scripts == "Hani":
            return language in CHINESE_LANGUAGES
        return self.scripts == "any" or language not in UNSPACED_LANGUAGES


IDENTIFICATION = "language"
"""The step that finds a document's language, and how sure that is."""

SIGNALS: Registry[Signal] = Registry("signal")
"""All signals by name; rules and the recipe check look names up here."""


def signal(
    unit: str, scripts: Scripts, beside: str | None = None, last: bool = False
) -> Callable[[Callable[[Counters], Floats]], Callable[[Counters], Floats]]:
    """Declare the decorated function a signal: it takes the counts of a batch and gives a number per document.

    `beside`, `last`: as Signal has them. Its docstring is its page. Raises ValueError for a name that is taken, for an
    unknown `scripts`, and where there is no docstring.
    """
    if scripts not in get_args(Scripts):
        raise ValueError(f"scripts is '{scripts}'; it is one of {', '.join(get_args(Scripts))}")

    def declare(compute: Callable[[Counters], Floats]) -> Callable[[Counters], Floats]:
        doc = cleandoc(compute.__doc__ or "")
        if not doc:
            raise ValueError(f"the signal '{compute.__name__}' has no docstring, and that is its documentation")
        SIGNALS.declare(
            compute.__name__, Signal(compute.__name__, unit, scripts, doc, compute, beside=beside, last=last)
        )
        return compute

    return declare


def found_by(editor: str, name: str, unit: str, scripts: Scripts, doc: str) -> None:
    """Declare a signal that an editing step (`c4`, `refinedweb`, `lines`) finds on its way."""
    SIGNALS.declare(name, Signal(name, unit, scripts, doc, None, editor))


def score(text: pa.Array, names: Iterable[str], beside: Mapping[str, pa.Array | None] = {}) -> dict[str, Floats]:
    """Signals of a large_string column: name -> float64 per document. Computes only what these names need. `beside`:
    as `Counters` takes it.

    Raises KeyError for an unknown name, ValueError for one that only an editing step can give, and DeclaredError for
    a signal that does not give a number per document.
    """
    counters = Counters(text, beside)
    scores = {}
    names = list(names)
    began = time.process_time()
    for name in sorted(names, key=lambda name: SIGNALS[name].last):
        compute = SIGNALS[name].compute
        if compute is None:
            raise ValueError(f"signal {name} is found by another step, not computed from text")
        scores[name] = _numbers(name, compute, counters)
        ended = time.process_time()
        SPENT[name] += ended - began
        began = ended
    return {name: scores[name] for name in names}


def _numbers(name: str, compute: Callable[[Counters], Floats], counters: Counters) -> Floats:
    try:
        found: object = compute(counters)
    except SystemExit:
        raise DeclaredError(f"the signal '{name}' ends the program") from None
    try:
        value_D = np.asarray(found, np.float64)
    except (TypeError, ValueError):
        raise DeclaredError(f"the signal '{name}' gives a {type(found).__name__}, not an array of numbers") from None
    if value_D.shape != (counters.documents,):
        given = f"an array of shape {value_D.shape}" if value_D.ndim else f"one {type(found).__name__}"
        raise DeclaredError(f"the signal '{name}' gives {given} for {counters.documents} texts, not a number for each")
    if np.isinf(value_D).any():
        raise DeclaredError(
            f"the signal '{name}' gives an infinite number; 0 is the share of nothing (gristmill.ratio)"
        )
    return value_D


def try_signal(name: str) -> None:
    """Compute a signal of four texts. Raises DeclaredError for a result that is not one finite number for each."""
    texts = pa.array(["", "The mill grinds grain.\n", "磨坊在河边。", "Le moulin."], pa.large_string())
    values = score(texts, [name])[name]
    if not np.isfinite(values).all():
        raise DeclaredError(f"the signal '{name}' gives {values.tolist()} for {len(texts)} texts: NaN is no number")


def ratio(part_D: np.ndarray, whole_D: np.ndarray) -> Floats:
    """part / whole, and 0 where whole is 0: a share of nothing is nothing."""
    return np.divide(part_D, whole_D, out=np.zeros(len(part_D)), where=whole_D > 0)
