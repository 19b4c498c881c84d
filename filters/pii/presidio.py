"""presidio-analyzer, imported without torch and transformers.

presidio imports both where they are installed, for recognizers that nothing here uses: 5-13 s and 570-780 MB a process
instead of 2 s and 110 MB (measured, presidio 2.2.366). spaCy models other than transformer pipelines work without them.
"""

from filters.imports import without

with without("torch", "transformers"):
    from presidio_analyzer import (
        AnalyzerEngine,
        EntityRecognizer,
        Pattern,
        PatternRecognizer,
        RecognizerRegistry,
        RecognizerResult,
        pattern_recognizer,
        predefined_recognizers,
    )
    from presidio_analyzer.nlp_engine import NerModelConfiguration, SpacyNlpEngine
    from presidio_analyzer.predefined_recognizers.generic import iban_recognizer

# presidio gives a pattern up after a minute, by the clock; what is found must not depend on how busy a machine is.
pattern_recognizer.REGEX_TIMEOUT_SECONDS = None
iban_recognizer.REGEX_TIMEOUT_SECONDS = None

__all__ = [
    "AnalyzerEngine",
    "EntityRecognizer",
    "NerModelConfiguration",
    "Pattern",
    "PatternRecognizer",
    "RecognizerRegistry",
    "RecognizerResult",
    "SpacyNlpEngine",
    "predefined_recognizers",
]
