"""How transformers names and shapes the weights of GPT-2, Llama, Qwen3, Mixtral, T5 and BERT, as data: one line a
weight.

A `Pair` says which of our tensors are which of theirs; `{i}` is a layer, `{x}` an expert.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from gristmill.trainer.model.config import ModelConfig

Join = Callable[[list[Tensor]], list[Tensor]]


@dataclass(frozen=True)
class Pair:
    """Our tensors and theirs, and how one becomes the other."""

    ours: tuple[str, ...]
    theirs: tuple[str, ...]
    kind: str = "same"

    def to_ours(self, tensors: list[Tensor]) -> list[Tensor]:
        """Their tensors as ours."""
        return KINDS[self.kind][0](tensors)

    def to_theirs(self, tensors: list[Tensor]) -> list[Tensor]:
        """Our tensors as theirs."""
        return KINDS[self.kind][1](tensors)


def _same(tensors: list[Tensor]) -> list[Tensor]:
    return tensors


def _transposed(tensors: list[Tensor]) -> list[Tensor]:
    return [tensor.T for tensor in tensors]


KINDS: dict[str, tuple[Join, Join]] = {
    "same": (_same, _same),
    # GPT-2's Conv1D holds (inputs, outputs), and queries, keys and values in one.
    "transposed": (_transposed, _transposed),
    "qkv": (lambda t: list(t[0].T.chunk(3)), lambda t: [torch.cat(t).T]),
    "qkv bias": (lambda t: list(t[0].chunk(3)), lambda t: [torch.cat(t)]),
    "experts": (lambda t: [torch.stack(t)], lambda t: list(t[0].unbind(0))),
}


def _one(ours: str, theirs: str, kind: str = "same") -> Pair:
    return Pair((ours,), (theirs,), kind)


def gpt2(config: ModelConfig) -> Iterator[Pair]:
    """GPT2LMHeadModel."""
    yield _one("embedding.weight", "transformer.wte.weight")
    yield _one("position_embedding.weight", "transformer.wpe.weight")
    for end in ("weight", "bias"):
        yield _one(f"decoder.norm.{end}", f"transformer.ln_f.{end}")
    for i in range(config.layers):
        ours, theirs = f"decoder.blocks.{i}", f"transformer.h.{i}"
        for end in ("weight", "bias"):
            kind = "transposed" if end == "weight" else "same"
            heads = tuple(f"{ours}.attention.{name}.{end}" for name in "qkv")
            yield Pair(heads, (f"{theirs}.attn.c_attn.{end}",), "qkv" if end == "weight" else "qkv bias")
            yield _one(f"{ours}.attention.o.{end}", f"{theirs}.attn.c_proj.{end}", kind)
            yield _one(f"{ours}.mlp.up.{end}", f"{theirs}.mlp.c_fc.{end}", kind)
            yield _one(f"{ours}.mlp.down.{end}", f"{theirs}.mlp.c_proj.{end}", kind)
            yield _one(f"{ours}.attention_norm.{end}", f"{theirs}.ln_1.{end}")
            yield _one(f"{ours}.mlp_norm.{end}", f"{theirs}.ln_2.{end}")


def llama(config: ModelConfig) -> Iterator[Pair]:
    """LlamaForCausalLM; with experts MixtralForCausalLM; with qk_norm Qwen3ForCausalLM."""
    yield _one("embedding.weight", "model.embed_tokens.weight")
    yield _one("decoder.norm.weight", "model.norm.weight")
    if not config.tied:
        yield _one("head.weight", "lm_head.weight")
    for i in range(config.layers):
        ours, theirs = f"decoder.blocks.{i}", f"model.layers.{i}"
        for name in "qkvo":
            yield _one(f"{ours}.attention.{name}.weight", f"{theirs}.self_attn.{name}_proj.weight")
        for name in ("q_norm", "k_norm") if config.qk_norm else ():
            yield _one(f"{ours}.attention.{name}.weight", f"{theirs}.self_attn.{name}.weight")
        yield _one(f"{ours}.attention_norm.weight", f"{theirs}.input_layernorm.weight")
        yield _one(f"{ours}.mlp_norm.weight", f"{theirs}.post_attention_layernorm.weight")
        if not config.experts:
            for name in ("gate", "up", "down"):
                yield _one(f"{ours}.mlp.{name}.weight", f"{theirs}.mlp.{name}_proj.weight")
            continue
        yield _one(f"{ours}.mlp.router.weight", f"{theirs}.block_sparse_moe.gate.weight")
        for name, number in (("gate", 1), ("down", 2), ("up", 3)):
            each = tuple(f"{theirs}.block_sparse_moe.experts.{x}.w{number}.weight" for x in range(config.experts))
            yield Pair((f"{ours}.mlp.{name}",), each, "experts")


def t5(config: ModelConfig) -> Iterator[Pair]:
    """T5ForConditionalGeneration, both the first version (ReLU, tied) and 1.1 (gated GELU)."""
    yield _one("embedding.weight", "shared.weight")
    if not config.tied:
        yield _one("head.weight", "lm_head.weight")
    for stack, layers in (("encoder", config.encoder_layers), ("decoder", config.layers)):
        yield _one(f"{stack}.norm.weight", f"{stack}.final_layer_norm.weight")
        yield _one(
            f"{stack}.relative_bias.weight", f"{stack}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
        )
        for i in range(layers):
            ours, theirs = f"{stack}.blocks.{i}", f"{stack}.block.{i}.layer"
            attentions = [("attention", "0.SelfAttention")] + [("cross_attention", "1.EncDecAttention")] * (
                stack == "decoder"
            )
            for name, place in attentions:
                for part in "qkvo":
                    yield _one(f"{ours}.{name}.{part}.weight", f"{theirs}.{place}.{part}.weight")
                yield _one(f"{ours}.{name}_norm.weight", f"{theirs}.{place[0]}.layer_norm.weight")
            last = f"{theirs}.{len(attentions)}"
            yield _one(f"{ours}.mlp_norm.weight", f"{last}.layer_norm.weight")
            if config.gated:
                yield _one(f"{ours}.mlp.gate.weight", f"{last}.DenseReluDense.wi_0.weight")
            wide = "wi_1" if config.gated else "wi"
            yield _one(f"{ours}.mlp.up.weight", f"{last}.DenseReluDense.{wide}.weight")
            yield _one(f"{ours}.mlp.down.weight", f"{last}.DenseReluDense.wo.weight")


def bert(config: ModelConfig) -> Iterator[Pair]:
    """BertForMaskedLM."""
    for ours, theirs in (
        ("embedding", "word"),
        ("position_embedding", "position"),
        ("token_type_embedding", "token_type"),
    ):
        yield _one(f"{ours}.weight", f"bert.embeddings.{theirs}_embeddings.weight")
    yield _one("head_bias", "cls.predictions.bias")
    for end in ("weight", "bias"):
        yield _one(f"embedding_norm.{end}", f"bert.embeddings.LayerNorm.{end}")
        yield _one(f"transform.{end}", f"cls.predictions.transform.dense.{end}")
        yield _one(f"transform_norm.{end}", f"cls.predictions.transform.LayerNorm.{end}")
    layer = {
        "attention.q": "attention.self.query",
        "attention.k": "attention.self.key",
        "attention.v": "attention.self.value",
        "attention.o": "attention.output.dense",
        "attention_norm": "attention.output.LayerNorm",
        "mlp.up": "intermediate.dense",
        "mlp.down": "output.dense",
        "mlp_norm": "output.LayerNorm",
    }
    for i in range(config.layers):
        for ours, theirs in layer.items():
            for end in ("weight", "bias"):
                yield _one(f"decoder.blocks.{i}.{ours}.{end}", f"bert.encoder.layer.{i}.{theirs}.{end}")


LAYOUTS: dict[str, Callable[[ModelConfig], Iterator[Pair]]] = {
    "gpt2": gpt2,
    "llama": llama,
    "qwen3": llama,
    "mixtral": llama,
    "t5": t5,
    "bert": bert,
}
"""By transformers' model_type."""
