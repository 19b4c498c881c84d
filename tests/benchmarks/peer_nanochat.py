"""nanochat's own model, optimiser and schedule on the rows that our trainer reads, in nano's shape.

    git clone https://github.com/karpathy/nanochat /tmp/nanochat && git -C /tmp/nanochat checkout 92d63d4
    NANOCHAT_DTYPE=float32 python tests/benchmarks/peer_nanochat.py /tmp/nanochat RUN --steps 100 --seed 0

Beside it: `python -m gristmill.trainer train RUN --preset speedrun --steps 100 --set seed=0 --set data.seed=0`. Both
print the loss of the same validation rows. nanochat's rates, decays and momentum are those of its scripts/base_train.py
for the batch that they were tuned on, with a warm-up of `--warmup` steps (its own 40 are most of so short a training);
it has no document masks, so its tokens see the whole row.
"""

import argparse
import os
import sys
from pathlib import Path

import numpy as np
import torch

from gristmill.trainer.data.corpus import Corpus
from gristmill.trainer.data.loader import DataConfig, Loader
from gristmill.trainer.data.sampler import DataState, Rows, Sampler
from gristmill.trainer.objectives.corpus.causal import CausalLM

CPU = torch.device("cpu")
ROWS, VALIDATION_ROWS = 8, 128


def main() -> None:
    """Trains, then prints the validation loss in nats per token."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nanochat", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--warmup", type=int, default=5)
    asked = parser.parse_args()
    os.environ["TORCHDYNAMO_DISABLE"] = "1"
    sys.path.insert(0, str(asked.nanochat))
    from nanochat.gpt import GPT, GPTConfig  # type: ignore[import-not-found]

    index = asked.run / "tokens" / "index.json"
    corpus, validation = Corpus(index, "train"), Corpus(index, "validation")
    torch.manual_seed(asked.seed)
    shape = {"n_layer": 4, "n_head": 4, "n_kv_head": 2, "n_embd": 128, "window_pattern": "L"}
    vocabulary = int(corpus.tokenizer["vocabulary"])
    model = GPT(GPTConfig(sequence_len=corpus.sequence_length, vocab_size=vocabulary, **shape))
    model.init_weights()
    optimizer = model.setup_optimizer(unembedding_lr=0.008, embedding_lr=0.3, matrix_lr=0.02, scalar_lr=0.5)
    tokens = ROWS * corpus.sequence_length
    config = DataConfig(tokens_per_step=tokens, tokens_per_batch=tokens, seed=asked.seed)
    sampler = Sampler(corpus, ROWS)
    begin = DataState(seed=asked.seed)
    loader = Loader(corpus, CausalLM(), sampler.steps(begin), config, CPU)
    for step, rows in zip(range(asked.steps), sampler.steps(begin), strict=False):
        for batch in loader.batches(rows):
            model(batch.tokens.ids.long(), batch.targets_BT).backward()
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * rate(step, asked.steps, asked.warmup)
            if group["kind"] == "muon":
                group["momentum"] = momentum(step, asked.steps)
        optimizer.step()
        model.zero_grad(set_to_none=True)
    loader.close()
    print(f"nanochat, {asked.steps} steps, seed {asked.seed}: {loss(model, validation, config):.4f} nats/token")


def rate(step: int, steps: int, warmup: int) -> float:
    """Share of the peak (base_train.py, get_lr_multiplier)."""
    down = round(0.65 * steps)
    if step < warmup:
        return (step + 1) / warmup
    left = min(1.0, (steps - step) / down)
    return left + (1 - left) * 0.05


def momentum(step: int, steps: int) -> float:
    """Of its Muon (base_train.py, get_muon_momentum)."""
    down = round(0.65 * steps)
    if step < 400:
        return 0.85 + (0.97 - 0.85) * step / 400
    done = max(0.0, (step - (steps - down)) / down)
    return 0.97 * (1 - done) + 0.90 * done


@torch.no_grad()
def loss(model: torch.nn.Module, validation: Corpus, config: DataConfig) -> float:
    """Mean over the scored tokens of the first rows."""
    count = min(len(validation), VALIDATION_ROWS)
    rows = Rows(np.arange(count), np.zeros(count, np.int64), 0, 0, DataState())
    loader, nats, tokens = Loader(validation, CausalLM(), [rows], config, CPU), 0.0, 0
    for batch in loader.batches(rows):
        nats += float(model(batch.tokens.ids.long(), batch.targets_BT, loss_reduction="sum"))
        tokens += int((batch.targets_BT >= 0).sum())
    loader.close()
    return nats / tokens


if __name__ == "__main__":
    main()
