"""How likely continuations are: batches of like lengths, logits only where something is judged.

Letters: B rows, T tokens of the longest, N judged tokens of a batch, E embedding width, V vocabulary.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gristmill.tokenizer.special_ids import PAD
from gristmill.trainer.errors import ConfigError, DivergedError, InputError
from gristmill.trainer.evaluate.requests.text import Pair
from gristmill.trainer.model.transformer import Model, Tokens

TOKENS_AT_ONCE = {"cpu": 4096, "cuda": 1 << 16}
LOGITS_AT_ONCE = {"cpu": 1 << 21, "cuda": 1 << 26}
"""Numbers of float32. On a CPU what lies in its caches is a quarter faster (`nano`); a GPU wants much at once."""


@dataclass(frozen=True)
class Likelihood:
    """Of a continuation."""

    log_probability: float
    """Nats, summed over its tokens."""
    greedy: bool
    """Whether each of its tokens was the likeliest."""
    tokens: int
    cut: int = 0
    """Tokens of the context that did not fit and were left out, from its beginning."""


@torch.no_grad()
def log_likelihoods(model: Model, pairs: Sequence[Pair], tokens_at_once: int | None = None) -> list[Likelihood]:
    """Of each pair, in order. A context that is too long loses its beginning, as in lm-evaluation-harness.

    What else is in the batch changes nothing but the last bits of sums. Raises ConfigError for a model that predicts no
    next token, InputError for a continuation that is empty or longer than the context, DivergedError for a model whose
    probabilities are no numbers.
    """
    _check(model, pairs)
    tokens_at_once = tokens_at_once or TOKENS_AT_ONCE[model.embedding.weight.device.type]
    found: list[Likelihood | None] = [None] * len(pairs)
    for numbers in _batches(pairs, model.config.context, tokens_at_once):
        for number, likelihood in zip(numbers, _batch(model, [pairs[number] for number in numbers]), strict=True):
            found[number] = likelihood
    return [likelihood for likelihood in found if likelihood is not None]


def _batches(pairs: Sequence[Pair], context: int, tokens_at_once: int) -> Iterator[list[int]]:
    """Numbers of pairs of like lengths, the longest first: what does not fit into memory fails at once."""
    lengths = [min(context, len(pair.context) + len(pair.continuation) - 1) for pair in pairs]
    order = sorted(range(len(pairs)), key=lambda number: (-lengths[number], number))
    start = 0
    while start < len(order):
        size = max(1, tokens_at_once // lengths[order[start]])
        yield order[start : start + size]
        start += size


def _batch(model: Model, pairs: list[Pair]) -> list[Likelihood]:
    context, device = model.config.context, model.embedding.weight.device
    rows = [(pair.context + pair.continuation)[-(context + 1) :] for pair in pairs]
    lengths = [len(row) - 1 for row in rows]  # the last token is only predicted
    T = max(lengths)
    ids_BT = torch.tensor([row[:-1] + [PAD] * (T - length) for row, length in zip(rows, lengths, strict=True)])
    judged = [len(pair.continuation) for pair in pairs]
    prefix_BT = None
    if model.config.mask == "prefix":
        end_B = torch.tensor([length - count + 1 for length, count in zip(lengths, judged, strict=True)])
        prefix_BT = (torch.arange(T)[None] < end_B[:, None]).to(device)
    # Padding stands on the right, where no token of a causal row sees it.
    with torch.compiler.set_stance("force_eager"):
        hidden_BTE = model(Tokens(ids_BT.to(device), prefix=prefix_BT))
    at_N = torch.cat(
        [
            torch.arange(row * T + length - count, row * T + length)
            for row, (length, count) in enumerate(zip(lengths, judged, strict=True))
        ]
    ).to(device)
    target_N = torch.tensor([number for pair in pairs for number in pair.continuation], device=device)
    log_p_N, greedy_N = _judge(model, hidden_BTE.flatten(0, 1)[at_N], target_N)
    parts = zip(log_p_N.split(judged), greedy_N.split(judged), rows, pairs, strict=True)
    return [
        Likelihood(
            float(log_p.sum(dtype=torch.float64)),
            bool(greedy.all()),
            len(pair.continuation),
            len(pair.context) + len(pair.continuation) - len(row),
        )
        for log_p, greedy, row, pair in parts
    ]


def _judge(model: Model, hidden_NE: Tensor, target_N: Tensor) -> tuple[Tensor, Tensor]:
    """(log-probability float32, whether the likeliest) of each target, on the host."""
    size = max(1, LOGITS_AT_ONCE[hidden_NE.device.type] // model.config.V)
    log_p, greedy = [], []
    for hidden, target in zip(hidden_NE.split(size), target_N.split(size), strict=True):
        logits = model.logits(hidden)
        wanted = logits.gather(1, target[:, None])[:, 0]
        best, index = logits.max(1)
        total = logits.sub_(best[:, None]).exp_().sum(1)
        log_p.append((wanted - best - total.log()).cpu())
        greedy.append((index == target).cpu())
    log_p_N = torch.cat(log_p)
    if not bool(log_p_N.isfinite().all()):
        raise DivergedError(
            "the model's probabilities are no numbers", where="its weights", fix="go back to an earlier checkpoint"
        )
    return log_p_N, torch.cat(greedy)


def rolling(ids: Sequence[int], bos: int, context: int) -> list[Pair]:
    """A whole text as pairs that together judge each of its ids once, in windows that do not overlap
    (`get_rolling_token_windows` with one token of context, and `make_disjoint_window`, of lm-evaluation-harness)."""
    starts = range(0, len(ids), context)
    return [Pair([ids[start - 1] if start else bos], list(ids[start : start + context])) for start in starts]


def _check(model: Model, pairs: Sequence[Pair]) -> None:
    if model.config.mask == "full" or model.encoder is not None or model.config.head == "score":
        raise ConfigError(
            "this model predicts no next token: a causal or prefix decoder does",
            where="the checkpoint",
            fix="name one that was trained with objective=causal or prefix",
        )
    for number, pair in enumerate(pairs):
        if not 0 < len(pair.continuation) <= model.config.context:
            raise InputError(
                f"an answer has {len(pair.continuation)} tokens, the model reads 1 to {model.config.context}",
                where=f"request {number}",
                fix="shorten the answer, or leave the item out",
            )


def bits_per_byte(log_probability: float, text_bytes: float) -> float:
    """Of nats that are negative."""
    return -log_probability / math.log(2) / text_bytes if text_bytes else math.nan
