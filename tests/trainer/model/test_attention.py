"""Every back end against softmax attention written out, and against each other."""

import itertools
import math

import pytest
import torch

from gristmill.trainer.model.attention import attend, bounds, document_starts, make_mask, with_bias

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


@pytest.mark.parametrize("name", ["causal", "full", "documents", "full documents", "prefix"])
@pytest.mark.parametrize("learns", [False, True])
def test_attend__scores_by_distance_are_added_alike(name, learns, monkeypatch):
    """T5's, of the dense mask and of flex, values and gradients: those of flex by the same functions of scores in
    FlexAttention's own mathematics, which it forbids on a CPU only because its kernels have no backward there."""
    options, sees, _ = CASES[name]
    bias = torch.randn(H, 2 * T - 1, requires_grad=learns)
    if learns:
        monkeypatch.setattr("torch.nn.attention.flex_attention._validate_device", lambda *_: None)
    found = []
    for backend in ("masked", "flex"):
        q, k, v = (x if learns else x.detach() for x in inputs(0))
        mask = make_mask(shape=(T, T), device=q.device, backend=backend, biased=True, **options)
        out = attend(q, k, v, with_bias(mask, bias, (T, T)))
        grads = torch.autograd.grad(out.square().sum(), (q, k, v, bias)) if learns else ()
        found.append((out.detach(), *grads))
    for dense, flex in zip(*found, strict=True):
        torch.testing.assert_close(flex, dense, atol=2e-5, rtol=1e-4)
    expected = torch.zeros(T)
    q, k, v = (x.detach() for x in inputs(0))
    seen = [s for s in range(T) if sees(1, 4, s)]
    scores = torch.stack([q[1, 4, 3] @ k[1, s, 1] / math.sqrt(D) + bias[3, s - 4 + T - 1] for s in seen])
    expected = sum(p * v[1, s, 1] for p, s in zip(scores.softmax(0), seen, strict=True))
    torch.testing.assert_close(found[0][0][1, 4, 3], expected.detach(), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("new", [1, 3])
def test_with_bias__queries_after_a_cache_are_the_last_positions(new):
    bias = torch.randn(H, new + T - 1)
    mask = make_mask(causal=True, shape=(new, T), device=torch.device("cpu"), biased=True)
    dense = with_bias(mask, bias, (new, T)).dense_BHTS
    for t, s in itertools.product(range(new), range(T)):
        place = T - new + t
        assert dense[0, 2, t, s] == (bias[2, s - place + T - 1] if s <= place else float("-inf"))


def test_bounds__of_every_token_are_the_first_and_last_place_of_its_document():
    first, last = bounds(DOCUMENTS)
    assert first.tolist() == [[0] * 5 + [5] * 4 + [9] * 3, [0] + [1] * 10 + [11]]
    assert last.tolist() == [[4] * 5 + [8] * 4 + [11] * 3, [0] + [10] * 10 + [11]]
    assert first.dtype == last.dtype == torch.int32


def test_make_mask__reads_one_number_of_a_document_for_each_query():
    """What a block mask reads for every pair of places: where the query's document begins, not the key's document."""
    reads = []

    class Watched(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            if func is torch.Tensor.__getitem__:
                reads.append(args[1])
            return super().__torch_function__(func, types, args, kwargs or {})

    documents = DOCUMENTS.as_subclass(Watched)
    make_mask(
        causal=True, shape=(T, T), device=DOCUMENTS.device, queries_BT=documents, keys_BS=documents, backend="masked"
    )
    by_pair = [index for index in reads if isinstance(index, tuple) and len(index) == 2 and torch.is_tensor(index[1])]
    assert [index[1].shape for index in by_pair] == [(1, T, 1)]


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
        ({"backend": "sdpa", "biased": True}, "relative positions"),
        ({"backend": "varlen", "biased": True, "queries_BT": DOCUMENTS, "keys_BS": DOCUMENTS}, "relative positions"),
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
def test_attend__gpu_scores_by_distance_and_their_gradients_are_those_of_masked():
    found = []
    for backend in ("masked", "flex"):
        q, k, v = inputs(0, dtype=torch.bfloat16, device="cuda")
        bias = torch.linspace(-1, 1, H * (2 * T - 1), device="cuda").view(H, -1).requires_grad_()
        documents = DOCUMENTS.cuda()
        mask = make_mask(
            causal=True, shape=(T, T), device=q.device, backend=backend, queries_BT=documents, keys_BS=documents,
            biased=True,
        )  # fmt: skip
        out = attend(q, k, v, with_bias(mask, bias, (T, T)))
        found.append((out, *torch.autograd.grad(out.float().square().sum(), (q, k, v, bias))))
    for dense, flex in zip(*found, strict=True):
        torch.testing.assert_close(flex, dense, atol=3e-2, rtol=3e-2)


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
