"""Our preset against the recipe of modded-nanogpt's train_gpt_simple.py at equal tokens: its architecture, first
weights, optimisers and rates, written out again at our width and depth, on the same rows in the same order.

    python tests/benchmarks/simple_gpt.py runs/demo --steps 300

It was tuned for steps of 524,288 tokens; here as there: no warm-up, no clipping, a linear cooldown over the last 70 %.
Both see document masks, which the original does without. Float32 for it, as the CPU prefers for ours.

Letters: B rows, T tokens of a row, H heads, D width of a head, E embedding width.
"""

import argparse
import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from reference_loop import Rows, read_rows, rotate
from torch import Tensor, nn
from torch.nn import functional

from gristmill.trainer.config import TrainConfig, preset, with_settings
from gristmill.trainer.data.sampler import DataState, Sampler
from gristmill.trainer.devices.world import World
from gristmill.trainer.loop import build
from gristmill.trainer.loop.fit import fit
from gristmill.trainer.loop.inputs import open_data


class RMSNorm(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.gains = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return functional.rms_norm(x, self.gains.shape, self.gains)


class Block(nn.Module):
    def __init__(self, E: int, H: int):
        super().__init__()
        self.H = H
        self.norm1, self.norm2 = RMSNorm(E), RMSNorm(E)
        self.q, self.k, self.v, self.proj = (nn.Linear(E, E) for _ in range(4))
        self.fc, self.mlp_proj = nn.Linear(E, 4 * E), nn.Linear(4 * E, E)

    def forward(self, x: Tensor, rope: Tensor, seen: Tensor) -> Tensor:
        B, T, E = x.shape
        y, D = self.norm1(x), E // self.H
        q, k, v = (project(y).view(B, T, self.H, D) for project in (self.q, self.k, self.v))
        q, k = (rotate(functional.rms_norm(part, (D,)), rope).transpose(1, 2) for part in (q, k))
        # 0.12 there, for heads of 128
        scale = 0.12 * (128 / D) ** 0.5
        y = functional.scaled_dot_product_attention(q, k, v.transpose(1, 2), seen[:, None], scale=scale)
        x = x + self.proj(y.transpose(1, 2).reshape(B, T, E))
        return x + self.mlp_proj(self.fc(self.norm2(x)).relu().square())


class GPT(nn.Module):
    def __init__(self, vocabulary: int, layers: int, E: int, H: int):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, E)
        self.blocks = nn.ModuleList(Block(E, H) for _ in range(layers))
        self.norm1, self.norm2, self.proj = RMSNorm(E), RMSNorm(E), nn.Linear(E, vocabulary)
        quarter = E // H // 4
        fast = (1 / 1024) ** torch.linspace(0, 1, quarter)
        self.frequency = torch.cat([fast, torch.zeros(quarter)])  # half of each head is not rotated
        for name, p in self.named_parameters():
            if "gains" not in name:
                std = 1.0 if "embed" in name else 0.33**0.5 / p.shape[-1] ** 0.5
                nn.init.zeros_(p) if "proj" in name or p.ndim == 1 else nn.init.normal_(p, std=std)

    def forward(self, rows: Rows, some: Tensor) -> Tensor:
        """Sum of the losses of these rows."""
        documents, angle = rows.documents[some], rows.positions[some][..., None] * self.frequency
        T = documents.shape[1]
        seen = (documents[:, :, None] == documents[:, None, :]) & torch.ones(T, T).tril().bool()
        x = self.norm1(self.embed(rows.tokens[some]))
        for block in self.blocks:
            x = block(x, torch.polar(torch.ones_like(angle), angle), seen)
        logits = self.proj(self.norm2(x))
        logits = 15 * logits * (logits.square() + 15**2).rsqrt()
        targets = rows.targets[some].flatten()
        return functional.cross_entropy(logits.flatten(0, 1), targets, ignore_index=-1, reduction="sum")


class Muon(torch.optim.Optimizer):
    """Twelve steps of a Newton-Schulz iteration that converges, in bfloat16."""

    def __init__(self, params: list[nn.Parameter], lr: float, weight_decay: float, mu: float = 0.95):
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "mu": mu})

    @torch.no_grad()
    def step(self) -> None:
        group = self.param_groups[0]
        for p in group["params"]:
            momentum = self.state[p].setdefault("momentum", torch.zeros_like(p))
            momentum.lerp_(p.grad, 1 - group["mu"])
            update = p.grad.lerp(momentum, group["mu"]).bfloat16()
            X = update.mT if p.shape[0] > p.shape[1] else update
            X = X / (X.norm() + 1e-7)
            for _ in range(12):
                A = X @ X.mT
                X = 2 * X + (-1.5 * A + 0.5 * A @ A) @ X
            X = X.mT if p.shape[0] > p.shape[1] else X
            p.mul_(1 - group["lr"] * group["weight_decay"])
            p.add_(X, alpha=-group["lr"] * max(1, p.shape[0] / p.shape[1]) ** 0.5)


def validate(rows: Rows, loss: Callable[[Rows, Tensor], Tensor]) -> float:
    """Nats per scored token."""
    with torch.no_grad():
        sums = [loss(rows, some) for some in torch.arange(len(rows.tokens)).split(16)]
    return (sum(sums) / (rows.targets >= 0).sum()).item()


def train(config: TrainConfig, run: Path, sampler: Sampler) -> tuple[int, float]:
    """(parameters, validation loss) of the recipe on the rows of `order`. `config` is complete."""
    torch.manual_seed(config.seed)
    model = GPT(config.model.vocabulary, config.model.layers, config.model.width, config.model.heads)
    vectors = [p for p in model.parameters() if p.ndim < 2]
    groups = [
        {"params": [model.embed.weight], "lr": 0.3},
        {"params": [model.proj.weight], "lr": 1 / 320},
        {"params": vectors, "lr": 0.01},
    ]
    matrices = [p for p in model.blocks.parameters() if p.ndim >= 2]
    optimizers = [
        torch.optim.AdamW(groups, betas=(0.8, 0.95), eps=1e-10, weight_decay=0, fused=True),
        Muon(matrices, lr=0.025, weight_decay=0.025),
    ]
    peaks = [[group["lr"] for group in optimizer.param_groups] for optimizer in optimizers]
    rows, data_state = read_rows(run, "train"), DataState(seed=config.data.seed)
    for step in range(config.loop.steps):
        step_rows = sampler.take(data_state)
        some, data_state = torch.from_numpy(step_rows.index_R), step_rows.after
        # There the sum of the losses: Muon and AdamW do not look at the scale of a gradient.
        (model(rows, some) / step_rows.targets).backward()
        for optimizer, rates in zip(optimizers, peaks, strict=True):
            for group, peak in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = peak * min(1.0, (1 - step / config.loop.steps) / 0.7)
            optimizer.step()
            optimizer.zero_grad()
    return sum(p.numel() for p in model.parameters()), validate(read_rows(run, "validation"), model)


def main() -> None:
    """Prints both validation losses."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="a run directory that holds tokens/")
    parser.add_argument("--preset", default="nano")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.NAME=VALUE")
    arguments = parser.parse_args()
    config = with_settings(preset(arguments.preset), arguments.set)
    loop = replace(config.loop, steps=arguments.steps, evaluate_every=10**9, save_every=10**9, evaluation_rows=0)
    data = open_data(arguments.run)
    config = build.complete(replace(config, loop=loop), data)
    with tempfile.TemporaryDirectory() as folder:
        training, state = build.build(config, data, Path(folder), World(), None, lambda: False)
        ours = sum(p.numel() for p in training.model.parameters())
        state = fit(training, state)
        training.loader.close()
        training.terminal.close()
        lines = [json.loads(line) for line in (Path(folder) / "metrics.jsonl").read_text().splitlines()]
    parameters, loss = train(config, arguments.run, training.sampler)
    print(f"{state.tokens:,} scored tokens, {arguments.steps} steps of {config.data.tokens_per_step:,} tokens")
    print(f"ours, {arguments.preset}: {ours:,} parameters, validation {lines[-1]['val_loss']:.4f} nats/token")
    print(f"train_gpt_simple's recipe: {parameters:,} parameters, validation {loss:.4f} nats/token")


if __name__ == "__main__":
    main()
