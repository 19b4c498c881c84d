from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gristmill.tokenizer.shards.best_fit import best_fit_decreasing
from gristmill.tokenizer.shards.packing import PackPlan, pack

lengths_and_rows = st.tuples(st.lists(st.integers(0, 40), max_size=60), st.integers(2, 17))
relaxed = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def documents(lengths):
    """Documents whose every token is unique, so that tokens can be followed."""
    ends = np.cumsum(lengths)
    return [(f"d{n}", range(end - length, end)) for n, (length, end) in enumerate(zip(lengths, ends, strict=True))]


def rows_of(plan: PackPlan, shards) -> list[list[tuple[int, ...]]]:
    """The plan, carried out: the segments' tokens, by row."""
    rows = []
    for row in range(len(plan)):
        s = plan.segments(row)
        parts = zip(plan.shard[s], plan.doc[s], plan.start[s], plan.length[s], strict=True)
        rows.append([tuple(shards[a].document(b)[c : c + n].tolist()) for a, b, c, n in parts])
    return rows


def plain_best_fit(lengths, row_length, window_tokens):
    """Best fit decreasing, by linear search: the row of every piece."""
    room, touched, row_of, clock = [], [], [None] * len(lengths), 0
    begin = 0
    while begin < len(lengths):
        end, tokens = begin, 0
        while end < len(lengths) and tokens < window_tokens:
            tokens += lengths[end]
            end += 1
        for p in sorted(range(begin, end), key=lambda p: -lengths[p]):
            fitting = [(room[r], -touched[r], r) for r in range(len(room)) if room[r] >= lengths[p]]
            if fitting:
                row = min(fitting)[2]
            else:
                row = len(room)
                room.append(row_length)
                touched.append(0)
            clock += 1
            room[row] -= lengths[p]
            touched[row] = clock
            row_of[p] = row
        begin = end
    return row_of, len(room)


@given(
    st.integers(2, 20).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.integers(1, n), max_size=80))),
    st.integers(1, 200),
)
@settings(deadline=None, max_examples=300)
def test_best_fit_decreasing__equals_linear_search(case, window_tokens):
    row_length, lengths = case
    row_P = np.full(len(lengths), -1, np.int32)
    rows = best_fit_decreasing(np.array(lengths, np.int32), row_length, window_tokens, row_P)
    assert (row_P.tolist(), rows) == plain_best_fit(lengths, row_length, window_tokens)


@given(lengths_and_rows, st.integers(0, 3), st.integers(0, 2))
@relaxed
def test_pack__every_token_once_and_no_row_too_long(make_shards, case, seed, epoch):
    lengths, row_length = case
    shards = make_shards(documents(lengths), [len(lengths) // 2])
    plan = pack(shards, row_length, seed=seed, epoch=epoch, window_tokens=50)
    rows = rows_of(plan, shards)
    assert Counter(token for row in rows for part in row for token in part) == Counter(range(sum(lengths)))
    assert all(0 < sum(map(len, row)) <= row_length for row in rows)
    figures = plan.figures
    assert figures.tokens == sum(lengths) == int(plan.length.sum())
    assert figures.split_documents == sum(length > row_length for length in lengths)
    assert figures.padding == pytest.approx(1 - sum(lengths) / (len(rows) * row_length) if rows else 0)


@given(st.integers(2, 17).flatmap(lambda n: st.tuples(st.lists(st.integers(0, n), max_size=60), st.just(n))))
@relaxed
def test_pack__whole_never_cuts(make_shards, case):
    lengths, row_length = case
    shards = make_shards(documents(lengths), [len(lengths) // 3])
    plan = pack(shards, row_length, whole=True)
    parts = [part for row in rows_of(plan, shards) for part in row]
    assert sorted(parts) == sorted(tuple(ids) for _, ids in documents(lengths) if len(ids))
    with pytest.raises(ValueError, match=f"1 documents are longer than a row of {row_length} tokens"):
        pack(make_shards(documents([*lengths, row_length + 1])), row_length, whole=True)


@given(lengths_and_rows, st.data())
@relaxed
def test_pack__rows_do_not_depend_on_sharding(make_shards, case, data):
    lengths, row_length = case
    ordered = documents(lengths)
    shuffled = data.draw(st.permutations(ordered))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(lengths)), max_size=3)))
    one, many = make_shards(ordered), make_shards(shuffled, cuts)
    assert rows_of(pack(one, row_length), one) == rows_of(pack(many, row_length), many)


def test_pack__repeated_doc_ids_are_ordered_by_content(make_shards):
    copies = [("same", [n] * (1 + n % 3)) for n in range(12)] + [("other", [99])]
    one, many = make_shards(copies), make_shards(copies[::-1], [4, 9])
    assert rows_of(pack(one, 8), one) == rows_of(pack(many, 8), many)


def test_pack__seed_and_epoch_change_order_and_company(make_shards):
    shards = make_shards(documents([1 + n * 7 % 30 for n in range(400)]))
    plans = [rows_of(pack(shards, 16, seed=s, epoch=e), shards) for s, e in ((0, 0), (0, 1), (1, 0))]
    assert plans[0] == rows_of(pack(shards, 16, seed=0, epoch=0), shards)
    company = [{frozenset(row) for row in rows} for rows in plans]
    assert len(company[0] & company[1]) < 0.6 * len(company[0])
    assert len(company[0] & company[2]) < 0.6 * len(company[0])


def test_pack__usual_lengths_waste_under_half_a_percent(make_shards):
    """Log-normal lengths like those of web pages: median 550 tokens, the mean twice that (corpus of baselines.md)."""
    lengths = np.random.default_rng(1).lognormal(np.log(550), 1.2, 4000).astype(int) + 2
    shards = make_shards([(f"d{n}", [7] * int(length)) for n, length in enumerate(lengths)], [1000, 2000])
    for row_length in (512, 2048):
        assert pack(shards, row_length).figures.padding < 0.005


def test_pack__a_row_holds_its_segments_in_document_order_not_by_length(make_shards):
    shards = make_shards(documents([3, 5] * 200))
    plan = pack(shards, 8)
    firsts = [int(plan.length[plan.segments(row)][0]) for row in range(len(plan))]
    assert 50 < firsts.count(3) < 150


def test_pack__a_row_needs_two_tokens(make_shards):
    with pytest.raises(ValueError, match="sequence_length is 1"):
        pack(make_shards(documents([3])), 1)


def test_plan__survives_its_file_bit_for_bit(make_shards, tmp_path):
    shards = make_shards(documents([9, 30, 2, 17, 0, 5]), [3])
    plan = pack(shards, 8, seed=5)
    for name in ("a.arrow", "b.arrow"):
        plan.write(tmp_path / name)
    assert (tmp_path / "a.arrow").read_bytes() == (tmp_path / "b.arrow").read_bytes()
    again = PackPlan.open(tmp_path / "a.arrow")
    assert again.figures == plan.figures
    assert rows_of(again, shards) == rows_of(plan, shards)
    assert len(again) == plan.figures.rows
    assert not again.row.flags.writeable


def test_plan__refuses_another_file(make_shards):
    with pytest.raises(ValueError, match="not a pack plan"):
        PackPlan.open(make_shards(documents([3]))[0].path)


def test_pack__full_and_short_rows_are_spread_over_the_epoch(make_shards):
    """Packing opens full rows first; training must not see all long documents first."""
    shards = make_shards([(f"d{n}", [7] * (16 if n % 2 else 5)) for n in range(600)])
    plan = pack(shards, 16)
    segments = np.diff(plan.first)
    full = np.flatnonzero(segments == 1)
    assert 0.45 < full.mean() / len(plan) < 0.55


@given(lengths_and_rows, st.integers(0, 3))
@relaxed
def test_pack__chunks_are_the_documents_one_after_the_other(make_shards, case, seed):
    """Rows, sorted by what they begin with, are the stream of all documents in the order of their pieces."""
    lengths, row_length = case
    shards = make_shards(documents(lengths), [len(lengths) // 2])
    plan = pack(shards, row_length, seed=seed, packing="chunks")
    rows = rows_of(plan, shards)
    assert Counter(token for row in rows for part in row for token in part) == Counter(range(sum(lengths)))
    full = [row for row in rows if sum(map(len, row)) == row_length]
    assert len(full) >= len(rows) - 1, "only the last row has room"
    assert plan.figures.split_documents == sum(length > row_length for length in lengths)


@given(lengths_and_rows)
@relaxed
def test_pack__a_row_holds_one_document(make_shards, case):
    lengths, row_length = case
    shards = make_shards(documents(lengths))
    rows = rows_of(pack(shards, row_length, packing="document"), shards)
    assert all(len(row) == 1 for row in rows)
    assert len(rows) == sum(-(-length // row_length) for length in lengths)
    assert Counter(token for row in rows for token in row[0]) == Counter(range(sum(lengths)))


def test_pack__refuses_what_it_does_not_know(make_shards):
    shards = make_shards(documents([3, 4]))
    with pytest.raises(ValueError, match="best_fit, chunks, document"):
        pack(shards, 8, packing="greedy")
    with pytest.raises(ValueError, match="may not be cut"):
        pack(shards, 8, packing="chunks", whole=True)
