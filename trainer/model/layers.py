"""The layers of the one Model (model.py), whatever its kind.

Letters: B rows, T tokens of a row, S keys (T, cached tokens, or the encoder's tokens), E embedding width, H query
heads, K key-value heads, D width of a head, C = D / 2, M hidden width of the MLP.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gristmill.trainer.model.attention import Mask, attend
from gristmill.trainer.model.config import ModelConfig
from gristmill.trainer.model.experts import Experts, Routing


class Cache:
    """Keys and values of the tokens seen so far, for generation; filled layer by layer, one call of the model at a
    time."""

    def __init__(self, capacity: int):
        self.capacity, self.length = capacity, 0
        self.layers: dict[int, tuple[Tensor, Tensor]] = {}
        self.cross: dict[int, tuple[Tensor, Tensor]] = {}
        self.documents_BS: Tensor | None = None

    def documents(self, new_BT: Tensor | None) -> Tensor | None:
        """Document numbers of all tokens so far and the new ones; None while there is one document a row."""
        if new_BT is not None:
            self.documents_BS = new_BT if self.documents_BS is None else torch.cat((self.documents_BS, new_BT), 1)
        return self.documents_BS

    def take(self, index_A: Tensor) -> None:
        """Only these rows remain, or are repeated."""
        for held in (self.layers, self.cross):
            for layer, (k, v) in held.items():
                held[layer] = k[index_A], v[index_A]
        self.documents_BS = None if self.documents_BS is None else self.documents_BS[index_A]

    def extend(self, layer: int, k_BTKD: Tensor, v_BTKD: Tensor) -> tuple[Tensor, Tensor]:
        """Adds the new tokens of one layer; all keys and values so far, (B, length + T, K, D)."""
        B, T = k_BTKD.shape[:2]
        if layer not in self.layers:
            empty = k_BTKD.new_zeros(B, self.capacity, *k_BTKD.shape[2:])
            self.layers[layer] = empty, torch.zeros_like(empty)
        end = self.length + T
        for kept, new in zip(self.layers[layer], (k_BTKD, v_BTKD), strict=True):
            kept[:, self.length : end] = new
        keys, values = self.layers[layer]
        return keys[:, :end], values[:, :end]


class Adapter(nn.Module):
    """A trained change of a frozen matrix, as a product of two narrow ones: lora.py."""

    def __init__(self, weight: Tensor, rank: int, scale: float, generator: torch.Generator):
        super().__init__()
        outputs, inputs = weight.shape
        first_RE = torch.empty(rank, inputs).normal_(0.0, inputs**-0.5, generator=generator)
        self.a = nn.Parameter(first_RE.to(weight.device))
        self.b = nn.Parameter(torch.zeros(outputs, rank, device=weight.device))
        self.scale = scale

    def product(self) -> Tensor:
        """(outputs, inputs)."""
        return self.b @ self.a * self.scale

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) -> (..., outputs)."""
        return F.linear(F.linear(x, self.a.to(x.dtype)), self.b.to(x.dtype)) * self.scale


class Linear(nn.Module):
    """x @ weight.T (+ bias), in the dtype of x; with an adapter, also its change."""

    def __init__(self, inputs: int, outputs: int, bias: bool):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs))
        self.bias = nn.Parameter(torch.empty(outputs)) if bias else None
        self.adapter: Adapter | None = None

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) -> (..., outputs)."""
        y = F.linear(x, self.weight.to(x.dtype), None if self.bias is None else self.bias.to(x.dtype))
        return y if self.adapter is None else y + self.adapter(x)


def together(x_BTE: Tensor, layers: Sequence[Linear]) -> list[Tensor]:
    """What each of the layers makes of x, by one product: x is read once, and its gradient is one product too. The
    weights stay those of the layers, for optimisers, adapters and files. One token a row is not worth copying them."""
    if x_BTE.shape[-2] == 1:
        return [layer(x_BTE) for layer in layers]
    dtype, sizes = x_BTE.dtype, [len(layer.weight) for layer in layers]
    weight = torch.cat([layer.weight.to(dtype) for layer in layers])
    biases = [layer.bias.to(dtype) for layer in layers if layer.bias is not None]
    made = F.linear(x_BTE, weight, torch.cat(biases) if biases else None).split(sizes, -1)
    return [y if layer.adapter is None else y + layer.adapter(x_BTE) for y, layer in zip(made, layers, strict=True)]


class Norm(nn.Module):
    """RMSNorm, or LayerNorm with its bias."""

    def __init__(self, config: ModelConfig, width: int, kind: str | None = None):
        super().__init__()
        self.epsilon = config.norm_epsilon
        self.weight = nn.Parameter(torch.empty(width))
        self.bias = nn.Parameter(torch.empty(width)) if (kind or config.norm) == "layer" else None

    def forward(self, x: Tensor) -> Tensor:
        """(..., width) -> the same shape and dtype."""
        if self.bias is None:
            return F.rms_norm(x, self.weight.shape, self.weight.to(x.dtype), self.epsilon)
        return F.layer_norm(x, self.weight.shape, self.weight.to(x.dtype), self.bias.to(x.dtype), self.epsilon)


def apply_rope(x_BTHD: Tensor, rope: tuple[Tensor, Tensor]) -> Tensor:
    """Rotary positions: (first half, second half) of D are the real and imaginary parts, as Llama in transformers."""
    cos_BT1C, sin_BT1C = rope
    a, b = x_BTHD.chunk(2, dim=-1)
    return torch.cat((a * cos_BT1C - b * sin_BT1C, b * cos_BT1C + a * sin_BT1C), dim=-1)


GATE_INPUTS, GATE_MOST = 12, 3.0
"""Of the gate of value embeddings: what it reads of a hidden state, and its largest value (nanochat)."""


class Attention(nn.Module):
    """Projections around `attend`: of a sequence to itself, or to the encoder's output."""

    def __init__(self, config: ModelConfig, *, value_embedding: bool = False):
        super().__init__()
        E, H, K, D = config.width, config.heads, config.K, config.D
        self.heads, self.scale = (H, K, D), config.scale
        self.q, self.k, self.v = (Linear(E, heads * D, config.bias) for heads in (H, K, K))
        self.o = Linear(H * D, E, config.bias)
        self.value_gate = Linear(GATE_INPUTS, K, False) if value_embedding else None
        self.q_norm, self.k_norm = (Norm(config, D, "rms") if config.qk_norm else None for _ in range(2))

    def of_itself(
        self, x_BTE: Tensor, rope: tuple[Tensor, Tensor] | None, embedded_BTF: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Queries (B, T, H, D), keys and values (B, T, K, D) of a sequence that attends to itself, as `queries` and
        `keys_values` give them; `embedded_BTF` (F = K * D): added to the values."""
        q_BTA, k_BTF, v_BTF = together(x_BTE, (self.q, self.k, self.v))
        if self.value_gate is not None and embedded_BTF is not None:
            gate_BTK1 = GATE_MOST * self.value_gate(x_BTE[..., :GATE_INPUTS]).sigmoid()[..., None]
            added_BTKD = gate_BTK1 * embedded_BTF.unflatten(-1, self.heads[1:]).to(v_BTF.dtype)
            v_BTF = v_BTF + added_BTKD.flatten(-2)
        return self._finished(q_BTA, self.q_norm, rope), self._finished(k_BTF, self.k_norm, rope), self._by_head(v_BTF)

    def queries(self, x_BTE: Tensor) -> Tensor:
        """Normed queries (B, T, H, D), without positions."""
        return self._finished(self.q(x_BTE), self.q_norm, None)

    def keys_values(self, x_BSE: Tensor) -> tuple[Tensor, Tensor]:
        """Normed keys, without positions, and values: (B, S, K, D) each."""
        k_BSF, v_BSF = together(x_BSE, (self.k, self.v))
        return self._finished(k_BSF, self.k_norm, None), self._by_head(v_BSF)

    def _by_head(self, projected: Tensor) -> Tensor:
        return projected.unflatten(-1, (-1, self.heads[2]))

    def _finished(self, projected: Tensor, norm: Norm | None, rope: tuple[Tensor, Tensor] | None) -> Tensor:
        """By head, normed, rotated."""
        x = self._by_head(projected)
        x = x if norm is None else norm(x)
        return x if rope is None else apply_rope(x, rope)

    def forward(self, q_BTHD: Tensor, k_BSKD: Tensor, v_BSKD: Tensor, mask: Mask) -> Tensor:
        """(B, T, E)."""
        return self.o(attend(q_BTHD, k_BSKD, v_BSKD, mask, self.scale).flatten(-2))


class MLP(nn.Module):
    """down(activation(up(x))), or with a gate down(activation(gate(x)) * up(x)) (Shazeer 2020)."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.activate = ACTIVATIONS[config.activation]
        self.gate = Linear(config.width, config.M, config.bias) if config.gated else None
        self.up = Linear(config.width, config.M, config.bias)
        self.down = Linear(config.M, config.width, config.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(..., E) -> (..., E)."""
        if self.gate is None:
            return self.down(self.activate(self.up(x)))
        # On a CPU one product of both was no faster (0.97 to 1.03 times); for narrow keys and values it is.
        gate, up = together(x, (self.gate, self.up)) if x.is_cuda else (self.gate(x), self.up(x))
        return self.down(self.activate(gate) * up)


ACTIVATIONS = {
    "swiglu": F.silu,
    "geglu": lambda x: F.gelu(x, approximate="tanh"),
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "relu": F.relu,
    "relu2": lambda x: F.relu(x).square(),
}


@dataclass
class AttentionContext:
    """What the attention of all layers of a stack shares for one batch: masks, rotary angles, encoder output, cache."""

    mask: Mask
    rope: tuple[Tensor, Tensor] | None = None
    """(cos, sin) of the rotary angles, (B, T, 1, C) each; None without rotary positions."""
    encoded_BSE: Tensor | None = None
    cross_mask: Mask | None = None
    cache: Cache | None = None
    value_embeddings: dict[int, Tensor] = field(default_factory=dict)
    """(B, T, K * D) by layer."""


class Block(nn.Module):
    """One layer: attention, attention to the encoder where there is one, MLP; each with its norm and residual."""

    def __init__(self, config: ModelConfig, *, cross_attention: bool, value_embedding: bool = False):
        super().__init__()
        self.post = config.norm_place == "post"
        self.attention = Attention(config, value_embedding=value_embedding)
        self.attention_norm = Norm(config, config.width)
        self.cross_attention = Attention(config) if cross_attention else None
        self.cross_attention_norm = Norm(config, config.width) if cross_attention else None
        self.mlp = Experts(config) if config.experts else MLP(config)
        self.mlp_norm = Norm(config, config.width)

    def forward(self, x_BTE: Tensor, ctx: AttentionContext, layer: int) -> tuple[Tensor, Routing | None]:
        """(B, T, E) -> (B, T, E), and what the experts were given where there are any.

        Returned, not noted in `ctx`: FSDP2 hands the layer a copy of its arguments (torch 2.13).
        """
        y = x_BTE if self.post else self.attention_norm(x_BTE)
        q, k, v = self.attention.of_itself(y, ctx.rope, ctx.value_embeddings.get(layer))
        if ctx.cache is not None:
            k, v = ctx.cache.extend(layer, k, v)
        x_BTE = self._add(x_BTE, self.attention(q, k, v, ctx.mask), self.attention_norm)
        if self.cross_attention is not None and self.cross_attention_norm is not None:
            y = x_BTE if self.post else self.cross_attention_norm(x_BTE)
            k, v = self._encoder_keys(ctx, layer)
            assert ctx.cross_mask is not None
            x_BTE = self._add(
                x_BTE,
                self.cross_attention(self.cross_attention.queries(y), k, v, ctx.cross_mask),
                self.cross_attention_norm,
            )
        y = x_BTE if self.post else self.mlp_norm(x_BTE)
        change_BTE, routing = self.mlp(y) if isinstance(self.mlp, Experts) else (self.mlp(y), None)
        return self._add(x_BTE, change_BTE, self.mlp_norm), routing

    def _add(self, x_BTE: Tensor, change_BTE: Tensor, norm: Norm) -> Tensor:
        return norm(x_BTE + change_BTE) if self.post else x_BTE + change_BTE

    def _encoder_keys(self, ctx: AttentionContext, layer: int) -> tuple[Tensor, Tensor]:
        """Keys and values of the encoder's output: projected once per generation, not once per token."""
        assert self.cross_attention is not None
        if ctx.cache is not None and layer in ctx.cache.cross:
            return ctx.cache.cross[layer]
        assert ctx.encoded_BSE is not None
        made = self.cross_attention.keys_values(ctx.encoded_BSE)
        if ctx.cache is not None:
            ctx.cache.cross[layer] = made
        return made


class RelativePositionBias(nn.Module):
    """T5's score per head and distance bucket, shared by all layers of a stack (Raffel et al. 2020, 2.1)."""

    def __init__(self, config: ModelConfig, bidirectional: bool):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(config.relative_buckets, config.heads))
        self.bidirectional, self.distance = bidirectional, config.relative_distance

    def bucket(self, offset: Tensor) -> Tensor:
        """Bucket of key position - query position: half exact, half logarithmic up to `distance`."""
        buckets = self.weight.shape[0] // (2 if self.bidirectional else 1)
        side = torch.zeros_like(offset)
        if self.bidirectional:
            side, offset = (offset > 0).long() * buckets, offset.abs()
        else:
            offset = (-offset).clamp(min=0)
        exact = buckets // 2
        scaled = (offset.clamp(min=1).float() / exact).log() / math.log(self.distance / exact) * (buckets - exact)
        return side + torch.where(offset < exact, offset, (exact + scaled.long()).clamp(max=buckets - 1))

    def forward(self, T: int, S: int) -> Tensor:
        """(H, T + S - 1): by the key's place less the query's, from 1 - S on, of which the queries are the last T of S.
        Packed documents only need differences, so rows serve."""
        return self.weight[self.bucket(torch.arange(1 - S, T, device=self.weight.device))].T.contiguous()
