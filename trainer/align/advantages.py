"""How much better than expected a response, or a token of it, was: pure functions of rewards, values and masks.

Letters: P prompts, K samples of each, B responses, T tokens of a response.
"""

import torch
from torch import Tensor

from gristmill.trainer.devices.world import ALONE, World, all_reduce

EPSILON = 1e-4  # beside a group's deviation, as TRL's GRPO
TINY = 1e-8  # beside a variance, as TRL's masked_whiten


def group_advantages(reward_PK: Tensor, *, scaled: bool = False) -> tuple[Tensor, Tensor]:
    """(float32 (P, K): rewards less the mean of their group; bool (P,): groups that teach something).

    A group whose rewards are all equal has advantages of exactly 0, whatever rounding does to its mean, and teaches
    nothing. `scaled`: also divided by the group's standard deviation plus 1e-4 (GRPO, Shao et al. 2024, 4.1.2), which
    lends easy and hard prompts weight: Dr. GRPO (Liu et al. 2025, 3.1) leaves it out.
    """
    reward_PK = reward_PK.float()
    teaches_P = reward_PK.amax(1) > reward_PK.amin(1)
    advantage_PK = reward_PK - reward_PK.mean(1, keepdim=True)
    if scaled and reward_PK.shape[1] > 1:
        advantage_PK = advantage_PK / (reward_PK.std(1, keepdim=True) + EPSILON)
    return torch.where(teaches_P[:, None], advantage_PK, 0.0), teaches_P


def rewards_with_kl(score_B: Tensor, log_ratio_BT: Tensor, mask_BT: Tensor, beta: float) -> Tensor:
    """float32 (B, T): the reward of each token (Ouyang et al. 2022, 3.5; k1 estimate of the KL divergence).

    `log_ratio_BT`: log-probability under the policy that sampled less that under the reference. Every token pays
    `beta` times that; the last one of the policy's own also gets the score. So a row sums to score - beta * KL.
    """
    mask_BT = mask_BT.bool()
    reward_BT = torch.where(mask_BT, -beta * log_ratio_BT.float(), 0.0)
    place_T = torch.arange(mask_BT.shape[1], device=mask_BT.device)
    last_B = torch.where(mask_BT, place_T, -1).amax(1)
    return reward_BT + torch.where(place_T == last_B[:, None], score_B.float()[:, None], 0.0)


def generalised_advantages(
    reward_BT: Tensor, value_BT: Tensor, mask_BT: Tensor, *, gamma: float, lam: float
) -> tuple[Tensor, Tensor]:
    """(advantages, returns), float32 (B, T), 0 outside the mask (Schulman et al. 2016, equation 16).

    A token that follows another in time is the next one in the mask: what a tool said in between is no action. After
    the last one there is nothing more to come. Returns are advantages plus values.
    """
    mask_BT = mask_BT.bool()
    reward_BT, value_BT = reward_BT.float(), value_BT.float()
    advantage_BT = torch.zeros_like(value_BT)
    after_B = next_value_B = torch.zeros_like(value_BT[:, 0])
    for t in reversed(range(mask_BT.shape[1])):
        surprise_B = reward_BT[:, t] + gamma * next_value_B - value_BT[:, t]
        advantage_BT[:, t] = surprise_B + gamma * lam * after_B
        after_B = torch.where(mask_BT[:, t], advantage_BT[:, t], after_B)
        next_value_B = torch.where(mask_BT[:, t], value_BT[:, t], next_value_B)
    advantage_BT = torch.where(mask_BT, advantage_BT, 0.0)
    return advantage_BT, torch.where(mask_BT, advantage_BT + value_BT, 0.0)


def whitened(values: Tensor, mask: Tensor, world: World = ALONE) -> Tensor:
    """Mean 0 and variance 1 over what is in the mask on all ranks; 0 outside. All ranks must call it.

    In two passes of double precision, so that the ranks' shares change nothing; variance with Bessel's correction, as
    TRL. One value, or equal ones, become 0.
    """
    mask, values = mask.bool(), values.double()
    sums_2 = torch.stack((torch.where(mask, values, 0.0).sum(), mask.double().sum()))
    all_reduce(world, [sums_2])
    total, count = sums_2
    away = torch.where(mask, values - total / count.clamp(min=1), 0.0)
    square = away.square().sum()
    all_reduce(world, [square])
    variance = square / (count - 1).clamp(min=1)
    return (away * (variance + TINY).rsqrt()).float()
