"""Data files that ship with the pipelines."""
