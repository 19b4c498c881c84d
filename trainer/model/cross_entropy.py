"""The language-model loss without the logits of all tokens at once: nanochat#443 runs out of memory on that array.

Letters: N tokens, E width, V padded vocabulary, C tokens of one chunk.
"""

from typing import Any

import torch
from torch import Tensor

CHUNK_BYTES = {"cpu": 8 << 20, "cuda": 1 << 30}  # of float32 logits; on the CPU they should stay in the cache


def lm_loss(
    hidden_NE: Tensor, weight_VE: Tensor, targets_N: Tensor, *, vocabulary: int, bias_V: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """(sum of the losses, float32 losses (N,)) in nats: cross-entropy of softmax(hidden @ weight.T + bias) at
    `targets`.

    A target of -1 is not scored: its loss is 0. Columns from `vocabulary` on are padding and get no probability. Only
    the sum has a gradient; it is computed in the forward pass, chunk by chunk, so a second derivative does not exist.
    """
    return _ChunkedLoss.apply(hidden_NE, weight_VE, bias_V, targets_N, vocabulary)


class _ChunkedLoss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden_NE: Tensor, weight_VE: Tensor, bias_V: Tensor | None, targets_N: Tensor, vocabulary: int
    ) -> tuple[Tensor, Tensor]:
        N, V = hidden_NE.shape[0], weight_VE.shape[0]
        learns = any(ctx.needs_input_grad)
        matrix_VE = weight_VE.to(hidden_NE.dtype)
        losses_N = torch.empty(N, dtype=torch.float32, device=hidden_NE.device)
        hidden_grad_NE = torch.empty_like(hidden_NE) if learns else None
        weight_grad_VE = torch.zeros_like(weight_VE) if learns else None
        bias_grad_V = torch.zeros_like(bias_V) if learns and bias_V is not None else None
        size = max(1, CHUNK_BYTES.get(hidden_NE.device.type, 1 << 28) // (4 * V))
        for start in range(0, N, size):
            part = slice(start, start + size)
            h_CE, target_C = hidden_NE[part], targets_N[part]
            scored_C = target_C >= 0
            target_C1 = target_C.clamp(min=0).long()[:, None]
            x_CV = (h_CE @ matrix_VE.T).float()
            if bias_V is not None:
                x_CV += bias_V
            if vocabulary < V:
                x_CV[:, vocabulary:] = float("-inf")
            top_C1 = x_CV.amax(1, keepdim=True)
            wanted_C1 = x_CV.gather(1, target_C1) - top_C1
            p_CV = x_CV.sub_(top_C1).exp_()  # in place from here on: these passes over memory are the cost on a CPU
            total_C1 = p_CV.sum(1, keepdim=True)
            losses_N[part] = ((total_C1.log() - wanted_C1)[:, 0]).masked_fill_(~scored_C, 0.0)
            if hidden_grad_NE is None or weight_grad_VE is None:
                continue
            p_CV.mul_(scored_C[:, None] / total_C1)
            p_CV.scatter_add_(1, target_C1, -scored_C[:, None].float())  # softmax - one-hot
            if bias_grad_V is not None:
                bias_grad_V += p_CV.sum(0)
            p_CV = p_CV.to(hidden_NE.dtype)
            torch.mm(p_CV, matrix_VE, out=hidden_grad_NE[part])
            if h_CE.dtype == weight_grad_VE.dtype:
                weight_grad_VE.addmm_(p_CV.T, h_CE)
            else:
                weight_grad_VE += p_CV.T @ h_CE
        ctx.mark_non_differentiable(losses_N)
        ctx.save_for_backward(hidden_grad_NE, weight_grad_VE, bias_grad_V)
        return losses_N.sum(), losses_N

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        scale = grads[0]
        scaled = [None if g is None else g * scale.to(g.dtype) for g in ctx.saved_tensors]
        return scaled[0], scaled[1], scaled[2], None, None
