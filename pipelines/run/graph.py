"""Recipe -> Beam graph. Map stages over units, joined by shuffles of small packed blocks; text never leaves its files.

    units -> ScoreUnits ---------------> StoreRows --------------> StoreRows ----------------> StoreRows -> ...
                 \\-> FindDuplicates -/        \\-> FindPassages -/        \\-> FindSubstrings -/
    ... -> CleanUnits -> TrainTokenizer -> EncodeUnits -> PlanRows
    with evaluation sets, FindOverlaps stands behind ScoreUnits, and FindContamination before FindPassages.

Every stage hands on (unit number, receipt). Which receipts make up the run is noted where all of a stage are known: by
the trainer (`text`), by the planner (`tokens`), and by the driver at the end.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace

import apache_beam as beam

import gristmill.pipelines.records.coders  # noqa: F401 - registers the coders
from gristmill.pipelines.duplicates.members import MEMBERS
from gristmill.pipelines.read.formats import READERS
from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.records.elements import Unit
from gristmill.pipelines.records.receipts import Receipt
from gristmill.pipelines.run.job import Job
from gristmill.pipelines.stages.contamination.evidence import CONTAMINATED
from gristmill.pipelines.stages.contamination.find import FindContamination, StoreFound, found_of
from gristmill.pipelines.stages.contamination.overlaps import FindOverlaps
from gristmill.pipelines.stages.duplicates.find import FindDuplicates, members_of
from gristmill.pipelines.stages.duplicates.partitions import File
from gristmill.pipelines.stages.exchange import Block, GroupBlocks
from gristmill.pipelines.stages.numbered import Together, unpack
from gristmill.pipelines.stages.passages.cuts import CUTS
from gristmill.pipelines.stages.passages.find import FindPassages, cuts_of
from gristmill.pipelines.stages.score import FINGERPRINTS
from gristmill.pipelines.stages.score_units import ScoreUnits
from gristmill.pipelines.stages.substrings.cuts import REPEATS
from gristmill.pipelines.stages.substrings.find import FindSubstrings, repeats_of
from gristmill.pipelines.stages.text import CleanUnits
from gristmill.pipelines.stages.tokenizer import TrainTokenizer
from gristmill.pipelines.stages.tokens import EncodeUnits, PlanRows
from gristmill.pipelines.stages.unit_rows import StoreRows, TagReceipt, TagRows
from gristmill.pipelines.storage.plan_file import read_plan
from gristmill.pipelines.storage.rundir import check_seen
from gristmill.pipelines.storage.store import Store

Numbered = tuple[int, Receipt]


def build(pipeline: beam.Pipeline, job: Job) -> None:
    """Add the stages of a job to a pipeline."""
    job = replace(job, recipe=_for_workers(job.recipe))
    decided = score(pipeline, job)
    if "overlaps" in job.stages:
        decided = decided | "overlaps" >> beam.ParDo(FindOverlaps(job.recipe, job.books["overlaps"]))
    if "duplicates" in job.stages:
        decided = find_duplicates(decided, job)
    if "contamination" in job.stages:
        decided = find_contamination(decided, job)
    if "passages" in job.stages:
        decided = find_passages(decided, job)
    if "substrings" in job.stages:
        decided = find_substrings(decided, job)
    if "text" not in job.stages:
        return
    cleaned = decided | "text" >> beam.ParDo(CleanUnits(job.recipe, job.books))
    if "tokenizer" not in job.stages:
        return
    trained = (
        cleaned
        | "all text" >> beam.ParDo(Together())
        | "one trainer" >> GroupBlocks()
        | "tokenizer" >> beam.ParDo(TrainTokenizer(job.recipe, job.books["tokenizer"]))
    )
    if "tokens" in job.stages:
        encode(trained, job)


def score(pipeline: beam.Pipeline, job: Job) -> beam.PCollection[Numbered]:
    """Stage A over every planned unit."""
    return (
        pipeline
        | "start" >> beam.Impulse()
        | "units" >> beam.ParDo(ReadPlan(job.store))
        | "fan out" >> beam.GroupByKey()
        | "score" >> beam.ParDo(ScoreUnits(job.recipe, job.books["score"], job.sample, job.earlier))
    )


def find_duplicates(scored: beam.PCollection[Numbered], job: Job) -> beam.PCollection[Numbered]:
    """Stage S, unless the decisions about exactly these units are stored already."""
    if "duplicates" in job.decided or job.recipe.deduplicate is None:
        return scored
    indexed = [index.addressed for index in job.recipe.taken_indexes]
    rows = (
        scored
        | "fingerprints" >> beam.ParDo(FingerprintPaths(job.store))
        | "duplicates" >> FindDuplicates(job.recipe.deduplicate, job.recipe.plan.partition_documents, indexed)
    )
    return rows_stored(rows, scored, job, "duplicates", StoreRows(job.books["duplicates"], MEMBERS, members_of))


def find_contamination(scored: beam.PCollection[Numbered], job: Job) -> beam.PCollection[Numbered]:
    """The shuffle of evaluation items, once duplicates are known; unless its decisions are stored already."""
    if "contamination" in job.decided:
        return scored
    finding = FindContamination(job.recipe, job.books["overlaps"], job.books.get("duplicates"))
    rows = scored | "contamination" >> finding
    store = StoreFound(job.books["contamination"], CONTAMINATED, found_of)
    return rows_stored(rows, scored, job, "contamination", store)


def find_passages(scored: beam.PCollection[Numbered], job: Job) -> beam.PCollection[Numbered]:
    """The shuffle of passages, once it is known which documents stay; unless its decisions are stored already."""
    if "passages" in job.decided:
        return scored
    finding = FindPassages(job.recipe, job.books)
    rows = scored | "passages" >> finding
    return rows_stored(rows, scored, job, "passages", StoreRows(job.books["passages"], CUTS, cuts_of))


def find_substrings(scored: beam.PCollection[Numbered], job: Job) -> beam.PCollection[Numbered]:
    """The shuffles of exact substrings, once duplicate documents are known; unless they are stored already."""
    if "substrings" in job.decided:
        return scored
    finding = FindSubstrings(job.recipe, job.books)
    rows = scored | "substrings" >> finding
    return rows_stored(rows, scored, job, "substrings", StoreRows(job.books["substrings"], REPEATS, repeats_of))


def rows_stored(
    rows: beam.PCollection[Block], scored: beam.PCollection[Numbered], job: Job, stage: str, store: StoreRows
) -> beam.PCollection[Numbered]:
    """Keep what a shuffle says about each unit; nobody reads it before that of all units is there."""
    blocks = rows | f"rows of {stage}" >> beam.ParDo(TagRows())
    receipts = scored | f"receipts of {stage}" >> beam.ParDo(TagReceipt())
    return (
        (blocks, receipts)
        | f"{stage} and receipts" >> beam.Flatten()
        | f"{stage} per unit" >> GroupBlocks()
        | f"store {stage}" >> beam.ParDo(store)
        | f"all {stage} decided" >> beam.ParDo(Together())
        | f"barrier of {stage}" >> GroupBlocks()
        | f"mark {stage} complete" >> beam.ParDo(MarkComplete(job.store, job.mark(stage)))
        | f"fan out after {stage}" >> beam.GroupByKey()
        | f"one receipt after {stage}" >> beam.ParDo(Only())
    )


def encode(trained: beam.PCollection[Numbered], job: Job) -> None:
    """Stage E and the pack plan."""
    (
        trained
        | "fan out text" >> beam.GroupByKey()
        | "encode" >> beam.ParDo(EncodeUnits(job.recipe, job.books["tokenizer"], job.books["tokens"]))
        | "all tokens" >> beam.ParDo(Together())
        | "one planner" >> GroupBlocks()
        | "plan rows" >> beam.ParDo(PlanRows(job.recipe, job.books["tokenizer"], job.books["tokens"]))
    )


def _for_workers(recipe: Recipe) -> Recipe:
    """Without the paths of its sources: units name their files, and a long list must not travel with every stage."""
    sources = {
        name: source if READERS[source.format].needs_paths else source.model_copy(update={"paths": []})
        for name, source in recipe.sources.items()
    }
    return recipe.model_copy(update={"sources": sources})


class ReadPlan(beam.DoFn):
    """-> (number, unit). From a file, because the units of a large input do not fit into a job request."""

    def __init__(self, store: Store):
        self.store = store

    def process(self, _: bytes) -> Iterator[tuple[int, Unit]]:
        """Every planned unit. Raises RunnerError on a host that does not see the run directory."""
        check_seen(self.store)
        yield from enumerate(read_plan(self.store))


class FingerprintPaths(beam.DoFn):
    """(number, receipt of stage A) -> (number, address of its fingerprints, documents); none where there are none."""

    def __init__(self, store: Store):
        self.store = store

    def process(self, element: Numbered) -> Iterator[File]:
        """One unit."""
        number, receipt = element
        for part in receipt.of(FINGERPRINTS):
            yield number, self.store.url(part.path), part.rows


class MarkComplete(beam.DoFn):
    """(0, all receipts) -> (number, receipt), once what is said about every unit is stored."""

    def __init__(self, store: Store, path: str):
        self.store, self.path = store, path

    def process(self, element: tuple[int, Iterable[bytes]]) -> Iterator[Numbered]:
        """All units."""
        numbered = unpack(element[1])
        self.store.write_sealed(self.path, {"units": len(numbered), "finished": time.time()})
        yield from numbered


class Only(beam.DoFn):
    """(number, [receipt]) -> (number, receipt)."""

    def process(self, element: tuple[int, Iterable[Receipt]]) -> Iterator[Numbered]:
        """One unit."""
        number, (receipt,) = element
        yield number, receipt
