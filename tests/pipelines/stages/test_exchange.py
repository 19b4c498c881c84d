"""The one shuffle: blocks, their sizes, their coders, and a pipeline of them."""

from collections import defaultdict
from collections.abc import Iterator

import apache_beam as beam
import numpy as np
import pytest
from apache_beam import coders
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.pipelines.records.rows import mixed, rows_of
from gristmill.pipelines.stages import exchange
from gristmill.pipelines.stages.exchange import (
    Block,
    BlockBuffer,
    BlockDoFn,
    Cost,
    Group,
    GroupBlocks,
    among,
    by_tag,
    split_by,
    spread,
    table,
)

ROW = np.dtype([("key", "<u8"), ("value", "<u4")])


def rows(values: list[int]) -> np.ndarray:
    made = np.zeros(len(values), ROW)
    made["key"] = made["value"] = values
    return made


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([0, 1, 7, 255, 65535, 65536, 2**32 - 1]), st.integers(0, 2**31)), max_size=60)
)
def test_split_by__sends_every_row_to_its_partition_in_order(sent):
    partition = np.array([p for p, _ in sent], np.uint32)
    got = defaultdict(list)
    for key, packed in split_by(partition, rows([v for _, v in sent])):
        assert type(key) is int
        got[key] += rows_of([packed], ROW)["value"].tolist()
    expected = defaultdict(list)
    for p, value in sent:
        expected[p].append(value)
    assert got == expected


def test_split_by__keeps_blocks_within_a_mebibyte():
    many = rows(list(range(200_000)))  # 2.4 MB
    blocks = list(split_by(np.zeros(len(many), np.uint8), many, b"T"))
    assert len(blocks) == 3
    assert all(len(packed) <= exchange.BLOCK_BYTES + 1 for _, packed in blocks)
    np.testing.assert_array_equal(rows_of(by_tag([packed for _, packed in blocks], b"T")[0], ROW), many)


def test_buffer__gives_blocks_when_it_is_full_and_the_rest_at_the_end():
    buffer = BlockBuffer(limit=10 * ROW.itemsize)
    given_early = [list(buffer.add(np.array([v % 2]), rows([v]))) for v in range(25)]
    assert [n for n, blocks in enumerate(given_early) if blocks] == [9, 19]
    assert [(p, rows_of([packed], ROW)["value"].tolist()) for p, packed in given_early[9]] == [
        (0, [0, 2, 4, 6, 8]),
        (1, [1, 3, 5, 7, 9]),
    ]
    assert [rows_of([packed], ROW)["value"].tolist() for _, packed in buffer.flush()] == [[20, 22, 24], [21, 23]]
    assert list(buffer.flush()) == []
    assert list(buffer.add(np.zeros(0, np.uint8), rows([]))) == []


def test_by_tag__takes_kinds_apart_and_refuses_unknown_ones():
    assert by_tag([b"Aone", b"Btwo", b"Athree"], b"A", b"B", b"C") == [[b"one", b"three"], [b"two"], []]
    with pytest.raises(KeyError):
        by_tag([b"Xone"], b"A")


def test_spread__is_even_and_within_range():
    counts = np.bincount(spread(mixed(np.arange(70_000, dtype=np.uint64)), 7), minlength=7)
    assert len(counts) == 7
    assert counts.min() > 9_500
    assert spread(np.array([2**64 - 1], np.uint64), 5).tolist() == [4]
    assert spread(np.array([2**64 - 1], np.uint64), 1).tolist() == [0]


class Burn(BlockDoFn):
    """Passes rows on, at a cost."""

    def work(self, key: int, blocks: list[bytes]) -> Iterator[Block]:
        sum(range(200_000))
        yield from self.blocks.add(np.full(1, key), rows([len(blocks)]))


def test_costs__travel_with_the_blocks_and_add_up():
    key, before = int(among(5, 3)), Cost(2.0, 1.0)
    stage = Burn()
    stage.start_bundle()
    given = list(stage.process((key, [b"Rone", before.to_bytes(), b"Rtwo"])))
    given += stage.process((key + 1, [before.to_bytes()]))  # a group of costs alone is no work
    given += [windowed.value for windowed in stage.finish_bundle()]
    rows_at, (cost_at, packed) = given[:-1], given[-1]
    assert [(at, table([block], ROW)["value"].tolist()) for at, block in rows_at] == [(key, [2])]
    assert cost_at == among(5, 0)
    cost = Cost.of([packed[1:]])
    assert cost.seconds > 4
    assert 2 < cost.cpu_seconds < 3
    stage.start_bundle()  # a bundle that is tried again begins at nothing
    assert list(stage.finish_bundle()) == []


class Scatter(BlockDoFn):
    """Numbers to partitions by their last digit."""

    def process(self, element: int) -> Iterator[Block]:
        values = np.arange(element, element + 100)
        yield from self.blocks.add(values % 10, rows(values.tolist()))


class Total(beam.DoFn):
    def process(self, element: Group) -> Iterator[tuple[int, int]]:
        yield element[0], int(table(element[1], ROW)["value"].sum())


def test_exchange__through_a_runner_with_typed_coders():
    pipeline = beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([]))
    blocks = pipeline | beam.Create(range(0, 1000, 100)) | "Scatter" >> beam.ParDo(Scatter())
    grouped = blocks | "Group" >> GroupBlocks()
    for collection in (blocks, grouped):
        coder = coders.registry.get_coder(collection.element_type)
        assert isinstance(coder, coders.TupleCoder), coder
        assert isinstance(coder.coders()[0], coders.VarIntCoder)
    assert isinstance(coders.registry.get_coder(blocks.element_type).coders()[1], coders.BytesCoder)
    expected = [(digit, sum(range(digit, 1000, 10))) for digit in range(10)]
    assert_that(grouped | "Total" >> beam.ParDo(Total()), equal_to(expected))
    pipeline.run().wait_until_finish()
