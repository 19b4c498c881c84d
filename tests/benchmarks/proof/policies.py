"""What a policy learns from its own answers: rejection sampling, distillation, GRPO, PPO."""

from tests.benchmarks.proof.settings import GENTLE, POLICIES, ROUNDS, TASKS, Stage
from tests.benchmarks.proof.trained import Trained


def learn_from_own_answers(proof: Trained, stage: str) -> None:
    """One of POLICIES, from `weak`."""
    how = POLICIES[stage]
    options = ["--teacher", str(proof.teacher)] if stage == "distill" else []
    other = () if proof.task == next(iter(TASKS)) else GENTLE.get(stage, ())
    how = Stage(how.steps, (f"rollouts.task={proof.task}", *ROUNDS, *how.settings, *other))
    tuned = proof.train(stage, "talks", stage, how, begin=proof.weak, options=options)
    proof.keep(stage, proof.measure(tuned))
