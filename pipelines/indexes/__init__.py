"""Indexes of runs: fingerprints and what was decided, without text; later runs are deduplicated against them."""
