"""Documents of one address, in blocks: fingerprint files -> addresses -> who stays -> where the others lie.

What is decided is said by `pipelines/duplicates/urls.py`.
"""

from collections.abc import Iterator

from gristmill.pipelines.duplicates.pairs import EDGE
from gristmill.pipelines.duplicates.urls import ADDRESSED, addresses, url_edges
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.records.rows import rows_of
from gristmill.pipelines.stages.duplicates.partitions import EDGE_TAG, PIECE_TAG, by_place, opened
from gristmill.pipelines.stages.exchange import Block, BlockDoFn, among, by_tag, partitions_of, spread, table


class EmitUrls(BlockDoFn):
    """Pieces of fingerprint files -> ADDRESSED blocks, by hash of the address."""

    def __init__(self, options: schema.Deduplicate):
        self.options = options

    def work(self, key: int, blocks: list[bytes]) -> Iterator[Block]:
        """One piece."""
        partitions = partitions_of(key)
        for unit, file, first, last in opened(by_tag(blocks, PIECE_TAG)[0]):
            records = addresses(unit, file, self.options, key & 0xFFFFFFFF, first, last)
            yield from self.blocks.add(among(partitions, spread(records["url"][:, 0], partitions)), records)


class ChooseByUrl(BlockDoFn):
    """ADDRESSED blocks of one partition -> EDGE blocks (tagged), by the piece of the document that goes."""

    tag = EDGE_TAG

    def work(self, key: int, blocks: list[bytes]) -> Iterator[Block]:
        """Some whole addresses."""
        edges, pieces = url_edges(table(blocks, ADDRESSED))
        yield from self.blocks.add(among(partitions_of(key), pieces), edges)


class SendToPlaces(BlockDoFn):
    """EDGE blocks (tagged) -> the same, by where the document lies that goes."""

    tag = EDGE_TAG
    counts_costs = False

    def work(self, key: int, blocks: list[bytes]) -> Iterator[Block]:
        """One block."""
        edges = rows_of(by_tag(blocks, EDGE_TAG)[0], EDGE)
        yield from self.blocks.add(by_place(edges["worse"]["place"], partitions_of(key)), edges)
