"""The one Model: causal decoder, prefix decoder, encoder, encoder-decoder. Its configuration chooses; nothing is
subclassed.

Letters: B rows, T tokens of a row, S keys (T, cached tokens, or the encoder's tokens), N = B * T, E embedding width,
C = half the width of a head, H heads, V padded vocabulary.

Precision is decided here alone: parameters are float32 (the master copy that the optimiser sees); every layer casts its
weights to the dtype of its input, and `embed` makes the first input bfloat16 or float32. No autocast.
"""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from gristmill.trainer.model.attention import Mask, make_mask, with_bias
from gristmill.trainer.model.config import ModelConfig
from gristmill.trainer.model.experts import Routing
from gristmill.trainer.model.layers import AttentionContext, Block, Cache, Linear, Norm, RelativePositionBias

INITIAL_STD = 0.02  # GPT-2
DEPTH_SCALES = {"residual_scale": (1.15, 1.05), "input_scale": (0.2, 0.05)}
"""First values from the first layer to the last (nanochat)."""


@dataclass
class Tokens:
    """Rows of packed documents, int (B, T) each. `documents` None: one document a row; `positions` None: 0 .. T - 1."""

    ids: Tensor
    positions: Tensor | None = None
    documents: Tensor | None = None
    """Number of the document in its row; tokens see only their own document. -1: padding."""
    prefix: Tensor | None = None
    """bool: tokens that the whole document may see (prefix decoder)."""
    token_types: Tensor | None = None
    """BERT's segment of each token."""
    most_documents: int = 0
    """Documents of a row at most; 0: unknown."""

    def at(self, index_A: Tensor) -> "Tokens":
        """Some of the rows, or rows repeated."""
        names = ("ids", "positions", "documents", "prefix", "token_types")
        return replace(self, **{name: x[index_A] for name in names if (x := getattr(self, name)) is not None})


class Stack(nn.Module):
    """Layers and, where norms come before, the final norm: an encoder or a decoder."""

    def __init__(self, config: ModelConfig, layers: int, *, cross_attention: bool, causal: bool):
        super().__init__()
        self.config, self.causal = config, causal
        self.blocks = nn.ModuleList(
            Block(config, cross_attention=cross_attention, value_embedding=causal and config.has_value_embedding(layer))
            for layer in range(layers)
        )
        scales = config.residual_scales
        self.residual_scale = nn.Parameter(torch.empty(layers)) if scales else None
        self.input_scale = nn.Parameter(torch.empty(layers)) if scales else None
        self.norm = Norm(config, config.width) if config.norm_place == "pre" else None
        self.relative_bias = RelativePositionBias(config, not causal) if config.positions == "relative" else None
        self.recompute = False
        """Whether the backward pass computes the layers again instead of keeping what is in them."""

    def forward(self, x_BTE: Tensor, ctx: AttentionContext, routings: list[Routing] | None) -> Tensor:
        """(B, T, E) -> (B, T, E). `routings` is filled with what the experts of each layer were given."""
        first_BTE = x_BTE
        for layer, block in enumerate(self.blocks):
            if self.residual_scale is not None and self.input_scale is not None:
                scales = (self.residual_scale[layer], self.input_scale[layer])
                x_BTE = scales[0].to(x_BTE.dtype) * x_BTE + scales[1].to(x_BTE.dtype) * first_BTE
            if self.recompute and torch.is_grad_enabled():
                x_BTE, routing = checkpoint(block, x_BTE, ctx, layer, use_reentrant=False, preserve_rng_state=False)
            else:
                x_BTE, routing = block(x_BTE, ctx, layer)
            if routings is not None and routing is not None:
                routings.append(routing)
        return x_BTE if self.norm is None else self.norm(x_BTE)

    def mask(self, tokens: Tokens, cache: Cache | None) -> Mask:
        """Who sees whom among `tokens` and those in `cache`."""
        T, keys_BS, seen, backend = tokens.ids.shape[1], tokens.documents, 0, self.config.attention
        if cache is not None:
            keys_BS, seen = cache.documents(tokens.documents), cache.length
            plain = tokens.documents is None and T in (1, seen + T) and self.relative_bias is None
            backend = "auto" if plain else "masked"  # flex compiles each length
        shape = (T, seen + T)
        made = make_mask(
            causal=self.causal,
            shape=shape,
            device=tokens.ids.device,
            queries_BT=tokens.documents,
            keys_BS=keys_BS,
            prefix_BS=None if tokens.prefix is None or (cache is not None and seen) else tokens.prefix.bool(),
            most=tokens.most_documents,
            backend=backend,
            biased=self.relative_bias is not None,
        )
        return made if self.relative_bias is None else with_bias(made, self.relative_bias(*shape), shape)


class Model(nn.Module):
    """`forward` gives hidden states; `lm_loss` or `logits` turn them into predictions, so that training never holds
    all logits at once."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.config = config
        E = config.width
        self.embedding = nn.Embedding(config.V, E)
        self.position_embedding = nn.Embedding(config.context, E) if config.positions == "learned" else None
        self.token_type_embedding = nn.Embedding(config.token_types, E) if config.token_types else None
        self.embedding_norm = Norm(config, E) if config.embedding_norm else None
        has_encoder = config.encoder_layers > 0
        self.encoder = (
            Stack(config, config.encoder_layers, cross_attention=False, causal=False) if has_encoder else None
        )
        self.value_embeddings = nn.ModuleDict(
            {
                str(n): nn.Embedding(config.V, config.K * config.D)
                for n in range(config.layers)
                if config.has_value_embedding(n)
            }
        )
        self.decoder = Stack(config, config.layers, cross_attention=has_encoder, causal=config.mask != "full")
        self.transform = Linear(E, E, True) if config.head == "transform" else None
        self.transform_norm = Norm(config, E) if config.head == "transform" else None
        self.head_bias = nn.Parameter(torch.empty(config.V)) if config.head == "transform" else None
        self.head = None if config.tied or config.head == "score" else Linear(E, config.V, False)
        self.score = Linear(E, 1, False) if config.head == "score" else None
        self.frequency_C: Tensor
        C = config.D // 2
        frequency_C = config.rotary_base ** -(torch.arange(C, dtype=torch.float32) / C)
        self.register_buffer("frequency_C", frequency_C, persistent=False)

    def compute_dtype(self) -> torch.dtype:
        """As the configuration says; auto: bfloat16 where the device has instructions for it, else float32."""
        if self.config.compute == "auto":
            fast = self.embedding.weight.is_cuda or torch.cpu._is_avx512_bf16_supported()
            return torch.bfloat16 if fast else torch.float32
        return torch.bfloat16 if self.config.compute == "bfloat16" else torch.float32

    def embed(self, tokens: Tokens, positions_BT: Tensor) -> Tensor:
        """Token, position and segment embeddings summed, as the layers want them: (B, T, E) of the compute dtype."""
        x_BTE = self.embedding(tokens.ids)
        if self.position_embedding is not None:
            x_BTE = x_BTE + self.position_embedding(positions_BT)
        if self.token_type_embedding is not None:
            token_types_BT = torch.zeros_like(tokens.ids) if tokens.token_types is None else tokens.token_types
            x_BTE = x_BTE + self.token_type_embedding(token_types_BT)
        x_BTE = x_BTE.to(self.compute_dtype())
        return x_BTE if self.embedding_norm is None else self.embedding_norm(x_BTE)

    def encode(self, tokens: Tokens, routings: list[Routing] | None = None) -> Tensor:
        """The encoder's output (B, S, E)."""
        assert self.encoder is not None, "this model has no encoder"
        positions_BS = _positions(tokens, 0)
        ctx = AttentionContext(self.encoder.mask(tokens, None), self._rope(positions_BS))
        return self.encoder(self.embed(tokens, positions_BS), ctx, routings)

    def forward(
        self,
        tokens: Tokens,
        encoder_tokens: Tokens | None = None,
        cache: Cache | None = None,
        encoded_BSE: Tensor | None = None,
        routings: list[Routing] | None = None,
    ) -> Tensor:
        """Hidden states (B, T, E) of `tokens`; an encoder-decoder reads `encoder_tokens`, or the encoder's output
        `encoded_BSE` if at hand.

        With a `cache`, `tokens` continue those of earlier calls, which are not computed again.
        `routings` is filled with what the experts of each layer were given.
        """
        positions_BT = _positions(tokens, 0 if cache is None else cache.length)
        cross_mask = None
        if self.encoder is not None:
            assert encoder_tokens is not None, "an encoder-decoder needs the encoder's tokens"
            encoded_BSE = self.encode(encoder_tokens, routings) if encoded_BSE is None else encoded_BSE
            cross_mask = _cross_mask(tokens, encoder_tokens)
        values = {int(layer): embedding(tokens.ids) for layer, embedding in self.value_embeddings.items()}
        ctx = AttentionContext(
            self.decoder.mask(tokens, cache), self._rope(positions_BT), encoded_BSE, cross_mask, cache, values
        )
        hidden_BTE = self.decoder(self.embed(tokens, positions_BT), ctx, routings)
        if cache is not None:
            cache.length += tokens.ids.shape[1]
        return hidden_BTE

    def output_weight(self) -> Tensor:
        """(V, E): the matrix that turns hidden states into logits."""
        return self.embedding.weight if self.head is None else self.head.weight

    def before_output(self, hidden: Tensor) -> Tensor:
        """What is multiplied by `output_weight`: (..., E) -> (..., E)."""
        if self.transform is not None and self.transform_norm is not None:
            hidden = self.transform_norm(F.gelu(self.transform(hidden)))
        return hidden * self.config.output_scale if self.config.output_scale != 1 else hidden

    def logits(self, hidden: Tensor) -> Tensor:
        """float32 (..., vocabulary), without the padding: for generation and comparison; training uses `lm_loss`."""
        x = self.before_output(hidden)
        logits = F.linear(x, self.output_weight().to(x.dtype)).float()
        logits = logits if self.head_bias is None else logits + self.head_bias
        return logits[..., : self.config.vocabulary]

    def scores(self, hidden_BTE: Tensor) -> Tensor:
        """float32 (B, T): a reward model's, of what stands up to and with each token."""
        assert self.score is not None, "this model has no head that scores"
        return self.score(hidden_BTE.float())[..., 0]

    def _rope(self, positions_BT: Tensor) -> tuple[Tensor, Tensor] | None:
        """(cos, sin) of the rotary angles, (B, T, 1, C) of the compute dtype; None without rotary positions."""
        if self.config.positions != "rotary":
            return None
        angle_BT1C = (positions_BT[..., None].float() * self.frequency_C)[:, :, None]
        dtype = self.compute_dtype()
        return angle_BT1C.cos().to(dtype), angle_BT1C.sin().to(dtype)


def _cross_mask(tokens: Tokens, encoder_tokens: Tokens) -> Mask:
    """A token sees its own document of the encoder's row; padding looks at document 0, for a softmax needs
    something."""
    queries_BT, keys_BS = tokens.documents, encoder_tokens.documents
    if queries_BT is not None or keys_BS is not None:
        queries_BT = torch.zeros_like(tokens.ids) if queries_BT is None else queries_BT.clamp(min=0)
        keys_BS = torch.zeros_like(encoder_tokens.ids) if keys_BS is None else keys_BS
    shape, device = (tokens.ids.shape[1], encoder_tokens.ids.shape[1]), tokens.ids.device
    return make_mask(causal=False, shape=shape, device=device, queries_BT=queries_BT, keys_BS=keys_BS)


def _positions(tokens: Tokens, start: int) -> Tensor:
    if tokens.positions is not None:
        return tokens.positions
    T = tokens.ids.shape[1]
    return torch.arange(start, start + T, device=tokens.ids.device).expand(tokens.ids.shape[0], T)


@torch.no_grad()
def initialise(model: Model, seed: int) -> None:
    """The one place where weights get their first values; the same on every device and world size.

    Embeddings: normal, GPT-2's 0.02, of tokens as configured. Matrices: normal with 1/sqrt(inputs). Matrices that end a
    residual branch: zero, so that every layer starts as the identity (modded-nanogpt; training.md 2.3). A head that
    scores: zero, so that no answer is better before the first step. Norms one, biases zero.
    """
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        value = torch.zeros(parameter.shape)
        path = [step for step in name.split(".") if step != "weight"]  # experts are parameters of their own
        if path[-1].endswith("norm"):
            value.fill_(1.0)
        elif path[-1] in DEPTH_SCALES:
            value.copy_(torch.linspace(*DEPTH_SCALES[path[-1]], len(value)))
        elif path[-1] not in ("o", "down", "score") and parameter.ndim >= 2:
            embeds = path[-1] in (
                "embedding",
                "position_embedding",
                "token_type_embedding",
                "head",
                "relative_bias",
                "router",
                "value_gate",
            )
            std = INITIAL_STD if embeds else parameter.shape[-1] ** -0.5
            std = model.config.embedding_std if name == "embedding.weight" else std
            value.normal_(0.0, std, generator=generator)
        parameter.copy_(value)


def parameter_counts(model: Model) -> dict[str, int]:
    """total: all parameters, a tied embedding once; matrix: those that multiply a token (PaLM's N: without embedding
    look-ups, with the output matrix, of the experts only a token's own)."""
    total = sum(p.numel() for p in model.parameters())
    apart = model.head is not None or model.score is not None
    tables = [model.position_embedding, model.token_type_embedding, model.embedding if apart else None]
    lookups = [table for table in tables if table is not None]
    lookups += [table for table in model.value_embeddings.values() if isinstance(table, nn.Embedding)]
    idle = 0
    if model.config.experts:
        share = 1 - model.config.experts_per_token / model.config.experts
        stacks = [p.numel() for p in model.parameters() if p.ndim == 3]
        idle = round(share * sum(stacks))
    return {"total": total, "matrix": total - idle - sum(table.weight.numel() for table in lookups)}
