"""The chunked loss against torch's cross-entropy on all logits."""

import pytest
import torch
from torch.nn import functional

from gristmill.trainer.model import cross_entropy
from gristmill.trainer.model.cross_entropy import lm_loss, log_probabilities
from tests.exhaustive import some


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("chunk", [1, 5, 1000])
def test_lm_loss__value_and_gradients_are_those_of_cross_entropy(seed, bias, chunk, monkeypatch):
    N, E, V, padded = 23, 8, 50, 64
    monkeypatch.setattr(cross_entropy, "CHUNK_BYTES", {"cpu": chunk * 4 * padded})
    torch.manual_seed(seed)
    made = [torch.randn(N, E), torch.randn(padded, E), torch.randn(padded)]
    targets = torch.randint(-1, V, (N,))
    ours, theirs = ([x.clone().requires_grad_() for x in made] for _ in range(2))
    loss, losses = lm_loss(ours[0], ours[1], targets, vocabulary=V, bias_V=ours[2] if bias else None)
    logits = (functional.linear(theirs[0], theirs[1], theirs[2] if bias else None))[:, :V]
    expected = functional.cross_entropy(logits, targets, ignore_index=-1, reduction="none")
    torch.testing.assert_close(losses, expected)
    (loss / 7).backward()
    (expected.sum() / 7).backward()
    for a, b in list(zip(ours, theirs, strict=True))[: 3 if bias else 2]:
        torch.testing.assert_close(a.grad, b.grad, atol=1e-5, rtol=1e-5)
    assert not ours[1].grad[V:].any(), "padding of the vocabulary was moved"


def test_lm_loss__without_gradient_computes_none():
    hidden, weight = torch.randn(4, 3), torch.randn(64, 3)
    loss, _ = lm_loss(hidden, weight, torch.tensor([1, 2, -1, 3]), vocabulary=10)
    assert not loss.requires_grad


def test_lm_loss__bfloat16_is_close_and_keeps_a_float32_weight_gradient():
    torch.manual_seed(0)
    hidden, weight = torch.randn(64, 16), torch.randn(128, 16, requires_grad=True)
    targets = torch.randint(0, 128, (64,))
    exact, _ = lm_loss(hidden, weight, targets, vocabulary=128)
    loss, _ = lm_loss(hidden.bfloat16().requires_grad_(), weight, targets, vocabulary=128)
    loss.backward()
    assert weight.grad.dtype == torch.float32
    assert loss.item() == pytest.approx(exact.item(), rel=0.02)


@pytest.mark.parametrize("temperature", [1.0, 0.7])
@pytest.mark.parametrize("chunk", [5, 1000])
def test_lm_loss__weights_of_any_sign_and_a_temperature(temperature, chunk, monkeypatch):
    N, E, V, padded = 23, 8, 50, 64
    monkeypatch.setattr(cross_entropy, "CHUNK_BYTES", {"cpu": chunk * 4 * padded})
    torch.manual_seed(0)
    made = [torch.randn(N, E), torch.randn(padded, E), torch.randn(padded)]
    targets, weights = torch.randint(-1, V, (N,)), torch.randn(N)
    ours, theirs = ([x.clone().requires_grad_() for x in made] for _ in range(2))
    options = {"vocabulary": V, "temperature": temperature}
    loss, losses = lm_loss(*ours[:2], targets, bias_V=ours[2], weights_N=weights, **options)
    logits = functional.linear(*theirs)[:, :V] / temperature
    expected = functional.cross_entropy(logits, targets, ignore_index=-1, reduction="none")
    torch.testing.assert_close(losses, expected)
    loss.backward()
    (expected * weights).sum().backward()
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a.grad, b.grad, atol=1e-5, rtol=1e-5)
    with torch.no_grad():
        found = log_probabilities(*ours[:2], targets, bias_V=ours[2], **options)
    torch.testing.assert_close(found, -expected.detach())
    assert not found.requires_grad


def test_lm_loss__has_the_gradient_of_any_objective_of_log_probabilities():
    """Two passes, as policy gradients and preferences do it: the objective's derivative by each log-probability becomes
    the token's weight."""
    torch.manual_seed(1)
    made, targets = [torch.randn(12, 6), torch.randn(64, 6)], torch.randint(0, 40, (12,))
    ours, theirs = ([x.clone().requires_grad_() for x in made] for _ in range(2))

    def objective(logp):
        return -functional.logsigmoid(logp[:6].sum() - logp[6:].sum())

    logp = log_probabilities(*ours, targets, vocabulary=40).requires_grad_()
    (weights,) = torch.autograd.grad(objective(logp), logp)
    lm_loss(*ours, targets, vocabulary=40, weights_N=-weights)[0].backward()
    objective(functional.linear(*theirs)[:, :40].log_softmax(-1)[torch.arange(12), targets]).backward()
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a.grad, b.grad, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("scored", [0, 1, 9])
@pytest.mark.parametrize("kept", [False, True])
def test_lm_loss__only_what_is_scored_is_multiplied(scored, kept, monkeypatch):
    """Of 30 tokens; the same as where all of them are multiplied."""
    torch.manual_seed(3)
    made, targets = [torch.randn(30, 8), torch.randn(64, 8), torch.randn(64)], torch.full((30,), -1)
    targets[torch.randperm(30)[:scored]] = torch.randint(0, 50, (scored,))
    filters = torch.rand(30, 64) < 0.5
    filters[torch.arange(30), targets.clamp(min=0)] = True
    bits = cross_entropy.packed_bits(filters, 64) if kept else None
    rows, chunk = [], cross_entropy._chunk

    def counted(logits, *rest):
        rows.append(len(logits))
        return chunk(logits, *rest)

    monkeypatch.setattr(cross_entropy, "_chunk_on", lambda device: counted)

    def results():
        rows.clear()
        leaves = [x.clone().requires_grad_() for x in made]
        found = log_probabilities(*leaves[:2], targets, bias_V=leaves[2], kept_NW=bits, vocabulary=50, temperature=0.8)
        (found * torch.arange(30)).sum().backward()
        return sum(rows), [found.detach(), *(leaf.grad for leaf in leaves)]

    multiplied, ours = results()
    monkeypatch.setattr(cross_entropy, "FEW_SCORED", 0)
    everything, expected = results()
    assert (multiplied, everything) == (2 * scored, 60), "forward and backward"
    for a, b in zip(ours, expected, strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("backend", some(["inductor", "aot_eager"], ["aot_eager"]))
def test_lm_loss__compiled_as_on_cuda_is_the_same(monkeypatch, backend):
    """`aot_eager`: all of the compiler but the code that it writes."""
    torch.manual_seed(2)
    hidden, weight, bias = torch.randn(9, 8), torch.randn(64, 8), torch.randn(64)
    targets = torch.randint(-1, 50, (9,))

    def results():
        leaves = [x.clone().requires_grad_() for x in (hidden, weight, bias)]
        loss, losses = lm_loss(*leaves[:2], targets, vocabulary=50, bias_V=leaves[2], temperature=0.9)
        loss.backward()
        return [losses, *(leaf.grad for leaf in leaves)]

    eager = results()
    compiled = torch.compile(cross_entropy._chunk, dynamic=False, backend=backend)
    monkeypatch.setattr(cross_entropy, "_chunk_on", lambda device: compiled)
    for a, b in zip(results(), eager, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)
