"""Our objectives whole, losses, gradients and figures, beside TRL's own on the same tensors; where definitions differ,
the difference that docs/alignment.md states. The vectors: tests/golden/trl/make.py.

Letters: B pairs or responses, T tokens of one, R rows of a batch.
"""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor
from torch.nn.functional import pad

from gristmill.trainer.align.advantages import group_advantages
from gristmill.trainer.data.batch import Batch
from gristmill.trainer.model.transformer import Tokens
from gristmill.trainer.objectives.pairs import preference
from gristmill.trainer.objectives.pairs.preference import DpoConfig, Preference
from gristmill.trainer.objectives.pairs.reward import RewardConfig, RewardModel
from gristmill.trainer.objectives.policies import policy
from gristmill.trainer.objectives.policies.divergence import divergences
from gristmill.trainer.objectives.policies.losses import k2, k3
from gristmill.trainer.objectives.policies.policy import Grpo, GrpoConfig
from gristmill.trainer.objectives.protocol import BatchLoss

ROOT = Path(__file__).parents[3]
GOLDEN = json.loads((ROOT / "tests/golden/trl/losses.json").read_text(encoding="utf-8"))
DPO, REWARD, GRPO, DISTILLATION = (GOLDEN[name] for name in ("dpo", "reward", "grpo", "distillation"))


def close(found: Tensor | float, expected: Tensor | list | float) -> None:
    found, expected = (torch.as_tensor(one, dtype=torch.float32).detach() for one in (found, expected))
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def mean(found: BatchLoss, metric: str) -> float:
    total, count = found.metrics[metric].tolist()
    return total / count


def test_docs__name_the_version_that_made_the_vectors():
    minor = GOLDEN["trl"].rpartition(".")[0]
    assert f"\n## Beside TRL {minor}\n" in (ROOT / "docs/alignment.md").read_text(encoding="utf-8")


def pairs_batch(mask_BT: Tensor) -> Batch:
    """A row for each pair, the better answer and the worse one, each with a token before it. `mask_BT`: first the
    better ones, then the worse ones, as TRL has them."""
    B, T = mask_BT.shape
    blank_B1 = torch.zeros(B, 1, dtype=torch.bool)
    targets_RT = torch.cat((mask_BT.bool(), blank_B1), 1).long() - 1
    row_RT = torch.cat(targets_RT.chunk(2), 1)
    documents_RT = (torch.arange(2 * T + 2) > T).int().expand(B // 2, -1)
    positions_RT = torch.arange(T + 1).repeat(2).int().expand(B // 2, -1)
    nothing_RT = torch.zeros_like(row_RT)
    tokens = Tokens(nothing_RT, positions_RT, documents_RT, None, most_documents=2)
    return Batch(tokens, row_RT, nothing_RT, nothing_RT, 1)


UNCHARGED = SimpleNamespace(hidden_BTE=None, assigned_LX=None, charged=lambda loss, weight_B: loss)
"""In the place of a model that has read a batch."""


def as_rows(values_BT: Tensor) -> Tensor:
    """Of answers as TRL has them, to the rows of `pairs_batch`."""
    return torch.cat(pad(values_BT, (0, 1)).chunk(2), 1)


def dpo_case(*loss_types: str, smoothing: float = 0.0, beta: float = 0.5) -> dict:
    wanted = [list(loss_types), smoothing, beta]
    return next(c for c in DPO["cases"] if [c["loss_type"], c["label_smoothing"], c["beta"]] == wanted)


def our_dpo(config: DpoConfig, monkeypatch) -> tuple[BatchLoss, Tensor]:
    """(what the objective gives, the loss's gradient by log-probability of a token)."""
    log_p, reference, mask = (torch.tensor(DPO[name]) for name in ("log_p", "reference", "mask"))
    log_p.requires_grad_()
    ours, objective = SimpleNamespace(values=as_rows(log_p * mask)), Preference(9, config)
    objective.attach(ours, lambda: SimpleNamespace(values=as_rows(reference * mask)))
    monkeypatch.setattr(preference, "target_log_probabilities", lambda model, *_, **__: model.values)
    monkeypatch.setattr(preference, "Forward", lambda *_: UNCHARGED)
    found = objective(ours, pairs_batch(mask), 1)
    (gradient,) = torch.autograd.grad(found.loss / found.weight, log_p)
    return found, gradient


@pytest.mark.parametrize(
    ("case", "options"),
    [
        (dpo_case("sigmoid", beta=0.1), {"beta": 0.1}),
        (dpo_case("sigmoid"), {"beta": 0.5}),
        (dpo_case("ipo", beta=0.2), {"loss": "ipo", "beta": 0.2}),
        (dpo_case("cpo", smoothing=0.2), {"beta": 0.5, "smoothing": 0.2}),
    ],
    ids=["dpo", "dpo-0.5", "ipo", "conservative"],
)
def test_dpo__is_trls(case, options, monkeypatch):
    found, gradient = our_dpo(DpoConfig(**options), monkeypatch)
    close(found.loss / found.weight, case["loss"])
    close(gradient, case["gradient"])
    names = {
        "rewards/chosen": "reward_chosen", "rewards/rejected": "reward_rejected", "rewards/margins": "reward_margin",
        "rewards/accuracies": "accuracy", "logps/chosen": "log_p_chosen", "logps/rejected": "log_p_rejected",
    }  # fmt: skip
    for theirs, expected in case["metrics"].items():
        close(mean(found, names[theirs]), expected)


def test_dpo__trls_sigmoid_reads_no_smoothing_and_its_robust_loss_is_another(monkeypatch):
    """Robust DPO takes the flipped term away and divides by 1 - 2 s; conservative DPO, ours, adds it."""
    s = 0.2
    plain, smoothed, robust = (
        dpo_case(*one, smoothing=share) for one, share in ((["sigmoid"], 0), (["sigmoid"], s), (["robust"], s))
    )
    assert plain["loss"] == smoothed["loss"]
    ours, gradient = our_dpo(DpoConfig(beta=0.5, smoothing=s), monkeypatch)
    kept, flipped = (1 - s), s
    for mine, right, theirs in (
        ((ours.loss / ours.weight).detach(), plain["loss"], robust["loss"]),
        (gradient, plain["gradient"], robust["gradient"]),
    ):
        right, theirs = torch.tensor(right), torch.tensor(theirs)
        other = (kept * right - (1 - 2 * s) * theirs) / flipped  # of the pair the wrong way round
        close(mine, kept * right + flipped * other)
        assert (mine - theirs).abs().max() > 0.01


def test_dpo__the_better_answers_likelihood_counts_by_answer_and_in_trl_by_token(monkeypatch):
    log_p, mask = torch.tensor(DPO["log_p"])[:4], torch.tensor(DPO["mask"])[:4]
    plain, both = dpo_case("sigmoid"), dpo_case("sigmoid", "sft")
    ours, gradient = our_dpo(DpoConfig(beta=0.5, nll=0.7), monkeypatch)
    by_answer_BT, by_token_BT = mask / mask.sum(1, keepdim=True) / 4, mask / mask.sum()
    close(ours.loss / ours.weight - plain["loss"], -0.7 * (log_p * by_answer_BT).sum())
    close(both["loss"] - plain["loss"], -0.7 * (log_p * by_token_BT).sum())
    for mine, weight_BT in ((gradient, by_answer_BT), (torch.tensor(both["gradient"]), by_token_BT)):
        close(mine - torch.tensor(plain["gradient"]), pad(-0.7 * weight_BT, (0, 0, 0, 4)))


@pytest.mark.parametrize("case", REWARD["cases"], ids=["plain", "margin", "centred", "both"])
def test_reward__is_trls(case, monkeypatch):
    scores, margin = torch.tensor(REWARD["scores"], requires_grad=True), torch.tensor(REWARD["margin"])
    batch = pairs_batch(torch.ones(8, 3))
    last_RT = pad(torch.ones(8, 1), (3, 0))
    scores_RT = torch.cat((scores[:, None] * last_RT + 7 * (1 - last_RT)).chunk(2), 1)  # 7: read by nobody
    batch.extra["margin"] = torch.zeros(scores_RT.shape)
    if case["margin"]:
        batch.extra["margin"][:, 0] = margin
    batch.extra["margin"] = batch.extra["margin"].view(torch.int32)
    model = type("Scored", (), {"__call__": lambda *_, **__: None, "scores": lambda *_: scores_RT})()
    config = RewardConfig(centre=case["center_rewards_coefficient"] or 0.0)
    found = RewardModel(9, config)(model, batch, 1)
    close(found.loss / found.weight, case["loss"])
    close(torch.autograd.grad(found.loss / found.weight, scores)[0], case["gradient"])
    close(mean(found, "accuracy"), case["metrics"]["accuracy"])


@pytest.mark.parametrize("scale", ["none", "group"])
def test_advantages__are_trls_and_those_of_equal_rewards_0(scale):
    advantage_PK, teaches_P = group_advantages(torch.tensor(GRPO["rewards"]).view(-1, 4), scaled=scale == "group")
    close(advantage_PK.flatten(), GRPO["advantages"][scale])
    assert teaches_P.tolist() == [True, True, False]


def our_grpo(case: dict, monkeypatch, *, equal_groups: bool = False) -> tuple[list[BatchLoss], Tensor, Tensor]:
    """(what the objective gives for each batch, the log-probabilities, the mask). `equal_groups`: learn from a group
    with equal rewards too, as TRL does; `TeachGrpo` leaves it out."""
    rows, size = case["rows"], case["rows"] // case["parts"]
    log_p, old, reference, mask = (torch.tensor(GRPO[name])[:rows] for name in ("log_p", "old", "reference", "mask"))
    log_p.requires_grad_()
    rewards_PK = torch.tensor(GRPO["rewards"])[:rows].view(-1, 4)
    advantage_PK, teaches_P = group_advantages(rewards_PK, scaled=case["scale_rewards"] == "group")
    advantage_BT = advantage_PK.flatten()[:, None].expand(-1, 5)
    if not equal_groups:
        mask = mask * teaches_P.repeat_interleave(4)[:, None]
    config = GrpoConfig(
        high=case["epsilon_high"], beta=case["beta"],
        aggregation={"bnpo": "dapo"}.get(case["loss_type"], case["loss_type"]),
    )  # fmt: skip
    objective, found = Grpo(config, 1.0, GRPO["longest"]), []
    for start in range(0, rows, size):
        mine = slice(start, start + size)
        monkeypatch.setattr(policy, "Forward", lambda *_: UNCHARGED)
        monkeypatch.setattr(policy, "target_log_probabilities", lambda *_, mine=mine: log_p[mine])
        extra = {"old": old[mine], "advantage": advantage_BT[mine], "reference": reference[mine]}
        nothing = torch.zeros(size, 5, dtype=torch.long)
        batch = Batch(Tokens(nothing), mask[mine] - 1, nothing, nothing, 1, extra=extra)
        found.append(objective(None, batch, 1))
    return found, log_p, mask


def step(found: list[BatchLoss]) -> Tensor:
    return sum(one.loss for one in found) / sum(one.weight for one in found)


def grpo_cases(**wanted) -> list:
    chosen = [c for c in GRPO["cases"] if all(c[name] == value for name, value in wanted.items())]
    assert chosen
    return [pytest.param(c, id=f"{c['loss_type']}-{c['scale_rewards']}-{c['epsilon_high']}") for c in chosen]


@pytest.mark.parametrize("case", grpo_cases(rows=8, beta=0.0, parts=1))
def test_grpo__is_trls(case, monkeypatch):
    """dapo, grpo and dr_grpo; and bnpo, which is dapo where a step is one batch."""
    found, log_p, _ = our_grpo(case, monkeypatch)
    close(step(found), case["losses"][0])
    close(torch.autograd.grad(step(found), log_p)[0], case["gradient"])
    close(mean(found[0], "clipped"), case["metrics"]["clip_ratio/region_mean"])
    assert case["metrics"]["clip_ratio/region_mean"] > 0.1


@pytest.mark.parametrize("case", grpo_cases(rows=8, parts=2, updates=1))
def test_grpo__a_step_of_two_batches_is_trls_but_for_bnpo(case, monkeypatch):
    """bnpo is the mean of the batches' means, so that batches decide what a token counts: we have no such thing."""
    found, log_p, _ = our_grpo(case, monkeypatch)
    gradient = torch.autograd.grad(step(found), log_p, retain_graph=True)[0]
    if case["loss_type"] == "bnpo":
        assert (gradient - torch.tensor(case["gradient"])).abs().max() > 1e-3
        means = sum(one.loss / one.weight for one in found) / 2
        close(means, case["losses"][0])
    else:
        close(step(found), case["losses"][0])
        close(gradient, case["gradient"])


@pytest.mark.parametrize("case", grpo_cases(rows=8, beta=0.3))
def test_grpo__the_divergence_is_k2_and_in_trl_k3(case, monkeypatch):
    """Everything but the estimator is the same: with k3 in k2's place our loss is TRL's."""
    found, log_p, _ = our_grpo(case, monkeypatch)
    ours = torch.autograd.grad(step(found), log_p, retain_graph=True)[0]
    assert (ours - torch.tensor(case["gradient"])).abs().max() > 1e-3
    close(mean(found[0], "kl"), case["metrics"]["kl"])  # k3 in both logs
    plain, plain_log_p, mask = our_grpo(case | {"beta": 0.0}, monkeypatch)
    reference = torch.tensor(GRPO["reference"])[:8]
    lengths = mask.sum(1, keepdim=True)
    weight = {"grpo": mask / lengths / 8, "dr_grpo": mask / 8 / GRPO["longest"]}.get(
        case["loss_type"], mask / mask.sum()
    )
    close(step(found), step(plain) + 0.3 * (k2(plain_log_p, reference) * weight).sum())
    monkeypatch.setattr(policy, "k2", k3)
    with_k3, log_p, _ = our_grpo(case, monkeypatch)
    close(step(with_k3), case["losses"][0])
    close(torch.autograd.grad(step(with_k3), log_p)[0], case["gradient"])


@pytest.mark.parametrize("case", grpo_cases(rows=12, beta=0.0))
def test_grpo__groups_with_equal_rewards_are_in_trls_divisor_and_not_in_ours(case, monkeypatch):
    as_trl, log_p, _ = our_grpo(case, monkeypatch, equal_groups=True)
    close(step(as_trl), case["losses"][0])
    close(torch.autograd.grad(step(as_trl), log_p)[0], case["gradient"])
    found, log_p, _ = our_grpo(case, monkeypatch)
    share = found[0].weight / as_trl[0].weight
    assert share < 0.8
    close(step(found) * share, case["losses"][0])
    close(torch.autograd.grad(step(found), log_p)[0] * share, case["gradient"])


def test_grpo__groups_with_equal_rewards_are_held_to_the_reference_by_trl_and_not_by_us(monkeypatch):
    (case,) = [c for c in GRPO["cases"] if c["rows"] == 12 and c["beta"]]
    found, log_p, _ = our_grpo(case, monkeypatch)
    gradient = torch.autograd.grad(step(found), log_p)[0]
    assert gradient[8:].abs().max() == 0
    assert torch.tensor(case["gradient"])[8:].abs().max() > 1e-3
    monkeypatch.setattr(policy, "k2", k3)
    as_trl, log_p, _ = our_grpo(case, monkeypatch, equal_groups=True)
    close(torch.autograd.grad(step(as_trl), log_p)[0], case["gradient"])


def test_grpo__dapo_divides_each_step_by_its_own_tokens_and_trl_by_the_mean_of_the_rounds_steps(monkeypatch):
    (case,) = [c for c in GRPO["cases"] if c["updates"] == 2]
    found, log_p, mask = our_grpo(case, monkeypatch)
    for one, theirs in zip(found, case["losses"], strict=True):
        close(one.loss / (mask.sum() / 2), theirs)
        assert abs(one.loss.item() / one.weight.item() - theirs) > 1e-3
    close(torch.autograd.grad(sum(one.loss for one in found) / (mask.sum() / 2), log_p)[0], case["gradient"])


@pytest.mark.parametrize("case", DISTILLATION["cases"])
def test_distillation__is_trls_gkd_at_its_ends(case):
    student, teacher = torch.tensor(DISTILLATION["student"], requires_grad=True), torch.tensor(DISTILLATION["teacher"])
    found = divergences(
        student, torch.eye(9), teacher, torch.eye(9), vocabulary=9,
        direction="reverse" if case["beta"] else "forward", temperature=case["temperature"],
    )  # fmt: skip
    close(found, case["losses"])
    close(torch.autograd.grad(found.sum(), student)[0], case["gradient"])
