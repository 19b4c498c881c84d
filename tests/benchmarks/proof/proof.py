"""`make proof`: from a weak model to aligned ones, stage by stage, by the commands that a user has.

    python -m tests.benchmarks.proof.proof --out DIR [--seeds 3] [--stages grpo,ppo]      one thread, minutes a stage

Everything is made here: a base model that knows digits, a weakly tuned one (`weak`), a well tuned and wider one
(`teacher`). Each stage begins from `weak`; what is told is sampled exact match on the examples of another seed, in both
languages, the same 200 for all. DIR/proof.json holds every figure, DIR/proof.md the table.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

from gristmill.tokenizer.encode import Encoder
from gristmill.trainer.checkpoint.checkpoint import Checkpoint
from gristmill.trainer.devices.world import CPU
from gristmill.trainer.evaluate.sampling import PURE
from gristmill.trainer.model.transformer import Model
from gristmill.trainer.rollouts.accuracy import Accuracy, accuracy
from gristmill.trainer.rollouts.prompts import completion, prompt_messages, task_prompts
from gristmill.trainer.rollouts.rewards import give_rewards, open_reward
from gristmill.trainer.rollouts.sampler import roll_out
from tests.benchmarks.proof.runs import LANGUAGES, make_tokenizer, task_talks, write_pairs, write_talks, write_texts

TASK, LENGTH, ANSWER = "sort/4", 64, 12
HELD_OUT, TRAINED_ON, SAMPLED = 1_000_003, 5, 7
"""Seeds of examples: of the evaluation, of the tuning, of DPO's pairs."""
SHAPE = ("model.width=64", "model.layers=2", "model.heads=4", "model.kv_heads=4", "model.compute=float32")
TUNING = ("optim.kind=adamw", "optim.lr=0.003", "optim.warmup=0.1", "optim.decay=0.3", "optim.embedding_lr=0",
          "optim.head_lr=0", "data.rows_per_step=32", "data.rows_per_batch=32")  # fmt: skip
ROUNDS = (f"rollouts.task={TASK}", f"rollouts.tokens={ANSWER}", "data.rows_per_batch=256", "loop.report_every=10")
STAGES: dict[str, tuple[int, tuple[str, ...]]] = {
    "grpo": (160, ("optim.lr=0.0006", "rollouts.prompts=32")),
    "ppo": (160, ("optim.lr=0.0006", "optim.critic_lr=0.003", "rollouts.prompts=256")),
    "reject": (60, ("optim.lr=0.001",)),
    "distill": (60, ("optim.lr=0.001",)),
}
"""Optimiser steps and settings of each."""


class Proof:
    """One seed."""

    def __init__(self, folder: Path, seed: int, scale: float = 1.0):
        """`scale`: of all numbers of steps."""
        self.folder, self.seed, self.scale = folder, seed, scale
        self.found: dict[str, dict[str, float]] = {}

    def prepare(self, *, teacher: bool) -> None:
        """The runs; base, weak and, where it is needed, teacher."""
        talks = task_talks([TASK], TRAINED_ON, 1500)
        texts = [str(turn["content"]) for talk in talks for turn in talk]
        rng = random.Random(self.seed)
        lists = [" ".join(str(rng.randrange(10)) for _ in range(12)) for _ in range(600)]
        tokenizer = make_tokenizer(self.folder / "tokens", texts + lists)
        splits = {"train": talks, "validation": task_talks([TASK], TRAINED_ON + 1, 20)}
        self.talks = write_talks(self.folder / "talks", tokenizer, splits, LENGTH)
        self.texts = write_texts(self.folder / "texts", tokenizer, {"train": lists, "validation": lists[:20]}, LENGTH)
        self.tokenizer, self.encoder = tokenizer, Encoder(tokenizer)
        wide = [f"{name}={value}" for name, value in (("model.width", 96), ("model.layers", 3))]
        for name, shape in (("base", ()), ("wide", wide))[: 1 + teacher]:
            self.train(["train", str(self.texts), "--name", name], 60, *SHAPE, *TUNING, *shape, f"seed={self.seed}")
        for name, base, steps in (("weak", "base", 130), ("teacher", "wide", 500))[: 1 + teacher]:
            command = ["train", "sft", str(self.talks), "--name", name, "--from", self.at("texts", base)]
            self.train(command, steps, *TUNING)
            self.measure(name, self.folder / "talks" / "train" / name)

    def policy(self, stage: str) -> None:
        """One of STAGES."""
        steps, settings = STAGES[stage]
        command = ["train", stage, str(self.talks), "--from", self.at("talks", "weak")]
        command += ["--teacher", self.at("talks", "teacher")] if stage == "distill" else []
        self.train(command, steps, *ROUNDS, *settings)
        self.measure(stage, self.talks / "train" / stage)

    def dpo(self) -> None:
        """From pairs of what `weak` says: of each prompt the best answer and the worst, where one is better."""
        model = Checkpoint.open(Path(self.at("talks", "weak"))).load_model(CPU)
        pairs = []
        for lang in LANGUAGES:
            prompts = task_prompts(self.encoder, TASK, SAMPLED, int(400 * self.scale) or 20, lang)
            answers = roll_out(model, prompts, 4, PURE, ANSWER)
            give_rewards(answers, open_reward("task", self.encoder))
            for k in range(0, len(answers), 4):
                said = [one for one in answers[k : k + 4] if completion(self.encoder, one).strip()]
                group = [one for one in said if not one.truncated]
                best, worst = (f(group, key=lambda one: one.reward, default=None) for f in (max, min))
                if best is not None and worst is not None and best.reward > worst.reward:
                    asked = prompt_messages(self.encoder, best.prompt)
                    both = [completion(self.encoder, one).strip() for one in (best, worst)]
                    pairs.append(tuple([*asked, {"role": "assistant", "content": text}] for text in both))
        random.Random(self.seed).shuffle(pairs)
        held = max(4, len(pairs) // 10)
        splits = {"train": pairs[held:], "validation": pairs[:held]}
        run = write_pairs(self.folder / "pairs", self.tokenizer, splits, LENGTH)
        tuned = (("dpo", 60, ("optim.lr=0.0003", "dpo.nll=1")), ("reward", 150, ("optim.lr=0.0005",)))
        for stage, steps, settings in tuned:
            self.train(["train", stage, str(run), "--from", self.at("talks", "weak")], steps, *TUNING, *settings)
        self.measure("dpo", run / "train" / "dpo")
        evaluation = json.loads(next(iter(sorted((run / "train" / "reward").glob("step-*/state.json")))).read_text())
        self.found["reward"] = {"pairs": held} | evaluation["evaluation"]["figures"]

    def at(self, run: str, name: str) -> str:
        """A training's folder."""
        return str(self.folder / run / "train" / name)

    def train(self, command: list[str], steps: int, *settings: str) -> None:
        """By the trainer's command."""
        count = max(4, int(steps * self.scale) // 4 * 4)
        every = [f"loop.evaluate_every={count}", f"loop.save_every={count}", f"data.seed={self.seed}"]
        words = [word for setting in (*settings, *every) for word in ("--set", setting)]
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "gristmill.trainer", *command, "--steps", str(count), *words],
            check=True,
            stdout=subprocess.DEVNULL,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        print(f"seed {self.seed}: {' '.join(command[:2])}: {time.perf_counter() - start:.0f} s", file=sys.stderr)

    def measure(self, name: str, training: Path) -> None:
        """Sampled exact match, mean of both languages."""
        model = Checkpoint.open(training).load_model(CPU)
        told = [asdict(self._accuracy(model, lang)) for lang in LANGUAGES]
        self.found[name] = {
            key: statistics.fmean(float(one[key]) for one in told) for key in ("exact", "score", "truncated")
        }
        print(f"seed {self.seed}: {name}: exact {self.found[name]['exact']:.3f}", file=sys.stderr)

    def _accuracy(self, model: Model, lang: str) -> Accuracy:
        return accuracy(model, self.encoder, TASK, lang, examples=100, seed=HELD_OUT, most_tokens=ANSWER, samples=2)


def table(found: list[dict[str, dict[str, float]]]) -> str:
    """Mean and range over the seeds, in points of exact match beside `weak`."""
    lines = ["| stage | exact match, sampled | against weak, points |", "|---|---|---|"]
    for name in found[0]:
        if "exact" not in found[0][name]:
            continue
        values = [one[name]["exact"] for one in found]
        gains = [100 * (one[name]["exact"] - one["weak"]["exact"]) for one in found]
        told = f"{statistics.fmean(values):.3f} ({min(values):.3f} to {max(values):.3f})"
        lines.append(f"| {name} | {told} | {statistics.fmean(gains):+.1f} ({min(gains):+.1f} to {max(gains):+.1f}) |")
    return "\n".join(lines)


def prove(out: Path, seeds: int, stages: list[str], scale: float = 1.0) -> list[dict[str, dict[str, float]]]:
    """The figures of every seed; written after each."""
    found = []
    for seed in range(seeds):
        proof = Proof(out / f"seed-{seed}", seed, scale)
        proof.prepare(teacher="distill" in stages)
        for stage in stages:
            proof.dpo() if stage == "dpo" else proof.policy(stage)
        found.append(proof.found)
        (out / "proof.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        (out / "proof.md").write_text(table(found) + "\n", encoding="utf-8")
    return found


def main() -> None:
    """From the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--stages", default=",".join([*STAGES, "dpo"]))
    parser.add_argument("--scale", type=float, default=1.0)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    print(table(prove(asked.out, asked.seeds, asked.stages.split(","), asked.scale)))


if __name__ == "__main__":
    main()
