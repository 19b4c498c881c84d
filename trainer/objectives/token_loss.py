"""The loss that all token-predicting objectives share: cross-entropy of a batch's targets, by source and by segment;
and the log-probabilities of targets for those that make a loss of their own.

Letters: B rows, T tokens, N = B * T, E width, W bytes that hold V bits, V padded vocabulary, Q sources,
D most segments of a row, L layers with experts, X experts.
"""

import torch
from torch import Tensor

from gristmill.trainer.data.batch import Batch
from gristmill.trainer.model.cross_entropy import lm_loss, log_probabilities
from gristmill.trainer.model.experts import Routing
from gristmill.trainer.model.transformer import Model, Tokens
from gristmill.trainer.objectives.protocol import BatchLoss


class Forward:
    """A batch read by the model, with what its experts are charged for how they were used."""

    def __init__(self, model: Model, batch: Batch):
        routings: list[Routing] = []
        self.hidden_BTE = model(batch.tokens, batch.encoder_tokens, routings=routings)
        self.charge_B: Tensor | None = None
        """Of each row, the mean over its tokens and the layers; None: no experts."""
        self.assigned_LX: Tensor | None = None
        """float32: tokens that each expert of each layer was given, without padding."""
        if not routings:
            return
        config, charges, assigned = model.config, [], []
        for layer, routing in enumerate(routings):  # the encoder's come first
            there_BT = _there(batch.encoder_tokens if layer < config.encoder_layers else batch.tokens)
            charge_BT = config.balance_weight * routing.balance + config.router_z_weight * routing.z
            charges.append((charge_BT * there_BT).sum(1) / there_BT.sum(1).clamp(min=1))
            count_N = there_BT[..., None].expand_as(routing.expert).flatten()
            assigned.append(count_N.new_zeros(config.experts).index_add_(0, routing.expert.flatten(), count_N))
        self.charge_B, self.assigned_LX = torch.stack(charges).mean(0), torch.stack(assigned)

    def charged(self, loss: Tensor, weight_B: Tensor) -> Tensor:
        """The summed loss of the batch and what its experts are charged: by row, as much as the row weighs in the sum,
        so that neither batches nor ranks change what a step is charged."""
        return loss if self.charge_B is None else loss + (self.charge_B * weight_B).sum()


def _there(tokens: Tokens | None) -> Tensor:
    """float32 (B, T): 1 for a token, 0 for padding."""
    assert tokens is not None
    documents_BT = torch.zeros_like(tokens.ids) if tokens.documents is None else tokens.documents
    return (documents_BT >= 0).float()


def token_loss(model: Model, batch: Batch, sources: int) -> BatchLoss:
    """Cross-entropy of a batch's targets, summed, and by source; with experts also what their router is charged."""
    read = Forward(model, batch)
    hidden_NE = model.before_output(read.hidden_BTE.flatten(0, 1))
    targets_N, sources_N = batch.targets_BT.flatten(), batch.sources_BT.flatten()
    loss, losses_N = lm_loss(
        hidden_NE, model.output_weight(), targets_N, vocabulary=model.config.vocabulary, bias_V=model.head_bias
    )
    both_2N = torch.stack((losses_N, (targets_N >= 0).float()))
    by_source_2Q = torch.zeros(2, sources, device=loss.device).index_add_(1, sources_N, both_2N)
    by_segment_2BD, scored_B = _by_segment(batch, both_2N), both_2N[1].view_as(batch.targets_BT).sum(1)
    loss = read.charged(loss, scored_B)
    return BatchLoss(loss, scored_B.sum(), by_source_2Q, by_segment_2BD, assigned_LX=read.assigned_LX)


def target_log_probabilities(
    model: Model, batch: Batch, temperature: float = 1.0, hidden_BTE: Tensor | None = None
) -> Tensor:
    """float32 (B, T), with a gradient: of a batch's targets, as they were sampled: under the temperature, within what
    filters left (`extra["kept"]`); 0 where there is no target. `hidden_BTE`: where the model has read the batch."""
    hidden_BTE = model(batch.tokens) if hidden_BTE is None else hidden_BTE
    kept_BTW = batch.extra.get("kept")
    found_N = log_probabilities(
        model.before_output(hidden_BTE.flatten(0, 1)),
        model.output_weight(),
        batch.targets_BT.flatten(),
        vocabulary=model.config.vocabulary,
        bias_V=model.head_bias,
        temperature=temperature or 1.0,
        kept_NW=None if kept_BTW is None else kept_BTW.flatten(0, 1),
    )
    return found_N.view(batch.targets_BT.shape)


def _by_segment(batch: Batch, both_2N: Tensor) -> Tensor:
    """(2, N) summed to (2, B, D)."""
    B, D = batch.segments_BT.shape[0], batch.most_segments
    index_BT = batch.segments_BT + torch.arange(B, device=both_2N.device)[:, None] * D
    return torch.zeros(2, B * D, device=both_2N.device).index_add_(1, index_BT.flatten(), both_2N).view(2, B, D)
