"""What was sampled has the same probability for the trainer; a response depends on nothing but itself."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gristmill.tokenizer.encode import Encoder
from gristmill.tokenizer.special_ids import ASSISTANT, BOS, END, EOS, TOOL, USER
from gristmill.trainer.errors import ConfigError, InputError
from gristmill.trainer.evaluate.sampling import PURE, Sampling
from gristmill.trainer.model.transformer import Model, Tokens
from gristmill.trainer.rollouts.rollout import Prompt
from gristmill.trainer.rollouts.rows import RolloutRows, rollout_log_probabilities
from gristmill.trainer.rollouts.sampler import roll_out

TEXTS = ["the old mill turns", "老磨坊在河边", "t", "磨坊主数着 sacks of grain"]
SAMPLINGS = {
    "pure": PURE,
    "temperature": Sampling(temperature=0.6, top_p=1.0),
    "top_k": Sampling(temperature=1.3, top_k=7, top_p=1.0),
    "top_p": Sampling(temperature=1.0, top_p=0.8),
    "min_p": Sampling(temperature=1.0, top_p=1.0, min_p=0.05),
    "all": Sampling(temperature=0.9, top_k=40, top_p=0.9, min_p=0.02, seed=4),
    "greedy": Sampling(temperature=0),
}


@pytest.fixture
def model(tiny_model):
    """A model with room for longer answers, whose next token is open but not arbitrary."""
    torch.manual_seed(0)
    made = Model(replace(tiny_model.config, context=96)).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_(0.0, 0.2)
        made.embedding.weight.mul_(3.0)
    return made


@pytest.fixture
def prompts(one_run_dir):
    encoder = Encoder(one_run_dir / "tokenizer")
    return [Prompt([BOS, USER, *encoder.ids(text), END, ASSISTANT], n) for n, text in enumerate(TEXTS)]


def ratios(model, rollouts, sampling, **options):
    found = rollout_log_probabilities(model, rollouts, sampling, **options)
    return [new.detach().numpy() - one.log_probabilities for new, one in zip(found, rollouts, strict=True)]


@pytest.mark.parametrize("pack", [True, False], ids=["packed", "padded"])
@pytest.mark.parametrize("name", SAMPLINGS)
def test_log_probabilities__of_the_sampler_are_those_of_the_trainer(model, prompts, name, pack):
    sampling = SAMPLINGS[name]
    rollouts = roll_out(model, prompts, 4, sampling, 24)
    worst = max(np.abs(ratio).max() for ratio in ratios(model, rollouts, sampling, length=96, pack=pack))
    assert worst < 1e-5, worst
    if name != "greedy":
        assert len({one.response_ids.tobytes() for one in rollouts}) == len(rollouts)
        assert min(one.log_probabilities.min() for one in rollouts) < -0.5, "the choices were open"


SHAPES = {
    "experts": {"experts": 4, "experts_per_token": 2},
    "learned": {"positions": "learned", "norm": "layer", "bias": True, "activation": "gelu"},
    "relative": {"positions": "relative"},
    "bert_like": {"norm_place": "post", "head": "transform", "embedding_norm": True, "output_scale": 0.5},
    "speedrun": {"activation": "relu2", "value_embeddings": True, "residual_scales": True, "qk_norm": True},
    "untied": {"tied": False, "qk_norm": True, "kv_heads": 0},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_log_probabilities__are_equal_for_every_kind_of_causal_model(model, prompts, shape):
    torch.manual_seed(1)
    other = Model(replace(model.config, **SHAPES[shape])).eval()
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.normal_(0.0, 0.2)
    sampling = SAMPLINGS["all"]
    rollouts = roll_out(other, prompts, 3, sampling, 16)
    for pack in (True, False):
        assert max(np.abs(ratio).max() for ratio in ratios(other, rollouts, sampling, pack=pack)) < 1e-5


@pytest.mark.parametrize("name", ["top_k", "top_p", "min_p"])
def test_log_probabilities__without_what_the_filters_left_would_differ(model, prompts, name):
    """The equality above is not for lack of anything that was left out."""
    rollouts = roll_out(model, prompts, 2, SAMPLINGS[name], 16)
    for one in rollouts:
        one.kept = None
    pure = replace(PURE, temperature=SAMPLINGS[name].temperature)
    assert max(np.abs(ratio).max() for ratio in ratios(model, rollouts, pure)) > 0.01
    with pytest.raises(ValueError, match="hold what these left"):
        rollout_log_probabilities(model, rollouts, SAMPLINGS[name])


@pytest.mark.parametrize("name", ["top_k", "top_p", "min_p", "all"])
def test_log_probabilities__ties_at_the_edge_of_a_filter_are_the_same_set(model, prompts, name):
    """Pairs of ids have the same embedding, so that every second edge falls between equal logits."""
    with torch.no_grad():
        model.embedding.weight[300::2] = model.embedding.weight[301::2]
    rollouts = roll_out(model, prompts, 4, SAMPLINGS[name], 16)
    assert max(np.abs(ratio).max() for ratio in ratios(model, rollouts, SAMPLINGS[name])) < 1e-5


def test_log_probabilities__choices_left_out_stay_so_when_the_weights_move(model, prompts):
    """A token that was kept has a probability after any update: a set found anew might miss it."""
    sampling = Sampling(temperature=1.0, top_k=3, top_p=1.0)
    rollouts = roll_out(model, prompts, 4, sampling, 16)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    found = rollout_log_probabilities(model, rollouts, sampling)
    assert all(torch.isfinite(one).all() and (one <= 0).all() for one in found)


def test_log_probabilities__bfloat16_is_within_its_precision(model, prompts):
    rough = Model(replace(model.config, compute="bfloat16")).eval()
    rough.load_state_dict(model.state_dict())
    rollouts = roll_out(rough, prompts, 4, PURE, 16)
    found = np.concatenate([np.abs(ratio) for ratio in ratios(rough, rollouts, PURE)])
    assert np.median(found) < 0.05
    assert found.max() < 0.1  # measured: 0.004


def test_log_probabilities__have_the_gradient_of_the_plain_formula(model, prompts):
    sampling = SAMPLINGS["all"]
    rollouts = roll_out(model, prompts, 2, sampling, 8)
    found = rollout_log_probabilities(model, rollouts, sampling)
    sum((one**2).sum() for one in found).backward()
    ours = [parameter.grad.clone() for parameter in model.parameters()]
    model.zero_grad()
    total = torch.zeros(())
    for one in rollouts:
        logits = model.logits(model(Tokens(torch.from_numpy(one.ids)[None])))[0] / sampling.temperature
        for t, token in enumerate(one.response_ids.tolist()):
            kept = torch.from_numpy(np.unpackbits(one.kept[t], bitorder="little"))[: logits.shape[1]].bool()
            row = logits[len(one.prompt.ids) - 1 + t].masked_fill(~kept, float("-inf"))
            total = total + row.log_softmax(-1)[token] ** 2
    total.backward()
    for a, b in zip(ours, model.parameters(), strict=True):
        torch.testing.assert_close(a, b.grad, atol=1e-3, rtol=1e-3)


def test_roll_out__a_response_is_the_same_alone_and_in_any_company(model, prompts):
    together = roll_out(model, prompts, 3, SAMPLINGS["all"], 20)
    for prompt in prompts:
        mine = [one for one in together if one.prompt is prompt]
        alone = roll_out(model, [prompt], 3, SAMPLINGS["all"], 20)
        few = roll_out(model, [prompt], 1, SAMPLINGS["all"], 20)
        assert [one.response_ids.tolist() for one in alone] == [one.response_ids.tolist() for one in mine]
        assert few[0].response_ids.tolist() == mine[0].response_ids.tolist()
    split = roll_out(model, prompts, 3, SAMPLINGS["all"], 20, rows_at_once=4)
    assert [one.response_ids.tolist() for one in split] == [one.response_ids.tolist() for one in together]
    other = roll_out(model, prompts, 3, SAMPLINGS["all"], 20, step=1)
    assert [one.response_ids.tolist() for one in other] != [one.response_ids.tolist() for one in together]


def end_after(monkeypatch, script):
    """Sampling that gives these tokens one after the other, each row its own line of the script."""
    from gristmill.trainer.evaluate import generate

    def continuations(model, starts, limits, sampling, generators, **options):
        for t in range(max(limits)):
            rows = [r for r in range(len(limits)) if t < limits[r] and not {END, EOS} & set(script[r][:t])]
            if not rows:
                return
            yield generate.Step(rows, [script[r][t] for r in rows], [-1.0] * len(rows), None)

    monkeypatch.setattr("gristmill.trainer.rollouts.sampler.continuations", continuations)


def test_roll_out__ends_at_end_or_eos_or_is_truncated(model, prompts, monkeypatch):
    script = [[400, END, 401, 402], [400, 401, EOS, 402], [400, 401, 402, END], [400, 401, 402, 403, END]]
    end_after(monkeypatch, script)
    short = [Prompt([BOS, ASSISTANT], n) for n in range(4)]
    rollouts = roll_out(model, short, 1, PURE, 4)
    assert [one.response_ids.tolist() for one in rollouts] == [s[:n] for s, n in zip(script, (2, 3, 4, 4), strict=True)]
    assert [one.truncated for one in rollouts] == [False, False, False, True]
    assert all(one.mask.all() for one in rollouts)


def test_roll_out__each_row_is_bounded_by_its_own_context(model):
    """Not by that of the longest prompt beside it."""
    long, short = Prompt([BOS] + [400] * 93, 0), Prompt([BOS, 400], 1)
    with torch.no_grad():
        model.embedding.weight[[END, EOS]] = 0
    rollouts = roll_out(model, [long, short], 1, Sampling(temperature=0.5), 20)
    assert [len(one.response_ids) for one in rollouts] == [2, 20]
    assert all(one.truncated for one in rollouts)
    assert np.abs(np.concatenate(ratios(model, rollouts, Sampling(temperature=0.5)))).max() < 1e-5


def test_roll_out__tool_turns_are_read_and_not_learnt(model, prompts):
    sampling = Sampling(temperature=1.0, top_k=30, top_p=1.0)
    with torch.no_grad():  # turns end soon
        model.embedding.weight[END] = model.embedding.weight[400]

    def reply(turn):
        assert turn[-1] == END
        return [TOOL, 410, 411, END, ASSISTANT] if len(turn) % 2 else None

    rollouts = roll_out(model, prompts, 16, sampling, 40, reply=reply, most_turns=3)
    several = [one for one in rollouts if not one.mask.all()]
    assert len(several) > 1
    for one in several:
        assert one.response_ids[one.mask == 0].tolist() == [TOOL, 410, 411, END, ASSISTANT] * (
            (one.mask == 0).sum() // 5
        )
        assert len(one.response_ids) <= 40
        assert one.mask[-1] == 1, "nothing is read after which nothing is written"
        assert not one.log_probabilities[one.mask == 0].any()
        assert END not in one.last_turn()[:-1]
    assert max(np.abs(ratio).max() for ratio in ratios(model, rollouts, sampling)) < 1e-5
    alone = roll_out(model, prompts[1:2], 16, sampling, 40, reply=reply, most_turns=3)
    assert [one.ids.tolist() for one in alone] == [one.ids.tolist() for one in rollouts[16:32]]


def test_roll_out__layers_run_uncompiled(model, prompts):
    calls = []

    def backend(graph, inputs):
        calls.append(1)
        return graph.forward

    for block in model.decoder.blocks:
        block.compile(backend=backend, dynamic=False)
    roll_out(model, prompts, 2, PURE, 4)
    assert not calls
    rollout_log_probabilities(model, roll_out(model, prompts, 1, PURE, 4), PURE)
    assert calls


def test_roll_out__what_cannot_be_answered_is_said(model, prompts, tiny_model):
    with pytest.raises(InputError, match=r"a prompt has 96 tokens, the model reads 96\s+where: prompt abc"):
        roll_out(model, [Prompt([BOS] * 96, 0, doc_id="abc")], 1, PURE, 4)
    with pytest.raises(ConfigError, match="causal decoder"):
        roll_out(Model(replace(model.config, mask="prefix")), prompts, 1, PURE, 4)
    with pytest.raises(ConfigError, match="0 responses"):
        roll_out(model, prompts, 0, PURE, 4)
    with pytest.raises(ValueError, match="same number"):
        roll_out(model, [prompts[0], prompts[0]], 1, PURE, 4)
    assert roll_out(model, [], 2, PURE, 4) == []


def test_rows__values_stand_where_their_token_is_predicted(model, prompts):
    rollouts = roll_out(model, prompts, 2, PURE, 12)
    rows = RolloutRows(rollouts, 64)
    assert rows.ids_BT.shape[0] < len(rollouts)
    spread = rows.spread([one.response_ids for one in rollouts])
    np.testing.assert_array_equal(spread[rows.targets_BT >= 0], rows.targets_BT[rows.targets_BT >= 0])
    back = rows.gathered(torch.from_numpy(spread))
    assert all((a.numpy() == b.response_ids).all() for a, b in zip(back, rollouts, strict=True))
    with pytest.raises(ValueError, match="a rollout has"):
        RolloutRows(rollouts, 8)
