"""Duplicates, second half, in blocks: verified edges -> connected components -> who stays.

What is decided is said by `pipelines/duplicates/components.py`.
"""

from collections.abc import Iterator
from math import isqrt

import numpy as np

from gristmill.pipelines.duplicates.components import DECIDING, LINK, ROOTED, Deciding, contract, decide, rooted_edges
from gristmill.pipelines.duplicates.pairs import EDGE, EXACT, NEAR
from gristmill.pipelines.records.rows import mixed, rows_of
from gristmill.pipelines.stages.duplicates.partitions import EDGE_TAG, by_place
from gristmill.pipelines.stages.exchange import Block, BlockDoFn, among, by_tag, partitions_of, spread, table

LABEL_TAG = b"L"

CONTRACT_LINKS = 4 << 20
"""Links that a bundle gathers before it contracts them: 64 MiB."""


class ContractEdges(BlockDoFn):
    """EDGE blocks -> LINK blocks, by hash of the place, so that the links of a document meet."""

    counts_costs = False

    def start_bundle(self) -> None:
        """Links wait here: contracted together they shrink, one block at a time they hardly do."""
        super().start_bundle()
        self.links: list[np.ndarray] = []
        self.partitions = 0

    def work(self, key: int, blocks: list[bytes]) -> Iterator[Block]:
        """One block of edges."""
        edges = rows_of(by_tag(blocks, EDGE_TAG)[0], EDGE)
        links = np.empty(len(edges), LINK)
        links["place"], links["root"] = edges["worse"]["place"], edges["better"]["place"]
        self.links.append(links)
        self.partitions = partitions_of(key)
        if sum(map(len, self.links)) >= CONTRACT_LINKS:
            yield from self._contract()

    def rest(self) -> Iterator[Block]:
        """What still waits."""
        yield from self._contract()
        yield from super().rest()

    def _contract(self) -> Iterator[Block]:
        links, self.links = self.links, []
        if links:
            forest = contract(np.concatenate(links))
            meeting = spread(mixed(forest["place"]), isqrt(self.partitions))
            yield from self.blocks.add(among(self.partitions, meeting), forest)


class MergeForests(BlockDoFn):
    """LINK blocks of one partition -> one contracted forest, all of them for one solver."""

    def work(self, key: int, blocks: list[bytes]) -> Iterator[Block]:
        """One partition of places."""
        forest = contract(table(blocks, LINK))
        one_place = among(partitions_of(key), np.zeros(len(forest), np.uint8))
        yield from self.blocks.add(one_place, forest)


class LabelPlaces(BlockDoFn):
    """All LINK blocks in one place -> the final forest, tagged, by where each document lies.

    16 bytes of LINK and about 60 of working memory a linked document: design, section 7, says up to which size.
    """

    tag = LABEL_TAG

    def work(self, key: int, blocks: list[bytes]) -> Iterator[Block]:
        """The only partition."""
        forest = contract(table(blocks, LINK))
        yield from self.blocks.add(by_place(forest["place"], partitions_of(key)), forest)


class LabelEdges(BlockDoFn):
    """EDGE and LINK blocks of one partition of places -> ROOTED blocks, by hash of the component: whole ones."""

    def work(self, key: int, blocks: list[bytes]) -> Iterator[Block]:
        """One partition of places."""
        edge_blocks, label_blocks = by_tag(blocks, EDGE_TAG, LABEL_TAG)
        rooted = rooted_edges(rows_of(edge_blocks, EDGE), rows_of(label_blocks, LINK))
        partitions = partitions_of(key)
        yield from self.blocks.add(among(partitions, spread(mixed(rooted["root"]), partitions)), rooted)


class DecideComponents(BlockDoFn):
    """ROOTED blocks of one partition -> MEMBER blocks, by unit."""

    def __init__(self, exact: bool, options: Deciding = DECIDING):
        self.exact, self.options = exact, options

    def cost_key(self, key: int) -> int:
        """The first unit, which is always there."""
        return 0

    def work(self, key: int, blocks: list[bytes]) -> Iterator[Block]:
        """Some whole components."""
        places, members = decide(table(blocks, ROOTED), self.options)
        if not self.exact:  # then equal texts are near-duplicates like any other
            members["kind"][members["kind"] == EXACT] = NEAR
        yield from self.blocks.add((places >> np.uint64(32)).astype(np.uint32), members)
