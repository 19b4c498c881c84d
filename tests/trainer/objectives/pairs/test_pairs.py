"""Rewards and preferences against the papers' formulas on plain loops over each pair; and what is scored of them."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import logsigmoid

from gristmill.trainer.data.batch import Batch, row_generator
from gristmill.trainer.data.corpus import Corpus
from gristmill.trainer.errors import ConfigError
from gristmill.trainer.model.transformer import Model, Tokens
from gristmill.trainer.objectives.corpus.sft import SupervisedFinetuning
from gristmill.trainer.objectives.pairs.preference import DpoConfig, Preference
from gristmill.trainer.objectives.pairs.reward import RewardConfig, RewardModel, pair_figures
from tests.trainer.runs import write_aligned


@pytest.fixture(scope="module")
def chats(one_run_dir, tmp_path_factory):
    return Corpus(
        write_aligned(tmp_path_factory.mktemp("c") / "chat", one_run_dir, "chat") / "tokens/index.json", "train"
    )


@pytest.fixture(scope="module")
def pairs(one_run_dir, tmp_path_factory):
    return Corpus(
        write_aligned(tmp_path_factory.mktemp("p") / "pairs", one_run_dir, "pairs") / "tokens/index.json", "train"
    )


def batch_of(corpus, objective, index_R) -> Batch:
    T = corpus.sequence_length
    rows = {name: np.full((len(index_R), n), -7, np.int32) for name, n in objective.fields(T).items()}
    objective.fill(rows, corpus.segments(np.array(index_R)), lambda r: row_generator(0, 0, r))
    arrays = {name: torch.from_numpy(array) for name, array in rows.items()}
    per = objective.documents_per_segment
    return Batch.of(arrays, True, corpus.most_segments, documents_per_segment=per)


def plain_pairs(corpus, index_R):
    """(source, chosen ids, chosen mask, rejected ids, rejected mask, margin) of the pairs of these rows, in order."""
    made = []
    for r in index_R:
        for p in range(corpus.plan.first[r], corpus.plan.first[r + 1]):
            shard, doc = corpus.shards[corpus.plan.shard[p]], corpus.plan.doc[p]
            ids = shard.document(doc).astype(np.int64)
            mask = shard.mask[shard.offsets[doc] : shard.offsets[doc + 1]]
            cut = shard.column("rejected")[int(doc)].as_py()
            source = corpus.sources.index(shard.column("source")[int(doc)].as_py())
            margin = shard.column("margin")[int(doc)].as_py()
            made.append((source, ids[:cut], mask[:cut], ids[cut:], mask[cut:], margin))
    return made


def random_model(config, seed=3, **other) -> Model:
    model = Model(replace(config, **other))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0.0, 0.2, generator=generator)
    return model


@pytest.fixture
def config(tiny):
    return replace(tiny.model, vocabulary=450, context=128)


def plain_log_p(model, ids, mask):
    """(sum over the learnt tokens, how many): one conversation by itself."""
    logits = model.logits(model(Tokens(torch.from_numpy(ids)[None])))[0]
    log_p = logits.log_softmax(-1)
    learnt = np.flatnonzero(mask[1:])
    return log_p[learnt, ids[1:][learnt]].sum(), len(learnt)


def test_sft__scores_what_the_mask_says_and_nothing_else(chats):
    batch = batch_of(chats, SupervisedFinetuning(450), range(len(chats)))
    scored = sorted(batch.targets_BT[batch.targets_BT >= 0].tolist())
    wanted = [t for shard in chats.shards for t in shard.tokens[shard.mask > 0].tolist()]
    assert scored == sorted(wanted)
    inside = batch.targets_BT[:, :-1][batch.targets_BT[:, :-1] >= 0]
    assert torch.equal(inside, batch.tokens.ids[:, 1:][batch.targets_BT[:, :-1] >= 0].long())


def test_sft__a_shard_without_a_mask_is_learnt_whole(corpus):
    from gristmill.trainer.objectives.corpus.causal import CausalLM

    index_R = range(len(corpus))
    mine, plain = (batch_of(corpus, kind(450), index_R).targets_BT for kind in (SupervisedFinetuning, CausalLM))
    assert torch.equal(mine, plain)


@pytest.mark.parametrize("positions", ["rotary", "learned"])  # only learned ones tell where a conversation begins
def test_reward__loss_and_gradient_are_those_of_bradley_and_terry(pairs, config, positions):
    model = random_model(config, head="score", positions=positions)
    index_R = [0, 1, 2]
    found = RewardModel(450, RewardConfig(centre=0.05))(
        model, batch_of(pairs, RewardModel(450, RewardConfig()), index_R), 2
    )
    found.loss.backward()
    mine = {name: p.grad.clone() for name, p in model.named_parameters()}
    model.zero_grad()
    total, by_source = torch.zeros(()), [0.0, 0.0]
    made = plain_pairs(pairs, index_R)
    right = 0
    for source, better, _, worse, _, margin in made:
        r_w, r_l = (model.scores(model(Tokens(torch.from_numpy(ids)[None])))[0, -1] for ids in (better, worse))
        loss = -logsigmoid(r_w - r_l - margin) + 0.05 * (r_w + r_l) ** 2
        total, right = total + loss, right + int(r_w > r_l)
        by_source[source] += loss.item()
    total.backward()
    assert found.loss.item() == pytest.approx(total.item(), rel=1e-5)
    assert found.weight.item() == len(made)
    assert found.by_source_2Q[0].tolist() == pytest.approx(by_source, rel=1e-5)
    assert found.metrics["accuracy"].tolist() == [right, len(made)]
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(mine[name], parameter.grad, atol=2e-5, rtol=1e-4, msg=name)


@pytest.mark.parametrize(
    "options",
    [{}, {"beta": 0.5, "smoothing": 0.1}, {"nll": 0.7}, {"loss": "ipo", "beta": 0.2}],
    ids=["dpo", "conservative", "nll", "ipo"],
)
def test_dpo__loss_and_gradient_are_the_papers(pairs, config, options):
    config_ = DpoConfig(**options)
    model, reference = random_model(config), random_model(config, seed=4)
    objective = Preference(450, config_)
    objective.attach(model, lambda: reference)
    index_R = [0, 3]
    found = objective(model, batch_of(pairs, objective, index_R), 2)
    found.loss.backward()
    mine = {name: p.grad.clone() for name, p in model.named_parameters()}
    model.zero_grad()
    total = torch.zeros(())
    made = plain_pairs(pairs, index_R)
    for _, better, better_mask, worse, worse_mask, _ in made:
        (p_w, n_w), (p_l, n_l) = (plain_log_p(model, *one) for one in ((better, better_mask), (worse, worse_mask)))
        with torch.no_grad():
            (q_w, _), (q_l, _) = (plain_log_p(reference, *one) for one in ((better, better_mask), (worse, worse_mask)))
        if config_.loss == "ipo":
            loss = ((p_w - q_w) / n_w - (p_l - q_l) / n_l - 1 / (2 * config_.beta)) ** 2
        else:
            h = config_.beta * ((p_w - q_w) - (p_l - q_l))
            loss = -(1 - config_.smoothing) * logsigmoid(h) - config_.smoothing * logsigmoid(-h)
        total = total + loss - config_.nll * p_w / n_w
    total.backward()
    assert found.loss.item() == pytest.approx(total.item(), rel=1e-4)
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(mine[name], parameter.grad, atol=1e-4, rtol=1e-3, msg=name)
    assert all(p.grad is None for p in reference.parameters())


def test_dpo__is_ln_2_before_the_first_step(pairs, config):
    model = random_model(config)
    objective = Preference(450, DpoConfig())
    objective.attach(model, lambda: model)
    found = objective(model, batch_of(pairs, objective, [0, 1]), 2)
    assert (found.loss / found.weight).item() == pytest.approx(math.log(2), abs=1e-7)


def test_reward__is_ln_2_before_the_first_step(pairs, config, tiny):
    from gristmill.trainer.model.transformer import initialise

    model = Model(replace(config, head="score"))
    initialise(model, 0)
    objective = RewardModel(450, RewardConfig())
    batch = batch_of(pairs, objective, [0, 1])
    batch.extra["margin"] = torch.zeros_like(batch.extra["margin"])
    found = objective(model, batch, 2)
    assert (found.loss / found.weight).item() == pytest.approx(math.log(2), abs=1e-7)


def test_pairs__what_is_behind_or_beside_them_changes_nothing(pairs, config):
    """A blank row, other rows in the batch: the sums are those of each pair alone."""
    model = random_model(config, head="score")
    objective = RewardModel(450, RewardConfig())
    alone = [objective(model, batch_of(pairs, objective, [r]), 2) for r in (0, 1)]
    together = objective(model, batch_of(pairs, objective, [0, -1, 1]), 2)
    assert together.loss.item() == pytest.approx(sum(one.loss.item() for one in alone), rel=1e-5)
    assert together.weight.item() == sum(one.weight.item() for one in alone)
    assert together.by_segment_2BD[:, 1].abs().sum() == 0


def test_calibration__a_pair_is_in_the_bin_of_what_the_model_gives_it():
    """Two of each bin: the better answer is the likelier one in the first alone, which the last bin has twice."""
    p_BD = torch.tensor([[0.55, 0.65, 0.75, 0.85, 0.95], [0.45, 0.35, 0.25, 0.15, 0.98]], dtype=torch.float64)
    found = {name: pair.tolist() for name, pair in pair_figures(p_BD.logit(), torch.ones_like(p_BD)).items()}
    assert found["accuracy"] == [6, 10]
    assert found["brier"][0] == pytest.approx(sum((1 - p) ** 2 for p in p_BD.flatten().tolist()))
    for k, (right, said) in enumerate([(1, 1.1), (1, 1.3), (1, 1.5), (1, 1.7), (2, 1.93)]):
        assert found[f"calibration/{k}"] == [right, 2], k
        assert found[f"calibration/{k}/said"] == [pytest.approx(said), 2], k


def test_calibration__bins_add_up(pairs, config):
    model = random_model(config, head="score")
    objective = RewardModel(450, RewardConfig())
    found = objective(model, batch_of(pairs, objective, range(len(pairs))), 2)
    sums = {name: tuple(pair.tolist()) for name, pair in found.metrics.items()}
    figures = objective.figures(sums)
    counts = [sums[f"calibration/{k}"][1] for k in range(5)]
    assert sum(counts) == found.weight.item()
    assert 0 <= figures["val_calibration_error"] <= 1
    assert 0 <= figures["val_brier"] <= 1
    assert figures["val_accuracy"] == pytest.approx(sums["accuracy"][0] / found.weight.item())


@pytest.mark.parametrize("options", [{"beta": 0.0}, {"smoothing": 0.5}, {"loss": "hinge"}, {"nll": -1.0}])
def test_options__that_make_no_sense_are_named(options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        DpoConfig(**options)
