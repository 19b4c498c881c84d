"""Attention: one function, `attend`, with interchangeable back ends that give equal results
(tests/trainer/test_attention.py).

Letters: B rows, T queries, S keys, H query heads, K key-value heads (K divides H), D width of a head.

| back end | where | what |
|---|---|---|
| sdpa | everywhere | causal or full, one document per row: PyTorch picks a fused kernel, cuDNN first |
| masked | everywhere | any mask as a dense (B, 1, T, S) array: documents, prefix, relative positions, a cache |
| flex | CUDA | documents, prefix, relative positions; blocks that nobody sees are left out (no backward on CPU) |
| varlen | CUDA, bfloat16 | documents as cumulative lengths |
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

# cuDNN reaches 631 TFLOP/s on an H100 where the default choice (FlashAttention 2) reaches 329: pytorch#142132.
SDPA_PRIORITY = [
    SDPBackend.CUDNN_ATTENTION,
    SDPBackend.FLASH_ATTENTION,
    SDPBackend.EFFICIENT_ATTENTION,
    SDPBackend.MATH,
]


@dataclass(frozen=True)
class Mask:
    """Which keys a query sees, in the form that one back end wants. Made by `make_mask`, once per batch."""

    backend: str
    causal: bool
    dense_BHTS: Tensor | None = None
    """masked: True where a query sees a key, or the float to add to its score; broadcasts over heads."""
    blocks: Any = None
    """flex: a BlockMask."""
    bias_HO: Tensor | None = None
    """flex: what is added to a score by the key's place less the query's, from 1 - S to T - 1 (O = T + S - 1)."""
    starts_N: Tensor | None = None
    """varlen: int32 start of every document in the flattened (B * T) tokens: `document_starts`."""


def make_mask(
    *,
    causal: bool,
    shape: tuple[int, int],
    device: torch.device,
    queries_BT: Tensor | None = None,
    keys_BS: Tensor | None = None,
    prefix_BS: Tensor | None = None,
    most: int = 0,
    backend: str = "auto",
    biased: bool = False,
) -> Mask:
    """The mask of a batch of `shape` (T, S).

    A query sees a key of the same document (`queries_BT`, `keys_BS`: int document numbers; None: one document) that is
    not later than itself, unless `causal` is off or the key is in the prefix (`prefix_BS`: bool). With S > T (a cache)
    the queries are the last T positions. `most`: documents of a row at most (padding is one more); 0: unknown.
    `biased`: scores by distance are to be added (`with_bias`). Raises ValueError when the back end cannot express the
    mask.
    """
    T, S = shape
    if (queries_BT is None) != (keys_BS is None):
        raise ValueError("documents are given for the queries or the keys alone: padding would be seen")
    plain = queries_BT is None and prefix_BS is None and not biased
    if backend == "auto":
        backend = _choose(plain and (T == S or not causal or T == 1), device, queries_BT, prefix_BS)
    if backend == "sdpa":
        if not plain:
            raise ValueError("back end 'sdpa' knows no documents, prefix or relative positions: use 'masked'")
        return Mask("sdpa", causal and T > 1)
    if backend == "masked":
        return Mask("masked", causal, _dense(causal, shape, device, queries_BT, keys_BS, prefix_BS))
    if backend == "flex":
        return Mask("flex", causal, blocks=_blocks(causal, shape, device, queries_BT, keys_BS, prefix_BS))
    if backend == "varlen":
        if queries_BT is None or prefix_BS is not None or biased:
            raise ValueError(
                "back end 'varlen' needs documents and knows no prefix or relative positions: use 'flex' or 'masked'"
            )
        return Mask("varlen", causal, starts_N=document_starts(queries_BT, most))
    raise ValueError(f"unknown attention back end {backend!r}: auto, {', '.join(BACKENDS)}")


def _choose(plain: bool, device: torch.device, queries_BT: Tensor | None, prefix_BS: Tensor | None) -> str:
    if plain:
        return "sdpa"
    if device.type != "cuda" or (queries_BT is not None and queries_BT.shape[1] == 1):
        return "masked"
    return "flex"


def _visible(
    causal: bool, queries_BT: Tensor | None, keys_BS: Tensor | None, prefix_BS: Tensor | None, offset: int
) -> Callable[[Any, Any, Any, Any], Tensor]:
    """FlexAttention's `mask_mod`: (row, head, query, key) -> sees. The one place that says who sees whom.

    In a row that attends to itself documents are told by where the query's begins, and ends where later keys count:
    one number for each query, where a comparison of documents reads one for each key too.
    """
    first_BT, last_BT = bounds(queries_BT) if queries_BT is not None and queries_BT is keys_BS else (None, None)
    later = not causal or prefix_BS is not None

    def sees(b: Any, h: Any, t: Any, s: Any) -> Tensor:
        seen = (t + offset >= s) if causal else (t >= 0) & (s >= 0)
        if prefix_BS is not None:
            seen = seen | prefix_BS[b, s]
        if first_BT is not None and last_BT is not None:
            seen = seen & (s >= first_BT[b, t])
            seen = seen & (s <= last_BT[b, t]) if later else seen
        elif queries_BT is not None and keys_BS is not None:
            seen = seen & (queries_BT[b, t] == keys_BS[b, s])
        return seen

    return sees


def bounds(documents_BT: Tensor) -> tuple[Tensor, Tensor]:
    """int32 (B, T) each: where in its row the document of a token begins, and where its last token stands. A document
    is a run of equal numbers."""
    T = documents_BT.shape[1]
    place_T = torch.arange(T, dtype=torch.int32, device=documents_BT.device)
    new_BT = torch.ones_like(documents_BT, dtype=torch.bool)
    new_BT[:, 1:] = documents_BT[:, 1:] != documents_BT[:, :-1]
    ends_BT = torch.ones_like(new_BT)
    ends_BT[:, :-1] = new_BT[:, 1:]
    first_BT = torch.where(new_BT, place_T, 0).cummax(1).values
    last_BT = torch.where(ends_BT, place_T, T).flip(1).cummin(1).values.flip(1)
    return first_BT, last_BT


def _dense(
    causal: bool,
    shape: tuple[int, int],
    device: torch.device,
    queries_BT: Tensor | None,
    keys_BS: Tensor | None,
    prefix_BS: Tensor | None,
) -> Tensor:
    given = next((x for x in (queries_BT, prefix_BS) if x is not None), None)
    B = 1 if given is None else given.shape[0]
    b = torch.arange(B, device=device)[:, None, None]
    t = torch.arange(shape[0], device=device)[None, :, None]
    s = torch.arange(shape[1], device=device)[None, None, :]
    return _visible(causal, queries_BT, keys_BS, prefix_BS, shape[1] - shape[0])(b, 0, t, s)[:, None]


def _blocks(
    causal: bool,
    shape: tuple[int, int],
    device: torch.device,
    queries_BT: Tensor | None,
    keys_BS: Tensor | None,
    prefix_BS: Tensor | None,
) -> Any:
    from torch.nn.attention.flex_attention import create_block_mask

    sees = _visible(causal, queries_BT, keys_BS, prefix_BS, shape[1] - shape[0])
    given = next((x for x in (queries_BT, prefix_BS) if x is not None), None)
    build = create_block_mask if device.type == "cpu" else _compiled("create_block_mask")
    return build(sees, None if given is None else given.shape[0], None, *shape, device=str(device))


@functools.cache
def _compiled(name: str) -> Callable[..., Any]:
    """FlexAttention's functions are only fast (and only avoid the full score matrix) when compiled."""
    from torch.nn.attention import flex_attention

    return torch.compile(getattr(flex_attention, name), dynamic=False)


def document_starts(documents_BT: Tensor, most: int = 0) -> Tensor:
    """int32 (B * (most + 1) + 1,): where each document starts in the flattened tokens, then B * T up to a fixed length.

    Fixed, because a length that changes from batch to batch recompiles the kernel's caller each time; but not longer
    than `most` documents of a row, and padding, can need (0: a document per token), because the kernel visits every
    entry, also of documents without a token.
    """
    B, T = documents_BT.shape
    first_BT = torch.ones_like(documents_BT, dtype=torch.bool)
    first_BT[:, 1:] = documents_BT[:, 1:] != documents_BT[:, :-1]
    place_N = torch.where(first_BT, torch.arange(B * T, device=documents_BT.device).view(B, T), B * T).flatten()
    starts_N = torch.full((B * T + 1,), B * T, dtype=torch.int32, device=documents_BT.device)
    starts_N[: B * T] = place_N.sort().values
    return starts_N[: B * min(most + 1, T) + 1] if most else starts_N


def with_bias(mask: Mask, bias_HO: Tensor, shape: tuple[int, int]) -> Mask:
    """The mask with relative position scores added (T5), given by distance as in `Mask`: of the dense one float
    (B, H, T, S), minus infinity where unseen. `shape`: (T, S)."""
    if mask.backend == "flex":
        return replace(mask, bias_HO=bias_HO)
    if mask.dense_BHTS is None:
        raise ValueError("relative positions need the back end 'masked' or 'flex'")
    T, S = shape
    place_S = torch.arange(S, device=bias_HO.device)
    bias_HTS = bias_HO[:, place_S[None, :] - place_S[S - T :, None] + S - 1]
    return replace(mask, dense_BHTS=bias_HTS[None].masked_fill(~mask.dense_BHTS, float("-inf")))


def attend(q_BTHD: Tensor, k_BSKD: Tensor, v_BSKD: Tensor, mask: Mask, scale: float | None = None) -> Tensor:
    """Softmax attention (Vaswani et al. 2017) of every query over the keys that `mask` shows it: (B, T, H, D).

    Query head h reads key-value head h // (H / K) (grouped queries: Ainslie et al. 2023). `scale`: default 1/sqrt(D).
    """
    return BACKENDS[mask.backend](q_BTHD, k_BSKD, v_BSKD, mask, scale)


def _sdpa(q_BTHD: Tensor, k_BSKD: Tensor, v_BSKD: Tensor, mask: Mask, scale: float | None) -> Tensor:
    q, k, v = (x.transpose(1, 2) for x in (q_BTHD, k_BSKD, v_BSKD))
    options: dict[str, Any] = {"scale": scale, "enable_gqa": q.shape[1] != k.shape[1]}
    if mask.dense_BHTS is None:
        options["is_causal"] = mask.causal
    else:
        options["attn_mask"] = mask.dense_BHTS if mask.dense_BHTS.dtype == torch.bool else mask.dense_BHTS.to(q.dtype)
    if q.device.type != "cuda":
        return F.scaled_dot_product_attention(q, k, v, **options).transpose(1, 2)
    with sdpa_kernel(SDPA_PRIORITY, set_priority=True):
        return F.scaled_dot_product_attention(q, k, v, **options).transpose(1, 2)


def _flex(q_BTHD: Tensor, k_BSKD: Tensor, v_BSKD: Tensor, mask: Mask, scale: float | None) -> Tensor:
    from torch.nn.attention.flex_attention import flex_attention

    q, k, v = (x.transpose(1, 2) for x in (q_BTHD, k_BSKD, v_BSKD))
    run: Any = flex_attention if q.device.type == "cpu" else _compiled("flex_attention")
    bias_HO, shift = mask.bias_HO, q.shape[2] - 1  # query t stands at place t + S - T

    def add(score: Tensor, b: Tensor, h: Tensor, t: Tensor, s: Tensor) -> Tensor:
        assert bias_HO is not None
        return score + bias_HO[h, s - t + shift]

    options = {"block_mask": mask.blocks, "scale": scale, "enable_gqa": q.shape[1] != k.shape[1]}
    return run(q, k, v, None if bias_HO is None else add, **options).transpose(1, 2)


def _varlen(q_BTHD: Tensor, k_BSKD: Tensor, v_BSKD: Tensor, mask: Mask, scale: float | None) -> Tensor:
    from torch.nn.attention.varlen import varlen_attn

    B, T, H, D = q_BTHD.shape
    group = H // k_BSKD.shape[2]
    # Repeated by hand: varlen_attn has `enable_gqa` only from torch 2.12.
    k, v = (x.repeat_interleave(group, 2).reshape(B * T, H, D) for x in (k_BSKD, v_BSKD))
    window = (-1, 0) if mask.causal else (-1, -1)
    assert mask.starts_N is not None
    out = varlen_attn(
        q_BTHD.reshape(B * T, H, D), k, v, mask.starts_N, mask.starts_N, T, T, scale=scale, window_size=window
    )
    assert isinstance(out, Tensor)
    return out.view(B, T, H, D)


BACKENDS: dict[str, Callable[[Tensor, Tensor, Tensor, Mask, float | None], Tensor]] = {
    "sdpa": _sdpa,
    "masked": _sdpa,
    "flex": _flex,
    "varlen": _varlen,
}
