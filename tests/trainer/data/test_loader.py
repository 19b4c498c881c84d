"""Rows to batches: what is scored, in which order, for any world and micro-batch."""

import time
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from gristmill.trainer.data.corpus import Corpus
from gristmill.trainer.data.loader import DataConfig, Loader
from gristmill.trainer.data.sampler import DataState, Sampler, shuffled
from gristmill.trainer.errors import InputError
from gristmill.trainer.objectives.corpus.causal import CausalLM

CPU = torch.device("cpu")


def batches(corpus, config, steps, *, data_state=DataState(), rank=0, world=1):
    """[(rows, [batch arrays copied])] of the first steps."""
    sampler = Sampler(corpus, config.step_rows(corpus.sequence_length))
    loader = Loader(corpus, CausalLM(), sampler.steps(data_state), config, CPU, rank=rank, world=world)
    out = []
    for _ in range(steps):
        rows = sampler.take(data_state)
        out.append((rows, [copied(batch) for batch in loader.batches(rows)]))
        data_state = rows.after
    loader.close()
    return out


def copied(batch):
    tokens = batch.tokens
    return {"ids": tokens.ids.clone(), "targets": batch.targets_BT.clone(), "positions": tokens.positions.clone(),
            "documents": tokens.documents.clone(), "sources": batch.sources_BT.clone()}  # fmt: skip


def test_causal__every_token_but_the_first_of_each_document_is_scored_once(corpus):
    config = DataConfig(tokens_per_step=len(corpus) * 32, tokens_per_batch=7 * 32)
    ((rows, made),) = batches(corpus, config, 1)
    predicted = Counter()
    for batch in made:
        targets, sources = batch["targets"], batch["sources"]
        predicted.update(zip(sources[targets >= 0].tolist(), targets[targets >= 0].tolist(), strict=True))
    expected = Counter()
    for shard in corpus.shards:
        for d, source in enumerate(shard.column("source").to_pylist()):
            expected.update((corpus.sources.index(source), int(token)) for token in shard.document(d)[1:])
    assert predicted == expected
    assert sum(predicted.values()) == corpus.plan.figures.tokens - sum(map(len, corpus.shards))
    assert rows.tokens == corpus.plan.figures.tokens


def row_segments(corpus, row):
    """(tokens, the token after them or -1) of each segment of a row, from the plan's columns and the documents."""
    plan = corpus.plan
    for p in np.flatnonzero(np.asarray(plan.row) == row):
        document, start = corpus.shards[plan.shard[p]].document(int(plan.doc[p])).tolist(), int(plan.start[p])
        end = start + int(plan.length[p])
        yield document[start:end], [*document, -1][end]


def test_causal__rows_hold_their_segments_with_positions_and_documents_reset(corpus):
    ((rows, made),) = batches(corpus, DataConfig(tokens_per_step=320, tokens_per_batch=320), 1)
    for k, row in enumerate(rows.index_R):
        at = 0
        for number, (tokens, following) in enumerate(row_segments(corpus, int(row))):
            part = slice(at, at + len(tokens))
            ids, targets = made[0]["ids"][k, part], made[0]["targets"][k, part]
            assert ids.tolist() == tokens
            assert targets.tolist() == [*tokens[1:], following]
            assert made[0]["positions"][k, part].tolist() == list(range(len(tokens)))
            assert set(made[0]["documents"][k, part].tolist()) == {number}
            at = part.stop
        assert set(made[0]["documents"][k, at:].tolist()) <= {-1}
        assert set(made[0]["targets"][k, at:].tolist()) <= {-1}


@pytest.mark.parametrize("rows", [1, 2, 3, 17, 64, 1000])
def test_shuffled__is_a_permutation_of_every_epoch(rows):
    orders = [shuffled(seed, epoch, np.arange(rows), rows) for seed in (0, 1) for epoch in (0, 1)]
    assert all(sorted(order) == list(range(rows)) for order in orders)
    if rows > 10:
        assert len({tuple(order) for order in orders}) == 4


@pytest.mark.parametrize("world", [1, 2, 4])
@pytest.mark.parametrize("micro", [1, 3, 8])
def test_loader__all_ranks_together_see_the_same_rows_for_any_world_and_micro_batch(corpus, world, micro):
    whole = batches(corpus, DataConfig(tokens_per_step=256, tokens_per_batch=256), 3)
    config = DataConfig(tokens_per_step=256, tokens_per_batch=micro * 32)
    ranks = [batches(corpus, config, 3, rank=rank, world=world) for rank in range(world)]
    for step, (rows, (one,)) in enumerate(whole):
        for rank in range(world):
            got_rows, got = ranks[rank][step]
            assert got_rows.tokens == rows.tokens
            for name, expected in one.items():
                assert torch.equal(torch.cat([batch[name] for batch in got]), expected[rank::world]), name


def test_order__an_epoch_ends_inside_a_step_and_every_row_comes_once_per_epoch(corpus):
    count = len(corpus)
    sampler = Sampler(corpus, 7)
    data_state, seen = DataState(seed=5), []
    while data_state.epoch < 2:
        rows = sampler.take(data_state)
        seen += list(zip(rows.epoch_R.tolist(), rows.index_R.tolist(), strict=True))
        data_state = rows.after
    first_two = [row for epoch, row in seen if epoch < 2]
    assert Counter(first_two) == Counter(dict.fromkeys(range(count), 2))
    assert [r for e, r in seen if e == 0] != [r for e, r in seen if e == 1]


def test_order__goes_on_from_any_place(corpus):
    sampler = Sampler(corpus, 5)
    steps = [sampler.take(DataState(seed=3))]
    for _ in range(6):
        steps.append(sampler.take(steps[-1].after))
    again = sampler.steps(steps[2].after)
    for rows in steps[3:]:
        assert next(again).index_R.tolist() == rows.index_R.tolist()


def test_loader__reuses_its_buffers(corpus):
    config = DataConfig(tokens_per_step=256, tokens_per_batch=64, ahead=1)
    sampler = Sampler(corpus, 8)
    loader = Loader(corpus, CausalLM(), sampler.steps(DataState()), config, CPU)
    addresses, data_state = set(), DataState()
    for _ in range(4):
        rows = sampler.take(data_state)
        addresses |= {batch.tokens.ids.data_ptr() for batch in loader.batches(rows)}
        data_state = rows.after
    loader.close()
    assert len(addresses) <= 2


def test_loader__is_ahead_of_a_device_that_computes(one_run_dir):
    """Rows are made while the step before is computed: the loop waits for less than a hundredth of its time."""
    corpus = Corpus(one_run_dir / "tokens" / "index.json", "train")
    config, data_state = DataConfig(tokens_per_step=256, tokens_per_batch=128), DataState()
    sampler = Sampler(corpus, config.step_rows(corpus.sequence_length))
    loader = Loader(corpus, CausalLM(), sampler.steps(data_state), config, CPU)
    last, began, before = [], 0.0, 0.0
    for step in range(24):
        if step == 2:
            began, before = time.perf_counter(), loader.waited
        rows = sampler.take(data_state)
        for batch in loader.batches(rows):
            last.append(batch.last)
            time.sleep(0.03)
        data_state = rows.after
    share = (loader.waited - before) / (time.perf_counter() - began)
    loader.close()
    assert last == [False, True] * 24
    assert share < 0.01


def test_loader__what_fails_in_the_thread_is_raised_in_the_loop(corpus):
    class Broken(CausalLM):
        def fill(self, row, segments, generator):
            raise ZeroDivisionError("row 3")

    config = DataConfig(tokens_per_step=128, tokens_per_batch=128)
    sampler = Sampler(corpus, 4)
    loader = Loader(corpus, Broken(), sampler.steps(DataState()), config, CPU)
    with pytest.raises(ZeroDivisionError, match="row 3"):
        list(loader.batches(sampler.take(DataState())))
    loader.close()


def test_corpus__bytes_of_the_segments_add_up_to_the_documents(corpus):
    segments = np.arange(len(corpus.plan.row))
    total = sum(shard.column("bytes").to_numpy().sum() for shard in corpus.shards)
    assert corpus.bytes(segments).sum() == pytest.approx(total)


def test_corpus__says_how_to_make_what_is_missing(tmp_path):
    with pytest.raises(InputError, match="gristmill run RECIPE"):
        Corpus(tmp_path / "tokens" / "index.json", "train")


def test_corpus__documents_may_see_the_whole_row_on_request(corpus):
    config = replace(DataConfig(tokens_per_step=128, tokens_per_batch=128), documents=False)
    sampler = Sampler(corpus, 4)
    loader = Loader(corpus, CausalLM(), sampler.steps(DataState()), config, CPU)
    (batch,) = loader.batches(sampler.take(DataState()))
    loader.close()
    assert batch.tokens.documents is None


def test_segments__a_batch_of_blank_rows_is_all_padding(corpus):
    made = {name: np.full((2, 32), -7, np.int32) for name in CausalLM().fields(32)}
    CausalLM().fill(made, corpus.segments(np.array([-1, -1])), lambda row: np.random.default_rng(row))
    assert (made["documents"] == -1).all()
    assert (made["targets"] == -1).all()
    assert not made["ids"].any()
