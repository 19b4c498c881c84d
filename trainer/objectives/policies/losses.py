"""The losses of policies, token by token: pure functions; what they are divided by, the step decides.

Letters: B responses, T tokens of a row, any shape where none is named.
"""

import torch
from torch import Tensor

AGGREGATIONS = ("dapo", "grpo", "dr_grpo")


def clipped_loss(
    log_p: Tensor, old_log_p: Tensor, advantage: Tensor, *, low: float, high: float
) -> tuple[Tensor, Tensor]:
    """(loss of each token, bool: the clip holds it back) of PPO's clipped objective (Schulman et al. 2017, equation 7).

    The ratio may fall to 1 - low and rise to 1 + high: DAPO (Yu et al. 2025, 3.1) lets it rise further, so that
    unlikely tokens can become likely.
    """
    ratio = (log_p - old_log_p).exp()
    free, held = ratio * advantage, ratio.clamp(1 - low, 1 + high) * advantage
    return -torch.minimum(free, held), (held < free).detach()


def clipped_value_loss(value: Tensor, old_value: Tensor, returns: Tensor, clip: float) -> tuple[Tensor, Tensor]:
    """(half the squared error of each token, bool: the clip holds it back): a value may move by `clip` in one round."""
    held = old_value + (value - old_value).clamp(-clip, clip)
    free_error, held_error = (value - returns).square(), (held - returns).square()
    return 0.5 * torch.maximum(free_error, held_error), (held_error > free_error).detach()


def k2(log_p: Tensor, reference_log_p: Tensor) -> Tensor:
    """Half the squared log-ratio of each token. On the policy's own samples its gradient is exactly that of the reverse
    KL divergence; k1 as a loss has gradient 0, k3 that of the forward divergence (docs/alignment.md)."""
    return 0.5 * (log_p - reference_log_p).square()


def k3(log_p: Tensor, reference_log_p: Tensor) -> Tensor:
    """q / p - 1 - log(q / p) of each token: its mean over samples of p is KL(p || q), it is never negative, and it
    varies less than k1. For logs, not for losses."""
    away = reference_log_p - log_p
    return away.exp() - 1 - away


def token_weights(mask_BT: Tensor, aggregation: str, longest: int) -> tuple[Tensor, Tensor]:
    """(float32 (B, T): what each token's loss counts; float32 scalar: what these rows add to the divisor of the step).

    dapo: the mean over all tokens of the step (DAPO, 3.3; TRL's `dapo`). grpo: the mean over responses of the mean over
    their tokens, so that a token of a long response counts less. dr_grpo: the sum over tokens by responses times the
    most tokens of one, a constant (Dr. GRPO). A row without a token counts nowhere: that is how groups whose rewards
    are all equal leave the divisor too (trl#6368).
    """
    mask_BT = mask_BT.float()
    length_B1 = mask_BT.sum(1, keepdim=True)
    if aggregation == "dapo":
        return mask_BT, mask_BT.sum()
    rows = (length_B1 > 0).float().sum()
    if aggregation == "grpo":
        return mask_BT / length_B1.clamp(min=1), rows
    return mask_BT, rows * longest
