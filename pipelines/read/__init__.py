"""Readers: planned pieces of input -> batches of documents, and dead letters for what cannot be read."""
