"""How fast the trainer is, as a table: python tests/benchmarks/bench_trainer.py [--preset nano] [--length 256]
[--rows 16].

Random tokens, so no run is needed; the loop, the loader and the optimiser are the real ones, beside a plain PyTorch
loop of the same shapes (plain_loop.py, without document masks). Tokens per CPU second depend less on what else the
machine does. On a CPU, memory is the most that the process has had so far. On CUDA the attention back ends come first.
"""

import argparse
import hashlib
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import plain_loop
import torch

from gristmill.tokenizer.shards.format import Header, Shard, token_batch, write_shard
from gristmill.tokenizer.shards.index import Index, ShardEntry, SplitEntry, write_index
from gristmill.tokenizer.shards.packing import pack
from gristmill.tokenizer.special_ids import SPECIAL_IDS
from gristmill.trainer.config import TrainConfig, preset, with_settings
from gristmill.trainer.devices.world import World, join
from gristmill.trainer.loop import build
from gristmill.trainer.loop.fit import fit
from gristmill.trainer.loop.inputs import TrainingData, open_data
from gristmill.trainer.loop.reports.speed import Speed, peak_memory
from gristmill.trainer.loop.training import Training
from gristmill.trainer.model.attention import attend, make_mask

STEPS, WARM_UP = 20, 5


def write_tokens(folder: Path, length: int, rows: int, vocabulary: int) -> None:
    """A run directory of random documents, about three to a row."""
    rng = np.random.default_rng(0)
    sizes = rng.integers(length // 8, length // 2, size=rows * 4)
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    ids = [hashlib.md5(str(d).encode()).hexdigest() for d in range(len(sizes))]
    names = ["bench"] * len(sizes)
    header = Header("0" * 64, vocabulary, SPECIAL_IDS, "bench")
    tokens = rng.integers(112, vocabulary, size=offsets[-1])
    columns = {"doc_id": ids, "source": names, "lang": names, "cluster": ids, "bytes": sizes * 4}
    for name in ("train", "plan"):
        (folder / "tokens" / name).mkdir(parents=True)
    path = folder / "tokens" / "train" / "00000.arrow"
    written = write_shard(path, [token_batch(tokens, offsets, columns, header)])
    plan = pack([Shard(path)], length)
    plan.write(folder / "tokens" / "plan" / "train.arrow")
    entry = ShardEntry(
        "train/00000.arrow", written.rows, written.tokens, written.bytes, written.file_bytes, written.sha256
    )
    split = SplitEntry((entry,), "plan/train.arrow", len(plan), written.tokens, plan.figures.padding)
    write_index(
        folder / "tokens" / "index.json",
        Index(length, {"sha256": "0" * 64, "vocabulary": vocabulary}, {"train": split}),
    )
    (folder / "tokenizer").mkdir()
    for name in ("tokenizer.model", "info.json"):
        (folder / "tokenizer" / name).write_bytes(b"")


@dataclass
class Measured:
    """One row of the table."""

    name: str
    tokens: int
    wall: float
    cpu: float
    waited: float | None
    memory: int


def measured(name: str, tokens: int, device: torch.device, work: Callable[[], float | None]) -> Measured:
    """Seconds and peak memory of `work`, which returns the seconds it waited for data."""
    if device.type == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    wall, cpu = time.perf_counter(), time.process_time()
    waited = work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Measured(name, tokens, wall, cpu, waited, peak_memory(device))


def bench_training(arguments: argparse.Namespace) -> None:
    """Prints the table: ours, with Muon and with AdamW, and the plain loop, over the steps after the warm-up."""
    world, length, rows = join(), arguments.length, arguments.rows
    config = preset(arguments.preset)
    data = replace(config.data, tokens_per_step=rows * length, tokens_per_batch=rows * length)
    loop = replace(config.loop, steps=WARM_UP + STEPS, report_every=1000, evaluate_every=1000, save_every=1000)
    config = with_settings(replace(config, data=data, loop=loop), arguments.set)
    rounds: dict[str, list[Measured]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_tokens(folder, length, rows * (STEPS + WARM_UP), 8192 if config.model.width < 512 else 50257)
        data = open_data(folder, verify=False)
        config = build.complete(config, data)
        for _ in range(arguments.rounds):
            for kind in ("muon", "adamw"):
                training, made = ours(replace(config, optim=replace(config.optim, kind=kind)), data, folder, world)
                rounds.setdefault(made.name, []).append(made)
            step = plain_loop.steps(config.model, rows, length, world.device, training.model.compute_dtype())
            for _ in range(WARM_UP):
                step()
            made = measured("plain, AdamW", STEPS * rows * length, world.device, lambda step=step: repeat(step))
            rounds.setdefault(made.name, []).append(made)
    device = torch.cuda.get_device_name() if world.device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    dtype = training.model.compute_dtype()
    print(
        f"{arguments.preset}, {rows} rows of {length} a step, {dtype}, {device}; matmul ceiling "
        f"{training.speed.ceiling / 1e12:.3f} TFLOP/s; best of {arguments.rounds} rounds of {STEPS} steps"
    )
    print(f"{'':<14}{'tokens/s':>12}{'per CPU s':>12}{'MFU':>8}{'ceiling':>9}{'data wait':>11}{'memory MB':>11}")
    for name, made in rounds.items():
        print(
            row(name, min(made, key=lambda one: one.wall if world.device.type == "cuda" else one.cpu), training.speed)
        )


def repeat(step: Callable[[], None]) -> None:
    """All timed steps."""
    for _ in range(STEPS):
        step()


def row(name: str, made: Measured, speed: Speed) -> str:
    """A line of the table. Without a known peak (a CPU) there is no MFU."""
    flops = made.tokens * speed.flops / made.wall
    mfu = "-" if speed.peak is None else f"{flops / speed.peak:.1%}"
    waited = "-" if made.waited is None else f"{made.waited / made.wall:.2%}"
    return (
        f"{name:<14}{made.tokens / made.wall:>12,.0f}{made.tokens / made.cpu:>12,.0f}{mfu:>8}"
        f"{flops / speed.ceiling:>9.1%}{waited:>11}{made.memory / 2**20:>11,.0f}"
    )


def ours(config: TrainConfig, data: TrainingData, folder: Path, world: World) -> tuple[Training, Measured]:
    """The real loop, loader and optimiser."""
    training, state = build.build(config, data, folder, world, None, lambda: False)
    training.save = lambda state, evaluation: None
    whole = training.config
    training.config = replace(whole, steps=WARM_UP)
    state = fit(training, state)
    training.config = whole
    training.speed.pause()

    def work() -> float:
        before = training.loader.waited
        fit(training, state)
        return training.loader.waited - before

    tokens = STEPS * config.data.step_rows(data.train.sequence_length) * data.train.sequence_length
    made = measured(f"ours, {'Muon' if config.optim.kind == 'muon' else 'AdamW'}", tokens, world.device, work)
    training.loader.close()
    training.terminal.close()
    return training, made


def bench_attention(length: int) -> None:
    """Forward and backward of each back end on CUDA: 16 rows, 12 heads of 128, bfloat16; causal, 4 documents a row."""
    device = torch.device("cuda")
    documents = (torch.arange(length, device=device) * 4 // length).expand(16, length)
    for backend in ("sdpa", "masked", "flex", "varlen"):
        known = {} if backend == "sdpa" else {"queries_BT": documents, "keys_BS": documents}
        q, k, v = (
            torch.randn(16, length, 12, 128, device=device, dtype=torch.bfloat16, requires_grad=True) for _ in range(3)
        )
        mask = make_mask(causal=True, shape=(length, length), device=device, backend=backend, **known)
        for repeat in range(13):
            if repeat == 3:
                torch.cuda.synchronize()
                start = time.perf_counter()
            attend(q, k, v, mask).sum().backward()
        torch.cuda.synchronize()
        print(f"attention {backend:>7}: {(time.perf_counter() - start) / 10 * 1e3:.2f} ms forward and backward")


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="nano")
    parser.add_argument("--length", type=int, default=256)
    parser.add_argument("--rows", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3, help="each measures ours and the plain loop, in turn")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.NAME=VALUE")
    arguments = parser.parse_args()
    if torch.cuda.is_available():
        bench_attention(arguments.length)
    bench_training(arguments)


if __name__ == "__main__":
    main()
