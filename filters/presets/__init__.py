"""Presets: whose numbers, a line a rule. One file a preset; a new one is its file, and its name here."""

import re

from gristmill.filters.presets.any_gristmill import ANY_GRISTMILL
from gristmill.filters.presets.c4_datatrove import C4_DATATROVE
from gristmill.filters.presets.c4_fineweb import C4_FINEWEB
from gristmill.filters.presets.c4_paper import C4_PAPER
from gristmill.filters.presets.c4_tfds import C4_TFDS
from gristmill.filters.presets.ccnet import ccnet
from gristmill.filters.presets.chinese_gristmill import CHINESE_GRISTMILL
from gristmill.filters.presets.datajuicer_zh import DATAJUICER_ZH
from gristmill.filters.presets.english_gristmill import ENGLISH_GRISTMILL
from gristmill.filters.presets.fineweb2 import fineweb2
from gristmill.filters.presets.fineweb_datatrove import FINEWEB_DATATROVE
from gristmill.filters.presets.gopher_datatrove import GOPHER_DATATROVE
from gristmill.filters.presets.gopher_dolma import GOPHER_DOLMA
from gristmill.filters.presets.gopher_paper import GOPHER_PAPER
from gristmill.filters.presets.lines_gristmill import LINES_GRISTMILL, some_lines
from gristmill.filters.presets.mapneo_zh import MAPNEO_ZH
from gristmill.filters.presets.mc4_paper import MC4_PAPER
from gristmill.filters.presets.multilingual_gristmill import MULTILINGUAL_GRISTMILL
from gristmill.filters.presets.redpajama2 import REDPAJAMA2
from gristmill.filters.presets.refinedweb_dclm import REFINEDWEB_DCLM
from gristmill.filters.registry import Registry
from gristmill.filters.rules import Preset

PRESETS: Registry[Preset] = Registry("preset")
"""All presets by name, in the order in which they are listed."""


def preset(made: Preset) -> Preset:
    """Declare a preset. Raises ValueError for a name that is taken, or that does not say whose numbers they are."""
    if not isinstance(made, Preset):
        raise TypeError(f"a gristmill.Preset(name, source, rules) is expected, and this is a {type(made).__name__}")
    if not (made.rules or made.editor or made.measures):
        raise ValueError(f"the preset '{made.name}' has no rules")
    if not re.fullmatch(r"[\w.-]+@[\w.-]+", made.name):
        raise ValueError(f"the preset '{made.name}' does not say whose numbers it holds: name it like mine@{made.name}")
    return PRESETS.declare(made.name, made)


PRESETS.makers += [fineweb2, ccnet, some_lines]
for _preset in (
    GOPHER_PAPER,
    GOPHER_DATATROVE,
    GOPHER_DOLMA,
    C4_TFDS,
    C4_PAPER,
    C4_DATATROVE,
    C4_FINEWEB,
    MC4_PAPER,
    FINEWEB_DATATROVE,
    REFINEDWEB_DCLM,
    LINES_GRISTMILL,
    REDPAJAMA2,
    MAPNEO_ZH,
    DATAJUICER_ZH,
    ENGLISH_GRISTMILL,
    CHINESE_GRISTMILL,
    ANY_GRISTMILL,
    MULTILINGUAL_GRISTMILL,
):
    preset(_preset)
PRESETS.complete()
