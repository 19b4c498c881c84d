"""The objectives by name. A new one is a file of its own and a word here."""

from collections.abc import Callable
from typing import Any

from gristmill.trainer.objectives.corpus.causal import CausalLM
from gristmill.trainer.objectives.corpus.masked import MaskedLM
from gristmill.trainer.objectives.corpus.prefix import PrefixLM
from gristmill.trainer.objectives.corpus.sft import SupervisedFinetuning
from gristmill.trainer.objectives.corpus.spans import SpanCorruption
from gristmill.trainer.objectives.pairs.preference import Preference
from gristmill.trainer.objectives.pairs.reward import RewardModel
from gristmill.trainer.objectives.protocol import Objective

OBJECTIVES: dict[str, Callable[[int], Objective]] = {
    kind.name: kind for kind in (CausalLM, PrefixLM, MaskedLM, SpanCorruption, SupervisedFinetuning)
}
"""Each is made with the vocabulary."""

OF_PAIRS: dict[str, Callable[[int, Any], Objective]] = {"reward": RewardModel, "dpo": Preference}
"""Each is made with the vocabulary and its options: the section of the configuration that has its name."""
