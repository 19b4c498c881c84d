"""Our trainer against an independent loop in the manner of modded-nanogpt's train_gpt_simple.py: the same shards, rows,
first weights and rates, equal tokens.

    python tests/benchmarks/reference_loop.py runs/demo --steps 200

Nothing below the weights is ours: the shards are read with pyarrow, the model is written out with a plain softmax over
a float mask, the optimisers are torch.optim.AdamW and a Muon as it is written down (with optim.muon_compute=bfloat16
torch.optim.Muon), the loss is of all logits at once. Float32 on a CPU.

Letters: B rows, T tokens of a row, H query heads, K key-value heads, D width of a head, C = D / 2.
"""

import argparse
import json
import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import torch
from torch import Tensor, nn
from torch.nn import functional

from gristmill.trainer.config import TrainConfig, preset, with_settings
from gristmill.trainer.data.sampler import DataState, Sampler
from gristmill.trainer.devices.world import World
from gristmill.trainer.loop import build
from gristmill.trainer.loop.fit import fit
from gristmill.trainer.loop.inputs import open_data
from gristmill.trainer.model.config import ModelConfig
from gristmill.trainer.optim.config import OptimConfig

########################################
#                 Data                 #
########################################


@dataclass
class Rows:
    """Of one split, (B, T) each: tokens, targets (-1: not scored), positions in the documents, documents (-1: none)."""

    tokens: Tensor
    targets: Tensor
    positions: Tensor
    documents: Tensor


def read_rows(run: Path, split: str) -> Rows:
    """All rows of the pack plan, filled from the Arrow files."""
    index = json.loads((run / "tokens" / "index.json").read_text())
    entry, length = index["splits"][split], index["sequence_length"]
    shards = [pa.ipc.open_file(run / "tokens" / s["path"]).read_all().column("tokens") for s in entry["shards"]]
    texts = [[torch.tensor(tokens) for tokens in shard.to_pylist()] for shard in shards]
    shape = (entry["rows"], length)
    rows = Rows(torch.zeros(shape).long(), torch.full(shape, -1), torch.zeros(shape).long(), torch.full(shape, -1))
    filled = [0] * entry["rows"]
    for number, s in enumerate(pa.ipc.open_file(run / "tokens" / entry["plan"]).read_all().to_pylist()):
        text, at = texts[s["shard"]][s["doc"]], filled[s["row"]]
        piece, after = text[s["start"] :][: s["length"]], text[s["start"] + 1 :][: s["length"]]
        rows.tokens[s["row"], at : at + len(piece)] = piece
        rows.targets[s["row"], at : at + len(after)] = after
        rows.positions[s["row"], at : at + len(piece)] = torch.arange(len(piece))
        rows.documents[s["row"], at : at + len(piece)] = number
        filled[s["row"]] += len(piece)
    return rows


########################################
#             Architecture             #
########################################


class RMSNorm(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.gains = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return x * (x.square().mean(-1, keepdim=True) + 1e-6).rsqrt() * self.gains


class Block(nn.Module):
    def __init__(self, width: int, H: int, K: int, hidden: int, qk_norm: bool):
        super().__init__()
        D = width // H
        self.shape = (H, K, D)
        self.norm1, self.norm2 = RMSNorm(width), RMSNorm(width)
        self.q, self.k, self.v = (nn.Linear(width, heads * D, bias=False) for heads in (H, K, K))
        self.proj = nn.Linear(H * D, width, bias=False)
        self.gate, self.fc = nn.Linear(width, hidden, bias=False), nn.Linear(width, hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)
        self.q_norm, self.k_norm = (RMSNorm(D) if qk_norm else nn.Identity() for _ in range(2))

    def forward(self, x_BTE: Tensor, turn_BTC: Tensor, unseen_BTT: Tensor) -> Tensor:
        H, K, D = self.shape
        B, T, _ = x_BTE.shape
        y = self.norm1(x_BTE)
        q = rotate(self.q_norm(self.q(y).view(B, T, H, D)), turn_BTC)
        k = rotate(self.k_norm(self.k(y).view(B, T, K, D)), turn_BTC).repeat_interleave(H // K, 2)
        v = self.v(y).view(B, T, K, D).repeat_interleave(H // K, 2)
        scores = torch.einsum("bthd,bshd->bhts", q, k) / math.sqrt(D) + unseen_BTT[:, None]
        y = torch.einsum("bhts,bshd->bthd", scores.softmax(-1), v).reshape(B, T, H * D)
        x_BTE = x_BTE + self.proj(y)
        y = self.norm2(x_BTE)
        return x_BTE + self.down(functional.silu(self.gate(y)) * self.fc(y))


def rotate(x_BTHD: Tensor, turn_BTC: Tensor) -> Tensor:
    """Rotary positions as a product of complex numbers."""
    x = torch.complex(*x_BTHD.chunk(2, dim=-1)) * turn_BTC[:, :, None]
    return torch.cat((x.real, x.imag), dim=-1)


class GPT(nn.Module):
    def __init__(self, shape: ModelConfig):
        super().__init__()
        vocabulary, width = shape.vocabulary, shape.width
        self.embed = nn.Embedding(vocabulary, width)
        self.blocks = nn.ModuleList(
            Block(width, shape.heads, shape.K, shape.M, shape.qk_norm) for _ in range(shape.layers)
        )
        self.norm, self.head = RMSNorm(width), None if shape.tied else nn.Linear(width, vocabulary, bias=False)
        self.C = width // shape.heads // 2

    def forward(self, rows: Rows, some: Tensor) -> Tensor:
        """Sum of the losses of these rows."""
        documents, positions = rows.documents[some], rows.positions[some]
        T = documents.shape[1]
        seen = (documents[:, :, None] == documents[:, None, :]) & torch.ones(T, T).tril().bool()
        unseen = torch.zeros(seen.shape).masked_fill(~seen, -torch.inf)
        angle = positions[..., None] * 10_000.0 ** -(torch.arange(self.C) / self.C)
        rope = torch.polar(torch.ones_like(angle), angle)
        x = self.embed(rows.tokens[some])
        for block in self.blocks:
            x = block(x, rope, unseen)
        logits = self.norm(x) @ (self.embed if self.head is None else self.head).weight.T
        targets = rows.targets[some].flatten()
        return functional.cross_entropy(logits.flatten(0, 1), targets, ignore_index=-1, reduction="sum")


def copy_weights(ours: dict[str, Tensor], model: GPT) -> None:
    """Ours into the reference; the output rows that only pad the vocabulary stay behind."""
    names = {"embedding.weight": "embed.weight", "head.weight": "head.weight", "decoder.norm.weight": "norm.gains"}
    inside = {"attention_norm.weight": "norm1.gains", "mlp_norm.weight": "norm2.gains"}
    inside |= {f"attention.{x}.weight": f"{x}.weight" for x in "qkv"} | {"attention.o.weight": "proj.weight"}
    inside |= {"mlp.gate.weight": "gate.weight", "mlp.up.weight": "fc.weight", "mlp.down.weight": "down.weight"}
    inside |= {f"attention.{x}_norm.weight": f"{x}_norm.gains" for x in "qk"}
    for layer in range(len(model.blocks)):
        names |= {f"decoder.blocks.{layer}.{a}": f"blocks.{layer}.{b}" for a, b in inside.items()}
    theirs = dict(model.named_parameters())
    assert {names[name] for name in ours} == set(theirs)
    with torch.no_grad():
        for name, value in ours.items():
            theirs[names[name]].copy_(value[: len(theirs[names[name]])])


########################################
#              Optimizers              #
########################################


class PlainMuon(torch.optim.Optimizer):
    """Muon as it is written down, one matrix at a time, in float32 (torch.optim.Muon is bfloat16 inside)."""

    def __init__(self, params: list[nn.Parameter], lr: float, momentum: float, weight_decay: float):
        super().__init__(params, {"lr": lr, "mu": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self) -> None:
        group = self.param_groups[0]
        for p in group["params"]:
            buffer = self.state[p].setdefault("momentum", torch.zeros_like(p))
            buffer += (1 - group["mu"]) * (p.grad - buffer)
            update = (1 - group["mu"]) * p.grad + group["mu"] * buffer
            X = update.T if update.shape[0] > update.shape[1] else update
            X = X / X.norm().clamp(min=1e-7)
            for _ in range(5):
                A = X @ X.T
                X = 3.4445 * X + (-4.7750 * A + 2.0315 * A @ A) @ X
            X = X.T if update.shape[0] > update.shape[1] else X
            p *= 1 - group["lr"] * group["weight_decay"]
            p -= group["lr"] * max(1, p.shape[0] / p.shape[1]) ** 0.5 * X


def make_optimizers(model: GPT, rates: OptimConfig) -> list[torch.optim.Optimizer]:
    """AdamW for all, or Muon for the matrices of the layers: in bfloat16 torch's, else the plain one."""
    matrices = [p for p in model.blocks.parameters() if p.ndim == 2]
    rest = [p for p in model.parameters() if not any(p is q for q in matrices)]
    adam = {"lr": rates.lr, "betas": rates.betas, "eps": rates.epsilon, "weight_decay": 0.0}
    if rates.kind == "adamw":
        return [torch.optim.AdamW(model.parameters(), **adam)]
    muon = {"lr": rates.muon_lr, "momentum": rates.muon_momentum, "weight_decay": rates.muon_weight_decay}
    kind = torch.optim.Muon if rates.muon_compute == "bfloat16" else PlainMuon
    return [torch.optim.AdamW(rest, **adam), kind(matrices, **muon)]


########################################
#         Training and validation      #
########################################


def train(config: TrainConfig, run: Path, weights: dict[str, Tensor], sampler: Sampler) -> Iterator[float]:
    """The loss of every step, then the validation loss, from these first weights. `config` is complete."""
    rates, steps, model = config.optim, config.loop.steps, GPT(config.model)
    copy_weights(weights, model)
    optimizers = make_optimizers(model, rates)
    peaks = [optimizer.param_groups[0]["lr"] for optimizer in optimizers]
    warmup, decay = max(1, round(rates.warmup * steps)), max(1, round(rates.decay * steps))
    rows, data_state = read_rows(run, "train"), DataState(seed=config.data.seed)
    for step in range(steps):
        step_rows = sampler.take(data_state)
        some, data_state = torch.from_numpy(step_rows.index_R), step_rows.after
        loss = model(rows, some) / (rows.targets[some] >= 0).sum()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), rates.clip)
        share = (step + 1) / warmup if step < warmup else min(1.0, (steps - step) / decay)
        for optimizer, peak in zip(optimizers, peaks, strict=True):
            optimizer.param_groups[0]["lr"] = peak * share
            optimizer.step()
            optimizer.zero_grad()
        yield loss.item()
    held_out = read_rows(run, "validation")
    with torch.no_grad():
        sums = [model(held_out, some) for some in torch.arange(len(held_out.tokens)).split(16)]
    yield (sum(sums) / (held_out.targets >= 0).sum()).item()


def compare(config: TrainConfig, run: Path, folder: Path) -> tuple[list[float], list[float]]:
    """(ours, the reference's): the loss of every step, then the validation loss."""
    config = replace(config, model=replace(config.model, compute="float32"))
    config = replace(config, guard=replace(config.guard, spikes="off"))
    data = open_data(run)
    config = build.complete(config, data)
    training, state = build.build(config, data, folder, World(), None, lambda: False)
    first = {name: p.detach().clone() for name, p in training.model.named_parameters()}
    reference = list(train(config, run, first, training.sampler))
    fit(training, state)
    training.loader.close()
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    ours = [line["loss"] for line in lines if "loss" in line]
    return [*ours, next(line["val_loss"] for line in lines if "val_loss" in line)], reference


def main() -> None:
    """Prints both curves."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="a run directory that holds tokens/")
    parser.add_argument("--preset", default="nano")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.NAME=VALUE")
    arguments = parser.parse_args()
    config = with_settings(preset(arguments.preset), arguments.set)
    loop = replace(config.loop, steps=arguments.steps, evaluate_every=10**9, save_every=10**9, evaluation_rows=0)
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = compare(replace(config, loop=loop), arguments.run, Path(folder))
    names = [*map(str, range(1, arguments.steps + 1)), "validation"]
    for number, (name, a, b) in enumerate(zip(names, ours, theirs, strict=True), 1):
        if number <= 5 or number % 20 == 0 or name == "validation":
            print(f"{name:>10}  ours {a:.6f}  reference {b:.6f}  difference {a - b:+.1e}")


if __name__ == "__main__":
    main()
