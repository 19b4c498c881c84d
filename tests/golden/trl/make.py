"""Writes losses.json: losses and gradients by TRL's own methods, on small random tensors, in double precision.

    python3.11 -m venv v && v/bin/pip install trl==1.16.0 torch==2.13.0
    v/bin/python tests/golden/trl/make.py        # written with Python 3.11, transformers 5.24.0, on a CPU

The methods of TRL's trainers are called unbound, with an object in the place of the trainer that has the options they
read, and a model that gives the tensors below for log-probabilities or scores. PPO is no part of TRL any more.

Letters: B pairs or responses, T tokens of one, V vocabulary.
"""

import json
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock

import torch
from accelerate import Accelerator
from torch import Tensor
from trl.experimental.cpo import CPOTrainer
from trl.experimental.gkd import GKDTrainer
from trl.trainer.dpo_trainer import DPOTrainer
from trl.trainer.grpo_trainer import GRPOTrainer
from trl.trainer.reward_trainer import RewardTrainer

RANDOM = torch.Generator().manual_seed(0)
ACCELERATOR = Accelerator(cpu=True)
LENGTHS = [5, 3, 1, 4, 5, 2, 3, 5, 4, 4, 2, 5]
LONGEST = 7


def normal(*shape: int) -> Tensor:
    """Three decimals, so that the file is short and says exactly what was computed on."""
    return (torch.randn(shape, generator=RANDOM) * 1000).round().double() / 1000


def mask_of(lengths: list[int]) -> Tensor:
    return (torch.arange(5) < torch.tensor(lengths)[:, None]).long()


def numbers(tensor: Tensor) -> list:
    return json.loads(json.dumps(tensor.tolist()), parse_float=lambda text: float(f"{float(text):.8g}"))


def trainer(**options: object) -> MagicMock:
    """What stands for a trainer of one process."""
    return MagicMock(
        accelerator=ACCELERATOR, _metrics={"train": defaultdict(list)}, aux_loss_enabled=False, _total_train_tokens=0,
        _tp_size=1, model=SimpleNamespace(training=True, is_gradient_checkpointing=False), **options,
    )  # fmt: skip


def metrics_of(one: MagicMock, *names: str) -> dict[str, float]:
    return {name: float(f"{one._metrics['train'][name][-1]:.8g}") for name in names}


def dpo() -> dict:
    """Rows 0 to B - 1 are the better answers, B to 2 B - 1 the worse ones."""
    mask = mask_of(LENGTHS[:8])
    log_p, held = -2 + normal(8, 5), -2 + normal(8, 5)
    read = {"completion_mask": torch.cat((torch.zeros(8, 1).long(), mask), 1)}
    read |= {"input_ids": torch.zeros(8, 6).long(), "attention_mask": torch.ones(8, 6)}
    cases = []
    for types, weights, beta, smoothing in (
        (["sigmoid"], None, 0.1, 0.0),
        (["sigmoid"], None, 0.5, 0.0),
        (["sigmoid"], None, 0.5, 0.2),
        (["robust"], None, 0.5, 0.2),
        (["ipo"], None, 0.2, 0.0),
        (["sigmoid", "sft"], [1.0, 0.7], 0.5, 0.0),
    ):
        leaf = log_p.clone().requires_grad_()

        def answers(values: Tensor):
            zero = torch.zeros(8, 5)
            outputs = SimpleNamespace(
                log_probs=values * mask, entropy=zero, mean_logits=zero, is_top1=zero.bool(), loss=None
            )
            return lambda **_: outputs

        one = trainer(
            ld_alpha=None, precompute_ref_logps=False, ref_model=answers(held), f_divergence_type="reverse_kl",
            loss_types=types, loss_weights=weights or [1.0], beta=beta, label_smoothing=smoothing, use_weighting=False,
            args=SimpleNamespace(gradient_checkpointing_kwargs=None),
        )  # fmt: skip
        loss = DPOTrainer._compute_loss(one, answers(leaf), dict(read), False)
        loss.backward()
        figures = metrics_of(one, "rewards/chosen", "rewards/rejected", "rewards/margins", "rewards/accuracies",
                             "logps/chosen", "logps/rejected")  # fmt: skip
        cases.append({
            "loss_type": types, "loss_weights": weights, "beta": beta, "label_smoothing": smoothing,
            "loss": numbers(loss), "gradient": numbers(leaf.grad), "metrics": figures,
        })  # fmt: skip
    # Conservative DPO left the DPO trainer; the CPO trainer has its formula still, of log-ratios here.
    leaf = log_p.clone().requires_grad_()
    one = trainer(alpha=0.0, loss_type="sigmoid", beta=0.5, label_smoothing=0.2)
    loss = CPOTrainer.cpo_loss(one, *(((leaf - held) * mask).sum(1)).chunk(2))[0].mean()
    loss.backward()
    cases.append({
        "loss_type": ["cpo"], "loss_weights": None, "beta": 0.5, "label_smoothing": 0.2,
        "loss": numbers(loss), "gradient": numbers(leaf.grad), "metrics": {},
    })  # fmt: skip
    return {"log_p": numbers(log_p), "reference": numbers(held), "mask": numbers(mask), "cases": cases}


def reward() -> dict:
    scores, margin = normal(8), normal(4).abs()
    cases = []
    for with_margin, centre in ((False, None), (True, None), (False, 0.1), (True, 0.01)):
        leaf = scores.clone().requires_grad_()
        one = trainer(args=SimpleNamespace(center_rewards_coefficient=centre))
        inputs = {"attention_mask": torch.ones(8, 1)} | ({"margin": margin} if with_margin else {})
        loss = RewardTrainer.compute_loss(one, lambda **_: SimpleNamespace(logits=leaf[:, None]), inputs)  # noqa: B023
        loss.backward()
        cases.append({
            "margin": with_margin, "center_rewards_coefficient": centre, "loss": numbers(loss),
            "gradient": numbers(leaf.grad), "metrics": metrics_of(one, "accuracy"),
        })  # fmt: skip
    return {"scores": numbers(scores), "margin": numbers(margin), "cases": cases}


def advantages(rewards: Tensor, scale: str) -> Tensor:
    """Of rewards in groups of 4."""
    count = len(rewards)
    names = ("tools", "environments", "environment_factories", "pad_to_multiple_of", "_is_vlm")
    one = trainer(
        **dict.fromkeys(names), mask_truncated_completions=False, beta=0.0, use_vllm=False, num_generations=4,
        multi_objective_aggregation="sum_then_normalize", reward_weights=torch.ones(1), scale_rewards=scale,
        reward_funcs=[None], reward_func_names=["reward"], _pending_extra_logs={}, _pending_metrics={},
        num_iterations=1, _logs=defaultdict(list, rewards=defaultdict(list)),
        _tokenizer=SimpleNamespace(pad_token_id=0),
        args=SimpleNamespace(per_device_train_batch_size=count, steps_per_generation=1, gradient_accumulation_steps=1,
                             gradient_checkpointing_kwargs=None),
    )  # fmt: skip
    ids = [[1]] * count
    one._generate.return_value = (ids, ids, None, [""] * count, None, {}, None, None)
    one._calculate_rewards.return_value = rewards[:, None]
    return GRPOTrainer._generate_and_score_completions(one, [{"prompt": ""}] * count)["advantages"]


def grpo() -> dict:
    mask = mask_of(LENGTHS)
    old = -2 + normal(12, 5)
    log_p, reference = old + 0.4 * normal(12, 5), old + 0.3 * normal(12, 5)
    rewards = normal(12)
    rewards[8:] = rewards[8]  # the last group has nothing to teach
    advantage = {scale: advantages(rewards, scale).double() for scale in ("none", "group")}
    cases = []

    def case(kind: str, *, beta=0.0, high=0.28, scale="none", rows=8, parts=1, updates=1) -> None:
        """`parts`: batches of the round. `updates`: steps that they are divided among; the losses of each are summed,
        as their gradients are."""
        leaf = log_p[:rows].clone().requires_grad_()
        losses, size = [], rows // parts
        for k in range(parts):
            mine = slice(k * size, (k + 1) * size)
            one = trainer(
                loss_type=kind, beta=beta, epsilon_low=0.2, epsilon_high=high, top_entropy_quantile=1.0,
                off_policy_mask_threshold=None, importance_sampling_level="token", use_vllm=False,
                current_gradient_accumulation_steps=parts // updates, max_completion_length=LONGEST,
                _entropy_bonus_enabled=False,
                args=SimpleNamespace(delta=None, use_bias_correction_kl=False, steps_per_generation=parts),
            )  # fmt: skip
            one._get_per_token_logps_and_entropies.return_value = (leaf[mine], torch.zeros(size, 5), None)
            inputs = {
                "prompt_ids": torch.zeros(size, 1), "prompt_mask": torch.ones(size, 1),
                "completion_ids": torch.zeros(size, 5), "completion_mask": mask[mine],
                "advantages": advantage[scale][mine], "old_per_token_logps": old[mine],
                "ref_per_token_logps": reference[mine], "num_items_in_batch": mask[:rows].sum(),
            }  # fmt: skip
            losses.append(GRPOTrainer._compute_loss(one, None, inputs))
        sum(losses).backward()
        steps = torch.stack(losses).view(updates, -1).sum(1)
        figures = metrics_of(one, "clip_ratio/region_mean", *(["kl"] if beta else [])) if parts == 1 else {}
        cases.append({
            "loss_type": kind, "beta": beta, "epsilon_high": high, "scale_rewards": scale, "rows": rows, "parts": parts,
            "updates": updates, "losses": numbers(steps), "gradient": numbers(leaf.grad), "metrics": figures,
        })  # fmt: skip

    for kind in ("dapo", "grpo", "dr_grpo", "bnpo"):
        case(kind)
        case(kind, high=0.2, scale="group")
        case(kind, beta=0.3)
        case(kind, parts=2)
        case(kind, rows=12)
    case("dapo", beta=0.3, rows=12)
    case("dapo", parts=2, updates=2)
    tensors = {"log_p": log_p, "old": old, "reference": reference, "rewards": rewards, "mask": mask}
    return {
        **{name: numbers(value) for name, value in tensors.items()},
        "longest": LONGEST, "advantages": {scale: numbers(value) for scale, value in advantage.items()}, "cases": cases,
    }  # fmt: skip


def distillation() -> dict:
    """GKD's generalised divergence at its two ends: 1, KL(student, teacher), and 0, KL(teacher, student)."""
    student, teacher = normal(4, 9), normal(4, 9)
    cases = []
    for beta, temperature in ((1, 1.0), (1, 0.7), (0, 1.0)):
        leaf = student.clone().requires_grad_()
        found_BV = GKDTrainer.generalized_jsd_loss(
            leaf[None], teacher[None], beta=beta, temperature=temperature, reduction="none"
        )
        loss_B = found_BV.view(4, 9).sum(1)
        loss_B.sum().backward()
        cases.append({
            "beta": beta, "temperature": temperature, "losses": numbers(loss_B), "gradient": numbers(leaf.grad)
        })  # fmt: skip
    return {"student": numbers(student), "teacher": numbers(teacher), "cases": cases}


if __name__ == "__main__":
    made = {"trl": version("trl"), "torch": version("torch"), "transformers": version("transformers")}
    made |= {"dpo": dpo(), "reward": reward(), "grpo": grpo(), "distillation": distillation()}
    lines = json.dumps(made, separators=(",", ":")).replace('{"loss', '\n{"loss').replace('],"', '],\n"')
    Path(__file__).with_name("losses.json").write_text(lines + "\n", encoding="utf-8")
