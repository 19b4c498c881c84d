"""CCNet's division by perplexity, for any language model of a recipe: ccnet@wiki judges by the model `wiki`."""

from gristmill.filters.language_models.signals import ORIGIN
from gristmill.filters.rules import Preset, Rule
from gristmill.filters.signals import SIGNALS

NAME = "ccnet@"
_PAPER = "0 head, 1 middle, 2 tail: Wenzek et al. 2019, section 3.3; that the tail goes is ours"


def ccnet(name: str) -> Preset | None:
    """The preset of this name; None where the recipe has no such language model with cutoffs."""
    model = name.removeprefix(NAME)
    if not name.startswith(NAME) or f"{model}.bucket" not in SIGNALS.of(ORIGIN):
        return None
    source = (
        f"CCNet (Wenzek et al. 2019, arXiv 1911.00359): without the tail by the recipe's language model {model}, whose "
        f"cutoffs are the recipe's; `change: {{{name}/bucket: 0}}` keeps the head alone"
    )
    return Preset(
        name, source, (Rule("bucket", f"{model}.bucket", "<=", 1, _PAPER),), measures=(f"{model}.perplexity",)
    )
