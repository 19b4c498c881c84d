"""The loop everybody writes, as a peer of ours: the same shapes in plain PyTorch (nanoGPT's train.py, with rotary
positions and SwiGLU), one document a row, autocast, fused AdamW, logits of all tokens at once."""

import contextlib

import torch
from torch import Tensor, nn
from torch.nn import functional

from gristmill.trainer.model.config import ModelConfig


class Layer(nn.Module):
    """Attention and a gated feed-forward, norms first."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        E, self.H, self.K, self.D = config.width, config.heads, config.K, config.D
        self.norm_a, self.norm_f = nn.RMSNorm(E), nn.RMSNorm(E)
        self.qkv = nn.Linear(E, (self.H + 2 * self.K) * self.D, bias=False)
        self.o = nn.Linear(self.H * self.D, E, bias=False)
        self.gate, self.up = nn.Linear(E, config.M, bias=False), nn.Linear(E, config.M, bias=False)
        self.down = nn.Linear(config.M, E, bias=False)
        self.norms = (nn.RMSNorm(self.D), nn.RMSNorm(self.D)) if config.qk_norm else None
        if self.norms is not None:
            self.q_norm, self.k_norm = self.norms

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """(B, T, E) -> (B, T, E)."""
        B, T, _ = x.shape
        q, k, v = self.qkv(self.norm_a(x)).split([self.H * self.D, self.K * self.D, self.K * self.D], 2)
        q, k, v = (t.view(B, T, -1, self.D).transpose(1, 2) for t in (q, k, v))
        if self.norms is not None:
            q, k = self.q_norm(q), self.k_norm(k)
        q, k = turned(q, cos, sin), turned(k, cos, sin)
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=self.K != self.H)
        x = x + self.o(y.transpose(1, 2).reshape(B, T, -1))
        y = self.norm_f(x)
        return x + self.down(functional.silu(self.gate(y)) * self.up(y))


def turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary positions."""
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1).type_as(x)


class Plain(nn.Module):
    """A Llama-like decoder that returns its loss."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.embedding = nn.Embedding(config.V, config.width)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        self.norm, self.head = nn.RMSNorm(config.width), nn.Linear(config.width, config.V, bias=False)
        nn.init.normal_(self.embedding.weight, std=0.02)
        if config.tied:
            self.head.weight = self.embedding.weight
        C = config.D // 2
        angle = torch.arange(config.context)[:, None] * config.rotary_base ** -(torch.arange(C) / C)
        self.register_buffer("cos", angle.cos())
        self.register_buffer("sin", angle.sin())

    def forward(self, ids: Tensor, targets: Tensor) -> Tensor:
        """Mean loss."""
        x, T = self.embedding(ids), ids.shape[1]
        for layer in self.layers:
            x = layer(x, self.cos[:T], self.sin[:T])
        return functional.cross_entropy(self.head(self.norm(x)).flatten(0, 1).float(), targets.flatten())


def steps(config: ModelConfig, rows: int, length: int, device: torch.device, dtype: torch.dtype):
    """A function that does one optimiser step; compiled on CUDA, as everybody's."""
    model = Plain(config).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    forward = torch.compile(model, dynamic=False) if device.type == "cuda" else model
    ids = torch.randint(0, config.vocabulary, (rows, length + 1), device=device)
    narrow = dtype != torch.float32
    precision = torch.autocast(device.type, dtype) if narrow else contextlib.nullcontext()

    def step() -> None:
        with precision:
            loss = forward(ids[:, :-1], ids[:, 1:])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step
