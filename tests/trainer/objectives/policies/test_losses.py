"""The policy's losses against plain loops and exact expectations. Beside TRL: test_trl.py."""

import math

import pytest
import torch

from gristmill.trainer.objectives.policies.divergence import divergences
from gristmill.trainer.objectives.policies.losses import clipped_loss, clipped_value_loss, k2, k3, token_weights


def draws(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_clipped_loss__case_by_case():
    """Ratios 0.5, 1, 2 with good and bad advantages: only what would move further away is held back."""
    ratio = torch.tensor([0.5, 1.0, 2.0, 0.5, 1.0, 2.0])
    advantage = torch.tensor([3.0, 3.0, 3.0, -3.0, -3.0, -3.0])
    log_p = ratio.log().requires_grad_()
    loss, held = clipped_loss(log_p, torch.zeros(6), advantage, low=0.2, high=0.28)
    assert loss.tolist() == pytest.approx([-1.5, -3.0, -3.84, 2.4, 3.0, 6.0])
    assert held.tolist() == [False, False, True, True, False, False]
    loss.sum().backward()
    assert log_p.grad.tolist() == pytest.approx([-1.5, -3.0, 0.0, 0.0, 3.0, 6.0])


def test_clipped_loss__before_the_first_update_its_gradient_is_that_of_the_policy_gradient():
    log_p = (draws(0, 20) - 2).requires_grad_()
    advantage = draws(1, 20)
    loss, held = clipped_loss(log_p, log_p.detach(), advantage, low=0.2, high=0.2)
    loss.sum().backward()
    torch.testing.assert_close(log_p.grad, -advantage)
    assert not held.any()


def test_clipped_value_loss__case_by_case():
    value, old, returns = torch.tensor([1.0, 1.0, -1.0]), torch.tensor([0.0, 0.0, 0.0]), torch.tensor([2.0, 0.0, 0.1])
    loss, held = clipped_value_loss(value, old, returns, 0.2)
    assert loss.tolist() == pytest.approx([0.5 * 1.8**2, 0.5, 0.5 * 1.1**2])
    assert held.tolist() == [True, False, False]


def plain_loss(kind, per_token, mask, longest):
    """Of one batch, as the papers have it."""
    if kind == "grpo":
        return ((per_token * mask).sum(-1) / mask.sum(-1).clamp(min=1.0)).mean()
    if kind == "dr_grpo":
        return (per_token * mask).sum() / (per_token.size(0) * longest)
    return (per_token * mask).sum() / mask.sum()


@pytest.mark.parametrize("kind", ["dapo", "grpo", "dr_grpo"])
def test_token_weights__give_the_papers_losses_and_a_batch_equals_its_parts(kind):
    per_token = draws(2, 6, 8)
    mask = (torch.arange(8) < torch.tensor([8, 3, 1, 5, 8, 2])[:, None]).float()
    weights, divisor = token_weights(mask, kind, 8)
    whole = (per_token * weights).sum() / divisor
    torch.testing.assert_close(whole, plain_loss(kind, per_token, mask, 8))
    cuts = (slice(0, 1), slice(1, 4), slice(4, 6))
    parts = [(rows, *token_weights(mask[rows], kind, 8)) for rows in cuts]
    sums = sum((per_token[rows] * weights).sum() for rows, weights, _ in parts)
    torch.testing.assert_close(sums / sum(divisor for *_, divisor in parts), whole)


@pytest.mark.parametrize("kind", ["dapo", "grpo", "dr_grpo"])
def test_token_weights__a_row_without_a_token_is_not_in_the_divisor(kind):
    mask = torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    _, with_row = token_weights(mask, kind, 3)
    _, without = token_weights(mask[:1], kind, 3)
    assert with_row == without


def test_kl_estimators__their_gradients_in_expectation():
    """Exactly, over a distribution of 7: k2's gradient is the reverse divergence's; k3's mean is its value."""
    logits, q = draws(3, 7).requires_grad_(), draws(4, 7).log_softmax(0)

    def reverse(logits):
        p = logits.log_softmax(0)
        return (p.exp() * (p - q)).sum()

    (exact,) = torch.autograd.grad(reverse(logits), logits)
    p = logits.log_softmax(0)
    (found,) = torch.autograd.grad((p.exp().detach() * k2(p, q)).sum(), logits)
    torch.testing.assert_close(found, exact)
    torch.testing.assert_close((p.exp() * k3(p, q)).sum(), reverse(logits))
    assert (k3(p, q) >= 0).all()


@pytest.mark.parametrize("direction", ["reverse", "forward"])
@pytest.mark.parametrize("most", [0, 5])
def test_divergences__equal_torchs_and_their_gradients(direction, most, monkeypatch):
    monkeypatch.setattr("gristmill.trainer.objectives.policies.divergence.CHUNK_NUMBERS", 150)
    N, E, other, vocabulary = 11, 6, 4, 37
    hidden, weight = draws(0, N, E).requires_grad_(), draws(1, 64, E).requires_grad_()
    teacher, teacher_weight = draws(2, N, other), draws(3, 64, other)
    found = divergences(
        hidden, weight, teacher, teacher_weight, vocabulary=vocabulary, direction=direction, temperature=0.7, most=most
    )
    ours, theirs = (hidden @ weight.T)[:, :vocabulary] / 0.7, (teacher @ teacher_weight.T)[:, :vocabulary] / 0.7
    if most:
        theirs, index = theirs.topk(most)
        ours = ours.gather(1, index)
    p, q = ours.log_softmax(-1), theirs.log_softmax(-1)
    pair = (q, p) if direction == "reverse" else (p, q)
    expected = torch.nn.functional.kl_div(*pair, reduction="none", log_target=True).sum(-1)
    torch.testing.assert_close(found, expected)
    assert (found >= -1e-6).all()
    scale = draws(5, N)
    mine = torch.autograd.grad((found * scale).sum(), (hidden, weight))
    plain = torch.autograd.grad((expected * scale).sum(), (hidden, weight))
    torch.testing.assert_close(mine, plain)


def test_divergences__a_student_that_is_its_teacher_has_none():
    hidden, weight = draws(0, 5, 8), draws(1, 64, 8)
    found = divergences(hidden, weight, hidden, weight, vocabulary=60, direction="reverse")
    assert found.abs().max().item() < 1e-6
    far = divergences(hidden, weight, torch.zeros(5, 8), weight, vocabulary=60, direction="reverse")
    entropy = torch.distributions.Categorical(logits=(hidden @ weight.T)[:, :60]).entropy()
    torch.testing.assert_close(far, math.log(60) - entropy)  # to the uniform distribution
