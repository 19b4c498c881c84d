"""The objectives by name. A new one is a file of its own and a word here."""

from collections.abc import Callable

from gristmill.trainer.objectives.causal import CausalLM
from gristmill.trainer.objectives.masked import MaskedLM
from gristmill.trainer.objectives.prefix import PrefixLM
from gristmill.trainer.objectives.protocol import Objective
from gristmill.trainer.objectives.spans import SpanCorruption

OBJECTIVES: dict[str, Callable[[int], Objective]] = {
    kind.name: kind for kind in (CausalLM, PrefixLM, MaskedLM, SpanCorruption)
}
"""Each is made with the vocabulary."""
