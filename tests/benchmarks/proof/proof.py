"""`make proof`: from a weak model to aligned ones, stage by stage, by the commands that a user has.

    python -m tests.benchmarks.proof.proof --out DIR [--seeds 0,1,2] [--stages grpo,ppo]     one thread, minutes a stage

Everything is made here: a base model that knows digits, a weakly tuned one (`weak`), a well tuned and wider one
(`teacher`). Each stage begins from `weak`; what is told is sampled exact match on the examples of another seed, in both
languages, the same 200 for all. DIR/seed-N/found.json holds every figure of a seed, DIR/proof.md the tables. A stage
that stands in found.json is not run again: what was interrupted goes on.
"""

import argparse
import random
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path

import torch

from gristmill.tokenizer.encode import Encoder
from tests.benchmarks.proof.ghost import ghost_attention
from tests.benchmarks.proof.judged import OVER, learn_from_pairs, over_optimise
from tests.benchmarks.proof.runs import make_tokenizer, task_talks, write_talks, write_texts
from tests.benchmarks.proof.tables import tables
from tests.benchmarks.proof.trained import ANSWER, SHAPE, TELL, TUNING, Trained

TASK, TASKS, LENGTH = "sort/4", "reverse/3,add/1,copy/3", 64
TRAINED_ON = 5
"""Seed of the examples of the tuning."""
ROUNDS = (f"rollouts.tokens={ANSWER}", "data.tokens_per_batch=16384", "loop.report_every=10")
POLICIES: dict[str, tuple[int, tuple[str, ...]]] = {
    "reject": (60, ("optim.lr=0.001",)),
    "distill": (60, ("optim.lr=0.001",)),
    "grpo": (120, ("optim.lr=0.0006",)),
    "ppo": (100, ("optim.lr=0.0006", "optim.critic_lr=0.003", "rollouts.prompts=128")),
}
"""Optimiser steps and settings of each."""


class Proof(Trained):
    """The stages of one seed."""

    @property
    def teacher(self) -> Path:
        """Well tuned and wider; one for all seeds."""
        return self.folder.parent / "teacher" / "talks" / "train" / "teacher"

    @cached_property
    def encoder(self) -> Encoder:
        """Of the tokenizer of the sorting task."""
        return Encoder(self.tokenizer)

    @property
    def tokenizer(self) -> Path:
        """Its folder."""
        return self.folder / "tokens" / "tokenizer"

    def prepare(self) -> None:
        """Runs of conversations and of texts, the same for every seed."""
        talks = task_talks([TASK], TRAINED_ON, 1500)
        texts = [str(turn["content"]) for talk in talks for turn in talk]
        rng = random.Random(0)
        lists = [" ".join(str(rng.randrange(10)) for _ in range(12)) for _ in range(600)]
        tokenizer = make_tokenizer(self.fresh("tokens"), texts + lists)
        splits = {"train": talks, "validation": task_talks([TASK], TRAINED_ON + 1, 20)}
        write_talks(self.fresh("talks"), tokenizer, splits, LENGTH)
        write_texts(self.fresh("texts"), tokenizer, {"train": lists, "validation": lists[:20]}, LENGTH)

    def tune(self, name: str, steps: int, *shape: str) -> None:
        """`weak` or `teacher`: a base model that knows digits, then conversations."""
        self.prepare()
        self.train("", "texts", "base", 40, (*SHAPE, *TUNING, *shape, f"seed={self.seed}"))
        tuned = self.train("sft", "talks", name, steps, TUNING, begin=self.at("texts", "base"))
        self.keep(name, self.measure(self.encoder, tuned, TASK))

    def policy(self, stage: str) -> None:
        """One of POLICIES."""
        steps, settings = POLICIES[stage]
        options = ["--teacher", str(self.teacher)] if stage == "distill" else []
        settings = (f"rollouts.task={TASK}", *ROUNDS, *settings)
        tuned = self.train(stage, "talks", stage, steps, settings, begin=self.at("talks", "weak"), options=options)
        self.keep(stage, self.measure(self.encoder, tuned, TASK))

    def pairs(self) -> None:
        """DPO and reward models."""
        learn_from_pairs(self, self.encoder, self.tokenizer, TASK, LENGTH, self.teacher)

    def over(self) -> None:
        """A policy against a reward model."""
        over_optimise(self, self.encoder, TASK)

    def ghost(self) -> None:
        """An instruction over four turns."""
        ghost_attention(self)

    def tasks(self) -> None:
        """One model learns the form of the other tasks together, and GRPO to do them."""
        names = TASKS.split(",")
        talks = task_talks(names, TRAINED_ON, 1000)
        texts = [str(turn["content"]) for talk in talks for turn in talk]
        tokenizer = make_tokenizer(self.fresh("tasks-tokens"), texts)
        splits = {"train": talks, "validation": task_talks(names, TRAINED_ON + 1, 20)}
        write_talks(self.fresh("tasks"), tokenizer, splits, LENGTH)
        write_texts(self.fresh("tasks-texts"), tokenizer, {"train": texts, "validation": texts[:20]}, LENGTH)
        self.train("", "tasks-texts", "base", 60, (*SHAPE, *TUNING, f"seed={self.seed}"))
        sft = self.train("sft", "tasks", "weak", 200, TUNING, begin=self.at("tasks-texts", "base"))
        settings = (f"rollouts.task={TASKS}", *ROUNDS, "optim.lr=0.0002", "rollouts.prompts=24")  # 6e-4: addition falls
        grpo = self.train("grpo", "tasks", "grpo", POLICIES["grpo"][0], settings, begin=self.at("tasks", "weak"))
        for task in names:
            for name, training in (("base", self.at("tasks-texts", "base")), ("sft", sft), ("grpo", grpo)):
                self.keep(f"{task} {name}", self.measure(Encoder(tokenizer), training, task))


ORDER = ("weak", "pairs", "over", "ghost", *POLICIES, "tasks")


def stages(proof: Proof) -> dict[str, tuple[str, Callable[[], None]]]:
    """Name -> the last figure that it gives, and how it is run."""
    stages = {"weak": ("weak", lambda: proof.tune("weak", 100)), "pairs": ("reward-few", proof.pairs),
              "over": (f"over-{OVER}", proof.over), "ghost": ("ghost-again", proof.ghost)}  # fmt: skip
    for name in POLICIES:
        stages[name] = (name, partial(proof.policy, name))
    return stages | {"tasks": (f"{TASKS.split(',')[-1]} grpo", proof.tasks)}


def main() -> None:
    """From the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--stages", default=",".join(ORDER), help="with commas; weak comes before what begins from it")
    parser.add_argument("--scale", type=float, default=1.0, help="of all numbers of steps")
    parser.add_argument("--examples", type=int, default=TELL, help="seed of the examples that are told")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    wanted = asked.stages.split(",")
    make = partial(Proof, scale=asked.scale, examples=asked.examples)
    teacher = make(asked.out / "teacher", 0)
    if "weak" in wanted and not teacher.found:
        teacher.tune("teacher", 220, "model.width=96", "model.layers=3")
    seeds = [make(asked.out / f"seed-{seed}", seed) for seed in map(int, asked.seeds.split(","))]
    for name in wanted:
        for proof in seeds:
            last, run = stages(proof)[name]
            if last not in proof.read():
                run()
    text = tables(asked.out)
    (asked.out / "proof.md").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
