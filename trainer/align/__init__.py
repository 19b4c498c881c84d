"""From rollouts to what a policy learns from: prompts, rounds of rollouts, advantages."""
