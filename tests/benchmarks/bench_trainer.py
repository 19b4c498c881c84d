"""How fast the trainer is, as a table: python tests/benchmarks/bench_trainer.py [--preset nano] [--length 256]
[--rows 16].

Random tokens, so no run is needed; the loop, the loader and the optimiser are the real ones. On a CPU it also prints
CPU seconds, which do not depend on what else the machine does. On CUDA it first compares the attention back ends.
"""

import argparse
import hashlib
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from tokenizer.index import Index, ShardEntry, SplitEntry, write_index
from tokenizer.packing import pack
from tokenizer.shards import Header, Shard, token_batch, write_shard
from tokenizer.special_ids import SPECIAL_IDS
from trainer import build as parts
from trainer.attention import attend, make_mask
from trainer.config import preset, with_settings
from trainer.loop import fit
from trainer.parallel import join

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
    (folder / "tokenizer" / "tokenizer.model").write_bytes(b"")


def bench_training(name: str, length: int, rows: int, settings: list[str]) -> None:
    """Prints speed over the steps after the warm-up."""
    world = join()
    config = preset(name)
    data = replace(config.data, rows_per_step=rows, rows_per_batch=rows)
    loop = replace(config.loop, steps=WARM_UP, report_every=1000, evaluate_every=1000, save_every=1000)
    config = with_settings(replace(config, data=data, loop=loop), settings)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_tokens(folder, length, rows * (STEPS + WARM_UP), 8192 if config.model.width < 512 else 50257)
        sources = parts.open_sources(folder)
        config = parts.complete(config, sources)
        run, state = parts.build(config, sources, folder, world, None, lambda: False)
        run.save = lambda state, evaluation: None
        state = fit(run, state)
        run.config = replace(run.config, steps=WARM_UP + STEPS)
        run.speed.pause()
        wall, cpu, before, waited = time.perf_counter(), time.process_time(), state.tokens, run.loader.waited
        state = fit(run, state)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        run.loader.close()
        run.terminal.close()
    tokens = STEPS * rows * length
    flops = tokens * run.speed.flops
    device = torch.cuda.get_device_name() if world.device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    peak = "" if run.speed.peak is None else f" {flops / wall / run.speed.peak:6.1%} MFU"
    print(
        f"{name:>6} x {rows} rows of {length} on {device}, {run.model.compute_dtype()}: "
        f"{tokens / wall:10,.0f} tokens/s{peak} {flops / wall / run.speed.ceiling:6.1%} of the matmul ceiling "
        f"({run.speed.ceiling / 1e12:.2f} TFLOP/s), data wait {(run.loader.waited - waited) / wall:.2%}, "
        f"{tokens / cpu:,.0f} tokens per CPU second, {state.tokens - before:,} targets"
    )


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
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.NAME=VALUE")
    arguments = parser.parse_args()
    if torch.cuda.is_available():
        bench_attention(arguments.length)
    bench_training(arguments.preset, arguments.length, arguments.rows, arguments.set)


if __name__ == "__main__":
    main()
