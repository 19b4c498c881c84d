"""Equal logits in both directions with transformers, random weights, float32."""

from dataclasses import replace

import pytest
import torch
import transformers

from gristmill.tokenizer.special_ids import PAD
from gristmill.trainer.checkpoint.huggingface import family_of, read_transformers, write_transformers
from gristmill.trainer.errors import ConfigError, InputError
from gristmill.trainer.evaluate.scoring import score
from gristmill.trainer.model.config import ModelConfig
from gristmill.trainer.model.transformer import Model, Tokens

LLAMA = {"vocab_size": 90, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
         "num_key_value_heads": 2, "intermediate_size": 48, "max_position_embeddings": 64, "head_dim": 8}  # fmt: skip
T5 = {"vocab_size": 90, "d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_decoder_layers": 3, "num_heads": 4}
CASES = {
    "gpt2": lambda: transformers.GPT2LMHeadModel(
        transformers.GPT2Config(vocab_size=90, n_positions=64, n_embd=32, n_layer=2, n_head=4)
    ),
    "llama": lambda: transformers.LlamaForCausalLM(transformers.LlamaConfig(**LLAMA, rope_theta=5000.0)),
    "llama tied": lambda: transformers.LlamaForCausalLM(transformers.LlamaConfig(**LLAMA, tie_word_embeddings=True)),
    "qwen3": lambda: transformers.Qwen3ForCausalLM(transformers.Qwen3Config(**LLAMA)),
    "mixtral": lambda: transformers.MixtralForCausalLM(transformers.MixtralConfig(**LLAMA, num_local_experts=4)),
    "t5": lambda: transformers.T5ForConditionalGeneration(transformers.T5Config(**T5)),
    "t5 1.1": lambda: transformers.T5ForConditionalGeneration(
        transformers.T5Config(**T5, feed_forward_proj="gated-gelu", tie_word_embeddings=False)
    ),
    "bert": lambda: transformers.BertForMaskedLM(
        transformers.BertConfig(
            vocab_size=90, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48,
            max_position_embeddings=64,
        )
    ),
}  # fmt: skip


def randomised(model, seed):
    """Every weight random, also norms and biases, so that a swapped or forgotten one shows."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0.0, 0.2, generator=generator)
    return model.eval()


def logits(model, ids):
    """Of ours or theirs; an encoder-decoder reads the first half and writes the second."""
    with torch.no_grad():
        if isinstance(model, Model):
            if model.encoder is None:
                return model.logits(model(Tokens(ids)))
            return model.logits(model(Tokens(ids[:, 20:]), Tokens(ids[:, :20])))
        if model.config.is_encoder_decoder:
            return model(input_ids=ids[:, :20], decoder_input_ids=ids[:, 20:]).logits
        return model(input_ids=ids).logits


def float32(model):
    model.config = replace(model.config, compute="float32")
    return model.eval()


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("seed", [0, 1])
def test_convert__equal_logits_there_and_back(case, seed, tmp_path):
    theirs = randomised(CASES[case](), seed)
    ids = torch.randint(0, 90, (2, 40), generator=torch.Generator().manual_seed(seed))
    theirs.save_pretrained(tmp_path / "theirs")
    ours = float32(read_transformers(tmp_path / "theirs"))
    expected = logits(theirs, ids)
    assert expected.std() > 0.01
    torch.testing.assert_close(logits(ours, ids), expected, atol=1e-5, rtol=1e-4)
    assert write_transformers(ours, tmp_path / "back") == case.split()[0]
    again = type(theirs).from_pretrained(tmp_path / "back").eval()
    torch.testing.assert_close(logits(again, ids), expected, atol=1e-6, rtol=1e-5)


def test_write_transformers__a_model_of_ours_loads_as_llama(tmp_path):
    ours = float32(randomised(Model(ModelConfig(vocabulary=90, context=64, width=32, heads=4, kv_heads=2)), 0))
    write_transformers(ours, tmp_path)
    theirs, info = transformers.AutoModelForCausalLM.from_pretrained(tmp_path, output_loading_info=True)
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    ids = torch.randint(0, 90, (2, 30))
    torch.testing.assert_close(logits(theirs.eval(), ids), logits(ours, ids), atol=1e-5, rtol=1e-4)


REWARDS = {
    "gpt2": ModelConfig(
        width=32, heads=4, positions="learned", norm="layer", norm_epsilon=1e-5, activation="gelu_tanh", bias=True
    ),
    "llama": ModelConfig(width=32, heads=4, kv_heads=2),
    "qwen3": ModelConfig(width=32, heads=4, kv_heads=2, qk_norm=True, tied=False),
    "mixtral": ModelConfig(width=32, heads=4, kv_heads=2, experts=4),
}


@pytest.mark.parametrize("family", REWARDS)
def test_write_transformers__a_reward_model_scores_alike_as_a_sequence_classifier(family, tmp_path):
    """Padded rows of several lengths, as `Judge` reads them: at the last token."""
    torch.manual_seed(0)
    config = replace(REWARDS[family], vocabulary=90, context=64, hidden=0, head="score")
    ours = float32(randomised(Model(config), 0))
    assert write_transformers(ours, tmp_path, others={"score_mean": 0.25}) == family
    theirs, info = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path, output_loading_info=True)
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    assert theirs.config.score_mean == 0.25
    assert theirs.config.num_labels == 1
    talks = [torch.randint(5, 90, (length,)).tolist() for length in (30, 7, 19)]
    ids = torch.tensor([talk + [PAD] * (30 - len(talk)) for talk in talks])
    with torch.no_grad():
        found = theirs.eval()(input_ids=ids, attention_mask=(ids != PAD).long()).logits[:, 0]
    expected = torch.tensor(score(ours, talks))
    assert expected.std() > 0.01
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def test_family_of__refuses_what_no_layout_has():
    config = ModelConfig(vocabulary=90, context=64)
    assert family_of(config) == "llama"
    assert family_of(replace(config, qk_norm=True)) == "qwen3"
    assert family_of(replace(config, experts=4)) == "mixtral"
    with pytest.raises(ConfigError, match="no transformers layout"):
        family_of(replace(config, mask="prefix"))


def test_read_transformers__says_what_is_wrong(tmp_path):
    with pytest.raises(InputError, match="not a transformers model"):
        read_transformers(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "opt"}')
    with pytest.raises(InputError, match=r"model_type 'opt' has no layout(.*\n)*.*gpt2"):
        read_transformers(tmp_path)
