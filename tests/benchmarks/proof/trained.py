"""One seed of the proof: its folder, trainings by the trainer's commands, and what is measured of their results."""

import json
import os
import shutil
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict
from pathlib import Path

from gristmill.tokenizer.encode import Encoder
from gristmill.trainer.checkpoint.checkpoint import Checkpoint
from gristmill.trainer.commands.app import app
from gristmill.trainer.devices.world import CPU
from gristmill.trainer.model.transformer import Model
from gristmill.trainer.rollouts.accuracy import accuracy
from tests.benchmarks.proof.runs import LANGUAGES

ANSWER = 12
"""Most tokens of an answer."""
CHOOSE, TELL = 1_000_003, 2_000_003
"""Seeds of examples: on which settings were chosen, and of what is told."""
SHAPE = ("model.width=64", "model.layers=2", "model.heads=4", "model.kv_heads=4", "model.compute=float32")
TUNING = ("optim.kind=adamw", "optim.lr=0.003", "optim.warmup=0.1", "optim.decay=0.3", "optim.embedding_lr=0",
          "optim.head_lr=0", "data.tokens_per_step=2048", "data.tokens_per_batch=2048")  # fmt: skip

Figures = dict[str, float]


class Trained:
    """One seed. Figures are kept in FOLDER/found.json, a name for each stage."""

    def __init__(self, folder: Path, seed: int, *, scale: float = 1.0, examples: int = TELL):
        """`scale`: of all numbers of steps. `examples`: seed of what is measured on."""
        self.folder, self.seed, self.scale, self.examples = folder, seed, scale, examples
        self._kept = folder / "found.json"
        self.found = self.read()

    def read(self) -> dict[str, Figures]:
        """What is kept."""
        return json.loads(self._kept.read_text(encoding="utf-8")) if self._kept.exists() else {}

    def keep(self, name: str, figures: Figures) -> None:
        """Adds to what was found."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.found = self.read() | {name: figures}  # other stages may run beside this one
        self._kept.write_text(json.dumps(self.found, indent=1) + "\n", encoding="utf-8")
        told = ", ".join(f"{key} {value:.3f}" for key, value in figures.items() if isinstance(value, float))
        print(f"seed {self.seed}: {name}: {told}", file=sys.stderr)

    def at(self, run: str, name: str) -> Path:
        """A training's folder."""
        return self.folder / run / "train" / name

    def fresh(self, run: str) -> Path:
        """The folder of a run that is to be made, without what an interrupted proof left there."""
        shutil.rmtree(self.folder / run, ignore_errors=True)
        return self.folder / run

    def train(self, stage: str, run: str, name: str, steps: int, settings: Sequence[str], *, begin: Path | None = None,
              options: Sequence[str] = (), saves: int = 1) -> Path:  # fmt: skip
        """By the trainer's command. `begin`: the training that it starts from; `saves`: checkpoints, equally far apart.
        The training's folder."""
        shutil.rmtree(self.at(run, name), ignore_errors=True)
        every = max(4, int(steps * self.scale / saves) // 4 * 4)
        own = [f"loop.evaluate_every={every * saves}", f"loop.save_every={every}", f"loop.keep_last={saves + 1}",
               f"data.seed={self.seed}"]  # fmt: skip
        words = ["train", *([stage] if stage else []), str(self.folder / run), "--name", name, *options]
        words += ["--from", str(begin)] if begin else []
        words += ["--steps", str(every * saves), *(word for one in (*settings, *own) for word in ("--set", one))]
        start = time.perf_counter()
        with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
            app(words, standalone_mode=False)  # in this process: loading torch takes longer than a stage
        if not (self.at(run, name) / f"step-{every * saves:06d}").is_dir():
            raise SystemExit(f"{self.at(run, name)} was interrupted: the same command goes on there")
        print(f"seed {self.seed}: train {name}: {time.perf_counter() - start:.0f} s", file=sys.stderr)
        return self.at(run, name)

    def evaluation(self, training: Path) -> Figures:
        """What the trainer measured at the end of it."""
        (state,) = sorted(training.glob("step-*/state.json"))
        return json.loads(state.read_text(encoding="utf-8"))["evaluation"]["figures"]

    def measure(self, encoder: Encoder, training: Path, task: str) -> Figures:
        """Sampled exact match, mean of both languages."""
        model = open_model(training)
        told = [
            asdict(
                accuracy(model, encoder, task, lang, examples=100, seed=self.examples, most_tokens=ANSWER, samples=2)
            )
            for lang in LANGUAGES
        ]
        return {key: statistics.fmean(float(one[key]) for one in told) for key in ("exact", "score", "truncated")}


def open_model(training: Path) -> Model:
    """Of a checkpoint, or of a training's last."""
    return Checkpoint.open(training).load_model(CPU).eval()
