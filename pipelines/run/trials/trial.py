"""A part of the input is done, to see what the whole will take.

    python -m gristmill.pipelines.run.trials.trial RECIPE BYTES FOLDER

Some units of every source, evenly spread over its files, go through all stages in a folder of their own, one after
another. FOLDER/measured.json gets what they took (`run.measured`), and why a later stage could not be measured.
"""

import json
import logging
import os
import signal
import sys
import tempfile
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any

from gristmill.pipelines.errors import GristmillError, InputError, causes
from gristmill.pipelines.processes.collection import no_collection
from gristmill.pipelines.processes.lifetime import end_with_parent
from gristmill.pipelines.read.files import File, open_file
from gristmill.pipelines.read.formats import READERS
from gristmill.pipelines.recipe.files.keys import take_key
from gristmill.pipelines.recipe.load import LoadedRecipe, load
from gristmill.pipelines.recipe.schema import Source
from gristmill.pipelines.records.elements import Unit
from gristmill.pipelines.run.execute import aside_of, collect, last_stage, lay_out, measured, run_graph, with_decisions
from gristmill.pipelines.run.inputs.plan import plan_source
from gristmill.pipelines.run.job import make_job
from gristmill.pipelines.run.outcome import whole_stages
from gristmill.pipelines.run.request import STAGES
from gristmill.pipelines.runners.options import choose
from gristmill.pipelines.storage.models import fetch
from gristmill.pipelines.storage.rundir import claim
from gristmill.pipelines.storage.store import Store

LEAST = 1_000_000
"""Bytes of a source, however small its part of the input is."""
PIECES = 8
"""Units of a source, at least, where it can be cut so: how they differ says how sure the forecast is."""
MOST = 64_000_000
"""Bytes of a unit that is done whole: minutes of a core."""
STREAMS = frozenset(("jsonl", "csv", "warc", "wet", "wikipedia"))
"""Formats whose files hold record after record, so that their beginning tells what the rest takes."""
SMALLEST = 256_000
"""Bytes of a unit: below, it is files and receipts that take the time."""


def try_out(loaded: LoadedRecipe, size: int, folder: Path) -> dict[str, Any]:
    """Do about so many bytes of the input. Returns {"measured": ..., "ended": why a stage could not be measured}.

    Raises GristmillError where nothing could be measured.
    """
    take_key(loaded)
    store, chosen = Store.at(folder / "run"), choose("local", 1, (), folder)
    aside = aside_of(store, loaded, chosen)
    units = aside(lambda: list(_units(loaded, size, folder / "heads")))
    if not units:
        what, fix = f"every piece of the input is larger than {MOST // 10**6} MB", "try a `run --sample` instead"
        raise InputError(what, where=str(loaded.file), fix=fix)
    claim(store)
    store.prepare()
    job = make_job(loaded.recipe, units, store, 1.0, last_stage(loaded, STAGES[-1]))
    lay_out(job, units)
    ended, shuffled = "", 0
    try:
        shuffled = run_graph(job, chosen)
        receipts = collect(job, units)
    except Exception as error:
        part = whole_stages(job, units)
        known = next((cause for cause in causes(error) if isinstance(cause, GristmillError)), None)
        if part is None:
            raise known or error from error
        ended = known.what if known else type(error).__name__
        job, receipts = part
    done = with_decisions(job, units, receipts)
    return {"measured": measured(job, units, done, shuffled).to_json(), "ended": ended}


def _units(loaded: LoadedRecipe, size: int, folder: Path) -> Iterator[Unit]:
    """Some units of every source, which hold about so many bytes together; at least one of each that has any of a
    size that can be tried."""
    unit_bytes, sources = loaded.recipe.plan.unit_bytes, loaded.recipe.sources
    whole = {
        name: sum(unit.bytes for unit in plan_source(name, source, loaded.folder, unit_bytes))
        for name, source in sources.items()
    }
    for name, source in sources.items():
        mine = whole[name]
        wanted = min(mine, max(LEAST, size * mine // max(1, sum(whole.values()))))
        cut = plan_source(name, source, loaded.folder, min(unit_bytes, max(SMALLEST, wanted // PIECES)))
        units = [unit for unit in cut if unit.bytes <= MOST or _has_beginning(unit, source)]
        number = max(1, min(len(units), round(len(units) * wanted / mine))) if mine else len(units)
        for unit, times in _spread(units, number):
            yield _head(unit, source, max(wanted * times // number, LEAST), folder)


def _spread(units: Sequence[Unit], number: int) -> Iterator[tuple[Unit, int]]:
    """The units at so many places, evenly spread over the bytes of all, and how many of the places lie in each."""
    ends = list(accumulate(unit.bytes for unit in units))
    places = [(2 * at + 1) * ends[-1] // (2 * number) for at in range(number)] if units else []
    chosen = Counter(min(bisect_right(ends, place), len(units) - 1) for place in places)
    yield from ((units[at], times) for at, times in sorted(chosen.items()))


def _head(unit: Unit, source: Source, size: int, folder: Path) -> Unit:
    """The unit, or one of the first bytes of its file where that cannot be cut.

    The reader finds a file that ends early: one dead letter.
    """
    if unit.bytes <= 2 * size or not _has_beginning(unit, source):
        return unit
    split, reader = unit.splits[0], READERS[source.format]
    folder.mkdir(parents=True, exist_ok=True)
    head = folder / f"{unit.key}-{os.path.basename(split.path)}"
    with open_file(split.path) as file:
        head.write_bytes(file.read(size))
    cut, read = next(iter(reader.cut(File(str(head), size, str(head.stat().st_mtime_ns)), size, source)))
    return replace(unit, splits=(cut,), bytes=read)


def _has_beginning(unit: Unit, source: Source) -> bool:
    """Whether it is one whole file of records."""
    first = unit.splits[0]
    return source.format in STREAMS and len(unit.splits) == 1 and not first.start and first.end in (first.size, -1)


def main(recipe: str, size: str, folder: str) -> int:
    """Measure, and write what was found; an error of ours goes there too."""
    end_with_parent(signal.SIGKILL)
    logging.basicConfig(level="ERROR")
    os.environ["TMPDIR"] = tempfile.tempdir = folder
    try:
        with no_collection():
            loaded = load(Path(recipe), fetch)
        found = try_out(loaded, int(size), Path(folder))
    except GristmillError as error:
        found = {"measured": None, "ended": error.what}
    (Path(folder) / "measured.json").write_text(json.dumps(found), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
