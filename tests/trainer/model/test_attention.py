"""Every back end against softmax attention written out, and against each other."""

import itertools
import math

import pytest
import torch

from gristmill.trainer.model.attention import attend, document_starts, make_mask

B, T, H, K, D = 2, 12, 4, 2, 8


def inputs(seed, T=T, S=T, dtype=torch.float32, device="cpu"):
    torch.manual_seed(seed)
    shapes = [(B, T, H, D), (B, S, K, D), (B, S, K, D)]
    return [torch.randn(shape, dtype=dtype, device=device, requires_grad=True) for shape in shapes]


def written_out(q, k, v, sees):
    """The definition, one query at a time. sees(b, t, s) -> bool."""
    out = torch.zeros_like(q)
    for b, t, h in itertools.product(range(B), range(q.shape[1]), range(H)):
        keys = [s for s in range(k.shape[1]) if sees(b, t, s)]
        scores = torch.stack([q[b, t, h] @ k[b, s, h // (H // K)] / math.sqrt(D) for s in keys])
        out[b, t, h] = sum(p * v[b, s, h // (H // K)] for p, s in zip(scores.softmax(0), keys, strict=True))
    return out


DOCUMENTS = torch.tensor([[0] * 5 + [1] * 4 + [-1] * 3, [0] * 1 + [1] * 10 + [2]])
PREFIX = torch.tensor([[1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0], [0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]]).bool()
CASES = {
    "causal": ({"causal": True}, lambda b, t, s: s <= t, ["sdpa", "masked", "flex"]),
    "full": ({"causal": False}, lambda b, t, s: True, ["sdpa", "masked", "flex"]),
    "documents": (
        {"causal": True, "queries_BT": DOCUMENTS, "keys_BS": DOCUMENTS},
        lambda b, t, s: s <= t and DOCUMENTS[b, t] == DOCUMENTS[b, s],
        ["masked", "flex"],
    ),
    "full documents": (
        {"causal": False, "queries_BT": DOCUMENTS, "keys_BS": DOCUMENTS},
        lambda b, t, s: DOCUMENTS[b, t] == DOCUMENTS[b, s],
        ["masked", "flex"],
    ),
    "prefix": (
        {"causal": True, "queries_BT": DOCUMENTS, "keys_BS": DOCUMENTS, "prefix_BS": PREFIX},
        lambda b, t, s: (s <= t or PREFIX[b, s]) and DOCUMENTS[b, t] == DOCUMENTS[b, s],
        ["masked", "flex"],
    ),
}


@pytest.mark.parametrize(
    ("name", "backend"), [(name, backend) for name, (*_, backends) in CASES.items() for backend in backends]
)
@pytest.mark.parametrize("seed", [0, 1])
def test_attend__is_softmax_attention_over_what_the_mask_shows(name, backend, seed):
    options, sees, _ = CASES[name]
    q, k, v = (x.detach() for x in inputs(seed))  # FlexAttention has no backward on a CPU
    got = attend(q, k, v, make_mask(shape=(T, T), device=q.device, backend=backend, **options))
    torch.testing.assert_close(got, written_out(q, k, v, sees), atol=1e-5, rtol=1e-5)


def test_attend__gradients_of_masked_are_those_of_fused():
    grads = []
    for backend in ("sdpa", "masked"):
        q, k, v = inputs(0)
        attend(
            q, k, v, make_mask(causal=True, shape=(T, T), device=q.device, backend=backend)
        ).square().sum().backward()
        grads.append([x.grad for x in (q, k, v)])
    for fused, masked in zip(*grads, strict=True):
        torch.testing.assert_close(fused, masked, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("new", [1, 3])
def test_attend__queries_after_a_cache_are_the_last_positions(new):
    q, k, v = inputs(0, T=new, S=T)
    got = attend(q, k, v, make_mask(causal=True, shape=(new, T), device=q.device))
    torch.testing.assert_close(got, written_out(q, k, v, lambda b, t, s: s <= t + T - new), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backend": "sdpa", "queries_BT": DOCUMENTS, "keys_BS": DOCUMENTS}, "no documents"),
        ({"backend": "varlen"}, "needs documents"),
        ({"queries_BT": DOCUMENTS}, "padding would be seen"),
        ({"backend": "magic"}, "unknown attention back end 'magic'"),
    ],
)
def test_make_mask__refuses_what_a_back_end_cannot(options, message):
    with pytest.raises(ValueError, match=message):
        make_mask(causal=True, shape=(T, T), device=torch.device("cpu"), **options)


def test_document_starts__names_every_start_then_the_end():
    starts = document_starts(DOCUMENTS).tolist()
    assert starts[:7] == [0, 5, 9, 12, 13, 23, 24]
    assert starts[7:] == [24] * (2 * T + 1 - 7)


@pytest.mark.parametrize("most", [2, 3, 11, 50])
def test_document_starts__is_no_longer_than_the_plan_needs(most):
    """Two rows of two documents and padding: all starts fit, and the last entry ends the last one."""
    documents = torch.tensor([[0] * 5 + [1] * 4 + [-1] * 3, [0] + [1] * 10 + [-1]])
    starts = document_starts(documents, most).tolist()
    assert starts == document_starts(documents).tolist()[: len(starts)]
    assert starts[-1] == 24
    assert len(starts) == 2 * min(most + 1, 12) + 1


@pytest.mark.gpu
@pytest.mark.parametrize("backend", ["flex", "varlen"])
def test_attend__gpu_back_ends_and_their_gradients_are_those_of_masked(backend):
    grads = []
    for name in ("masked", backend):
        q, k, v = inputs(0, dtype=torch.bfloat16, device="cuda")
        documents = DOCUMENTS.cuda()
        mask = make_mask(
            causal=True, shape=(T, T), device=q.device, backend=name, queries_BT=documents, keys_BS=documents
        )
        out = attend(q, k, v, mask)
        out.float().square().sum().backward()
        grads.append([out.detach(), *(x.grad for x in (q, k, v))])
    for masked, other in zip(*grads, strict=True):
        torch.testing.assert_close(masked, other, atol=2e-2, rtol=2e-2)
