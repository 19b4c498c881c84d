"""What a reward model says of conversations.

Letters: B conversations, T tokens of the longest.
"""

from collections.abc import Sequence

import torch

from gristmill.tokenizer.special_ids import PAD
from gristmill.trainer.errors import ConfigError, InputError
from gristmill.trainer.model.transformer import Model, Tokens


@torch.no_grad()
def score(model: Model, conversations: Sequence[Sequence[int]], rows_at_once: int = 64) -> list[float]:
    """The score at the last id of each conversation, as the model was trained: with its end. What else is in the batch
    changes nothing but the last bits of sums. Raises ConfigError for a model that does not score, InputError for a
    conversation that it cannot read whole."""
    if model.score is None:
        raise ConfigError("the model does not score", where="the checkpoint", fix="name a checkpoint of `train reward`")
    context, device = model.config.context, model.embedding.weight.device
    for number, ids in enumerate(conversations):
        if not 0 < len(ids) <= context:
            raise InputError(
                f"it has {len(ids)} tokens, the reward model reads 1 to {context}",
                where=f"conversation {number}",
                fix="shorten it, or train a reward model on longer rows",
            )
    found: list[float] = []
    for start in range(0, len(conversations), rows_at_once):
        part = conversations[start : start + rows_at_once]
        length_B = torch.tensor([len(ids) for ids in part])
        T = int(length_B.max())
        ids_BT = torch.full((len(part), T), PAD)
        for b, ids in enumerate(part):
            ids_BT[b, : len(ids)] = torch.as_tensor(ids)
        documents_BT = -(torch.arange(T)[None] >= length_B[:, None]).long()
        positions_BT = torch.arange(T).repeat(len(part), 1)
        tokens = Tokens(ids_BT.to(device), positions_BT.to(device), documents_BT.to(device), most_documents=1)
        with torch.compiler.set_stance("force_eager"):
            scores_BT = model.scores(model(tokens)).cpu()
        found += scores_BT[torch.arange(len(part)), length_B - 1].tolist()
    return found
