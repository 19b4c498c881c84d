"""`make proof`: from a weak model to aligned ones, stage by stage, by the commands that a user has.

    python -m tests.benchmarks.proof.proof --out DIR [--seeds 0,1,2] [--tasks sort/4] [--stages grpo,ppo]     one thread

Everything is made here: of each task a base model that knows its symbols, a weakly tuned one (`weak`), a well tuned and
wider one (`teacher`). Each stage begins from `weak`; what is told is sampled exact match on the examples of another
seed, in both languages, the same for all. DIR/TASK/seed-N/found.json holds every figure of a seed, DIR/proof.md the
tables. A stage that stands in found.json is not run again: what was interrupted goes on.
"""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from tests.benchmarks.proof.ghost import ghost_attention
from tests.benchmarks.proof.over import over_optimise
from tests.benchmarks.proof.pairs import judge, prefer
from tests.benchmarks.proof.policies import learn_from_own_answers
from tests.benchmarks.proof.settings import DPO, OVER, POLICIES, TASKS, TELL
from tests.benchmarks.proof.tables import tables
from tests.benchmarks.proof.trained import Trained
from tests.benchmarks.proof.tuned import tune_weakly, tune_well

Run = Callable[[Trained], None]
OF_ALL: dict[str, tuple[str, Run]] = {"weak": ("weak", tune_weakly), "dpo": (list(DPO)[-1], prefer)} | {
    name: (name, partial(learn_from_own_answers, stage=name)) for name in POLICIES
}
OF_FIRST: dict[str, tuple[str, Run]] = {
    "reward": ("reward", judge),
    "over": (f"over-{OVER.steps}", over_optimise),
    "ghost": ("ghost-again", ghost_attention),
}
"""Stage -> the last figure that it gives, and how it is run: for every task, and for the first alone."""


def main() -> None:
    """From the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--stages", default=",".join(OF_ALL | OF_FIRST), help="weak comes before what begins from it")
    parser.add_argument("--scale", type=float, default=1.0, help="of all numbers of steps")
    parser.add_argument("--examples", type=int, default=TELL, help="seed of the examples that are told")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    for task in asked.tasks.split(","):
        folder = asked.out / task.replace("/", "-")
        make = partial(Trained, task=task, scale=asked.scale, examples=asked.examples)
        seeds = [make(folder / f"seed-{seed}", seed=seed) for seed in map(int, asked.seeds.split(","))]
        known = OF_ALL | (OF_FIRST if task == next(iter(TASKS)) else {})
        stages = [known[name] for name in asked.stages.split(",") if name in known]
        teacher = make(folder / "teacher", seed=0)
        if known["distill"] in stages and "teacher" not in teacher.read():
            tune_well(teacher)
        for last, run in stages:
            for proof in seeds:
                if last not in proof.read():
                    run(proof)
    text = tables(asked.out)
    (asked.out / "proof.md").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
