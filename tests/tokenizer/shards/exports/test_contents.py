"""Which documents make a file."""

from itertools import zip_longest

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gristmill.tokenizer.shards.exports.contents import Split


class Sized:
    def __init__(self, sizes):
        self.size_D = np.array(sizes, np.int64)

    def read(self, begin, end):
        raise AssertionError("a plan reads nothing")


@given(st.lists(st.lists(st.integers(1, 30), max_size=12), max_size=6), st.integers(1, 40))
def test_files__hold_every_document_once_in_order_and_as_many_as_fit(blocks, limit):
    split = Split("train", [Sized(sizes) for sizes in blocks], 0, 0, 0)
    files = split.files(limit)
    found = [[(split.blocks.index(p.block), d) for p in pieces for d in range(p.begin, p.end)] for pieces in files]
    assert [one for file in found for one in file] == [
        (b, d) for b, sizes in enumerate(blocks) for d in range(len(sizes))
    ]
    size = lambda file: sum(blocks[b][d] for b, d in file)  # noqa: E731
    for file, after in zip_longest(found, found[1:]):
        assert size(file) <= limit or len(file) == 1
        if after:  # greedy: the next document would not have fitted
            assert size(file) + size(after[:1]) > limit


def test_rows__are_those_of_the_pack_plan(each, rows_by_hand):
    asked = each.asked("rows")
    for split in asked.splits:
        wanted = rows_by_hand(each, split.name)
        (piece,) = split.pieces()
        batch = piece.read()
        assert batch.column("tokens").to_pylist() == wanted
        assert [sum(lengths) for lengths in batch.column("lengths").to_pylist()] == list(map(len, wanted))
        assert piece.block.read(3, 7).column("tokens").to_pylist() == wanted[3:7]
        assert split.tokens == sum(map(len, wanted)) == len(each.tokens(split.name))
