"""Presets: whose numbers, a line a rule. One file a preset; a new one is its file, and its name here."""

from filters.presets.c4_tfds import C4_TFDS
from filters.presets.chinese_gristmill import CHINESE_GRISTMILL
from filters.presets.fineweb_datatrove import FINEWEB_DATATROVE
from filters.presets.gopher_paper import GOPHER_PAPER
from filters.rules import Preset

PRESETS: dict[str, Preset] = {
    preset.name: preset for preset in (GOPHER_PAPER, C4_TFDS, FINEWEB_DATATROVE, CHINESE_GRISTMILL)
}
"""All shipped presets by name, in the order in which they are listed."""
