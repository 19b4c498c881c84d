"""Generation: sampling with a cache of keys and values, in batches, streamed as text.

Letters: B prompts, T tokens of the longest prompt, V vocabulary.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gristmill.tokenizer.encode import Encoder
from gristmill.tokenizer.special_ids import BOS, EOS, PAD
from gristmill.trainer.errors import ConfigError
from gristmill.trainer.model.layers import Cache
from gristmill.trainer.model.transformer import Model, Tokens

INCOMPLETE = "\ufffd"  # how the tokenizer shows bytes that are not (yet) a character


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How the next token is chosen."""

    temperature: float = 0.8
    """0: always the most likely token."""
    top_k: int = 0
    """Only the k most likely tokens; 0: all."""
    top_p: float = 0.95
    """Only the smallest set of tokens with at least this probability together (Holtzman et al. 2020)."""
    seed: int = 0

    def __post_init__(self) -> None:
        bad = (self.temperature < 0 and "temperature is below 0") or (self.top_k < 0 and "top-k is below 0")
        bad = bad or (not 0 < self.top_p <= 1 and "top-p is not in (0, 1]")
        if bad:
            raise ConfigError(bad, where="the sampling options", fix="temperature >= 0, top-k >= 0, 0 < top-p <= 1")


def filtered_logits(logits_BV: Tensor, sampling: Sampling) -> Tensor:
    """Logits divided by the temperature (not 0), minus infinity outside top-k and top-p."""
    logits_BV = logits_BV / sampling.temperature
    if sampling.top_k and sampling.top_k < logits_BV.shape[-1]:
        least_B1 = logits_BV.topk(sampling.top_k, dim=-1).values[:, -1:]
        logits_BV = logits_BV.masked_fill(logits_BV < least_B1, float("-inf"))
    if sampling.top_p < 1:
        ordered_BV, index_BV = logits_BV.sort(dim=-1, descending=True)
        p_BV = ordered_BV.softmax(-1)
        beyond_BV = p_BV.cumsum(-1) - p_BV >= sampling.top_p  # the token that crosses top_p stays
        logits_BV = logits_BV.masked_fill(beyond_BV.scatter(1, index_BV, beyond_BV), float("-inf"))
    return logits_BV


def sample(logits_BV: Tensor, sampling: Sampling, generators_B: Sequence[torch.Generator]) -> Tensor:
    """The next token of each row, int64 (B,), by the row's own chance: what else is in the batch changes nothing.

    The token with the least waiting time, where it is exponential with the token's probability as rate, is a draw from
    the probabilities.
    """
    if sampling.temperature == 0:
        return logits_BV.argmax(-1)
    p_BV = filtered_logits(logits_BV, sampling).softmax(-1)
    waiting_BV = torch.stack([torch.empty_like(p_BV[0]).exponential_(generator=one) for one in generators_B])
    return (p_BV / waiting_BV).argmax(-1)


@torch.no_grad()
def generate_ids(
    model: Model, prompts: Sequence[Sequence[int]], tokens: int, sampling: Sampling, *, cached: bool = True
) -> Iterator[list[int | None]]:
    """After each step, the next token of every prompt; None once a prompt has ended (with EOS).

    Prompts of different lengths are padded on the left; the padding is seen by nobody. `cached=False` computes all
    tokens again at each step: slow, and the same (a test holds both to it). Raises ConfigError for a prompt that
    fills the context.
    """
    _check(model, prompts)
    device = model.embedding.weight.device
    generators_B = [_generator(sampling.seed, row, device) for row in range(len(prompts))]
    rows, encoder_tokens = _left_padded(prompts, device, prefix=model.config.mask == "prefix"), None
    if model.encoder is not None:
        encoder_tokens, rows = (
            rows,
            _left_padded([[PAD]] * len(prompts), device, prefix=False),
        )  # T5 starts writing at PAD
    encoded_BSE = None if encoder_tokens is None else model.encode(encoder_tokens)
    length = rows.ids.shape[1]
    tokens = min(tokens, model.config.context - length)
    cache = Cache(length + tokens) if cached else None
    done_B = torch.zeros(len(prompts), dtype=torch.bool, device=device)
    for _ in range(tokens):
        hidden_BTE = model(rows, encoder_tokens, cache, encoded_BSE)
        next_B = sample(model.logits(hidden_BTE[:, -1]), sampling, generators_B)
        done_B |= next_B == EOS
        yield [None if done else token for token, done in zip(next_B.tolist(), done_B.tolist(), strict=True)]
        if done_B.all():
            return
        rows = _grown(rows, next_B, only_new=cached)


def _generator(seed: int, row: int, device: torch.device) -> torch.Generator:
    """Of one row, unlike that of any other row or seed."""
    (number,) = np.random.SeedSequence([seed, row]).generate_state(1, np.uint64)
    return torch.Generator(device).manual_seed(int(number >> np.uint64(1)))


def _check(model: Model, prompts: Sequence[Sequence[int]]) -> None:
    """Raises ConfigError where nothing can be generated."""
    if model.config.mask == "full":
        raise ConfigError(
            "an encoder restores masked tokens, it does not continue a text",
            where="the checkpoint",
            fix="train with --set objective=causal, prefix or spans",
        )
    longest = max(len(prompt) for prompt in prompts)
    if longest >= model.config.context:
        raise ConfigError(
            f"the prompt has {longest} tokens, the model reads {model.config.context}",
            where="the prompt",
            fix="shorten it",
        )


def _left_padded(prompts: Sequence[Sequence[int]], device: torch.device, *, prefix: bool) -> Tokens:
    """The prompts as one batch; with `prefix` they are read in both directions."""
    longest = max(len(prompt) for prompt in prompts)
    pads = torch.tensor([longest - len(prompt) for prompt in prompts])
    ids_BT = torch.tensor([[PAD] * (longest - len(prompt)) + list(prompt) for prompt in prompts])
    positions_BT = (torch.arange(longest)[None] - pads[:, None]).clamp(min=0)
    documents_BT = -(torch.arange(longest)[None] < pads[:, None]).long()
    return Tokens(
        ids_BT.to(device),
        positions_BT.to(device),
        documents_BT.to(device) if pads.any() else None,
        torch.ones_like(ids_BT).to(device) if prefix else None,
    )


def _grown(rows: Tokens, next_B: Tensor, *, only_new: bool) -> Tokens:
    """The rows with one more token; only that token, where the others are cached."""
    assert rows.positions is not None
    new = Tokens(
        next_B[:, None],
        rows.positions[:, -1:] + 1,
        None if rows.documents is None else rows.documents[:, -1:],
        None if rows.prefix is None else torch.zeros_like(rows.prefix[:, -1:]),
    )
    if only_new:
        return new
    pairs = [(getattr(rows, name), getattr(new, name)) for name in ("ids", "positions", "documents", "prefix")]
    return Tokens(*(None if old is None else torch.cat((old, added), 1) for old, added in pairs))  # type: ignore[arg-type]


def stream(
    model: Model,
    encoder: Encoder,
    prompt: str,
    tokens: int,
    sampling: Sampling,
    stop: Sequence[str] = (),
) -> Iterator[str]:
    """The continuation of a prompt, in pieces as they become certain; ends at EOS, after `tokens`, or before a stop
    string."""
    ids: list[int] = []
    told = ""
    hold = max((len(text) for text in stop), default=1) - 1  # a stop string may begin in what is held back
    for (token,) in generate_ids(model, [[BOS, *encoder.ids(prompt)]], tokens, sampling):
        if token is None:
            break
        ids.append(token)
        text = encoder.decode(ids)
        if (cut := first_stop(text, stop)) is not None:
            yield text[len(told) : cut]
            return
        certain = text.rstrip(INCOMPLETE)
        certain = certain[: max(len(told), len(certain) - hold)]
        if len(certain) > len(told):
            yield certain[len(told) :]
            told = certain
    yield encoder.decode(ids)[len(told) :]


def first_stop(text: str, stop: Sequence[str]) -> int | None:
    """Where the first stop string begins."""
    places = [place for place in (text.find(one) for one in stop if one) if place >= 0]
    return min(places, default=None)
