"""Presets: whose numbers, a line a rule."""

from filters.rules import Preset

PRESETS: dict[str, Preset] = {}
"""All shipped presets by name."""
