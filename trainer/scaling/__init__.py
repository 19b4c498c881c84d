"""Scaling laws: a ladder of small trainings that predicts a large one."""
