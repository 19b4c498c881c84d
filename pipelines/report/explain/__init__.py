"""Explain: what a run decided about one record, from its input to its text, and what would have kept it."""
