"""The Model: who influences whom, precision, first weights, sizes."""

from dataclasses import replace

import pytest
import torch

from gristmill.trainer.config import PRESETS
from gristmill.trainer.errors import ConfigError
from gristmill.trainer.model.config import ModelConfig
from gristmill.trainer.model.cross_entropy import lm_loss
from gristmill.trainer.model.transformer import Model, Tokens, initialise, parameter_counts

SHAPES = {
    "llama-like": {},
    "gpt2-like": {
        "positions": "learned", "norm": "layer", "activation": "gelu_tanh", "bias": True, "kv_heads": 4, "context": 64,
    },
    "qk_norm, untied": {"qk_norm": True, "tied": False},
    "speedrun-like": {"activation": "relu2", "value_embeddings": True, "residual_scales": True},
}  # fmt: skip


def small(seed=0, **options):
    config = ModelConfig(vocabulary=90, context=64, width=32, layers=2, heads=4, kv_heads=2, compute="float32")
    model = Model(replace(config, **options))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0.0, 0.3, generator=generator)
    return model


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", [0, 1])
def test_model__a_token_never_changes_what_comes_before_it(shape, seed):
    model = small(seed, **SHAPES[shape])
    ids = torch.randint(0, 90, (2, 16))
    changed = ids.clone()
    changed[:, 9] = (changed[:, 9] + 1) % 90
    a, b = model(Tokens(ids)), model(Tokens(changed))
    assert torch.equal(a[:, :9], b[:, :9])
    assert not torch.allclose(a[:, 9:], b[:, 9:])


@pytest.mark.parametrize("shape", SHAPES)
def test_model__a_packed_document_is_computed_as_if_alone(shape):
    model = small(**SHAPES[shape])
    first, second = torch.randint(0, 90, (1, 7)), torch.randint(0, 90, (1, 9))
    packed = Tokens(
        torch.cat((first, second), 1),
        torch.cat((torch.arange(7), torch.arange(9)))[None],
        torch.tensor([[0] * 7 + [1] * 9]),
    )
    together = model(packed)
    torch.testing.assert_close(together[:, :7], model(Tokens(first)), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(together[:, 7:], model(Tokens(second)), atol=1e-5, rtol=1e-5)


def test_model__rotary_positions_only_see_differences():
    model = small()
    ids = torch.randint(0, 90, (1, 12))
    near = model(Tokens(ids, torch.arange(12)[None]))
    far = model(Tokens(ids, torch.arange(12)[None] + 1000))
    torch.testing.assert_close(near, far, atol=1e-3, rtol=1e-3)


def test_model__padding_of_the_vocabulary_gets_no_probability():
    model = small()
    assert model.output_weight().shape[0] == 128
    hidden = model(Tokens(torch.randint(0, 90, (1, 8))))
    logits = model.logits(hidden)[0]
    assert logits.shape == (8, 90)
    _, losses = lm_loss(hidden[0], model.output_weight(), torch.full((8,), 5), vocabulary=90)
    torch.testing.assert_close(losses, -logits.log_softmax(-1)[:, 5], atol=1e-5, rtol=1e-5)


def test_model__bfloat16_keeps_float32_weights_and_is_close():
    exact = small(compute="float32")
    fast = small(compute="bfloat16")
    ids = Tokens(torch.randint(0, 90, (2, 16)))
    assert {p.dtype for p in fast.parameters()} == {torch.float32}
    assert fast(ids).dtype == torch.bfloat16
    error = (fast(ids).float() - exact(ids)).norm() / exact(ids).norm()
    assert error < 0.03


def test_initialise__same_seed_same_weights_and_residual_branches_start_at_zero():
    models = [Model(replace(PRESETS["nano"].model, vocabulary=500, context=32)) for _ in range(3)]
    for model, seed in zip(models, (1, 1, 2), strict=True):
        initialise(model, seed)
    states = [model.state_dict() for model in models]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert not torch.equal(states[0]["embedding.weight"], states[2]["embedding.weight"])
    block = models[0].decoder.blocks[0]
    assert not block.attention.o.weight.any()
    assert not block.mlp.down.weight.any()
    assert block.attention.q.weight.std().item() == pytest.approx(128**-0.5, rel=0.05)


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [("nano", 1e6, 3e6), ("10m", 8e6, 14e6), ("30m", 28e6, 40e6), ("124m", 120e6, 180e6), ("350m", 330e6, 420e6),
     ("760m", 0.7e9, 0.95e9), ("1b", 1.0e9, 1.25e9), ("1.5b", 1.4e9, 1.7e9)],
)  # fmt: skip
def test_presets__have_about_the_size_of_their_name(name, least, most):
    vocabulary = 8192 if most < 50e6 else 50257
    with torch.device("meta"):
        model = Model(replace(PRESETS[name].model, vocabulary=vocabulary, context=1024))
    assert least <= parameter_counts(model)["total"] <= most


def test_model_config__names_the_choices():
    with pytest.raises(ConfigError, match="one of: causal, prefix, full"):
        ModelConfig(mask="sideways")
    with pytest.raises(ConfigError, match="does not divide heads = 4"):
        ModelConfig(heads=4, kv_heads=3)
