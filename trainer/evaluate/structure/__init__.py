"""Structured output: what is wanted as an expression, the expression as an automaton over bytes, its mask of tokens."""
