"""Loops of models that score a text."""
