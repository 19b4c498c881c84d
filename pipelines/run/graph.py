"""Recipe -> Beam graph. Map stages over units, joined by shuffles of small packed blocks; text never leaves its files.

    units -> ScoreUnits --------------> StoreMembers -> CleanUnits -> TrainTokenizer -> EncodeUnits -> PlanRows
                 \\-> FindDuplicates -/

Every stage hands on (unit number, receipt). Which receipts make up the run is noted where all of a stage are known: by
the trainer (`text`), by the planner (`tokens`), and by the driver at the end.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace

import apache_beam as beam

import gristmill.pipelines.records.coders  # noqa: F401 - registers the coders
from gristmill.pipelines.read.formats import READERS
from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.records.elements import Unit
from gristmill.pipelines.records.receipts import Receipt
from gristmill.pipelines.run.job import Job
from gristmill.pipelines.stages.duplicates.find import FindDuplicates
from gristmill.pipelines.stages.duplicates.members import StoreMembers
from gristmill.pipelines.stages.duplicates.partitions import File
from gristmill.pipelines.stages.exchange import Block, GroupBlocks
from gristmill.pipelines.stages.numbered import Together, unpack
from gristmill.pipelines.stages.score import FINGERPRINTS
from gristmill.pipelines.stages.score_units import ScoreUnits
from gristmill.pipelines.stages.text import CleanUnits
from gristmill.pipelines.stages.tokenizer import TrainTokenizer
from gristmill.pipelines.stages.tokens import EncodeUnits, PlanRows
from gristmill.pipelines.storage.plan_file import read_plan
from gristmill.pipelines.storage.rundir import check_seen
from gristmill.pipelines.storage.store import Store

Numbered = tuple[int, Receipt]


def build(pipeline: beam.Pipeline, job: Job) -> None:
    """Add the stages of a job to a pipeline."""
    job = replace(job, recipe=_for_workers(job.recipe))
    scored = score(pipeline, job)
    if "text" not in job.stages:
        if "duplicates" in job.stages:
            find_duplicates(scored, job)
        return
    decided = find_duplicates(scored, job) if "duplicates" in job.stages else scored
    cleaned = decided | "text" >> beam.ParDo(CleanUnits(job.recipe, job.books.get("duplicates"), job.books["text"]))
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
    book = job.books["duplicates"]
    if job.decided or job.recipe.deduplicate is None:
        return scored
    members = (
        scored
        | "fingerprints" >> beam.ParDo(FingerprintPaths(job.store))
        | "duplicates" >> FindDuplicates(job.recipe.deduplicate)
        | "members" >> beam.ParDo(Tag(StoreMembers.MEMBERS))
    )
    receipts = scored | "receipts" >> beam.ParDo(TagReceipt(StoreMembers.RECEIPT))
    stored = (
        (members, receipts)
        | "members and receipts" >> beam.Flatten()
        | "per unit" >> GroupBlocks()
        | "store members" >> beam.ParDo(StoreMembers(book))
    )
    return (
        stored
        | "all decided" >> beam.ParDo(Together())
        | "barrier" >> GroupBlocks()
        | "mark complete" >> beam.ParDo(MarkComplete(job.store, job.duplicates_mark))
        | "fan out again" >> beam.GroupByKey()
        | "one receipt" >> beam.ParDo(Only())
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


class Tag(beam.DoFn):
    """Mark blocks, so that two kinds can share one shuffle."""

    def __init__(self, tag: bytes):
        self.tag = tag

    def process(self, element: Block) -> Iterator[Block]:
        """One block."""
        yield element[0], self.tag + element[1]


class TagReceipt(Tag):
    """A receipt as a marked block."""

    def process(self, element: Numbered) -> Iterator[Block]:  # type: ignore[override]
        """One receipt."""
        yield element[0], self.tag + element[1].to_bytes()


class MarkComplete(beam.DoFn):
    """(0, all receipts) -> (number, receipt), once every unit's members are stored."""

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
