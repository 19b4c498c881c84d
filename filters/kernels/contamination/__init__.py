"""Loops over words of evaluation items and documents: folding, seeds, alignment."""
