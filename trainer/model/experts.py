"""Mixture of experts: every token is computed by its top-k experts only.

What keeps the experts equally busy is asked of each token by itself, against what each expert was given in the whole
step before: how a step is divided into batches and among ranks changes nothing.

Letters: L layers with experts, B rows, T tokens of a row, N tokens, E embedding width, M hidden width of an expert,
X experts, A = N * k assignments (token, expert).
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gristmill.trainer.model.config import ModelConfig


@dataclass
class Routing:
    """What the router of one layer did with each token, (..., 1 or k) as the tokens stand, on the device."""

    balance: Tensor
    """Load-balance loss: the router's probabilities times the shares of the step before, times the experts; 1 when
    these are equal (Fedus et al. 2021, eq. 4, there with the shares of the batch)."""
    z: Tensor
    """Squared logsumexp of the router's logits (Zoph et al. 2022, eq. 5): keeps them small."""
    expert: Tensor
    """int64: the k experts of the token."""


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
        self.share_X: Tensor
        """Share of the assignments of the whole step before that each expert got; a training remembers it."""
        self.register_buffer("share_X", torch.full((X,), 1 / X), persistent=False)

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
        balance_N, z_N = p_NX.shape[-1] * (self.share_X * p_NX).sum(-1), logits_NX.logsumexp(-1).square()
        shape = x.shape[:-1]
        routing = Routing(balance_N.view(shape), z_N.view(shape), expert_Nk.view(*shape, self.k))
        return out_NE.view_as(x), routing

    def _compute(self, x_AE: Tensor, end_X: Tensor) -> Tensor:
        """(A, E) -> (A, E): rows up to end_X[0] by expert 0, then up to end_X[1] by expert 1, ..."""
        gate, up, down = (weight.to(x_AE.dtype).mT for weight in (self.gate, self.up, self.down))
        product = F.grouped_mm if x_AE.dtype == torch.bfloat16 else _uncompiled
        hidden_AM = F.silu(product(x_AE, gate, offs=end_X)) * product(x_AE, up, offs=end_X)
        return product(hidden_AM, down, offs=end_X)


@torch.compiler.disable
def _uncompiled(x_AE: Tensor, weight_XEM: Tensor, *, offs: Tensor) -> Tensor:
    """The compiler (torch 2.11, 2.13) has grouped products of bfloat16 alone."""
    return F.grouped_mm(x_AE, weight_XEM, offs=offs)


def experts_of(model: nn.Module) -> list[tuple[str, Experts]]:
    """(name, layer) in the order of the layers: encoder, decoder, critic."""
    return [(name, module) for name, module in model.named_modules() if isinstance(module, Experts)]


def remembered_shares(model: nn.Module) -> dict[str, Tensor]:
    """What a training remembers of its experts, by name, as it is: to be saved and read into."""
    return {f"experts/{name}/share": layer.share_X for name, layer in experts_of(model)}


def note_shares(model: nn.Module, assigned_LX: Tensor, skipped: Tensor) -> None:
    """After a step: what each expert was given in all of it, over all ranks. `skipped`: 1 for a step that changes
    nothing."""
    total_L1 = assigned_LX.sum(1, keepdim=True)
    keeps_L1 = (total_L1 == 0) | (skipped > 0)
    for (_, layer), new_X, keeps in zip(experts_of(model), assigned_LX / total_L1.clamp(min=1), keeps_L1, strict=True):
        layer.share_X.copy_(torch.where(keeps, layer.share_X, new_X))
