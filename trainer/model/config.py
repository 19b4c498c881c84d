"""What a model is made of: one frozen configuration that covers GPT-2, Llama, Mixtral, T5 and BERT shapes.

Letters as in transformer.py: E embedding width, H query heads, K key-value heads, D width of a head, M hidden width,
V padded vocabulary.
"""

import math
from dataclasses import dataclass

from gristmill.trainer.errors import ConfigError

VOCABULARY_MULTIPLE = 64  # matrix kernels want round sizes: modded-nanogpt record 5, training.md 2.3


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Shape and kind of a model. `trainer/config.py` holds the named ones."""

    vocabulary: int = 0
    """Ids of the tokenizer; 0: taken from the shards."""
    context: int = 0
    """Longest row in tokens; 0: the shards' sequence length."""
    width: int = 128
    layers: int = 4
    """Decoder layers; in an encoder-decoder the encoder has `encoder_layers`."""
    encoder_layers: int = 0
    heads: int = 4
    kv_heads: int = 0
    """Key-value heads (grouped-query attention); 0: as many as `heads`."""
    head_width: int = 0
    """0: width / heads."""
    hidden: int = 0
    """Hidden width of the MLPs; 0: 8/3 of width when gated, else 4 times, rounded up to 32."""
    mask: str = "causal"
    """causal, prefix (bidirectional in the prefix) or full (encoder)."""
    positions: str = "rotary"
    """rotary (Su et al. 2021), learned (GPT-2, BERT) or relative (T5)."""
    rotary_base: float = 10_000.0
    relative_buckets: int = 32
    relative_distance: int = 128
    norm: str = "rms"
    """rms (Zhang and Sennrich 2019) or layer."""
    norm_place: str = "pre"
    """pre (GPT-2, Llama) or post (BERT)."""
    norm_epsilon: float = 1e-6
    qk_norm: bool = False
    """RMSNorm of queries and keys, per head, before the rotation."""
    activation: str = "swiglu"
    """swiglu, geglu (gated), gelu, gelu_tanh, relu, relu2 (ReLU squared, So et al. 2021)."""
    experts: int = 0
    """Experts of every MLP (gated, SwiGLU); 0: dense."""
    experts_per_token: int = 2
    balance_weight: float = 0.01
    """Of the load-balance loss, mean over tokens and layers."""
    router_z_weight: float = 0.001
    """Of the router's z loss, mean over tokens and layers."""
    bias: bool = False
    attention_scale: float = 0.0
    """0: 1/sqrt(head_width)."""
    value_embeddings: bool = False
    """Every second layer, and the last, adds an embedding of the token itself to its values, gated per head (ResFormer,
    Zhou et al. 2024; with the gate of nanochat)."""
    residual_scales: bool = False
    """Each layer reads its input and the first embedding, each times a learnt number (modded-nanogpt)."""
    tied: bool = True
    """Output embedding = input embedding."""
    embedding_std: float = 0.02
    """Of the first values of the token embedding (GPT-2); modded-nanogpt has 1, untied."""
    output_scale: float = 1.0
    """Hidden states are multiplied by it before a tied output embedding (T5: width ** -0.5)."""
    token_types: int = 0
    """BERT's segment embeddings."""
    embedding_norm: bool = False
    head: str = "linear"
    """linear, transform (BERT: dense, GELU, norm, then the tied embedding and a bias), or score (one number for each
    token, in place of the output embedding: a reward model)."""
    compute: str = "auto"
    """Dtype of the matrix products: bfloat16, float32, or auto: bfloat16 on CUDA and on CPUs with AVX-512 BF16 (there
    1.7 times as fast for `nano`), else float32."""
    attention: str = "auto"
    """Attention back end: auto, masked, flex, varlen."""

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ConfigError(
                    f"{name} = {getattr(self, name)!r} is not a choice",
                    where=f"option model.{name}",
                    fix=f"one of: {', '.join(allowed)}",
                )
        if self.heads % (self.kv_heads or self.heads):
            raise ConfigError(
                f"kv_heads = {self.kv_heads} does not divide heads = {self.heads}",
                where="option model.kv_heads",
                fix="choose a divisor of model.heads",
            )

        if self.positions == "relative" and self.attention == "varlen":
            raise ConfigError(
                "varlen knows no relative positions",
                where="option model.attention",
                fix="leave it out, or choose flex (CUDA) or masked",
            )
        if self.value_embeddings and self.encoder_layers:
            raise ConfigError(
                "an encoder-decoder has no value embeddings",
                where="option model.value_embeddings",
                fix="leave it out, or choose another objective",
            )
        if self.experts and (self.activation != "swiglu" or self.bias or self.experts_per_token > self.experts):
            raise ConfigError(
                "experts are SwiGLU layers without bias, and a token takes at most all of them",
                where="option model.experts",
                fix="set model.activation=swiglu, model.bias=false, model.experts_per_token <= model.experts",
            )

    @property
    def K(self) -> int:
        """Key-value heads."""
        return self.kv_heads or self.heads

    @property
    def D(self) -> int:
        """Width of a head."""
        return self.head_width or self.width // self.heads

    @property
    def M(self) -> int:
        """Hidden width of the MLPs."""
        wanted = self.width * 8 / 3 if self.gated else self.width * 4
        return self.hidden or math.ceil(wanted / 32) * 32

    @property
    def V(self) -> int:
        """Vocabulary, padded; the padding never gets probability."""
        return math.ceil(self.vocabulary / VOCABULARY_MULTIPLE) * VOCABULARY_MULTIPLE

    def has_value_embedding(self, layer: int) -> bool:
        """Whether a decoder layer has one."""
        return self.value_embeddings and (self.layers - 1 - layer) % 2 == 0

    @property
    def gated(self) -> bool:
        """Whether the MLP has a gate."""
        return self.activation in ("swiglu", "geglu")

    @property
    def scale(self) -> float:
        """Factor of the attention scores."""
        return self.attention_scale or self.D**-0.5


_CHOICES = {
    "mask": ("causal", "prefix", "full"),
    "positions": ("rotary", "learned", "relative"),
    "norm": ("rms", "layer"),
    "norm_place": ("pre", "post"),
    "activation": ("swiglu", "geglu", "gelu", "gelu_tanh", "relu", "relu2"),
    "head": ("linear", "transform", "score"),
    "compute": ("auto", "bfloat16", "float32"),
    "attention": ("auto", "masked", "flex", "varlen"),
}
