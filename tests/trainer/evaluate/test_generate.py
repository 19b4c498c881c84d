"""Generation: the cache changes nothing, prompts of a batch do not meet, and sampling is what it says."""

from dataclasses import replace

import pytest
import torch

from gristmill.tokenizer.encode import Encoder
from gristmill.tokenizer.special_ids import BOS, EOS
from gristmill.trainer.errors import ConfigError, DivergedError
from gristmill.trainer.evaluate import generate
from gristmill.trainer.evaluate.generate import generate_ids, stream
from gristmill.trainer.evaluate.sampling import Sampling, choose, filtered_logits
from gristmill.trainer.loop import build
from gristmill.trainer.loop.inputs import open_data
from gristmill.trainer.model.layers import Cache
from gristmill.trainer.model.transformer import Model, Tokens

PROMPTS = ["the old mill", "老磨坊在河边", "t"]
GREEDY = Sampling(temperature=0)


@pytest.fixture
def encoder(one_run_dir):
    return Encoder(one_run_dir / "tokenizer")


def prompts(encoder):
    return [[BOS, *encoder.ids(text)] for text in PROMPTS]


@pytest.mark.parametrize("sampling", [GREEDY, Sampling(seed=0), Sampling(seed=1, top_k=20, top_p=0.9)])
def test_continue_ids__with_cache_equals_without(tiny_model, encoder, sampling):
    for ids in ([p] for p in prompts(encoder)):
        cached = list(generate_ids(tiny_model, ids, 12, sampling))
        assert cached == list(generate_ids(tiny_model, ids, 12, sampling, cached=False))
        assert len(cached) > 3


@pytest.mark.parametrize("kind", ["prefix", "spans", "speedrun"])
def test_continue_ids__with_cache_equals_without_for_other_kinds(one_run_dir, tiny, encoder, kind):
    changed = replace(tiny.model, activation="relu2", value_embeddings=True, residual_scales=True)
    wanted = replace(tiny, model=changed) if kind == "speedrun" else replace(tiny, objective=kind)
    config = build.complete(wanted, open_data(one_run_dir)).model
    model = Model(config).eval()
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0.0, 0.2, generator=generator)
    cached = list(generate_ids(model, prompts(encoder), 10, GREEDY))
    assert cached == list(generate_ids(model, prompts(encoder), 10, GREEDY, cached=False))
    alone = [token for (token,) in generate_ids(model, prompts(encoder)[1:2], 10, GREEDY)]
    assert [row[1] for row in cached][: len(alone)] == alone


def test_continue_ids__an_encoder_continues_nothing(one_run_dir, tiny):
    config = build.complete(replace(tiny, objective="masked"), open_data(one_run_dir)).model
    with pytest.raises(ConfigError, match="does not continue a text"):
        next(generate_ids(Model(config), [[BOS]], 4, GREEDY))


def test_model__cached_hidden_states_equal_those_of_the_whole_row(tiny_model):
    ids = torch.randint(0, 400, (2, 16))
    cache, parts = Cache(16), []
    with torch.no_grad():
        for start, end in ((0, 5), (5, 6), (6, 13), (13, 16)):  # one token, and several at once
            parts.append(tiny_model(Tokens(ids[:, start:end]), cache=cache))
        torch.testing.assert_close(torch.cat(parts, 1), tiny_model(Tokens(ids)), atol=1e-5, rtol=1e-4)


def test_continue_ids__prompts_of_unequal_length_do_not_meet(tiny_model, encoder):
    together = list(generate_ids(tiny_model, prompts(encoder), 10, GREEDY))
    for place, prompt in enumerate(prompts(encoder)):
        alone = [token for (token,) in generate_ids(tiny_model, [prompt], 10, GREEDY)]
        column = [row[place] for row in together]
        assert column[: len(alone)] == alone


def test_filtered__top_k_and_top_p_by_hand():
    logits = torch.tensor([[2.0, 1.0, 0.0, -1.0]]).log_softmax(-1)  # 0.644 0.237 0.087 0.032
    cases = {"k2": {"top_k": 2, "top_p": 1.0}, "p.5": {"top_p": 0.5}, "p.7": {"top_p": 0.7}, "p.9": {"top_p": 0.9},
             "all": {"top_p": 1.0}, "m.3": {"top_p": 1.0, "min_p": 0.3}, "m.4": {"top_p": 1.0, "min_p": 0.4},
             "m0": {"top_p": 1.0, "min_p": 0.0}}  # fmt: skip
    kept = {
        name: torch.isfinite(filtered_logits(logits, Sampling(temperature=1.0, **options)))[0].tolist()
        for name, options in cases.items()
    }
    assert kept["k2"] == [True, True, False, False]
    assert kept["p.5"] == [True, False, False, False]
    assert kept["p.7"] == [True, True, False, False]
    assert kept["p.9"] == [True, True, True, False]
    assert kept["all"] == kept["m0"] == [True] * 4
    assert kept["m.3"] == [True, True, False, False]  # 0.237 / 0.644 = 0.368
    assert kept["m.4"] == [True, False, False, False]
    assert filtered_logits(logits, Sampling(temperature=0.5, top_p=1.0)).tolist() == (logits / 0.5).tolist()


def test_choose__frequencies_are_the_filtered_probabilities():
    logits = torch.tensor([2.0, 1.0, 0.0, -1.0]).expand(20_000, 4)
    sampling = Sampling(temperature=0.7, top_k=3, top_p=1.0)
    chosen = choose(logits, sampling, [torch.Generator().manual_seed(0)] * len(logits)).token_B
    shares = chosen.bincount(minlength=4) / len(chosen)
    torch.testing.assert_close(shares, filtered_logits(logits[:1], sampling).softmax(-1)[0], atol=0.01, rtol=0)
    assert shares[3] == 0


def test_choose__never_what_has_no_probability(monkeypatch):
    """Not even where the chance is 0 or as near to 1 as a number can be."""
    logits = torch.full((3, 6), float("-inf"))
    logits[:, 2], logits[:, 3] = 0.0, 1.0
    chances = iter([0.0, 0.5, 1 - 2**-53] * 2)
    monkeypatch.setattr(torch, "rand", lambda *shape, **_: torch.full(shape, next(chances), dtype=torch.float64))
    drawn = [
        choose(x, Sampling(temperature=1.0, top_p=1.0), [None] * 3).token_B.tolist() for x in (logits, logits / 1e3)
    ]
    assert drawn[0] == [2, 3, 3]
    assert all(token in (2, 3) for token in drawn[1])


@pytest.mark.parametrize("sampling", [GREEDY, Sampling(), Sampling(top_k=5, top_p=1.0, min_p=0.1)])
def test_continue_ids__a_model_that_diverged_is_named(tiny_model, sampling):
    with torch.no_grad():
        tiny_model.decoder.norm.weight.fill_(float("nan"))
    with pytest.raises(DivergedError, match="probabilities are no numbers"):
        next(generate_ids(tiny_model, [[BOS, 400], [BOS]], 4, sampling))


def scripted(monkeypatch, ids):
    """Generation that gives these ids, whatever the model says."""
    monkeypatch.setattr(generate, "generate_ids", lambda *args, **options: iter([[i] for i in ids]))


@pytest.mark.parametrize(
    "text", ["the old mill turns. the dog", "老磨坊在河边。他的狗睡在阳光里", "mixed 磨坊 and emoji 🌾!"]
)
def test_stream__pieces_join_to_the_text_and_cut_no_character(monkeypatch, encoder, text):
    scripted(monkeypatch, encoder.ids(text))
    pieces = list(stream(None, encoder, "", 99, GREEDY))
    assert "".join(pieces) == text
    assert not any("\ufffd" in piece for piece in pieces)


@pytest.mark.parametrize(
    ("stop", "expected"),
    [(["turns"], "the old mill "), (["dog", "mill tu"], "the old "), (["absent"], "the old mill turns. the dog")],
)
def test_stream__ends_before_a_stop_string(monkeypatch, encoder, stop, expected):
    scripted(monkeypatch, encoder.ids("the old mill turns. the dog"))
    assert "".join(stream(None, encoder, "", 99, GREEDY, stop)) == expected


def test_continue_ids__ends_at_eos(tiny_model, encoder):
    with torch.no_grad():
        tiny_model.embedding.weight[EOS] = 0
        hidden = tiny_model(generate._left_padded([[BOS]], torch.device("cpu"), prefix=False))[0, -1]
        tiny_model.embedding.weight[EOS] = 100 * hidden
    assert list(generate_ids(tiny_model, [[BOS]], 10, GREEDY)) == [[None]]


def test_continue_ids__a_prompt_that_fills_the_context_is_refused(tiny_model):
    with pytest.raises(ConfigError, match="the prompt has 32 tokens, the model reads 32"):
        next(generate_ids(tiny_model, [[BOS] * 32], 4, GREEDY))
    assert len(list(generate_ids(tiny_model, [[BOS] * 30], 99, GREEDY))) <= 2


@pytest.mark.parametrize(
    "options", [{"temperature": -1}, {"temperature": float("nan")}, {"top_p": 0}, {"top_k": -1}, {"min_p": 1.5}]
)
def test_sampling__refuses_nonsense(options):
    with pytest.raises(ConfigError, match=r"temperature >= 0, top-k >= 0"):
        Sampling(**options)


def test_continue_ids__a_row_is_the_same_whatever_is_in_the_batch(tiny_model):
    prompts = [[BOS, 300], [BOS, 310], [BOS, 320]]
    together = list(generate.generate_ids(tiny_model, prompts, 6, Sampling(seed=5, temperature=1.0)))
    others = list(generate.generate_ids(tiny_model, [prompts[0], [BOS, 400]], 6, Sampling(seed=5, temperature=1.0)))
    assert [row[0] for row in together] == [row[0] for row in others]
    again = list(generate.generate_ids(tiny_model, [prompts[0]] * 3, 6, Sampling(seed=5, temperature=1.0)))
    assert len({tuple(row[k] for row in again) for k in range(3)}) > 1, "rows of one prompt have chances of their own"
