"""presidio-analyzer's recognizers, imported without spaCy, torch, and the 190 recognizers that nobody asked for.

As it is, presidio imports all it has, compiles the patterns of all its recognizers, loads spaCy for the annotations of
two methods, and torch and transformers where they are installed: 2 s of CPU and 110 MB, or up to 13 s and 780 MB
(presidio 2.2.366), instead of a tenth of a second. The engine with its models is in `models`, which loads spaCy.
"""

from types import ModuleType

from gristmill.filters.imports import Later, names_on_demand, standing_in, without


def _spacy() -> list[ModuleType]:
    """Modules that `from spacy.tokens import Doc, Span` is satisfied with: presidio only annotates with these."""
    package, tokens = ModuleType("spacy"), ModuleType("spacy.tokens")
    tokens.__dict__.update({name: type(name, (), {}) for name in ("Doc", "Span")})
    return [package, tokens]


names_on_demand("presidio_analyzer")
with without("torch", "transformers"), standing_in(*_spacy(), Later("tldextract")):
    from presidio_analyzer import (
        EntityRecognizer,
        Pattern,
        PatternRecognizer,
        RecognizerResult,
        pattern_recognizer,
        predefined_recognizers,
    )
    from presidio_analyzer.nlp_engine import NlpArtifacts  # noqa: F401 - recognizers that are loaded later ask for it
    from presidio_analyzer.predefined_recognizers.generic import email_recognizer, iban_recognizer  # noqa: F401

# presidio gives a pattern up after a minute, by the clock; what is found must not depend on how busy a machine is.
pattern_recognizer.REGEX_TIMEOUT_SECONDS = None
iban_recognizer.REGEX_TIMEOUT_SECONDS = None

__all__ = [
    "EntityRecognizer",
    "Pattern",
    "PatternRecognizer",
    "RecognizerResult",
    "predefined_recognizers",
]
