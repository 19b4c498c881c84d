"""One seed of the proof of a task: its folder, trainings by the trainer's commands, and what is measured of them."""

import json
import os
import shutil
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from functools import cached_property
from pathlib import Path

from gristmill.tokenizer.encode import Encoder
from gristmill.trainer.checkpoint.checkpoint import Checkpoint
from gristmill.trainer.commands.app import app
from gristmill.trainer.devices.world import CPU
from gristmill.trainer.model.transformer import Model
from gristmill.trainer.rollouts.accuracy import accuracy
from tests.benchmarks.proof.runs import LANGUAGES
from tests.benchmarks.proof.settings import ANSWER, EVERY, TELL, Stage

Figures = dict[str, float]


class Trained:
    """One seed of a task. Figures are kept in FOLDER/found.json, a name for each model."""

    def __init__(self, folder: Path, task: str, seed: int, *, scale: float = 1.0, examples: int = TELL):
        """`scale`: of all numbers of steps. `examples`: seed of what is measured on."""
        self.folder, self.task, self.seed, self.scale, self.examples = folder, task, seed, scale, examples
        self._kept = folder / "found.json"

    def read(self) -> dict[str, Figures]:
        """What is kept."""
        return json.loads(self._kept.read_text(encoding="utf-8")) if self._kept.exists() else {}

    def keep(self, name: str, figures: Figures) -> None:
        """Adds to what was found."""
        self.folder.mkdir(parents=True, exist_ok=True)
        found = self.read() | {name: figures}
        self._kept.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        told = ", ".join(f"{key} {value:.3f}" for key, value in figures.items())
        print(f"{self.task}, seed {self.seed}: {name}: {told}", file=sys.stderr)

    @property
    def tokenizer(self) -> Path:
        """Its folder."""
        return self.folder / "tokens" / "tokenizer"

    @cached_property
    def encoder(self) -> Encoder:
        """Of the tokenizer."""
        return Encoder(self.tokenizer)

    @property
    def weak(self) -> Path:
        """The checkpoint from which the stages begin."""
        return self.at("talks", "tuned") / f"step-{int(self.read()['weak']['step']):06d}"

    @property
    def teacher(self) -> Path:
        """Well tuned and wider; one for all seeds of a task."""
        return self.folder.parent / "teacher" / "talks" / "train" / "tuned"

    def at(self, run: str, name: str) -> Path:
        """A training's folder."""
        return self.folder / run / "train" / name

    def fresh(self, run: str) -> Path:
        """The folder of a run that is to be made, without what an interrupted proof left there."""
        shutil.rmtree(self.folder / run, ignore_errors=True)
        return self.folder / run

    def train(self, stage: str, run: str, name: str, how: Stage, *, begin: Path | None = None,
              options: Sequence[str] = (), saves: int = 1) -> Path:  # fmt: skip
        """By the trainer's command. `begin`: the training that it starts from; `saves`: checkpoints, equally far apart.
        The training's folder."""
        shutil.rmtree(self.at(run, name), ignore_errors=True)
        every = max(EVERY, int(how.steps * self.scale / saves) // 4 * 4)
        own = [f"loop.evaluate_every={every * saves}", f"loop.save_every={every}", f"loop.keep_last={saves + 1}",
               f"data.seed={self.seed}"]  # fmt: skip
        words = ["train", *([stage] if stage else []), str(self.folder / run), "--name", name, *options]
        words += ["--from", str(begin)] if begin else []
        words += ["--steps", str(every * saves), *(word for one in (*how.settings, *own) for word in ("--set", one))]
        start = time.process_time()
        with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
            app(words, standalone_mode=False)  # in this process: loading torch takes longer than a stage
        if not (self.at(run, name) / f"step-{every * saves:06d}").is_dir():
            raise SystemExit(f"{self.at(run, name)} was interrupted: the same command goes on there")
        print(f"{self.task}, seed {self.seed}: train {name}: {time.process_time() - start:.0f} s", file=sys.stderr)
        return self.at(run, name)

    def evaluation(self, training: Path) -> Figures:
        """What the trainer measured at the end of it."""
        (state,) = sorted(training.glob("step-*/state.json"))
        return json.loads(state.read_text(encoding="utf-8"))["evaluation"]["figures"]

    def measure(self, training: Path, seed: int | None = None, samples: int = 2) -> Figures:
        """Sampled exact match on 100 examples of each language, and its mean. `seed`: of the examples."""
        model, seed = open_model(training), self.examples if seed is None else seed
        told = {
            lang: accuracy(
                model, self.encoder, self.task, lang, examples=100, seed=seed, most_tokens=ANSWER, samples=samples
            )
            for lang in LANGUAGES
        }
        exact = {lang: one.exact for lang, one in told.items()}
        score = statistics.fmean(one.score for one in told.values())
        return {"exact": statistics.fmean(exact.values()), **exact, "score": score}


def open_model(training: Path) -> Model:
    """Of a checkpoint, or of a training's last."""
    return Checkpoint.open(training).load_model(CPU).eval()
