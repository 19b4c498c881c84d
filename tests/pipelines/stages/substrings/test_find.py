"""What repeats among documents: against brute force over all windows, however they are cut into units."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.pipelines.recipe.schema import Substrings
from gristmill.pipelines.stages.kept_texts import DOCUMENT, KeptTexts
from gristmill.pipelines.stages.substrings.find import (
    ANCHOR,
    KEY,
    RANGE,
    WINDOW,
    decide,
    joined,
    repeated,
    unit_anchors,
    unit_windows,
)
from tests.filters.dedup.test_substrings import plain_tokens

PIECES = ["the mill by the river ", "on the ", "stood. ", "磨坊在河边，", "水车转动。", "a", " ", "\n", "b c ", "."]
texts = st.lists(st.lists(st.sampled_from(PIECES), max_size=14).map("".join), min_size=1, max_size=8)
"""Few pieces, so that much repeats: English, Chinese without spaces, and both in one text."""


def brute_force(documents: list[str], length: int, characters: bool) -> list[set[int]]:
    """The bytes of each document that go: of all windows that a better document has, or the same one before. Documents
    are ranked by their places."""
    gone = []
    seen: dict[bytes, tuple[int, int]] = {}
    for d, text in enumerate(documents):
        raw, gone_here = text.encode(), set()
        tokens = plain_tokens(text)
        if characters:
            starts = [len(text[:i].encode()) for i in range(len(text) + 1)]
            tokens = list(pairwise(starts))
        for i in range(len(tokens) - length + 1):
            begin, end = tokens[i][0], tokens[i + length - 1][1]
            doc, stop = seen.setdefault(raw[begin:end], (d, end))
            if doc < d or stop <= begin:
                gone_here |= set(range(begin, end))
        gone.append(gone_here)
    return gone


def found(documents: list[str], unit_of: list[int], order: list[int], options: Substrings) -> list[set[int]]:
    """The same by the stage, without Beam: units are numbered as they come, and the documents shuffled in them."""
    units = []
    for unit in range(max(unit_of) + 1):
        mine = [d for d in order if unit_of[d] == unit]
        document = np.zeros(len(mine), DOCUMENT)
        document["rank"] = mine
        document["place"] = [unit << 32 | row for row in range(len(mine))]
        text = pa.array([documents[d] for d in mine], pa.large_string())
        half = len(mine) // 2  # two batches, slices of one column
        units.append((mine, [KeptTexts(None, text[a:b], document[a:b]) for a, b in ((0, half), (half, len(mine)))]))
    anchors = [rows for unit, (_, kept) in enumerate(units) for rows in unit_anchors(kept, unit, options)]
    known = repeated(np.concatenate([np.empty(0, ANCHOR), *anchors]))
    windows = [np.empty(0, WINDOW)]
    for unit, (_, kept) in enumerate(units):
        keys = known["key"][known["unit"] == unit]
        if len(keys):
            windows += unit_windows(kept, keys.astype(KEY["key"]), options)
    unit, ranges = decide(np.concatenate(windows[::-1]))
    gone: list[set[int]] = [set() for _ in documents]
    for number, (mine, _) in enumerate(units):
        for row, begin, end in joined(ranges[unit == number]).tolist():
            gone[mine[row]] |= set(range(begin, end))
    return gone


@settings(deadline=None, max_examples=150)
@given(texts, st.integers(8, 16), st.booleans(), st.integers(1, 3), st.randoms(use_true_random=False))
def test_found__is_what_brute_force_finds_whatever_the_units(documents, length, characters, units, random):
    options = Substrings(min_chars=length + 8) if characters else Substrings(min_tokens=length)
    order = random.sample(range(len(documents)), len(documents))
    unit_of = [random.randrange(units) for _ in documents]
    assert found(documents, unit_of, order, options) == brute_force(documents, options.length, characters)


def test_found__a_passage_that_its_first_fingerprint_s_document_lacks():
    """The first document has the fingerprints of the passage, but not the passage: the second one keeps it."""
    words = [f"w{i}" for i in range(60)]
    first = " ".join(words[:30]) + " other " + " ".join(words[30:])
    whole = " ".join(words)
    documents = [first, f"{whole} second", f"{whole} third"]
    gone = found(documents, [0, 0, 0], [0, 1, 2], Substrings(min_tokens=50))
    assert gone == [set(), set(), set(range(len(whole)))]
    assert gone == brute_force(documents, 50, False)


def test_found__a_refrain_within_one_document_stays_once():
    line = "the old mill by the river turns and turns all day long\n"
    (gone,) = found([line * 3 + "the end"], [0], [0], Substrings(min_tokens=8))
    assert gone == set(range(len(line), 3 * len(line) + len("the")))


def test_found__one_character_many_times_keeps_a_window_of_it():
    (gone,) = found(["-" * 500], [0], [0], Substrings(min_chars=50))
    assert gone == set(range(50, 500))


ranges = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 20), st.integers(1, 9)), max_size=20)


@settings(deadline=None)
@given(ranges)
def test_joined__covers_the_same_bytes_with_gaps_between(made):
    rows = np.array([(row, begin, begin + size) for row, begin, size in made], RANGE)
    once = joined(rows)
    covered = {(row, at) for row, begin, size in made for at in range(begin, begin + size)}
    assert [(row, at) for row, begin, end in once.tolist() for at in range(begin, end)] == sorted(covered)
    assert all(a[0] < b[0] or a[2] < b[1] for a, b in zip(once.tolist(), once.tolist()[1:], strict=False))
