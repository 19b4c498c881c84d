"""The signals of a recipe's language models. Declared with the recipe, and forgotten with it."""

from collections.abc import Callable, Sequence

from gristmill.filters.counters import Counters
from gristmill.filters.language_models.model import LEAST_WORDS, LanguageModel
from gristmill.filters.registry import declaring
from gristmill.filters.signals import SIGNALS, Floats, Signal

ORIGIN = "the recipe's language models"

_DOCS = {
    "perplexity": (
        "score",
        "Perplexity by the language model {name}: 10 to the power of minus the mean log10 of a word's probability, "
        "sentence ends among them. Low: text like the model's own.",
    ),
    "bucket": (
        "score",
        "0 head, 1 middle, 2 tail: where the perplexity by the language model {name} lies among the cutoffs of the "
        "document's language, as CCNet divides (Wenzek et al. 2019).",
    ),
    "worst_line": (
        "score",
        f"The highest perplexity of a line of {LEAST_WORDS} words or more, by the language model {{name}}; where there "
        "is none, of the document.",
    ),
    "tail_lines": (
        "share",
        "Share of words in lines whose perplexity by {name} is above the tail's cutoff.",
    ),
}


def declare(models: Sequence[LanguageModel]) -> None:
    """Declare what these give, and forget what an earlier recipe declared. Raises ValueError for a name that is
    taken."""
    SIGNALS.withdraw(ORIGIN)
    with declaring(ORIGIN):
        for one in models:
            for name, column in one.signals.items():
                unit, doc = _DOCS[name.rpartition(".")[2]]
                doc = doc.format(name=one.name)
                SIGNALS.declare(name, Signal(name, unit, "any", doc, _column(one, column), languages=one.languages))


def _column(one: LanguageModel, column: int) -> Callable[[Counters], Floats]:
    def compute(counters: Counters) -> Floats:
        found: Floats = counters.once(one, lambda: one.values(counters.text, counters.language))[:, column]
        return found

    return compute
