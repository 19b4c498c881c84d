"""Compiled loops that find where personal data could stand."""
