"""Finding duplicates: exact texts and near-duplicates, across all units, as blocked shuffles of packed numbers; of one
address, before (urls.py).

    fingerprint files -> shared keys -> band records -> buckets -> pairs -> verified pairs -> components -> who stays
     in pieces, counted, by half     by piece         by key    by place               by place, then one   by component

No text moves and no document is a Python object; memory is one partition, one unit's pairs, and in one place 56 bytes a
linked document. The outcome depends on the documents only: not on how they were cut into units, how units are numbered,
how many partitions there are or in which order blocks arrive (tests/pipelines/stages/duplicates/test_find.py).
"""

from collections.abc import Iterable, Iterator, Sequence

import apache_beam as beam
import numpy as np

from gristmill.pipelines.duplicates.components import MEMBER, Deciding
from gristmill.pipelines.duplicates.pairs import numbered
from gristmill.pipelines.duplicates.sizes import few, many
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.recipe.sources import PARTITION_DOCUMENTS
from gristmill.pipelines.records.rows import rows_of
from gristmill.pipelines.stages.duplicates.addresses import ChooseByUrl, EmitUrls, SendToPlaces
from gristmill.pipelines.stages.duplicates.choosing import (
    ContractEdges,
    DecideComponents,
    LabelEdges,
    LabelPlaces,
    MergeForests,
)
from gristmill.pipelines.stages.duplicates.comparing import PairMembers, VerifyPairs
from gristmill.pipelines.stages.duplicates.partitions import (
    File,
    GatherFiles,
    SharePaths,
    SpreadFiles,
)
from gristmill.pipelines.stages.duplicates.shared_keys import EmitBands, EmitKeys, FindShared
from gristmill.pipelines.stages.exchange import COST_TAG, ROWS_TAG, Block, GroupBlocks, by_tag


class FindDuplicates(beam.PTransform):
    """PCollection[File] -> PCollection[Block]: the fingerprint files of all units -> MEMBER rows by unit.

    Every member of every cluster of two or more is named once, in any order and number of blocks; `members_of` puts a
    unit's together. A member is dropped only for a kept one with which its own verified similarity reaches the
    threshold, or whose normalised text is equal; documents dropped by rules come last and never beat a kept one, as
    their rank says so. Documents of indexes come first, and stay as they were decided: `indexed` has the files of each
    index, in the order of their precedence. A shuffle has a partition for every `partition_documents`. What it took
    comes as Cost blocks of unit 0.
    """

    def __init__(
        self,
        options: schema.Deduplicate,
        partition_documents: int = PARTITION_DOCUMENTS,
        indexed: Sequence[Sequence[tuple[str, int]]] = (),
    ):
        super().__init__()
        self.options, self.partition_documents = options, partition_documents
        sizes = tuple(sum(documents for _, documents in files) for files in indexed)
        self.indexed = tuple(numbered(indexed))
        self.deciding = Deciding(options.max_lost, sizes)

    def expand(self, files: beam.PCollection) -> beam.PCollection:
        """The graph."""
        if not self.options.exact and self.options.minhash is None and self.options.urls is None:
            return files | "Nothing" >> beam.ParDo(NoMembers())
        together = files | "GatherFiles" >> beam.ParDo(GatherFiles()) | "AllFiles" >> GroupBlocks()
        paths = together | "SharePaths" >> beam.ParDo(SharePaths(self.partition_documents, self.indexed))
        pieces = together | "SpreadMany" >> beam.ParDo(SpreadFiles(self.partition_documents, self.indexed, many))
        pieces_of_few = together | "SpreadFew" >> beam.ParDo(SpreadFiles(self.partition_documents, self.indexed, few))
        by_url: tuple[beam.PCollection, ...] = ()
        if self.options.urls is not None:
            chosen = (
                together  # not `pieces`: Beam's fuser takes no collection that goes into a shuffle and a Flatten
                | "SpreadFirst" >> beam.ParDo(SpreadFiles(self.partition_documents, self.indexed))
                | "ByPieceFirst" >> GroupBlocks()
                | "EmitUrls" >> beam.ParDo(EmitUrls(self.options))
                | "ByUrl" >> GroupBlocks()
                | "ChooseByUrl" >> beam.ParDo(ChooseByUrl())
            )
            pieces = (pieces, chosen) | "PiecesAndChosen" >> beam.Flatten()
            by_url = (chosen | "SendToPlaces" >> beam.ParDo(SendToPlaces()),)
        shared = (
            pieces
            | "ByPiece" >> GroupBlocks()
            | "EmitKeys" >> beam.ParDo(EmitKeys(self.options))
            | "ByHalf" >> GroupBlocks()
            | "FindShared" >> beam.ParDo(FindShared())
        )
        pairs = (
            (shared, pieces_of_few)
            | "ManyOrFew" >> beam.Flatten()
            | "ByPieceAgain" >> GroupBlocks()
            | "EmitBands" >> beam.ParDo(EmitBands(self.options))
            | "ByKey" >> GroupBlocks()
            | "PairMembers" >> beam.ParDo(PairMembers())
        )
        edges = (
            (pairs, paths, *by_url)
            | "PairsAndPaths" >> beam.Flatten()
            | "ByPlace" >> GroupBlocks()
            | "VerifyPairs" >> beam.ParDo(VerifyPairs(self.options))
        )
        labels = (
            edges
            | "ContractEdges" >> beam.ParDo(ContractEdges())
            | "ByHash" >> GroupBlocks()
            | "MergeForests" >> beam.ParDo(MergeForests())
            | "InOnePlace" >> GroupBlocks()
            | "LabelPlaces" >> beam.ParDo(LabelPlaces())
        )
        return (
            (edges, labels)
            | "EdgesAndLabels" >> beam.Flatten()
            | "ByPlaceAgain" >> GroupBlocks()
            | "LabelEdges" >> beam.ParDo(LabelEdges())
            | "ByComponent" >> GroupBlocks()
            | "Decide" >> beam.ParDo(DecideComponents(self.options.exact, self.deciding))
        )


class NoMembers(beam.DoFn):
    """Deduplication is off."""

    def process(self, element: File) -> Iterator[Block]:
        """Nothing."""
        yield from ()


def members_of(values: Iterable[bytes]) -> np.ndarray:
    """MEMBER rows of one unit, sorted by row, from all its blocks."""
    return np.sort(rows_of(by_tag(values, ROWS_TAG, COST_TAG)[0], MEMBER), order="row")
