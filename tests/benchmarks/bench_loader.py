"""How fast rows become batches, in tokens of CPU time, order included: python tests/benchmarks/bench_loader.py RUN.

The loader's own thread does this work beside a training; a device that reads a million tokens a second must not wait.
"""

import sys
import time
from pathlib import Path

import torch

from gristmill.trainer.data.corpus import Corpus
from gristmill.trainer.data.loader import DataConfig, Loader
from gristmill.trainer.data.sampler import DataState, Sampler
from gristmill.trainer.objectives.registry import OBJECTIVES

STEPS, REPEATS = 20, 5


def main(run: Path) -> None:
    """Prints millions of tokens per CPU second by objective, the best of REPEATS."""
    corpus = Corpus(run / "tokens" / "index.json", "train")
    rows, length = 16, corpus.sequence_length
    config = DataConfig(tokens_per_step=rows * length, tokens_per_batch=rows * length, ahead=STEPS)
    for name, objective in OBJECTIVES.items():
        best = min(_seconds(corpus, objective(corpus.tokenizer["vocabulary"]), config) for _ in range(REPEATS))
        print(f"{name:8} {STEPS * rows * length / best / 1e6:6.1f} M tokens/s")


def _seconds(corpus: Corpus, objective, config: DataConfig) -> float:
    """CPU seconds of STEPS steps, thread and consumer."""
    sampler, state = Sampler(corpus, config.step_rows(corpus.sequence_length)), DataState()
    began = time.process_time()
    loader = Loader(corpus, objective, sampler.steps(state), config, torch.device("cpu"))
    for _ in range(STEPS):
        rows = sampler.take(state)
        for _ in loader.batches(rows):
            pass
        state = rows.after
    loader.close()
    return time.process_time() - began


if __name__ == "__main__":
    main(Path(sys.argv[1]))
