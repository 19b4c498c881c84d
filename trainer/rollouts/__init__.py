"""What a policy writes for prompts, and what it is worth: sampling, tools, rewards, and rollouts as data again."""
