"""A run directory -> Report -> report/index.html and report/report.json."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from gristmill.pipelines.processes.pool import WorkerPool
from gristmill.pipelines.report.alarms.alarm import EVERYTHING, alarm_lines
from gristmill.pipelines.report.alarms.build import build_alarms
from gristmill.pipelines.report.alarms.figures import alarm_figures, figures_of
from gristmill.pipelines.report.alarms.gates import compare
from gristmill.pipelines.report.drawing.render import render
from gristmill.pipelines.report.excerpts import Excerpts, scrubbed_excerpts
from gristmill.pipelines.report.material import Material, open_material
from gristmill.pipelines.report.model import Report
from gristmill.pipelines.report.sections.attention import Attention, build_attention
from gristmill.pipelines.report.sections.conversations import build_conversations
from gristmill.pipelines.report.sections.dead import build_dead
from gristmill.pipelines.report.sections.decisions import build_entries
from gristmill.pipelines.report.sections.duplicates import build_duplicates
from gristmill.pipelines.report.sections.edits import build_edits
from gristmill.pipelines.report.sections.evaluation import build_evaluations
from gristmill.pipelines.report.sections.funnel import Funnel, build_funnel
from gristmill.pipelines.report.sections.groups import (
    build_languages,
    build_sites,
    build_sources,
    languages_of,
    sources_of,
)
from gristmill.pipelines.report.sections.headline import build_header
from gristmill.pipelines.report.sections.labels import build_labels
from gristmill.pipelines.report.sections.lengths import build_lengths
from gristmill.pipelines.report.sections.mixtures import build_mixtures
from gristmill.pipelines.report.sections.provenance import build_provenance
from gristmill.pipelines.report.sections.samples import build_kept, build_samples
from gristmill.pipelines.report.sections.timing import build_timing
from gristmill.pipelines.report.sections.tokens import build_tokens, count_tokens
from gristmill.pipelines.report.sections.training import build_training
from gristmill.pipelines.report.sections.vocabulary import build_tokenizer
from gristmill.pipelines.storage.layout import PAGE, REPORT
from gristmill.pipelines.storage.rundir import update_state
from gristmill.pipelines.storage.store import Store
from gristmill.pipelines.storage.verification import list_report

COPIED = (
    *("manifest.json", "run.json", "recipe.yaml", "tokenizer/info.json", "tokens/index.json"),
    *("ledger", "clusters"),
)
"""What is copied of a run on an object store: what is small, and what nearly every figure is computed from. Of dropped
documents and texts only some columns and batches are read, where they lie; shards are copied one by one."""

APART: dict[str, Callable[[Material], Any]] = {
    "samples": build_samples,
    "duplicates": build_duplicates,
    "edits": build_edits,
    "entries": build_entries,
    "kept": build_kept,
    "counts": count_tokens,
    "sites": build_sites,
}
"""What needs nothing but the run and takes long, the longest first."""


def copied(store: Store) -> list[str]:
    """COPIED, the curves of trainings and what their models were asked: not their checkpoints."""
    trainings = [f"train/{name}" for name in store.entries("train")]
    rungs = [f"scaling/{name}" for name in store.entries("scaling")]
    return [*COPIED, *(f"{one}/metrics.jsonl" for one in trainings), *(f"{one}/scores" for one in [*trainings, *rungs])]


def write_report(run: Path | str | Store, asked: float | None = None, workers: int = 1) -> Path | str:
    """Writes <run>/report/report.json and <run>/report/index.html, each at once; returns the page's path or address.

    `asked`: when the user started the run that just ends, in seconds since 1970; it is kept how long that took.
    `workers`: processes that share its sections; more than one is forked, so only where this one has no threads.
    Raises InputError when the run has no manifest yet or a file of it cannot be read.
    """
    store = Store.at(run)
    report = build(store, workers=workers)
    if asked is not None:
        waited = round(time.time() - asked, 1)
        update_state(store, waited=waited)
        report = replace(report, header=replace(report.header, seconds=waited))
    files = {
        REPORT: report.to_json().encode(errors="backslashreplace"),
        PAGE: render(report).encode(errors="backslashreplace"),
    }
    for path, data in files.items():
        store.write_bytes(path, data)
    list_report(store, files)
    if store.local is None:
        return store.url(PAGE)
    return (run if isinstance(run, Path) else store.local) / PAGE


def build(run: Path | Store, scrub: Callable[[str], str] | None = None, workers: int = 1) -> Report:
    """Everything that the report says about a run. `scrub` masks personal data in quotes; default: our Scrubber."""
    store = Store.at(run)
    with store.folder_on_disk(*copied(store)) as folder:

        def material() -> Material:
            return open_material(folder, store, Excerpts(scrub) if scrub else scrubbed_excerpts(store))

        apart = _side_by_side(material, workers) if workers > 1 else {}
        opened = material()
        with opened.ledger:
            return _build(opened, apart or {name: section(opened) for name, section in APART.items()})


def _side_by_side(material: Callable[[], Material], workers: int) -> dict[str, Any]:
    """APART, made in forked processes; DuckDB has threads, so each opens the run itself."""
    opened: list[Material] = []

    def make(number: int) -> Any:
        if not opened:
            opened.append(material())
        return list(APART.values())[number](opened[0])

    return dict(zip(APART, WorkerPool(workers).map(make, len(APART), "the report"), strict=True))


def _build(material: Material, apart: dict[str, Any]) -> Report:
    counts, entries, samples = apart["counts"], apart["entries"], apart["samples"]
    funnel, dead, tokens = build_funnel(material), build_dead(material), build_tokens(material, counts)
    sources = sources_of(material, counts.tokens(counts.sources))
    languages = languages_of(material, counts.tokens(counts.languages))
    header, labels = build_header(material, funnel, tokens), build_labels(material)
    figures = figures_of(header, funnel, sources, languages, entries, labels, material.manifest.get("contamination"))
    alarms = build_alarms(material, entries, figures)
    figures |= alarm_figures(alarms)
    gates = compare(material.recipe.get("gates") or [], figures)
    always = {one.name for one in alarms.listed if one.kind == EVERYTHING and not one.where}
    failed = [Attention(f"A gate does not hold: {gate.said}.", "alarms") for gate in gates if not gate.holds]
    return Report(
        header=header,
        alarms=alarms,
        gates=gates,
        attention=[*failed, *alarm_lines(alarms), *build_attention(material, funnel, entries, dead, samples, always)],
        funnel=funnel,
        sources=build_sources(sources),
        languages=build_languages(languages),
        sites=apart["sites"],
        labels=labels,
        entries=entries,
        lengths=build_lengths(material),
        kept=apart["kept"],
        samples=samples,
        duplicates=apart["duplicates"],
        edits=apart["edits"],
        dead=dead,
        tokenizer=build_tokenizer(material),
        tokens=tokens,
        conversations=build_conversations(material, counts.kind, counts.conversations),
        mixtures=build_mixtures(material),
        training=build_training(material, counts.unigram),
        evaluations=build_evaluations(material),
        timing=build_timing(material),
        provenance=build_provenance(material),
        figures=figures,
        absent=_absent(material, funnel),
    )


def _absent(material: Material, funnel: Funnel) -> dict[str, str]:
    """Why a section may have nothing to show, one line each, in the words of the run's state."""
    dropped = sum(step.dropped.documents for step in funnel.steps)
    dead = sum(step.dead.documents for step in funnel.steps)
    cleaned = "was removed by `gristmill clean`"
    skipped = "the recipe does not ask for it, or the run stopped before it"
    return {
        "languages": "No document." if material.ledger.has("ledger") else f"There is no ledger: {skipped}.",
        "entries": "The recipe's decide has no rules, so nothing was judged.",
        "lengths": "No document." if material.ledger.has("ledger") else f"There is no ledger: {skipped}.",
        "kept": "No document was kept, or the run stopped before `text/`.",
        "samples": f"dropped/ {cleaned}: samples cannot be shown." if dropped else "No document was dropped.",
        "duplicates": "No document has a duplicate."
        if "deduplicate" in material.steps
        else f"Duplicates were not looked for: {skipped}.",
        "closest": "Of no removal both texts are there."
        if material.ledger.has("dropped")
        else f"Texts of removed documents cannot be shown: dropped/ {cleaned}.",
        "edits": f"There is no ledger: {skipped}.",
        "dead": f"dead/ {cleaned}: {dead:,} dead letters were counted." if dead else "Every record could be processed.",
        "tokenizer": f"No tokenizer was trained: {skipped}.",
        "tokens": f"No token shards were written: {skipped}.",
        "conversations": "No source has `chat`, `pairs` or `prompts`.",
        "training": "No model was trained on this run yet: `gristmill train` adds its curves here.",
        "evaluations": "No model of this run was asked a task yet: "
        "`gristmill eval RUN/train/NAME --checkpoints --tasks en` adds its curves here.",
        "timing": "run.json holds no times.",
    }
