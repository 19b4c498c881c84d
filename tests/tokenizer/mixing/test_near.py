"""Documents of two splits that are nearly the same, against sets of Python."""

import random
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.tokenizer.mixing.near import NEAR, RUN, NearIndex


def pool(*shards):
    """What an index reads of a `Pool`: ids of documents, shard by shard."""
    made = []
    for documents in shards:
        offsets = np.cumsum([0, *map(len, documents)])
        tokens = np.array([one for ids in documents for one in ids], np.uint32)
        made.append(Shard(tokens, offsets.astype(np.int64)))
    return SimpleNamespace(shards=made)


class Shard:
    def __init__(self, tokens, offsets):
        self.tokens, self.offsets = tokens, offsets

    def __len__(self):
        return len(self.offsets) - 1


def runs(ids):
    return {tuple(ids[i : i + RUN]) for i in range(len(ids) - RUN + 1)}


def check(passing, held):
    near_D, near_H = NearIndex.of(pool(*held)).alike(pool(*passing))
    left, right = [runs(one) for part in passing for one in part], [runs(one) for part in held for one in part]
    similar = [[len(a & b) / max(1, len(a | b)) >= NEAR for b in right] for a in left]
    alike = np.array(similar).reshape(len(left), len(right))
    assert near_D.tolist() == alike.any(1).tolist()
    assert near_H.tolist() == alike.any(0).tolist()
    return near_D


ids = st.lists(st.integers(0, 3), max_size=30)
split = st.lists(st.lists(ids, max_size=6), min_size=1, max_size=3)


@settings(max_examples=60, deadline=None)
@given(split, split)
def test_all_that_sets_say_and_nothing_else(passing, held):
    check(passing, held)


def changed(rng, ids, count):
    found = list(ids)
    for place in rng.sample(range(len(found)), count):
        found[place] = rng.randrange(60_000, 70_000)
    return found


def test_edits_of_every_size_in_long_documents_and_in_those_of_one_template():
    rng = random.Random(1)
    held = [[rng.randrange(50_000) for _ in range(rng.randrange(20, 300))] for _ in range(40)]
    template = [rng.randrange(50_000) for _ in range(100)]
    held += [[*template, *(rng.randrange(50_000) for _ in range(rng.randrange(10, 40)))] for _ in range(40)]
    passing = [changed(rng, one, rng.randrange(0, max(1, len(one) // 15))) for one in held for _ in range(3)]
    passing += [one + one for one in held] + [one[: len(one) * 9 // 10] for one in held] + [[7] * 50, [7] * 3, []]
    near_D = check([passing[::2], passing[1::2]], [held[:30], held[30:]])
    assert 0.2 < near_D.mean() < 0.9, "some are alike, some are not"


@pytest.mark.parametrize(("first", "second"), [([[]], [[]]), ([[[1, 2]]], [[[1, 2]]]), ([[]], [[[1] * 9]])])
def test_of_nothing_nothing_is_alike(first, second):
    assert not check(first, second).any()
