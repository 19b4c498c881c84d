"""How the next token is chosen: temperature and filters, one chance for each row, and the probability it had.

Letters: B rows, V vocabulary, W bytes that hold V bits.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gristmill.trainer.errors import ConfigError
from gristmill.trainer.model.cross_entropy import packed_bits


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How the next token is chosen. The filters act one after the other, in this order, as in transformers."""

    temperature: float = 0.8
    """0: always the most likely token."""
    top_k: int = 0
    """Only the k most likely tokens; 0: all."""
    top_p: float = 0.95
    """Only the smallest set of tokens with at least this probability together (Holtzman et al. 2020)."""
    min_p: float = 0.0
    """Only tokens with at least this share of the most likely one's probability (Nguyen et al. 2024)."""
    seed: int = 0

    def __post_init__(self) -> None:
        bad = (not self.temperature >= 0 and "temperature is below 0") or (self.top_k < 0 and "top-k is below 0")
        bad = bad or (not 0 < self.top_p <= 1 and "top-p is not in (0, 1]")
        bad = bad or (not 0 <= self.min_p <= 1 and "min-p is not in [0, 1]")
        if bad:
            fix = "temperature >= 0, top-k >= 0, 0 < top-p <= 1, 0 <= min-p <= 1"
            raise ConfigError(bad, where="the sampling options", fix=fix)

    @property
    def filters(self) -> bool:
        """Whether some tokens can not be chosen at all."""
        return self.temperature == 0 or self.top_k > 0 or self.top_p < 1 or self.min_p > 0


PURE = Sampling(temperature=1.0, top_p=1.0)
"""The model's own distribution: what reinforcement learning samples from unless told otherwise."""


def filtered_logits(logits_BV: Tensor, sampling: Sampling) -> Tensor:
    """Logits divided by the temperature, minus infinity outside the filters. Temperature 0: all but the first of the
    most likely tokens are outside."""
    if sampling.temperature == 0:
        best_B1 = logits_BV.argmax(-1, keepdim=True)
        return torch.full_like(logits_BV, float("-inf")).scatter(1, best_B1, logits_BV.gather(1, best_B1))
    logits_BV = logits_BV / sampling.temperature
    if sampling.top_k and sampling.top_k < logits_BV.shape[-1]:
        least_B1 = logits_BV.topk(sampling.top_k, dim=-1).values[:, -1:]
        logits_BV = logits_BV.masked_fill(logits_BV < least_B1, float("-inf"))
    if sampling.top_p < 1:
        ordered_BV, index_BV = logits_BV.sort(dim=-1, descending=True)
        p_BV = ordered_BV.softmax(-1)
        beyond_BV = p_BV.cumsum(-1) - p_BV >= sampling.top_p  # the token that crosses top_p stays
        logits_BV = logits_BV.masked_fill(beyond_BV.scatter(1, index_BV, beyond_BV), float("-inf"))
    if sampling.min_p > 0:
        least_B1 = logits_BV.amax(-1, keepdim=True) + math.log(sampling.min_p)
        logits_BV = logits_BV.masked_fill(logits_BV < least_B1, float("-inf"))
    return logits_BV


@dataclass
class Choice:
    """The next token of each row, and how likely it was."""

    token_B: Tensor
    """int64."""
    log_probability_B: Tensor
    """float32: under the temperature and the filters."""
    kept_BW: Tensor | None
    """uint8, a bit for each id: what the filters left to choose from; None where they left all."""


def choose(
    logits_BV: Tensor, sampling: Sampling, generators_B: Sequence[torch.Generator], width: int | None = None
) -> Choice:
    """Draws the next token of each row by the row's own chance: what else is in the batch changes nothing.

    One number of each row's generator falls somewhere among the probabilities laid end to end. `width`: of the padded
    vocabulary, where `kept_BW` is wanted.
    """
    left_BV = filtered_logits(logits_BV, sampling)
    log_p_BV = left_BV.log_softmax(-1)
    if sampling.temperature == 0:
        token_B = left_BV.argmax(-1)
    else:
        token_B = _drawn(log_p_BV.exp(), generators_B)
    kept_BW = packed_bits(left_BV > float("-inf"), width) if width and sampling.filters else None
    return Choice(token_B, log_p_BV.gather(1, token_B[:, None])[:, 0], kept_BW)


def generator_of(key: Sequence[int]) -> torch.Generator:
    """A chance that belongs to these numbers (0 or more) alone, on any device: it is drawn on the host."""
    (number,) = np.random.SeedSequence(list(key)).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(number >> np.uint64(1)))


def _drawn(p_BV: Tensor, generators_B: Sequence[torch.Generator]) -> Tensor:
    """int64 (B,): an index of each row, drawn by its probabilities; never one of probability 0."""
    end_BV = p_BV.cumsum(-1, dtype=torch.float64)
    total_B1 = end_BV[:, -1:]
    chance_B1 = torch.cat([torch.rand(1, 1, dtype=torch.float64, generator=one) for one in generators_B])
    place_B1 = chance_B1.to(p_BV.device) * total_B1
    place_B1 = place_B1.minimum(torch.nextafter(total_B1, torch.zeros_like(total_B1)))  # rounded up to the end
    found_B = torch.searchsorted(end_BV, place_B1, right=True)[:, 0]
    return found_B.clamp(max=p_BV.shape[1] - 1)  # of probabilities that are no numbers, whose logarithm says so
