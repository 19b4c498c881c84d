"""The signals that a recipe adds: probabilities of its classifiers, and draws by them. Declared with the recipe, and
forgotten with it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import xxhash

from gristmill.filters.counters import Counters
from gristmill.filters.quality.classifier import Classifier
from gristmill.filters.quality.network import Network
from gristmill.filters.registry import declaring
from gristmill.filters.signals import SIGNALS, Floats, Signal

ORIGIN = "the recipe's classifiers"


@dataclass(frozen=True, slots=True)
class Draw:
    """GPT-3's draw: keep a document when X > 1 - score, X of a Pareto (Lomax) distribution with shape alpha.

    Brown et al. 2020, appendix A: `np.random.pareto(alpha) > 1 - document_score`, alpha = 9. A document of score s is
    kept with probability (2 - s) ** -alpha: all at 1, 2.6 % at 0.5, 0.2 % at 0.
    """

    signal: str
    alpha: float
    seed: int = 0

    @property
    def name(self) -> str:
        """Of the signal that is at least 0 where the document is kept."""
        return f"{self.signal}_pareto{self.alpha:g}"

    def values(self, doc_id: pa.Array) -> Floats:
        """X of each document, float64 from 0 on: by the hash of its doc_id, the same in every run with this seed."""
        seed = xxhash.xxh3_64_intdigest(self.signal.encode(), self.seed % 2**64)
        hashes = [xxhash.xxh3_64_intdigest(one.encode(), seed) for one in doc_id.to_pylist()]
        uniform_D = (np.array(hashes, np.uint64) >> np.uint64(11)) * 2.0**-53
        return (1.0 - uniform_D) ** (-1.0 / self.alpha) - 1.0


def declare(classifiers: Sequence[Classifier], draws: Sequence[Draw]) -> None:
    """Declare what these give, and forget what an earlier recipe declared.

    A draw on an unknown signal is left out: whoever checks the recipe says so. Raises ValueError for a name that
    is taken.
    """
    SIGNALS.withdraw(ORIGIN)
    with declaring(ORIGIN):
        for classifier in classifiers:
            for column, (name, label) in enumerate(classifier.signals):
                SIGNALS.declare(name, _probability(classifier, column, name, label))
        for name, draw in {draw.name: draw for draw in draws}.items():
            if draw.signal in SIGNALS and SIGNALS[draw.signal].compute is not None:
                SIGNALS.declare(name, _drawn(draw, SIGNALS[draw.signal]))


def _probability(classifier: Classifier, column: int, name: str, label: str) -> Signal:
    def compute(counters: Counters) -> Floats:
        value_DS = counters.once(classifier, lambda: classifier.values(counters.text, counters.language))
        return value_DS[:, column]

    is_share = all(not isinstance(model, Network) or model.is_share for _, model in classifier.models)
    doc = f"{'Probability of' if is_share else 'Number for'} the label {label}, by the classifier {classifier.name}."
    return Signal(name, "share" if is_share else "score", "any", doc, compute, languages=classifier.languages)


def _drawn(draw: Draw, base: Signal) -> Signal:
    assert base.compute is not None
    score = base.compute

    def compute(counters: Counters) -> Floats:
        if counters.doc_id is None:
            raise ValueError(f"the signal {draw.name} is drawn by doc_id, and there is none")
        return score(counters) + draw.values(counters.doc_id) - 1.0

    doc = (
        f"`{draw.signal}` + X - 1, X drawn for each document from a Pareto distribution of shape {draw.alpha:g}. "
        "At least 0 keeps, as GPT-3 did (Brown et al. 2020, appendix A)."
    )
    return Signal(draw.name, "score", base.scripts, doc, compute, languages=base.languages)
