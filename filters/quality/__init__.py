"""Classifiers: fastText models that give documents the probability of a label, as signals."""
