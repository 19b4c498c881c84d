"""What a policy learns from its own answers: rejection sampling, distillation, GRPO, PPO."""

from tests.benchmarks.proof.settings import GENTLE, POLICIES, ROUNDS, TASKS, Stage
from tests.benchmarks.proof.trained import Trained


def learn_from_own_answers(proof: Trained, stage: str) -> None:
    """One of POLICIES, from `weak`."""
    first = proof.task == next(iter(TASKS))
    how = POLICIES[stage] if first else GENTLE.get(stage, POLICIES[stage])
    options = ["--teacher", str(proof.teacher)] if stage == "distill" else []
    how = Stage(how.steps, (f"rollouts.task={proof.task}", *ROUNDS, *how.settings))
    tuned = proof.train(stage, "talks", stage, how, begin=proof.weak, options=options)
    proof.keep(stage, proof.measure(tuned))
