"""Base models and fine-tuning: what the other stages begin from, and the teacher."""

from dataclasses import replace
from pathlib import Path

from tests.benchmarks.proof.runs import make_tokenizer, task_talks, write_talks, write_texts
from tests.benchmarks.proof.settings import (
    CHOOSE,
    EVERY,
    LENGTH,
    SHAPE,
    TASKS,
    TEACHER,
    TRAINED_ON,
    TUNING,
    WEAK,
    Stage,
)
from tests.benchmarks.proof.trained import Trained


def tune_weakly(proof: Trained) -> None:
    """Fine-tuning, stopped where answers begin to be right: before that nothing that a policy says is worth more than
    the rest, and after it nothing is left to learn."""
    _prepare(proof)
    tuned = _tune(proof, Stage(TASKS[proof.task], (*TUNING, "optim.decay=0")))
    for checkpoint in sorted(tuned.glob("step-*")):
        if proof.measure(checkpoint, CHOOSE, 1)["exact"] >= WEAK:
            step = float(checkpoint.name.rpartition("-")[2])
            proof.keep("base", proof.measure(proof.at("texts", "base")))
            proof.keep("weak", proof.measure(checkpoint) | {"step": step})
            return
    raise SystemExit(f"{proof.task}: no checkpoint is right in {WEAK:.0%} of its answers: it needs more steps")


def tune_well(proof: Trained) -> None:
    """The teacher: wider, to the end."""
    _prepare(proof)
    tuned = _tune(proof, Stage(TASKS[proof.task] + 80, TUNING), *TEACHER)
    proof.keep("teacher", proof.measure(tuned))


def _prepare(proof: Trained) -> None:
    """Runs of conversations and of texts, the same for every seed."""
    talks, held = task_talks([proof.task], TRAINED_ON, 1500), task_talks([proof.task], CHOOSE, 20)
    texts = [str(turn["content"]) for talk in talks for turn in talk]
    make_tokenizer(proof.fresh("tokens"), texts)
    write_talks(proof.fresh("talks"), proof.tokenizer, {"train": talks, "validation": held}, LENGTH)
    write_texts(proof.fresh("texts"), proof.tokenizer, {"train": texts, "validation": texts[:20]}, LENGTH)


def _tune(proof: Trained, how: Stage, *shape: str) -> Path:
    """A base model that knows the symbols, then conversations; a checkpoint every few steps."""
    base = proof.train("", "texts", "base", Stage(40, (*SHAPE, *TUNING, *shape, f"seed={proof.seed}")))
    how = replace(how, steps=max(EVERY, int(how.steps * proof.scale)))
    return proof.train("sft", "talks", "tuned", how, begin=base, saves=how.steps // EVERY)
