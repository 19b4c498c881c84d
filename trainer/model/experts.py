"""Mixture of experts: every token is computed by its top-k experts only.

Padding of a row is routed like any token; a pack plan has less than 1 % of it.

Letters: N tokens, E embedding width, M hidden width of an expert, X experts, A = N * k assignments (token, expert).
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gristmill.trainer.model.config import ModelConfig


@dataclass
class Routing:
    """What the router of one layer did with a batch, on the device."""

    balance: Tensor
    """Load-balance loss, 1 when all experts get equal shares (Fedus et al. 2021, eq. 4; Mixtral in transformers)."""
    z: Tensor
    """Mean squared logsumexp of the router's logits (Zoph et al. 2022, eq. 5): keeps them small."""
    share_X: Tensor
    """Share of the assignments that each expert got."""


class Experts(nn.Module):
    """Gated MLPs as experts; tokens sorted by expert, one grouped product per matrix, CPU and CUDA alike."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        X, E, M = config.experts, config.width, config.M
        self.k = config.experts_per_token
        self.router = nn.Linear(E, X, bias=False)
        self.gate = nn.Parameter(torch.empty(X, M, E))
        self.up = nn.Parameter(torch.empty(X, M, E))
        self.down = nn.Parameter(torch.empty(X, E, M))

    def forward(self, x: Tensor) -> tuple[Tensor, Routing]:
        """(..., E) -> ((..., E), Routing). The weights of a token's k experts are renormalised, as in Mixtral."""
        x_NE = x.reshape(-1, x.shape[-1])
        logits_NX = F.linear(x_NE.float(), self.router.weight)  # float32: routing is a decision
        p_NX = logits_NX.softmax(-1)
        weight_Nk, expert_Nk = p_NX.topk(self.k, dim=-1)
        weight_Nk = weight_Nk / weight_Nk.sum(-1, keepdim=True)
        order_A = expert_Nk.flatten().argsort(stable=True)
        count_X = torch.zeros(p_NX.shape[-1], device=x.device).index_add_(
            0, expert_Nk.flatten(), torch.ones(expert_Nk.numel(), device=x.device)
        )
        token_A = order_A // self.k
        out_AE = self._compute(x_NE[token_A], count_X.cumsum(0).to(torch.int32))
        # Back to the order of the tokens and summed over k: the same on every run, unlike an atomic scatter.
        out_NkE = out_AE[order_A.argsort()].unflatten(0, expert_Nk.shape)
        out_NE = (out_NkE * weight_Nk[..., None].to(out_NkE.dtype)).sum(1)
        share_X = count_X / expert_Nk.numel()
        balance = p_NX.shape[-1] * (share_X * p_NX.mean(0)).sum()
        return out_NE.view_as(x), Routing(balance, logits_NX.logsumexp(-1).square().mean(), share_X)

    def _compute(self, x_AE: Tensor, end_X: Tensor) -> Tensor:
        """(A, E) -> (A, E): rows up to end_X[0] by expert 0, then up to end_X[1] by expert 1, ..."""
        gate, up, down = (weight.to(x_AE.dtype).mT for weight in (self.gate, self.up, self.down))
        hidden_AM = F.silu(F.grouped_mm(x_AE, gate, offs=end_X)) * F.grouped_mm(x_AE, up, offs=end_X)
        return F.grouped_mm(hidden_AM, down, offs=end_X)
