"""Finding duplicates: exact texts and near-duplicates, across all units, as blocked shuffles of packed numbers.

    (unit, fingerprint file) -> band records -> buckets -> pairs -> verified pairs -> components -> who stays -> units
                               by key          by unit                 by place, then one     by component

No text moves and no document is a Python object; memory is one partition, one unit's pairs, and in one place 56 bytes a
linked document. The outcome depends on the documents only: not on how they were cut into units, how units are numbered,
how many partitions there are or in which order blocks arrive (tests/pipelines/stages/duplicates/test_find.py).
"""

from collections.abc import Iterable, Iterator
from math import isqrt

import apache_beam as beam
import numpy as np

from pipelines.recipe import schema
from pipelines.stages.duplicates.components import (
    MEMBER,
    REPEATED,
    ContractEdges,
    DecideComponents,
    LabelEdges,
    LabelPlaces,
    MergeForests,
)
from pipelines.stages.duplicates.pairs import EmitBands, GatherPaths, PairMembers, SharePaths, VerifyPairs
from pipelines.stages.exchange import Block, GroupBlocks, rows_of

__all__ = ["MEMBER", "REPEATED", "FindDuplicates", "members_of"]


class FindDuplicates(beam.PTransform):
    """PCollection[tuple[int, str]] -> PCollection[Block]: units and their fingerprint files -> MEMBER rows by unit.

    Every member of every cluster of two or more is named once, in any order and number of blocks; `members_of` puts a
    unit's together. A member is dropped only for a kept one with which its own verified similarity reaches the
    threshold, or whose normalised text is equal; documents dropped by rules come last and never beat a kept one, as
    their rank says so. partitions: of the band keys; about (17 bands * 28 bytes * documents) / 128 MiB of them.
    """

    def __init__(self, options: schema.Deduplicate, partitions: int):
        super().__init__()
        if partitions < 1:
            raise ValueError("at least one partition")
        self.options, self.partitions = options, partitions

    def expand(self, units: beam.PCollection) -> beam.PCollection:
        """The graph."""
        if not self.options.exact and self.options.minhash is None:
            return units | "Nothing" >> beam.ParDo(NoMembers())
        pairs = (
            units
            | "EmitBands" >> beam.ParDo(EmitBands(self.options, self.partitions))
            | "ByKey" >> GroupBlocks()
            | "PairMembers" >> beam.ParDo(PairMembers(self.partitions))
        )
        paths = (
            units
            | "GatherPaths" >> beam.ParDo(GatherPaths())
            | "AllPaths" >> GroupBlocks()
            | "SharePaths" >> beam.ParDo(SharePaths(self.partitions))
        )
        edges = (
            (pairs, paths)
            | "PairsAndPaths" >> beam.Flatten()
            | "ByUnit" >> GroupBlocks()
            | "VerifyPairs" >> beam.ParDo(VerifyPairs(self.options))
        )
        labels = (
            edges
            | "ContractEdges" >> beam.ParDo(ContractEdges(isqrt(self.partitions)))
            | "ByPlace" >> GroupBlocks()
            | "MergeForests" >> beam.ParDo(MergeForests())
            | "InOnePlace" >> GroupBlocks()
            | "LabelPlaces" >> beam.ParDo(LabelPlaces())
        )
        return (
            (edges, labels)
            | "EdgesAndLabels" >> beam.Flatten()
            | "ByUnitAgain" >> GroupBlocks()
            | "LabelEdges" >> beam.ParDo(LabelEdges(self.partitions))
            | "ByComponent" >> GroupBlocks()
            | "Decide" >> beam.ParDo(DecideComponents(self.options.exact))
        )


class NoMembers(beam.DoFn):
    """Deduplication is off."""

    def process(self, element: tuple[int, str]) -> Iterator[Block]:
        """Nothing."""
        yield from ()


def members_of(values: Iterable[bytes]) -> np.ndarray:
    """MEMBER rows of one unit, sorted by row, from all its blocks."""
    return np.sort(rows_of(values, MEMBER), order="row")
