"""Conversations as ids: one renderer for training, generation and export."""
