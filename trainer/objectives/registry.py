"""The objectives by name. A new one is a file of its own and a word here."""

from collections.abc import Callable

from trainer.objectives.causal import CausalLM
from trainer.objectives.masked import MaskedLM
from trainer.objectives.prefix import PrefixLM
from trainer.objectives.protocol import Objective
from trainer.objectives.spans import SpanCorruption

OBJECTIVES: dict[str, Callable[[int], Objective]] = {
    kind.name: kind for kind in (CausalLM, PrefixLM, MaskedLM, SpanCorruption)
}
"""Each is made with the vocabulary."""
