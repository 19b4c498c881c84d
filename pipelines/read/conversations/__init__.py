"""Records that are conversations, pairs of answers, or prompts: their columns, and a text that rules can judge."""
