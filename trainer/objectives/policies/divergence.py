"""How far a student's next-token distribution is from its teacher's, exactly, without the logits of all tokens at once.

Letters: N tokens, E width of the student, F of the teacher, V padded vocabulary, C tokens of a chunk.
"""

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

DIRECTIONS = ("reverse", "forward")
CHUNK_NUMBERS = 1 << 21  # logits of a chunk


def divergences(
    hidden_NE: Tensor,
    weight_VE: Tensor,
    teacher_NF: Tensor,
    teacher_weight_VF: Tensor,
    *,
    vocabulary: int,
    direction: str,
    temperature: float = 1.0,
    most: int = 0,
) -> Tensor:
    """float32 (N,), nats: KL(student || teacher), `reverse`, or KL(teacher || student), `forward`, of each token.

    Reverse: the student need not cover all that the teacher does, and avoids what it would not say (MiniLLM, Gu et al.
    2024; generalised knowledge distillation, Agarwal et al. 2024). `most`: only between the teacher's likeliest tokens,
    both renormalised over them; 0: all. Only the student has a gradient. Logits are made chunk by chunk, and again in
    the backward pass.
    """
    size = max(1, CHUNK_NUMBERS // weight_VE.shape[0])
    one = partial(_chunk, vocabulary=vocabulary, direction=direction, temperature=temperature, most=most)
    pairs = zip(hidden_NE.split(size), teacher_NF.detach().split(size), strict=True)
    parts = [
        checkpoint(
            one, h_CE, weight_VE, t_CF, teacher_weight_VF.detach(), use_reentrant=False, preserve_rng_state=False
        )
        for h_CE, t_CF in pairs
    ]
    return torch.cat(parts)


def _chunk(
    hidden_CE: Tensor,
    weight_VE: Tensor,
    teacher_CF: Tensor,
    teacher_weight_VF: Tensor,
    vocabulary: int,
    direction: str,
    temperature: float,
    most: int,
) -> Tensor:
    ours, theirs = (
        F.linear(x, weight.to(x.dtype)).float()[:, :vocabulary] / temperature
        for x, weight in ((hidden_CE, weight_VE), (teacher_CF, teacher_weight_VF))
    )
    if 0 < most < vocabulary:
        theirs, index = theirs.topk(most, dim=-1)
        ours = ours.gather(1, index)
    p, q = ours.log_softmax(-1), theirs.log_softmax(-1)
    return (p.exp() * (p - q)).sum(-1) if direction == "reverse" else (q.exp() * (q - p)).sum(-1)
