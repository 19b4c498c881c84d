"""The language-model loss without the logits of all tokens at once: nanochat#443 runs out of memory on that array.

Letters: N tokens, E width, V padded vocabulary, W bytes that hold V bits, C tokens of one chunk.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor

CHUNK_BYTES = {"cpu": 8 << 20, "cuda": 1 << 30}  # of float32 logits; on the CPU they should stay in the cache

FEW_SCORED = 0.75
"""Share of the tokens up to which the scored ones are gathered before they are multiplied."""


def lm_loss(
    hidden_NE: Tensor,
    weight_VE: Tensor,
    targets_N: Tensor,
    *,
    vocabulary: int,
    bias_V: Tensor | None = None,
    weights_N: Tensor | None = None,
    temperature: float = 1.0,
) -> tuple[Tensor, Tensor]:
    """(sum of weights * losses, float32 losses (N,) without weights) in nats: cross-entropy of
    softmax((hidden @ weight.T + bias) / temperature) at `targets`.

    A target of -1 is not scored: its loss is 0. `weights_N`: float32, of any sign; None: 1 for each. With its
    derivatives by the log-probabilities as (negative) weights, the sum has any objective's gradient. Columns from
    `vocabulary` on are padding and get no probability. Only the sum has a gradient; it is computed in the forward
    pass, chunk by chunk, so a second derivative does not exist.
    """
    return _ChunkedLoss.apply(hidden_NE, weight_VE, bias_V, targets_N, weights_N, vocabulary, temperature)


def log_probabilities(
    hidden_NE: Tensor,
    weight_VE: Tensor,
    targets_N: Tensor,
    *,
    vocabulary: int,
    bias_V: Tensor | None = None,
    temperature: float = 1.0,
    kept_NW: Tensor | None = None,
) -> Tensor:
    """float32 (N,): log of what `lm_loss` takes the cross-entropy of; 0 where the target is -1.

    `kept_NW`: uint8, a bit for each id (`packed_bits`), of what a sampler's filters left to choose from; None: all.
    The rest then has no probability, so that these are the sampler's log-probabilities, and both policies of a ratio
    have the same choices (DeepSeek-V3.2, 3.1: "keep sampling mask"). The gradient is computed in the backward pass from
    logits that are made again, chunk by chunk; under `torch.no_grad` nothing is kept.
    """
    return _ChunkedLogProbabilities.apply(hidden_NE, weight_VE, bias_V, targets_N, kept_NW, vocabulary, temperature)


def packed_bits(mask_NV: Tensor, width: int) -> Tensor:
    """uint8 (N, ceil(width / 8)): bit v % 8 of byte v // 8 is the mask of id v; 0 from V to `width`."""
    bits = torch.nn.functional.pad(mask_NV.to(torch.uint8), (0, -(-width // 8) * 8 - mask_NV.shape[1]))
    places = torch.arange(8, device=mask_NV.device, dtype=torch.uint8)
    return (bits.unflatten(1, (-1, 8)) << places).sum(-1, dtype=torch.uint8)


def _unpacked_bits(packed_NW: Tensor, width: int) -> Tensor:
    places = torch.arange(8, device=packed_NW.device, dtype=torch.uint8)
    return ((packed_NW[..., None] >> places) & 1).bool().flatten(1)[:, :width]


class _ChunkedLoss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden_NE: Tensor,
        weight_VE: Tensor,
        bias_V: Tensor | None,
        targets_N: Tensor,
        weights_N: Tensor | None,
        vocabulary: int,
        temperature: float,
    ) -> tuple[Tensor, Tensor]:
        scored_N = (targets_N >= 0).float()
        weights_N = scored_N if weights_N is None else weights_N * scored_N
        losses_N, *gradients = _in_chunks(
            hidden_NE, weight_VE, bias_V, targets_N, weights_N, None, vocabulary, temperature, any(ctx.needs_input_grad)
        )
        ctx.mark_non_differentiable(losses_N)
        ctx.save_for_backward(*gradients)
        return (losses_N * weights_N).sum(), losses_N

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        scale = grads[0]
        scaled = [None if g is None else g * scale.to(g.dtype) for g in ctx.saved_tensors]
        return (*scaled, None, None, None, None)


class _ChunkedLogProbabilities(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden_NE: Tensor,
        weight_VE: Tensor,
        bias_V: Tensor | None,
        targets_N: Tensor,
        kept_NW: Tensor | None,
        vocabulary: int,
        temperature: float,
    ) -> Tensor:
        ctx.save_for_backward(hidden_NE, weight_VE, bias_V, targets_N, kept_NW)
        ctx.options = vocabulary, temperature
        weights_N = torch.zeros(targets_N.shape, device=hidden_NE.device)
        losses_N, *_ = _in_chunks(
            hidden_NE, weight_VE, bias_V, targets_N, weights_N, kept_NW, vocabulary, temperature, False
        )
        return -losses_N

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        hidden_NE, weight_VE, bias_V, targets_N, kept_NW = ctx.saved_tensors
        weights_N = torch.where(targets_N >= 0, -grads[0], 0.0)
        vocabulary, temperature = ctx.options
        _, *gradients = _in_chunks(
            hidden_NE, weight_VE, bias_V, targets_N, weights_N, kept_NW, vocabulary, temperature, True
        )
        return (*gradients, None, None, None, None)


def _in_chunks(
    hidden_NE: Tensor,
    weight_VE: Tensor,
    bias_V: Tensor | None,
    targets_N: Tensor,
    weights_N: Tensor,
    kept_NW: Tensor | None,
    vocabulary: int,
    temperature: float,
    learns: bool,
) -> tuple[Tensor, Tensor | None, Tensor | None, Tensor | None]:
    """(float32 losses (N,), and if `learns` the derivatives of their weighted sum by hidden, matrix and bias)."""
    index_S = _to_gather(targets_N)
    if index_S is not None:
        kept_SW = None if kept_NW is None else kept_NW[index_S]
        some = hidden_NE[index_S], weight_VE, bias_V, targets_N[index_S], weights_N[index_S], kept_SW
        losses_S, grad_SE, weight_grad_VE, bias_grad_V = _in_chunks(*some, vocabulary, temperature, learns)
        losses_N = torch.zeros(len(targets_N)).index_copy_(0, index_S, losses_S)
        grad_NE = None if grad_SE is None else torch.zeros_like(hidden_NE).index_copy_(0, index_S, grad_SE)
        return losses_N, grad_NE, weight_grad_VE, bias_grad_V
    N, V = hidden_NE.shape[0], weight_VE.shape[0]
    matrix_VE = weight_VE.to(hidden_NE.dtype)
    losses_N = torch.empty(N, dtype=torch.float32, device=hidden_NE.device)
    hidden_grad_NE = torch.empty_like(hidden_NE) if learns else None
    weight_grad_VE = torch.zeros_like(weight_VE) if learns else None
    bias_grad_V = torch.zeros_like(bias_V) if learns and bias_V is not None else None
    size = max(1, CHUNK_BYTES.get(hidden_NE.device.type, 1 << 28) // (4 * V))
    chunk = _chunk_on(hidden_NE.device.type)
    for start in range(0, N, size):
        part = slice(start, start + size)
        h_CE = hidden_NE[part]
        kept_CW = None if kept_NW is None else kept_NW[part]
        losses_N[part], grad_CV, bias_part_V = chunk(
            h_CE @ matrix_VE.T, bias_V, targets_N[part], weights_N[part], kept_CW, vocabulary, temperature, learns
        )
        if hidden_grad_NE is None or weight_grad_VE is None or grad_CV is None:
            continue
        if bias_grad_V is not None and bias_part_V is not None:
            bias_grad_V += bias_part_V
        torch.mm(grad_CV, matrix_VE, out=hidden_grad_NE[part])
        if h_CE.dtype == weight_grad_VE.dtype:
            weight_grad_VE.addmm_(grad_CV.T, h_CE)
        else:
            weight_grad_VE += grad_CV.T @ h_CE
    losses_N.masked_fill_(targets_N < 0, 0.0)
    return losses_N, hidden_grad_NE, weight_grad_VE, bias_grad_V


def _to_gather(targets_N: Tensor) -> Tensor | None:
    """The tokens that are scored, where they alone are worth multiplying: of an answer's row most are its prompt.

    Elsewhere than on a CPU chunks are compiled, and want few shapes; tensors without numbers do not say which
    are scored.
    """
    if targets_N.device.type != "cpu" or isinstance(targets_N, FakeTensor):
        return None
    index_S = (targets_N >= 0).nonzero()[:, 0]
    return index_S if len(index_S) < FEW_SCORED * len(targets_N) else None


def _chunk(
    logits_CV: Tensor,
    bias_V: Tensor | None,
    target_C: Tensor,
    weight_C: Tensor,
    kept_CW: Tensor | None,
    vocabulary: int,
    temperature: float,
    learns: bool,
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """(float32 losses (C,), their weighted sum's derivative by the logits in their dtype, the same summed by column for
    the bias). Everything between the two matrix products: eager, its passes over memory are the cost of the loss."""
    x_CV = logits_CV.float()
    if bias_V is not None:
        x_CV = x_CV + bias_V
    if temperature != 1.0:
        x_CV = x_CV / temperature
    if vocabulary < x_CV.shape[1]:
        x_CV[:, vocabulary:] = float("-inf")
    if kept_CW is not None:
        left_out_CV = ~_unpacked_bits(kept_CW, x_CV.shape[1]) & (target_C >= 0)[:, None]  # unscored rows may be blank
        x_CV = x_CV.masked_fill(left_out_CV, float("-inf"))
    target_C1 = target_C.clamp(min=0).long()[:, None]
    top_C1 = x_CV.amax(1, keepdim=True)
    wanted_C1 = x_CV.gather(1, target_C1) - top_C1
    p_CV = x_CV.sub_(top_C1).exp_()  # in place from here on
    total_C1 = p_CV.sum(1, keepdim=True)
    loss_C = (total_C1.log() - wanted_C1)[:, 0]
    if not learns:
        return loss_C, None, None
    weight_C1 = weight_C[:, None] / temperature
    p_CV.mul_(weight_C1 / total_C1).scatter_add_(1, target_C1, -weight_C1)  # weight * (softmax - one-hot)
    return loss_C, p_CV.to(logits_CV.dtype), None if bias_V is None else p_CV.sum(0)


@cache
def _chunk_on(device: str) -> Callable[..., tuple[Tensor, Tensor | None, Tensor | None]]:
    """On CUDA one compiled function: 46 bytes of memory traffic a logit in eager mode become about 10."""
    return torch.compile(_chunk, dynamic=False) if device == "cuda" else _chunk
