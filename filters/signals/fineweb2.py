"""FineWeb-2's stop words, one signal a language: made when it is asked for, because there are 1,929."""

from functools import cache

from gristmill.filters.counters import Counters
from gristmill.filters.data.fineweb2 import Thresholds, thresholds
from gristmill.filters.kernels.text.unicode import UNSPACED_SCRIPTS
from gristmill.filters.signals.declare import SIGNALS, Floats, Signal

PREFIX = "fineweb2_stop_words_"
UNSPACED = {*UNSPACED_SCRIPTS, "Jpan"}


@cache
def stop_word_signal(name: str) -> Signal | None:
    """The signal `fineweb2_stop_words_deu_Latn`; None for another name."""
    found = thresholds(name.removeprefix(PREFIX)) if name.startswith(PREFIX) else None
    if found is None or name != PREFIX + found.code:
        return None
    where = "in the text, letter by letter" if found.script in UNSPACED else "between marks and white space"
    doc = f"Distinct stop words of FineWeb-2 for {found.code} {where}: *{' '.join(found.stop_words)}*."
    languages = frozenset([found.language])
    return Signal(name, "words", "any", doc, lambda counters: _count(counters, found), languages=languages)


def _count(counters: Counters, found: Thresholds) -> Floats:
    if found.script in UNSPACED:
        return counters.different_phrases(tuple(word for word in found.stop_words if any(map(str.isalpha, word))))
    return counters.listed(counters.punct.stream, found.stop_words)[0]


SIGNALS.makers.append(stop_word_signal)
