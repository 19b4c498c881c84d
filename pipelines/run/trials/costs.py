"""What each number of a recipe costs, measured on its own documents, in memory and in one process."""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gristmill.filters.edits import apply
from gristmill.filters.language.identify import script_of
from gristmill.filters.measured import Entry, admitting
from gristmill.filters.plan import EDITORS
from gristmill.filters.signals import SIGNALS, score
from gristmill.pipelines.errors import InputError
from gristmill.pipelines.processes.isolation import Guard
from gristmill.pipelines.read.unit import read_unit
from gristmill.pipelines.recipe.entries import entry_of, files_of_signals
from gristmill.pipelines.recipe.load import LoadedRecipe
from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.run.inputs.units import plan_units
from gristmill.pipelines.stages.score import UnitScorer

ROUNDS = 3
"""Each is measured so often; the quickest counts."""
STEPS = ("identify", "decide", "fingerprint")


@dataclass
class Cost:
    """CPU seconds for some documents. kind: step, preset, edit, signal, or what file of the recipe it is from.

    A number by itself: presets and signals share the splitting into words and more, so that they add up to more than
    the step `decide`, which has all of them together. share: of the step `decide`.
    """

    kind: str
    name: str
    documents: int = 0
    bytes: int = 0
    seconds: float = 0.0
    share: float | None = None

    @property
    def speed(self) -> float:
        """MB a second on one core."""
        return self.bytes / 1e6 / self.seconds if self.seconds else 0.0

    @property
    def each(self) -> float:
        """Microseconds a document."""
        return self.seconds / self.documents * 1e6 if self.documents else 0.0


@dataclass(frozen=True)
class Costs:
    """documents, bytes: what was measured; costs: the steps, then all else, the dearest first."""

    documents: int
    bytes: int
    costs: list[Cost]

    def to_json(self) -> dict[str, Any]:
        """As a JSON object: with MB/s and microseconds a document."""
        rows = [{**asdict(one), "mb_per_second": one.speed, "microseconds_each": one.each} for one in self.costs]
        return {"documents": self.documents, "bytes": self.bytes, "costs": rows}


@dataclass
class _Ledger:
    """The costs while they add up over batches."""

    found: dict[tuple[str, str], Cost] = field(default_factory=dict)

    def time(self, kind: str, name: str, text: pa.Array, work: Callable[[], Any]) -> Any:
        """Do some work on texts a few times, and count the quickest. Gives what it gives."""
        best, result = np.inf, None
        for _ in range(ROUNDS):
            began = time.process_time()
            result = work()
            best = min(best, time.process_time() - began)
        cost = self.found.setdefault((kind, name), Cost(kind, name))
        cost.documents += len(text)
        cost.bytes += pc.sum(pc.binary_length(text)).as_py() or 0
        cost.seconds += best
        return result


def measure(loaded: LoadedRecipe, size: int, sample: float = 1.0) -> Costs:
    """Costs on about so many bytes of text, of all sources alike. Raises InputError where they hold no document."""
    recipe = loaded.recipe
    scorer, entries = UnitScorer(recipe, sample), [entry_of(one, recipe.language) for one in recipe.decide]
    ledger, documents, read = _Ledger(), 0, 0
    warm = False
    for source, batch in _batches(loaded, size, sample):
        if not warm:  # models are loaded and kernels compiled by the first texts
            _measure(_Ledger(), scorer, entries, source, batch.slice(0, 8))
            warm = True
        _measure(ledger, scorer, entries, source, batch)
        documents += batch.num_rows
        read += pc.sum(pc.binary_length(batch.column("text"))).as_py()
    if not documents:
        fix = "`gristmill validate` says why; or take a larger --sample"
        raise InputError("there is no document to measure with", where=str(loaded.file), fix=fix)
    whole = ledger.found["step", "decide"].seconds
    for cost in ledger.found.values():
        cost.share = cost.seconds / whole if whole else None
    rows = sorted(ledger.found.values(), key=_order)
    return Costs(documents, read, rows)


def _order(cost: Cost) -> tuple[int, float]:
    """The steps, then the dearest."""
    return (STEPS.index(cost.name), 0.0) if cost.kind == "step" else (len(STEPS), -cost.seconds)


def _batches(loaded: LoadedRecipe, size: int, sample: float) -> Iterator[tuple[str, pa.RecordBatch]]:
    """(source, documents with a text) of the first units of every source, until it has its part of the bytes."""
    recipe = loaded.recipe
    units = plan_units(loaded, recipe.plan.unit_bytes)
    for name, source in recipe.sources.items():
        left = size // len(recipe.sources)
        for records in chain.from_iterable(
            read_unit(unit, source, recipe.read, recipe.extract, sample, recipe.seed, Guard(careful=False))
            for unit in units
            if unit.source == name
        ):
            batch = records.batch.filter(records.batch.column("drop").is_null())
            ends = np.cumsum(pc.binary_length(batch.column("text")).to_numpy())
            batch = batch.slice(0, int(np.searchsorted(ends, left)) + 1)
            if batch.num_rows:
                yield name, batch
                left -= int(ends[batch.num_rows - 1])
            if left <= 0:
                break


def _measure(ledger: _Ledger, scorer: UnitScorer, entries: list[Entry], source: str, batch: pa.RecordBatch) -> None:
    """One batch: the steps, then what each entry asks of the documents that it admits."""
    text = batch.column("text")
    language, certain = ledger.time(
        "step", "identify", text, lambda: scorer.language(text, batch.column("declared_language"))
    )
    script = script_of(text)
    scored = ledger.time("step", "decide", text, lambda: scorer.judged(batch, source, language, certain, script))
    if scorer.recipe.deduplicate is not None:
        ledger.time("step", "fingerprint", text, lambda: scorer.fingerprint(batch, source, scored))
    names = {name: batch.column(name) for name in ("doc_id", "id", "url", "meta")} | {"language": language}
    for kind, name, signals in files_of_signals(scorer.recipe):
        ledger.time(kind, name, text, lambda signals=signals: score(text, signals, names))  # type: ignore[misc]
    admitted = admitting(entries, language, script, pa.repeat(pa.scalar(source), len(text)), len(text))
    for number, entry in enumerate(entries):
        rows = pa.array(np.flatnonzero(admitted == number))
        if len(rows):
            beside = {name: column.take(rows) for name, column in names.items()}
            _measure_entry(ledger, entry, text.take(rows), beside, _own(scorer.recipe))


def _measure_entry(
    ledger: _Ledger, entry: Entry, text: pa.Array, beside: dict[str, pa.Array], own: frozenset[str]
) -> None:
    """Presets, edits and signals in the entry's order: later ones see the edited text."""
    done: set[str] = set()
    for preset in entry.presets:
        asked = [rule.signal for rule in preset.rules] + list(preset.measures)
        names = [name for name in dict.fromkeys(asked) if SIGNALS[name].compute is not None]

        def whole(text: pa.Array = text, editor: str | None = preset.editor, names: list[str] = names) -> Any:
            edits = EDITORS[editor](text)[0] if editor else None
            return score(apply(text, edits) if edits is not None else text, names, beside)

        ledger.time("preset", preset.name, text, whole)
        if preset.editor is not None:
            edits, _ = ledger.time("edit", preset.editor, text, lambda text=text, p=preset: EDITORS[p.editor](text))  # type: ignore[misc]
            text, done = apply(text, edits), set()
        for name in names:
            if name not in done and name not in own:
                ledger.time("signal", name, text, lambda text=text, name=name: score(text, [name], beside))  # type: ignore[misc]
                done.add(name)


def _own(recipe: Recipe) -> frozenset[str]:
    """Signals that are measured with the file that they come from."""
    return frozenset(name for _, _, signals in files_of_signals(recipe) for name in signals)
