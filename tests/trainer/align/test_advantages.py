"""Advantages against plain loops, and what must hold of them whatever the numbers are."""

import os

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from gristmill.trainer.align.advantages import generalised_advantages, group_advantages, rewards_with_kl, whitened
from gristmill.trainer.devices.world import World
from tests.ports import free_port


def masks(seed: int, B: int = 6, T: int = 9) -> torch.Tensor:
    """Responses of unequal lengths; one has a hole, where a tool spoke, and one ends with its first token."""
    generator = torch.Generator().manual_seed(seed)
    length_B = torch.randint(2, T + 1, (B,), generator=generator)
    mask_BT = torch.arange(T) < length_B[:, None]
    mask_BT[0], mask_BT[1] = True, torch.arange(T) < 1
    mask_BT[0, 3:5] = False
    return mask_BT


def draws(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_group_advantages__less_the_mean_and_by_option_over_the_deviation_as_trl():
    reward_PK = draws(0, 5, 4)
    found, teaches = group_advantages(reward_PK)
    torch.testing.assert_close(found, reward_PK - reward_PK.mean(1, keepdim=True))
    assert teaches.all()
    torch.testing.assert_close(found.sum(1), torch.zeros(5), atol=1e-6, rtol=0)
    scaled, _ = group_advantages(reward_PK, scaled=True)
    torch.testing.assert_close(scaled, found / (reward_PK.std(1, keepdim=True) + 1e-4))  # grpo_trainer.py


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("value", [0.1, 1 / 3, -7.7, 1e6])
def test_group_advantages__an_all_equal_group_is_exactly_zero_and_teaches_nothing(value, scaled):
    found, teaches = group_advantages(torch.tensor([[value] * 3, [0.0, 1.0, 0.0]]), scaled=scaled)
    assert (found[0] == 0).all()
    assert teaches.tolist() == [False, True]


def test_group_advantages__one_sample_teaches_nothing():
    found, teaches = group_advantages(torch.tensor([[3.0]]), scaled=True)
    assert found.item() == 0
    assert not teaches.item()


@pytest.mark.parametrize("seed", range(4))
def test_rewards_with_kl__sum_to_the_score_less_the_kl_and_the_score_is_on_the_last_own_token(seed):
    mask_BT, score_B, log_ratio_BT = masks(seed), draws(seed, 6), draws(seed + 9, 6, 9)
    reward_BT = rewards_with_kl(score_B, log_ratio_BT, mask_BT, 0.3)
    kl_B = (log_ratio_BT * mask_BT).sum(1)
    torch.testing.assert_close(reward_BT.sum(1), score_B - 0.3 * kl_B)
    assert (reward_BT[~mask_BT] == 0).all()
    plain_BT = rewards_with_kl(score_B, log_ratio_BT, mask_BT, 0.0)
    for b in range(6):
        last = mask_BT[b].nonzero().max().item()
        assert plain_BT[b, last] == score_B[b]
        assert plain_BT[b].count_nonzero() == 1


@pytest.mark.parametrize("seed", range(4))
def test_generalised_advantages__equal_the_double_sum_of_their_definition(seed):
    mask_BT, reward_BT, value_BT = masks(seed), draws(seed, 6, 9), draws(seed + 5, 6, 9)
    gamma, lam = 0.9, 0.7
    advantage_BT, return_BT = generalised_advantages(reward_BT, value_BT, mask_BT, gamma=gamma, lam=lam)
    for b in range(6):
        own = mask_BT[b].nonzero()[:, 0].tolist()
        r, v = [reward_BT[b, t].item() for t in own], [value_BT[b, t].item() for t in own] + [0.0]
        for i, t in enumerate(own):
            expected = sum((gamma * lam) ** (j - i) * (r[j] + gamma * v[j + 1] - v[j]) for j in range(i, len(own)))
            assert advantage_BT[b, t].item() == pytest.approx(expected, abs=1e-5)
    assert (advantage_BT[~mask_BT] == 0).all()
    torch.testing.assert_close(return_BT, torch.where(mask_BT, advantage_BT + value_BT, 0.0))


def test_generalised_advantages__with_lambda_one_are_what_comes_less_the_value():
    mask_BT, reward_BT, value_BT = masks(1), draws(2, 6, 9), draws(3, 6, 9)
    advantage_BT, return_BT = generalised_advantages(reward_BT, value_BT, mask_BT, gamma=1.0, lam=1.0)
    own_BT = torch.where(mask_BT, reward_BT, 0.0)
    to_come_BT = own_BT.flip(1).cumsum(1).flip(1)
    torch.testing.assert_close(advantage_BT[mask_BT], (to_come_BT - value_BT)[mask_BT])
    torch.testing.assert_close(return_BT[mask_BT], to_come_BT[mask_BT])


def test_whitened__has_mean_zero_and_variance_one_and_padding_does_not_count():
    mask_BT, values_BT = masks(2), draws(4, 6, 9) * 3 + 5
    found_BT = whitened(values_BT, mask_BT)
    own = found_BT[mask_BT]
    assert own.mean().item() == pytest.approx(0, abs=1e-6)
    assert own.var().item() == pytest.approx(1, abs=1e-5)
    assert (found_BT[~mask_BT] == 0).all()
    other_BT = torch.where(mask_BT, values_BT, 1e9)
    assert torch.equal(whitened(other_BT, mask_BT), found_BT)
    assert (whitened(torch.full((2, 3), 0.1), torch.ones(2, 3)) == 0).all()


def _two(rank: int, port: int) -> None:
    torch.set_num_threads(1)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    dist.init_process_group("gloo", rank=rank, world_size=2)
    mask_BT, values_BT = masks(3, B=7), draws(6, 7, 9)
    mine = slice(rank, None, 2)  # shares of 4 and 3 responses
    found_BT = whitened(values_BT[mine], mask_BT[mine], World(rank, 2))
    torch.testing.assert_close(found_BT, whitened(values_BT, mask_BT)[mine], atol=1e-6, rtol=0)
    dist.destroy_process_group()


@pytest.mark.process
def test_whitened__is_over_all_ranks():
    mp.spawn(_two, (free_port(),), nprocs=2)
